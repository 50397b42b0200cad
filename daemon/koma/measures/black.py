"""Metric `black`: not-a-number in a sampler becomes a valid black picture, and the backend reports success."""

from koma.core.metrics import METRICS
from koma.measures.meter import Frame, ShareMeter

SPEC = METRICS["black"]
MEAN = 8.0  # of 255
PEAK = 32.0  # of 255; a night scene has a window or an eye that is brighter


class Meter(ShareMeter):
    """Counts frames that are dark everywhere."""

    def has(self, frame: Frame) -> bool:
        """Whether luma is low on average and nowhere high."""
        return bool(frame.small_luma.mean() < MEAN and frame.small_luma.max() < PEAK)
