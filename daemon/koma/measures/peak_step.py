"""Metric `peak-step`: a cut, a flash or a broken frame is a step that is out of all proportion to the others."""

from koma.core.metrics import METRICS
from koma.measures.meter import Facts, Frame, Reading
from koma.measures.pairs import ALONE, rounded
from koma.measures.steps import usual

SPEC = METRICS["peak-step"]
MOST = 8.0  # of 255; a usual step is never taken for larger, or a cut between two pictures that stand still would be usual


class Meter:
    """Keeps one step per drawing."""

    def __init__(self) -> None:
        self._steps: list[float] = []
        self._frames: list[int] = []
        self._seen = 0

    def add(self, frame: Frame) -> None:
        """Compare with the drawing before."""
        if frame.step is not None:
            self._steps.append(frame.step)
            self._frames.append(self._seen)
        self._seen += 1

    def finish(self, facts: Facts) -> Reading:
        """Return the largest step beside the usual one, with all steps and the number (from 0) of the frame after the largest."""
        if facts.frames < 2:  # noqa: PLR2004  a pair
            return Reading(None, ALONE)
        if not self._steps:
            return Reading(0.0, details={"frames": [], "per_frame": []})
        largest = max(self._steps)
        at = self._frames[self._steps.index(largest)]
        details = {"frames": [at], "per_frame": rounded(self._steps), "sampled": self._frames, "unit": "difference of 255"}
        return Reading(largest / usual(self._steps, MOST), details=details)
