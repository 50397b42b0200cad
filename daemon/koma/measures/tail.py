"""Metric `tail`: a clip that came out too short is often filled up with copies of its last frame."""

import numpy as np

from koma.core.metrics import METRICS
from koma.measures.meter import Frame, Reading
from koma.measures.pairs import PairMeter

SPEC = METRICS["tail"]


class Meter(PairMeter):
    """Counts for how many frames each drawing stands."""

    def of(self, frame: Frame) -> float:
        """Return 1 for a frame that repeats, else 0."""
        return float(frame.repeats)

    def reading(self) -> Reading:
        """Return the share of the clip by which the last drawing stands longer than drawings do, with the frames of its run."""
        frames = len(self.values) + 1
        starts = [0, *(number for number, repeats in enumerate(self.values, start=1) if not repeats)]
        runs = np.diff([*starts, frames])
        usual = float(np.median(runs[:-1])) if len(runs) > 1 else 1.0
        return Reading(max(0.0, float(runs[-1]) - usual) / frames, details={"frames": list(range(starts[-1] + 1, frames)), "usual": usual})
