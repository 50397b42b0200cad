"""Metric `noise`: grain raises sharpness, hides faults from other metrics, and is no drawing."""

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from koma.core.metrics import METRICS
from koma.measures.meter import Facts, Frame, Reading
from koma.measures.pairs import rounded
from koma.measures.views import Grey

SPEC = METRICS["noise"]
KERNEL = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.int16)  # says nothing on edges and slopes; 36 is the sum of its squares
MEDIAN = 0.6745  # of the absolute value of a Gaussian with deviation 1


class Meter:
    """Keeps one deviation per frame."""

    def __init__(self) -> None:
        self._values: list[float] = []

    def add(self, frame: Frame) -> None:
        """Measure the next frame."""
        if min(frame.grey.shape) >= len(KERNEL):
            self._values.append(deviation(frame.grey))

    def finish(self, facts: Facts) -> Reading:
        """Return the median over frames, with every frame's value."""
        if not self._values:
            return Reading(None, f"{facts.width} x {facts.height} px is too small: expected at least {len(KERNEL)} x {len(KERNEL)}")
        return Reading(float(np.median(self._values)), details={"per_frame": rounded(self._values)})


def deviation(picture: Grey) -> float:
    """Deviation of the noise in a picture, in luma, up to 63: the median, so lines and textures on less than half of it do not count."""
    response = cv2.convertScaleAbs(cv2.filter2D(picture, cv2.CV_16S, KERNEL)[1:-1, 1:-1])
    return _median(cv2.calcHist([response], [0], None, [256], [0, 256]).ravel()) / (6 * MEDIAN)


def _median(counts: npt.NDArray[Any]) -> float:
    """Median of whole numbers by how often each occurs, as if those of one number were spread evenly around it; at least 0."""
    total = np.cumsum(counts, dtype=np.float64)
    middle = int(np.searchsorted(total, total[-1] / 2))
    below = total[middle] - counts[middle]
    return max(0.0, middle - 0.5 + float((total[-1] / 2 - below) / counts[middle]))
