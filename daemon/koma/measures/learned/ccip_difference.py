"""Metric `ccip-difference`: whether drawn characters are themselves."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from statistics import median

import numpy as np

from koma.core.metrics import METRICS
from koma.measures.learned.assignment import assign
from koma.measures.learned.ccip import Ccip
from koma.measures.learned.runtime import Floats
from koma.measures.learned.sampling import sample_of
from koma.measures.learned.subjects import Known, by_subject, known, reading
from koma.measures.meter import Facts, Frame, Reading
from koma.measures.setting import Setting
from koma.pixels.picture import Pixels

SPEC = METRICS["ccip-difference"]


class Meter:
    """Compares every sampled frame, or its columns where there are several characters, with the references of each."""

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._sample = sample_of(setting)
        self._ccip = Ccip(setting.models, setting.device)

    def add(self, frame: Frame) -> None:
        """Offer the next frame to the sample."""
        self._sample.add(frame)

    def finish(self, facts: Facts) -> Mapping[str, Reading]:  # noqa: ARG002  the sample knows its frames
        """Return, by character, the median over the sampled frames of the median difference to its references."""
        against = self._setting.against.subjects
        subjects = {subject.id: known(self._setting, subject, self._ccip.by, self._ccip.vector) for subject in against}
        usable = {name: about for name, about in subjects.items() if about.vectors}
        frames = self._sample.frames() if usable else {}
        pairs = {number: self._matched(columns(rgb, len(against)), list(usable.values())) for number, rgb in frames.items()}
        values = by_subject(list(usable), pairs)
        return {name: reading(values.get(name, {}), about, "", {}, self._ccip.record) for name, about in subjects.items()}

    def _matched(self, regions: Sequence[Pixels], characters: Sequence[Known]) -> dict[int, float]:
        """Median difference by place of the character, of the region that was matched to it."""
        shown = [self._ccip.vector(region) for region in regions]
        scores = np.stack([self._to_references(shown, one.vectors) for one in characters], axis=1)
        return {place: float(scores[row, place]) for place, row in assign(-scores).items()}

    def _to_references(self, shown: Sequence[Floats], references: Sequence[Floats]) -> Floats:
        return np.array([median(row) for row in self._ccip.differences(shown, references).tolist()], np.float32)


def columns(rgb: Pixels, count: int) -> list[Pixels]:
    """Split a picture into columns of the same width, of 1 px at least."""
    width = rgb.shape[1]
    edges = [round(width * number / count) for number in range(count + 1)]
    return [rgb[:, min(left, width - 1) : max(right, min(left, width - 1) + 1)] for left, right in pairwise(edges)]


make = Meter
