"""Metric `face-similarity`: whether the faces of a picture are those of its characters."""

from collections.abc import Mapping, Sequence

import numpy as np

from koma.core.against import Subject
from koma.core.metrics import METRICS
from koma.measures.learned.assignment import assign
from koma.measures.learned.faces import Face, FaceMeter, Recogniser, largest, mean_embedding
from koma.measures.learned.runtime import Floats
from koma.measures.learned.subjects import Known, by_subject, known, reading
from koma.measures.meter import Facts, Reading
from koma.measures.setting import Setting
from koma.pixels.picture import Pixels

SPEC = METRICS["face-similarity"]
NO_FACE = "no face was found"


class Meter(FaceMeter):
    """Compares the faces of every sampled frame with the references of each character."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self._recogniser = Recogniser(setting.models, setting.device)

    def finish(self, facts: Facts) -> Mapping[str, Reading]:  # noqa: ARG002  the sample knows its frames
        """Return, by character, the median over the frames in which a face was matched to it."""
        subjects = {subject.id: self._known(subject) for subject in self.setting.against.subjects}
        usable = {name: mean_embedding(about.vectors) for name, about in subjects.items() if about.vectors}
        frames = self.scan.frames() if usable else {}
        pairs = {number: self._matched(rgb, faces, list(usable.values())) for number, (rgb, faces) in frames.items()}
        values = by_subject(list(usable), pairs)
        details = {"without_face": [number for number, (_, faces) in frames.items() if not faces]}
        nothing = _nothing(len(frames), len(details["without_face"]))
        record = self.record(self._recogniser.network)
        return {name: reading(values.get(name, {}), about, nothing, details, record) for name, about in subjects.items()}

    def _known(self, subject: Subject) -> Known:
        networks = (self.scan.detector.network, self._recogniser.network)
        by = " ".join(part for network in networks for part in (network.digest, network.provider))
        return known(self.setting, subject, by, self._of_reference)

    def _of_reference(self, rgb: Pixels) -> Floats | str:
        faces = self.scan.detector.faces(rgb)
        return self._recogniser.embedding(rgb, largest(faces)) if faces else NO_FACE

    def _matched(self, rgb: Pixels, faces: Sequence[Face], references: Sequence[Floats]) -> dict[int, float]:
        """Cosine by place of the character, of the face that was matched to it."""
        if not faces:
            return {}
        scores = np.stack([self._recogniser.embedding(rgb, face) for face in faces]) @ np.stack(references).T
        return {place: float(np.clip(scores[row, place], -1.0, 1.0)) for place, row in assign(scores).items()}


def _nothing(frames: int, without: int) -> str:
    where = f" in {frames} sampled frames" if frames > 1 else ""
    return NO_FACE + where if frames == without else f"no face was left for this character{where}: those that were found fit others better"


make = Meter
