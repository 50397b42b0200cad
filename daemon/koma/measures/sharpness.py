"""Metric `sharpness`: blur improves nearly every other score, so it has a floor of its own."""

import numpy as np

from koma.core.metrics import METRICS
from koma.measures.meter import Facts, Frame, Luma, Reading

SPEC = METRICS["sharpness"]
KERNEL = 3  # px


class Meter:
    """Keeps one variance per frame."""

    def __init__(self) -> None:
        self._values: list[float] = []

    def add(self, frame: Frame) -> None:
        """Measure the next frame."""
        if min(frame.medium_luma.shape) >= KERNEL:
            self._values.append(float(laplacian(frame.medium_luma).var(dtype=np.float64)))

    def finish(self, facts: Facts) -> Reading:
        """Return the median over frames, with every frame's value."""
        if not self._values:
            return Reading(None, f"{facts.width} x {facts.height} px is too small: expected at least {KERNEL} x {KERNEL} after reduction")
        return Reading(float(np.median(self._values)), details={"per_frame": [round(value, 4) for value in self._values]})


def laplacian(values: Luma) -> Luma:
    """4-neighbour Laplacian of the inner pixels."""
    inner = values[1:-1, 1:-1]
    neighbours = values[:-2, 1:-1] + values[2:, 1:-1] + values[1:-1, :-2] + values[1:-1, 2:]
    return neighbours - np.float32(4) * inner
