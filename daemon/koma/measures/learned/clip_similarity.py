"""Metric `clip-similarity`: whether the picture shows what the references of a character show, as far as CLIP tells."""

from collections.abc import Mapping

import numpy as np

from koma.core.against import Subject
from koma.core.metrics import METRICS
from koma.measures.learned.clip import MODEL, ClipMeter, Seen, cosine
from koma.measures.learned.runtime import Floats, unit
from koma.measures.learned.subjects import known, reading
from koma.measures.meter import Facts, Meter, Reading
from koma.measures.setting import Setting
from koma.pixels.picture import Pixels

SPEC = METRICS["clip-similarity"]


def make(setting: Setting) -> Meter:
    """Load the model, then look. Raises ModelMissingError, ModelBrokenError."""
    return _Similarity(setting)


class _Similarity(ClipMeter):
    def finish(self, facts: Facts) -> Mapping[str, Reading]:
        del facts
        found = self.seen()
        return {subject.id: self._compared(subject, found) for subject in self.setting.against.subjects}

    def _compared(self, subject: Subject, found: Seen) -> Reading:
        references = known(self.setting, subject, self.tower.identity, self._reference)
        if not references.vectors:
            return reading({}, references, "", {}, self.record())
        mean = unit(np.mean(references.vectors, axis=0), f"the references of {subject.id}", MODEL)
        values = [cosine(vector, mean) for vector in found.vectors]
        return reading(dict(zip(found.numbers, values, strict=True)), references, "", {}, self.record())

    def _reference(self, pixels: Pixels) -> Floats:
        return self.tower.see([pixels], "a reference picture")[0]
