"""Metric `blockiness`: JPEG and MPEG code squares of 8 px, and coarse coding leaves steps where they meet."""

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from koma.core.metrics import METRICS
from koma.measures.meter import Facts, Frame, Reading
from koma.measures.pairs import rounded
from koma.measures.views import Grey

SPEC = METRICS["blockiness"]
GRID = 8  # px
EDGE = 16  # of 255; what is drawn has larger steps, and counts as no more than this
EVEN = 1.0  # of 255; added to both sides, so that flat colour is even and not undefined


class Meter:
    """Keeps one ratio per frame."""

    def __init__(self) -> None:
        self._values: list[float] = []

    def add(self, frame: Frame) -> None:
        """Measure the next frame."""
        if min(frame.grey.shape) > 2 * GRID:
            self._values.append(grid_ratio(frame.grey))

    def finish(self, facts: Facts) -> Reading:
        """Return the median over frames, with every frame's value."""
        if not self._values:
            return Reading(None, f"{facts.width} x {facts.height} px is too small: expected more than {2 * GRID} x {2 * GRID}")
        return Reading(float(np.median(self._values)), details={"per_frame": rounded(self._values)})


def grid_ratio(picture: Grey) -> float:
    """Compare steps across the grid of 8 px with all other steps between neighbours; 1 where there is no grid."""
    across = _by_place(cv2.absdiff(picture[:, 1:], picture[:, :-1]), 0)
    down = _by_place(cv2.absdiff(picture[1:], picture[:-1]), 1)
    steps = across + down
    return float((steps[-1] + EVEN) / (steps[:-1].mean() + EVEN))


def _by_place(steps: npt.NDArray[Any], axis: int) -> npt.NDArray[np.float64]:
    """Mean step for each of the 8 places in a square; the last is the one between two squares."""
    held = np.minimum(steps, np.uint8(EDGE))
    sums = cv2.reduce(held, axis, cv2.REDUCE_SUM, dtype=cv2.CV_32S).ravel()
    whole = len(sums) // GRID * GRID
    mean: npt.NDArray[np.float64] = sums[:whole].reshape(-1, GRID).mean(axis=0) / steps.shape[axis]
    return mean
