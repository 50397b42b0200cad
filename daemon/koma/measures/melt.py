"""Metric `melt`: surfaces that wobble like jelly. A camera moves everything, an arm moves as a whole; here each spot moves alone."""

from collections import deque

import cv2
import numpy as np
import numpy.typing as npt

from koma.core.metrics import METRICS
from koma.measures.meter import Reading
from koma.measures.pairs import FlowMeter, rounded
from koma.measures.views import Flow, added, cells, lengths

SPEC = METRICS["melt"]
WINDOW = 3  # steps
SMOOTH = 64  # px; motion that neighbours share over this length is no melting
AREA = 32  # px; side of the squares in which it is looked for
CALM = 5.0  # px; sigma of the blur over which flow is averaged: what is smaller is its own error
STILL = 0.2  # px for each step; what moves less has no way worth speaking of
QUANTILE = 0.8  # over squares: a melting face covers a fifth of the picture


class Meter(FlowMeter):
    """Keeps, for every few steps in a row, how much of the local motion leads nowhere."""

    def __init__(self) -> None:
        super().__init__()
        self._flows: deque[tuple[Flow, Flow]] = deque(maxlen=WINDOW)
        self._values: list[float] = []

    def follow(self, flow: Flow) -> None:
        """Look at what moves otherwise than its surroundings."""
        local = local_motion(flow)
        self._flows.append((local, lengths(local)))
        if len(self._flows) == WINDOW:
            self._values.append(float(np.quantile(self._lost(), QUANTILE)))

    def reading(self) -> Reading:
        """Return the median, with every value; 0 where too little moves to fill a window."""
        details = {"per_frame": rounded(self._values), "sampled": self.drawn[WINDOW - 1 :]}
        return Reading(float(np.median(self._values)) if self._values else 0.0, details=details)

    def _lost(self) -> npt.NDArray[np.float32]:
        """For each square, the part of the local way that does not lead away: 0..1."""
        way = added(length for _, length in self._flows)
        away = lengths(added(flow for flow, _ in self._flows))
        squares = cells(cv2.merge([way, way - away]), AREA // 2).reshape(-1, 2)
        lost: npt.NDArray[np.float32] = squares[:, 1] / (squares[:, 0] + STILL * WINDOW)
        return lost


def local_motion(flow: Flow) -> Flow:
    """Return what is left of a flow, at half its size, when motion that is smooth over 64 px is taken out."""
    half = np.asarray(cv2.GaussianBlur(cells(flow, 2), (0, 0), CALM / 2), np.float32)
    height, width = half.shape[:2]
    smooth = cv2.resize(cells(half, SMOOTH // 2), (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.subtract(half, smooth), np.float32)
