"""Metric `palette-drift`: do the colours of what is in the picture stay as they were when it came in? Needs no reference.

A pan, a zoom or a tracking shot changes how much of which colour is in the frame, and must not count. So every pixel is followed back
to where it was in the first frame, by optical flow, and only what can be followed is compared: its colours now with its colours then.
They are compared as sets: flow that is a little wrong moves a pixel within its surface, and changes neither set.
"""

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from koma.core.metrics import METRICS
from koma.measures.meter import Facts, Frame, Reading
from koma.pixels.palette import colours_of, moved
from koma.pixels.picture import Pixels

SPEC = METRICS["palette-drift"]
AGREED, AGREED_PART = 0.5, 0.01  # px², and part of both flows squared, by which flow there and back may miss its start
TORN = 32  # of 255; where half of the picture differs by more from what flow says, there is no motion but another picture
GAP = 2  # frames; a flash that is no longer than this is passed over, and what lasts longer is a cut
LOST = 0.1  # of the picture; when less can be followed, following begins again
SPARSE = 2  # every second pixel of every second row is compared
LASTING = 5  # frames; of any five in a row the middle value counts, so a single flash is no drift
SMALLEST = 16  # px, shorter side; less is no picture to follow anything in
_MILD = 12.0  # CIE 1976; two groups of colours are at least so far apart

Flow = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]


class Meter:
    """Follows every pixel back, and keeps one distance per frame."""

    def __init__(self) -> None:
        self._trail: _Trail | None = None
        self._values: list[float] = []
        self._followed: list[float] = []

    def add(self, frame: Frame) -> None:
        """Compare the next frame with where it comes from."""
        small = frame.small
        if min(small.shape[:2]) < SMALLEST:
            return
        if self._trail is None:
            self._trail = _Trail(small)
            value, share = 0.0, 1.0
        else:
            value, share = self._compared(self._trail, small)
        self._values.append(value)
        self._followed.append(share)

    def _compared(self, trail: "_Trail", small: Pixels) -> tuple[float, float]:
        found = trail.follow(small)
        if found is None:
            return 0.0, 0.0
        then, known = found
        known, then, now = known[::SPARSE, ::SPARSE], then[::SPARSE, ::SPARSE], small[::SPARSE, ::SPARSE]
        share = float(known.mean())
        value = share * moved(colours_of(then[known]), colours_of(now[known]), same=_MILD) if known.any() else 0.0
        if share < LOST:
            trail.begin(small)
        return value, share

    def finish(self, facts: Facts) -> Reading:
        """Return the largest value that lasts, with every frame's value and how much of it was followed."""
        if facts.frames < 2:  # noqa: PLR2004  a pair
            return Reading(None, "one frame alone can't drift")
        if not self._values:
            return Reading(
                None, f"{facts.width} x {facts.height} px is too small: expected at least {SMALLEST} px each way after reduction"
            )
        details = {
            "per_frame": [round(value, 4) for value in self._values],
            "followed": [round(share, 4) for share in self._followed],
        }
        return Reading(_lasting(self._values), details=details)


class _Trail:
    """Where in the picture that following began with each pixel of the newest frame was."""

    def __init__(self, small: Pixels) -> None:
        self._flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
        rows, columns = small.shape[:2]
        self._here = np.stack(np.meshgrid(np.arange(columns), np.arange(rows)), axis=-1).astype(np.float32)  # x, y of each pixel
        self.begin(small)

    def begin(self, small: Pixels) -> None:
        """Follow from this frame on; every pixel is known."""
        self._first, self._before = small, _grey(small)
        self._place = self._here
        self._known = np.ones(small.shape[:2], np.uint8)
        self._torn = 0

    def follow(self, small: Pixels) -> tuple[Pixels, Mask] | None:
        """Take one step to the next frame: what each of its pixels looked like at the beginning, and of which pixels that is known.

        None where no motion leads to this frame: the next one is then tried from the frame before, and after GAP all begins anew.
        """
        grey = _grey(small)
        back, forth = self._step(grey, self._before), self._step(self._before, grey)
        came = self._here + back
        if np.median(cv2.absdiff(_looked_up(self._before, came), grey)) > TORN:
            self._tear(small)
            return None
        self._torn = 0
        agreed = _agree(back, _looked_up(forth, came))
        self._known = _looked_up(self._known, came, cv2.INTER_NEAREST, cv2.BORDER_CONSTANT) & agreed
        self._place = _looked_up(self._place, came, cv2.INTER_LINEAR)
        self._before = grey
        return _looked_up(self._first, self._place, cv2.INTER_NEAREST), self._known.astype(bool)

    def _tear(self, small: Pixels) -> None:
        self._torn += 1
        if self._torn > GAP:
            self.begin(small)

    def _step(self, first: Pixels, second: Pixels) -> Flow:
        return np.asarray(self._flow.calc(first, second, None), np.float32)  # type: ignore[call-overload]  # None is a new array; the stubs lack it


def _agree(back: Flow, forth: Flow) -> Mask:
    """Tell where going back and forth again ends where it began (Sundaram, Brox and Keutzer, Dense point trajectories, ECCV 2010)."""
    return _squared(back + forth) < AGREED_PART * (_squared(back) + _squared(forth)) + AGREED


def _squared(flow: Flow) -> Flow:
    return flow[..., 0] ** 2 + flow[..., 1] ** 2


def _grey(small: Pixels) -> Pixels:
    return np.asarray(cv2.cvtColor(np.ascontiguousarray(small), cv2.COLOR_RGB2GRAY), np.uint8)


def _looked_up(values: Any, places: Flow, how: int = cv2.INTER_LINEAR, outside: int = cv2.BORDER_REPLICATE) -> Any:
    """Values at these places (x, y); outside the picture the nearest one, or 0 with BORDER_CONSTANT."""
    return cv2.remap(values, places[..., 0], places[..., 1], how, borderMode=outside, borderValue=0)


def _lasting(values: list[float]) -> float:
    span = min(LASTING, len(values))
    return max(float(np.median(values[start : start + span])) for start in range(len(values) - span + 1))
