"""Metric `noise`: grain raises sharpness, hides faults from other metrics, and is no drawing."""

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from koma.core.metrics import METRICS
from koma.measures.meter import Frame
from koma.measures.middle import MiddleMeter
from koma.measures.views import Grey

SPEC = METRICS["noise"]
KERNEL = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.int16)  # says nothing on edges and slopes; 36 is the sum of its squares
MEDIAN = 0.6745  # of the absolute value of a Gaussian with deviation 1


class Meter(MiddleMeter):
    """Keeps one deviation for every second frame."""

    every, smallest = 2, 3

    def of(self, frame: Frame) -> float:
        """Return the deviation of the noise."""
        return deviation(frame.grey)


def deviation(picture: Grey) -> float:
    """Deviation of the noise in a picture, in luma, up to 63: the median, so lines and textures on less than half of it do not count."""
    response = cv2.convertScaleAbs(cv2.filter2D(picture, cv2.CV_16S, KERNEL)[1:-1:2, 1:-1])
    return _median(cv2.calcHist([response], [0], None, [256], [0, 256]).ravel()) / (6 * MEDIAN)


def _median(counts: npt.NDArray[Any]) -> float:
    """Median of whole numbers by how often each occurs, as if those of one number were spread evenly around it; at least 0."""
    total = np.cumsum(counts, dtype=np.float64)
    middle = int(np.searchsorted(total, total[-1] / 2))
    below = total[middle] - counts[middle]
    return max(0.0, middle - 0.5 + float((total[-1] / 2 - below) / counts[middle]))
