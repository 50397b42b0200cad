"""Metric `clip-consistency`: whether a clip goes on showing what it began with. A clip that stands still is perfect here."""

from itertools import pairwise

import numpy as np

from koma.core.metrics import METRICS
from koma.measures.learned.clip import ClipMeter, cosine
from koma.measures.meter import Facts, Meter, Reading
from koma.measures.setting import Setting

SPEC = METRICS["clip-consistency"]


def make(setting: Setting) -> Meter:
    """Load the model, then look. Raises ModelMissingError, ModelBrokenError."""
    return _Consistency(setting)


class _Consistency(ClipMeter):
    def finish(self, facts: Facts) -> Reading:
        if facts.frames < 2:  # noqa: PLR2004  two of them
            return Reading(None, "one frame alone has nothing to be consistent with", record=self.record())
        found = self.seen()
        first, values = found.vectors[0], []
        for before, vector in pairwise(found.vectors):
            values.append((max(0.0, cosine(vector, before)) + max(0.0, cosine(vector, first))) / 2)
        return Reading(float(np.mean(values)), details=found.details(values), record=self.record())
