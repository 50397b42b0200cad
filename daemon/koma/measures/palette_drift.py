"""Metric `palette-drift`: whether the colours of what is in the picture stay as they were when it came in. Needs no reference.

A pan, a zoom or a tracking shot changes how much of which colour is in the frame, and must not count. So every part of the picture is
followed back to where it was in the first frame, by optical flow, and only what can be followed is compared: its colours now with its
colours then. They are compared as sets: flow that is a little wrong moves a point within its surface, and changes neither set.
"""

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from koma.core.metrics import METRICS
from koma.measures.meter import Facts, Frame, Reading
from koma.measures.pairs import rounded
from koma.measures.views import SMALLEST, Flow, Grey, traceable
from koma.pixels.palette import colours_of, moved
from koma.pixels.picture import Pixels

SPEC = METRICS["palette-drift"]
EVERY = 2  # frames; motion is slow enough to be followed from every second one to the next
AGREED, AGREED_PART = 0.1, 0.01  # px², and part of both flows squared, by which flow there and back may miss its start
TORN = 32  # of 255; where half of the picture differs by more from what flow says, there is no motion but another picture
GAP = 2  # steps; a flash that is no longer than this is passed over, and what lasts longer is a cut
LOST = 0.1  # of the picture; when less can be followed, following begins again
LASTING = 3  # comparisons; the middle one of three in a row counts, so a single odd frame is no drift
APART = 12.0  # CIE 1976; groups of colours begin at least so far from one another

Mask = npt.NDArray[np.bool_]


class Meter:
    """Follows the picture back, and keeps one distance for every second frame."""

    def __init__(self) -> None:
        self._trail: _Trail | None = None
        self._number = -1
        self._values: dict[int, float] = {}
        self._followed: list[float] = []

    def add(self, frame: Frame) -> None:
        """Follow to every second frame, and compare it with where it comes from."""
        self._number += 1
        if self._number % EVERY or not traceable(_halved(frame.calm)):
            return
        if self._trail is None:
            self._trail = _Trail(frame)
            value, share = 0.0, 1.0
        else:
            value, share = self._trail.compared(frame) if self._trail.follow(frame) else (0.0, 0.0)
        self._values[self._number] = value
        self._followed.append(share)

    def finish(self, facts: Facts) -> Reading:
        """Return the largest value that lasts, with every value and how much of the picture was followed."""
        if facts.frames < 2:  # noqa: PLR2004  a pair
            return Reading(None, "one frame alone can't drift")
        if not self._values:
            least = 2 * SMALLEST
            return Reading(None, f"{facts.width} x {facts.height} px is too small: expected at least {least} px each way after reduction")
        values = list(self._values.values())
        details = {"per_frame": rounded(values), "sampled": list(self._values), "followed": rounded(self._followed)}
        return Reading(_lasting(values), details=details)


class _Trail:
    """Where each point of the newest frame was in the frame that following began with. Points are two pixels of `small` apart."""

    def __init__(self, frame: Frame) -> None:
        self._tracer: Any = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)  # Any: None for a new array is not in the stubs
        rows, columns = _halved(frame.calm).shape
        self._here = np.stack(np.meshgrid(np.arange(columns), np.arange(rows)), axis=-1).astype(np.float32)  # x, y of each point
        self._begin(frame)

    def _begin(self, frame: Frame) -> None:
        self._first, self._before = self._points(frame), _halved(frame.calm)
        self._place = self._here
        self._known = np.ones(self._here.shape[:2], np.uint8)
        self._torn = 0

    def follow(self, frame: Frame) -> bool:
        """Take one step; False where no motion leads to this frame.

        Then the next one is tried from the one before this, and after GAP of them all begins anew.
        """
        grey = _halved(frame.calm)
        back, forth = self._tracer.calc(grey, self._before, None), self._tracer.calc(self._before, grey, None)
        came = self._here + back
        if np.median(cv2.absdiff(_looked_up(self._before, came), grey)) > TORN:
            self._torn += 1
            if self._torn > GAP:
                self._begin(frame)
            return False
        self._torn, self._before = 0, grey
        agreed = _agree(back, _looked_up(forth, came))
        self._known = _looked_up(self._known, came, cv2.INTER_NEAREST, cv2.BORDER_CONSTANT) & agreed
        self._place = _looked_up(self._place, came)
        return True

    def compared(self, frame: Frame) -> tuple[float, float]:
        """Return how far the colours of what is followed have moved, times its share of the picture, and that share."""
        known: Mask = self._known.astype(bool)
        share = float(known.mean())
        then, now = _looked_up(self._first, self._place, cv2.INTER_NEAREST)[known], self._points(frame)[known]
        value = share * moved(colours_of(then), colours_of(now), same=APART) if known.any() else 0.0
        if share < LOST:
            self._begin(frame)
        return value, share

    def _points(self, frame: Frame) -> Pixels:
        rows, columns = self._here.shape[:2]
        return frame.small[: 2 * rows : 2, : 2 * columns : 2]


def _halved(calm: Grey) -> Grey:
    """Half the size in both directions; flow on it is as good for surfaces, at a quarter of the time."""
    rows, columns = calm.shape
    return np.asarray(cv2.resize(calm, (max(1, columns // 2), max(1, rows // 2)), interpolation=cv2.INTER_AREA), np.uint8)


def _agree(back: Flow, forth: Flow) -> Mask:
    """Tell where going back and forth again ends where it began (Sundaram, Brox and Keutzer, Dense point trajectories, ECCV 2010)."""
    return _squared(back + forth) < AGREED_PART * (_squared(back) + _squared(forth)) + AGREED


def _squared(flow: Flow) -> Flow:
    return flow[..., 0] ** 2 + flow[..., 1] ** 2


def _looked_up(values: Any, places: Flow, how: int = cv2.INTER_LINEAR, outside: int = cv2.BORDER_REPLICATE) -> Any:
    """Values at these places (x, y); outside the picture the nearest one, or 0 with BORDER_CONSTANT."""
    return cv2.remap(values, places[..., 0], places[..., 1], how, borderMode=outside, borderValue=0)


def _lasting(values: list[float]) -> float:
    span = min(LASTING, len(values))
    return max(float(np.median(values[start : start + span])) for start in range(len(values) - span + 1))
