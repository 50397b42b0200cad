"""Metric `flicker`: brightness that goes up and down from frame to frame. A fade goes one way and does not count."""

import numpy as np

from koma.core.metrics import METRICS
from koma.measures.meter import Facts, Frame, Reading
from koma.measures.pairs import rounded

SPEC = METRICS["flicker"]
FRAMES = 3  # a second difference takes so many


class Meter:
    """Keeps the mean luma of every frame."""

    def __init__(self) -> None:
        self._lumas: list[float] = []

    def add(self, frame: Frame) -> None:
        """Measure the next frame."""
        self._lumas.append(float(frame.small_luma.mean()))

    def finish(self, facts: Facts) -> Reading:
        """Return the upper quartile of second differences, with each of them."""
        if facts.frames < FRAMES:
            return Reading(None, f"{facts.frames} frames are too few: expected at least {FRAMES}")
        swings = np.abs(np.diff(self._lumas, n=2))
        return Reading(float(np.quantile(swings, 0.75)), details={"per_frame": rounded(swings)})
