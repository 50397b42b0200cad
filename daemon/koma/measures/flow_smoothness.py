"""Metric `flow-smoothness`: what moves goes somewhere. Frames out of order, and drawings that jitter, go to and fro."""

from collections import deque

import numpy as np

from koma.core.metrics import METRICS
from koma.measures.meter import Reading
from koma.measures.pairs import FlowMeter, rounded
from koma.measures.views import Flow, added, lengths

SPEC = METRICS["flow-smoothness"]
WINDOW = 3  # steps; over two, frames that change places would often look as if they went on
STILL = 0.25  # px for each step; added to both sides, so that what hardly moves counts as smooth


class Meter(FlowMeter):
    """Keeps, for every few steps in a row, how much of the way leads away from where it began."""

    def __init__(self) -> None:
        super().__init__()
        self._flows: deque[tuple[Flow, float]] = deque(maxlen=WINDOW)
        self._values: list[float] = []

    def follow(self, flow: Flow) -> None:
        """Compare the way of the last few steps with how far they lead."""
        self._flows.append((flow, float(lengths(flow).mean())))
        if len(self._flows) == WINDOW:
            self._values.append(self._directness())

    def reading(self) -> Reading:
        """Return the median, with every value; where fewer steps were seen than make a window, what they come to together."""
        values = self._values or [self._directness()]
        return Reading(float(np.median(values)), details={"per_frame": rounded(values), "sampled": self.drawn[-len(values) :]})

    def _directness(self) -> float:
        if not self._flows:
            return 1.0
        steps = STILL * len(self._flows)
        way = sum(length for _, length in self._flows)
        away = float(lengths(added(flow for flow, _ in self._flows)).mean())
        return (away + steps) / (way + steps)
