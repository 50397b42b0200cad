"""Metric `sharpness`: blur improves nearly every other score, so it has a floor of its own. Noise raises it, so it has a ceiling too."""

import cv2
import numpy as np

from koma.core.metrics import METRICS
from koma.measures.meter import Frame
from koma.measures.middle import MiddleMeter
from koma.measures.views import Luma

SPEC = METRICS["sharpness"]


class Meter(MiddleMeter):
    """Keeps one variance per frame."""

    smallest = 3

    def of(self, frame: Frame) -> float:
        """Return the variance of the Laplacian."""
        return float(cv2.meanStdDev(laplacian(frame.medium_luma))[1][0, 0]) ** 2


def laplacian(values: Luma) -> Luma:
    """4-neighbour Laplacian of the inner pixels; at least 3 x 3 are needed."""
    return np.asarray(cv2.Laplacian(values, cv2.CV_32F, ksize=1)[1:-1, 1:-1], np.float32)
