"""Metric `sharpness`: blur improves nearly every other score, so it has a floor of its own. Noise raises it, so it has a ceiling too."""

import cv2
import numpy as np

from koma.core.metrics import METRICS
from koma.measures.meter import Facts, Frame, Reading
from koma.measures.pairs import rounded

SPEC = METRICS["sharpness"]
KERNEL = 3  # px


class Meter:
    """Keeps one variance per frame."""

    def __init__(self) -> None:
        self._values: list[float] = []

    def add(self, frame: Frame) -> None:
        """Measure the next frame."""
        if min(frame.medium_luma.shape) >= KERNEL:
            laplacian = cv2.Laplacian(frame.medium_luma, cv2.CV_32F, ksize=1)
            self._values.append(float(cv2.meanStdDev(laplacian[1:-1, 1:-1])[1][0, 0]) ** 2)

    def finish(self, facts: Facts) -> Reading:
        """Return the median over frames, with every frame's value."""
        if not self._values:
            return Reading(None, f"{facts.width} x {facts.height} px is too small: expected at least {KERNEL} x {KERNEL} after reduction")
        return Reading(float(np.median(self._values)), details={"per_frame": rounded(self._values)})
