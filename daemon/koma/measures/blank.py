"""Metric `blank`: failed sampling often comes back as a valid file of one colour."""

import cv2

from koma.core.metrics import METRICS
from koma.measures.meter import Frame, ShareMeter

SPEC = METRICS["blank"]
DEVIATION = 2.0  # of 255


class Meter(ShareMeter):
    """Counts frames in which no channel varies."""

    def has(self, frame: Frame) -> bool:
        """Whether R, G and B each are nearly constant."""
        return float(cv2.meanStdDev(frame.small)[1].max()) < DEVIATION
