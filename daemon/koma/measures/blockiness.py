"""Metric `blockiness`: JPEG and MPEG code squares of 8 px, and coarse coding leaves steps where they meet."""

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from koma.core.metrics import METRICS
from koma.measures.meter import Frame
from koma.measures.middle import MiddleMeter
from koma.measures.views import Grey

SPEC = METRICS["blockiness"]
GRID = 8  # px
EDGE = 16  # of 255; what is drawn has larger steps, and counts as no more than this
EVEN = 1.0  # of 255; added to both sides, so that flat colour is even and not undefined


class Meter(MiddleMeter):
    """Keeps one ratio for every second frame."""

    every, smallest = 2, 2 * GRID + 1

    def of(self, frame: Frame) -> float:
        """Return how the grid stands out."""
        return grid_ratio(frame.grey)


def grid_ratio(picture: Grey) -> float:
    """Compare steps across the grid of 8 px with all other steps between neighbours; 1 where there is no grid."""
    across = _by_place(cv2.absdiff(picture[:, 1:], picture[:, :-1]), 0)
    down = _by_place(cv2.absdiff(picture[1:], picture[:-1]), 1)
    steps = across + down
    return float((steps[-1] + EVEN) / (steps[:-1].mean() + EVEN))


def _by_place(steps: npt.NDArray[Any], axis: int) -> npt.NDArray[np.float64]:
    """Mean step for each of the 8 places in a square; the last is the one between two squares."""
    held = cv2.threshold(steps, EDGE, 0, cv2.THRESH_TRUNC)[1]
    sums = cv2.reduce(held, axis, cv2.REDUCE_SUM, dtype=cv2.CV_32S).ravel()
    whole = len(sums) // GRID * GRID
    mean: npt.NDArray[np.float64] = sums[:whole].reshape(-1, GRID).mean(axis=0) / steps.shape[axis]
    return mean
