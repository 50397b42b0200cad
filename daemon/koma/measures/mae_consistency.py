"""Metric `mae-consistency`: a common measure of temporal coherence that hardly any fault lowers. Shown, and best not relied upon."""

import numpy as np

from koma.core.metrics import METRICS
from koma.measures.meter import Frame, Reading
from koma.measures.pairs import PairMeter, rounded

SPEC = METRICS["mae-consistency"]


class Meter(PairMeter):
    """Keeps how alike neighbours are."""

    def of(self, frame: Frame) -> float:
        """Return 1 for the same picture, 0 for black beside white."""
        return 1 - (frame.change or 0.0) / 255

    def reading(self) -> Reading:
        """Return the mean over pairs."""
        return Reading(float(np.mean(self.values)), details={"per_frame": rounded(self.values)})
