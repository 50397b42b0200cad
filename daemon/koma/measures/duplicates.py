"""Metric `duplicates`: how often a drawing is shown again. Animation on twos does it by rule, so it is told apart from standing still."""

import numpy as np

from koma.core.metrics import METRICS
from koma.measures.meter import Frame, Reading
from koma.measures.pairs import PairMeter, later_frames

SPEC = METRICS["duplicates"]


class Meter(PairMeter):
    """Counts frames that bring no new drawing."""

    def of(self, frame: Frame) -> float:
        """Return 1 for a frame that repeats, else 0."""
        return float(frame.repeats)

    def reading(self) -> Reading:
        """Return the share of pairs, with the numbers (from 0) of the later frame of each."""
        return Reading(float(np.mean(self.values)), details={"frames": later_frames(self.values)})
