"""Metric `loop-seam`: a loop that is not closed jumps each time it begins again."""

import cv2
import numpy as np

from koma.core.metrics import METRICS
from koma.measures.meter import Facts, Frame, Reading
from koma.measures.pairs import ALONE
from koma.measures.steps import usual

SPEC = METRICS["loop-seam"]

Tiny = np.ndarray[tuple[int, ...], np.dtype[np.float32]]


class Meter:
    """Keeps one step per drawing, and the first and last picture."""

    def __init__(self) -> None:
        self._steps: list[float] = []
        self._first: Tiny | None = None
        self._last: Tiny | None = None

    def add(self, frame: Frame) -> None:
        """Compare with the drawing before."""
        if frame.step is not None:
            self._steps.append(frame.step)
        self._last = frame.tiny
        self._first = self._last if self._first is None else self._first

    def finish(self, facts: Facts) -> Reading:
        """Return the step from the last frame to the first beside the usual step."""
        if facts.frames < 2 or self._first is None or self._last is None:  # noqa: PLR2004  a pair
            return Reading(None, ALONE)
        seam = float(np.mean(cv2.mean(cv2.absdiff(self._last, self._first))[:3]))
        return Reading(seam / usual(self._steps), details={"seam": round(seam, 4), "usual": round(usual(self._steps), 4)})
