"""Metric `ssim-consistency`: how alike neighbouring frames are in structure. It punishes motion, so it is shown beside what sees faults."""

from typing import NamedTuple

import cv2
import numpy as np

from koma.core.metrics import METRICS
from koma.measures.meter import Frame, Reading
from koma.measures.pairs import PairMeter, rounded
from koma.measures.views import Luma

SPEC = METRICS["ssim-consistency"]
WINDOW, SIGMA = 11, 1.5  # px
STEADY, CONTRAST = (0.01 * 255) ** 2, (0.03 * 255) ** 2


class _Part(NamedTuple):
    """What one picture brings to a comparison."""

    luma: Luma
    mean: Luma
    variance: Luma


class Meter(PairMeter):
    """Keeps one similarity per pair."""

    def __init__(self) -> None:
        super().__init__()
        self._part: _Part | None = None

    def add(self, frame: Frame) -> None:
        """Compare with the frame before."""
        before, self._part = self._part, _part(frame.small_luma)
        if before is not None:
            self.values.append(_similarity(before, self._part))

    def reading(self) -> Reading:
        """Return the mean over pairs."""
        return Reading(float(np.mean(self.values)), details={"per_frame": rounded(self.values)})


def ssim(one: Luma, other: Luma) -> float:
    """Mean structural similarity of two pictures of one size, -1..1; it is the same either way round."""
    return _similarity(_part(one), _part(other))


def _part(luma: Luma) -> _Part:
    mean = _blurred(luma)
    return _Part(luma, mean, _blurred(cv2.multiply(luma, luma)) - cv2.multiply(mean, mean))


def _similarity(one: _Part, other: _Part) -> float:
    product = cv2.multiply(one.mean, other.mean)
    covariance = _blurred(cv2.multiply(one.luma, other.luma)) - product
    squares = cv2.multiply(one.mean, one.mean) + cv2.multiply(other.mean, other.mean)
    above = (2 * product + STEADY) * (2 * covariance + CONTRAST)
    return float((above / ((squares + STEADY) * (one.variance + other.variance + CONTRAST))).mean(dtype=np.float64))


def _blurred(values: object) -> Luma:
    return np.asarray(cv2.GaussianBlur(np.asarray(values, np.float32), (WINDOW, WINDOW), SIGMA), np.float32)
