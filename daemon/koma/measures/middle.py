"""What metrics of single frames have in common: one number for each frame that they look at, and of those the middle one counts."""

from typing import ClassVar

import numpy as np

from koma.measures.meter import Facts, Frame, Reading
from koma.measures.pairs import rounded


class MiddleMeter:
    """Base of metrics that measure frames one by one. `every` leaves frames out, `smallest` is the shorter side in px that they need."""

    every: ClassVar[int] = 1
    smallest: ClassVar[int] = 1

    def __init__(self) -> None:
        self._seen = 0
        self._values: list[float] = []

    def add(self, frame: Frame) -> None:
        """Measure the next frame, if it is one of those that are looked at and large enough."""
        if self._seen % self.every == 0 and min(frame.medium.shape[:2]) >= self.smallest:
            self._values.append(self.of(frame))
        self._seen += 1

    def of(self, frame: Frame) -> float:
        """Return the number of one frame."""
        raise NotImplementedError

    def finish(self, facts: Facts) -> Reading:
        """Return the median, with every value and, where frames are left out, the numbers of the others."""
        if not self._values:
            why = f"{facts.width} x {facts.height} px is too small: expected at least {self.smallest} x {self.smallest} after reduction"
            return Reading(None, why)
        sampled = {"sampled": list(range(0, self._seen, self.every))} if self.every > 1 else {}
        return Reading(float(np.median(self._values)), details={"per_frame": rounded(self._values), **sampled})
