"""Metric `frozen`: a clip that stands still pleases every temporal score, so standing still is counted on its own."""

import numpy as np

from koma.core.metrics import METRICS
from koma.measures.meter import Facts, Frame, Reading
from koma.pixels.picture import Pixels

SPEC = METRICS["frozen"]
DIFFERENCE = 0.25  # of 255; a blink that covers a thousandth of the frame is below, a slow pan far above


class Meter:
    """Counts pairs of neighbours that show the same."""

    def __init__(self) -> None:
        self._before: Pixels | None = None
        self._differences: list[float] = []

    def add(self, frame: Frame) -> None:
        """Compare with the frame before."""
        if self._before is not None:
            self._differences.append(float(np.abs(frame.small.astype(np.int16) - self._before).mean()))
        self._before = frame.small

    def finish(self, facts: Facts) -> Reading:
        """Return the share of pairs, with the numbers (from 0) of the later frame of each."""
        if facts.frames < 2:  # noqa: PLR2004  a pair
            return Reading(None, "one frame alone has no motion to measure")
        held = [number for number, value in enumerate(self._differences, start=1) if value < DIFFERENCE]
        return Reading(
            len(held) / len(self._differences), details={"frames": held, "median_difference": round(float(np.median(self._differences)), 4)}
        )
