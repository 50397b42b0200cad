"""What metrics of neighbouring frames have in common: one frame alone has no value, and details are rounded."""

from typing import Any

import numpy as np

from koma.measures.meter import Facts, Frame, Reading
from koma.measures.views import SMALLEST, Flow, traceable

ALONE = "one frame alone has no motion to measure"
DIGITS = 4


class PairMeter:
    """Base of metrics that keep one number for every frame after the first."""

    def __init__(self) -> None:
        self.values: list[float] = []

    def add(self, frame: Frame) -> None:
        """Compare with the frame before."""
        if frame.before is not None:
            self.values.append(self.of(frame))

    def of(self, frame: Frame) -> float:
        """Return the number of this frame and the one before."""
        raise NotImplementedError

    def finish(self, facts: Facts) -> Reading:
        """Return what the pairs come to."""
        return self.reading() if facts.frames > 1 else Reading(None, ALONE)

    def reading(self) -> Reading:
        """Return what the numbers come to; there is at least one."""
        raise NotImplementedError


class FlowMeter:
    """Base of metrics that read the optical flow from drawing to drawing; frames that repeat a drawing have none.

    `drawn` are the numbers (from 0) of the frames that flow leads to.
    """

    def __init__(self) -> None:
        self._traceable = True
        self._seen = 0
        self.drawn: list[int] = []

    def add(self, frame: Frame) -> None:
        """Follow what moves since the last drawing."""
        self._traceable = traceable(frame.calm)
        if frame.flow is not None:
            self.drawn.append(self._seen)
            self.follow(frame.flow)
        self._seen += 1

    def follow(self, flow: Flow) -> None:
        """Look at the flow to the next drawing."""
        raise NotImplementedError

    def finish(self, facts: Facts) -> Reading:
        """Return what the flows come to."""
        if facts.frames < 2:  # noqa: PLR2004  a pair
            return Reading(None, ALONE)
        return self.reading() if self._traceable else Reading(None, too_small(facts))

    def reading(self) -> Reading:
        """Return what the flows come to; there may be none, where one drawing stands all the time."""
        raise NotImplementedError


def too_small(facts: Facts) -> str:
    """Why a clip has no optical flow."""
    return f"{facts.width} x {facts.height} px is too small: expected at least {SMALLEST} px each way after reduction"


def rounded(values: Any) -> list[float]:
    """Numbers as details have them."""
    return [round(float(value), DIGITS) for value in values]


def later_frames(found: "np.typing.ArrayLike") -> list[int]:
    """Numbers (from 0) of the later frame of each pair for which `found` is true."""
    return [int(number) + 1 for number in np.flatnonzero(np.asarray(found))]
