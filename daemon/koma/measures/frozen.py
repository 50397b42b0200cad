"""Metric `frozen`: a clip that stands still pleases every temporal score, so standing still is counted on its own."""

import numpy as np

from koma.core.metrics import METRICS
from koma.measures.meter import Frame, Reading
from koma.measures.pairs import PairMeter, later_frames, rounded

SPEC = METRICS["frozen"]
DIFFERENCE = 0.25  # of 255; a blink that covers a thousandth of the frame is below, a slow pan far above


class Meter(PairMeter):
    """Counts pairs of neighbours that show the same."""

    def of(self, frame: Frame) -> float:
        """Return how much they differ, of 255."""
        return frame.change or 0.0

    def reading(self) -> Reading:
        """Return the share of pairs, with the numbers (from 0) of the later frame of each."""
        held = np.array(self.values) < DIFFERENCE
        details = {"frames": later_frames(held), "per_frame": rounded(self.values), "unit": "difference of 255", "limit": DIFFERENCE}
        return Reading(float(held.mean()), details=details)
