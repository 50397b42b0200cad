"""What a metric is: an accumulator that sees every frame once and then says one number. All metrics share one decode."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

import cv2
import numpy as np
import numpy.typing as npt

from koma.measures.views import Flow, Grey, Luma, calmed, cells, differs, flow_between, grey, luma, reduced, traceable
from koma.pixels.picture import Pixels, over_white

__all__ = ["MEDIUM", "SMALL", "FactMeter", "Facts", "Frame", "Luma", "Meter", "Reading", "Reel", "ShareMeter", "luma"]

SMALL = 256  # px, longer side
MEDIUM = 512  # px, longer side


class Frame:
    """One decoded frame, with the views that metrics work on; each is made once, and only if asked for.

    `before` is the frame before it, None for the first; `fps` the rate of the clip, 0 for a picture. What compares it with others is None
    where there is nothing to compare with.
    """

    def __init__(self, pixels: Pixels, before: "Frame | None" = None, fps: float = 0.0) -> None:
        self.pixels = pixels
        self.before = before
        self.fps = fps
        self._numbers: dict[str, float] = {}

    def once(self, name: str, make: Callable[[], float]) -> float:
        """Work out a number about this frame for whichever metric asks first, and give it to the others that ask by the same name."""
        if name not in self._numbers:
            self._numbers[name] = make()
        return self._numbers[name]

    def forget(self) -> None:
        """Let go of earlier frames; what was found by comparing with them stays."""
        self.before = None
        self.__dict__.pop("drawing", None)

    @cached_property
    def rgb(self) -> Pixels:
        """RGB at full size, transparent parts over white."""
        return over_white(self.pixels)

    @cached_property
    def grey(self) -> Grey:
        """Rec. 601 luma at full size, in whole numbers."""
        return grey(self.rgb)

    @cached_property
    def medium(self) -> Pixels:
        """RGB, longer side 512 px at most."""
        return reduced(self.rgb, MEDIUM)

    @cached_property
    def small(self) -> Pixels:
        """RGB, longer side 256 px at most; made from `medium`."""
        return reduced(self.medium, SMALL)

    @cached_property
    def tiny(self) -> npt.NDArray[np.float32]:
        """RGB of `small` averaged over cells of 8 px, not rounded."""
        return cells(self.small)

    @cached_property
    def medium_luma(self) -> Luma:
        """Rec. 709 luma of `medium`."""
        return luma(self.medium)

    @cached_property
    def small_luma(self) -> Luma:
        """Rec. 709 luma of `small`."""
        return luma(self.small)

    @cached_property
    def calm(self) -> Grey:
        """Luma of `small` without grain: what motion is looked for in."""
        return calmed(self.small_luma)

    @cached_property
    def change(self) -> float | None:
        """Mean absolute difference of R, G and B to the frame before, on `small`, of 255."""
        if self.before is None:
            return None
        return float(np.mean(cv2.mean(cv2.absdiff(self.small, self.before.small))[:3]))

    @cached_property
    def drawing(self) -> "Frame | None":
        """The last frame before this one that brought a new drawing."""
        return self.before.drawing if self.before is not None and self.before.repeats else self.before

    @cached_property
    def repeats(self) -> bool:
        """Whether it shows that same drawing once more, as animation on twos does."""
        return self.drawing is not None and not differs(self.drawing.calm, self.calm)

    @cached_property
    def step(self) -> float | None:
        """Mean absolute difference of R, G and B to the last drawing, on `tiny`, of 255; None where it repeats that drawing."""
        if self.drawing is None or self.repeats:
            return None
        return float(np.mean(cv2.mean(cv2.absdiff(self.tiny, self.drawing.tiny))[:3]))

    @cached_property
    def flow(self) -> Flow | None:
        """Optical flow from the last drawing to this one, in px of `small`; None where it repeats that drawing, or is too small."""
        if self.drawing is None or self.repeats or not traceable(self.calm):
            return None
        return flow_between(self.drawing.calm, self.calm)


class Reel:
    """Frames of one file in their order: each knows the one before, and no more are kept."""

    def __init__(self, fps: float = 0.0) -> None:
        self._fps = fps
        self._last: Frame | None = None

    def next(self, pixels: Pixels) -> Frame:
        """Take the next frame's RGB or RGBA."""
        if self._last is not None and self._last.before is not None:
            self._last.before.forget()
        self._last = Frame(pixels, self._last, self._fps)
        return self._last


@dataclass(frozen=True, slots=True)
class Facts:
    """What decoding the whole file showed. Sizes in pixels; `fps` is 0 for a picture."""

    width: int
    height: int
    frames: int
    fps: float


@dataclass(frozen=True, slots=True)
class Reading:
    """A value, or None and why there is none: `failed` tells an error from what does not apply.

    Details are JSON values: `per_frame` has a number for each frame or pair, `frames` the numbers (from 0) of those at fault. Where
    `per_frame` is about some frames only, `sampled` has their numbers (the later one of a pair); where it is not in the metric's own unit,
    `unit` says in which, and `limit` what single values are held against. `record` says what measured it, for learned metrics: `weights`,
    `runtime`, `provider`, `libraries`.
    """

    value: float | None
    why: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)
    failed: bool = False
    record: Mapping[str, Any] = field(default_factory=dict)


class Meter(Protocol):
    """One metric at work on one file."""

    def add(self, frame: Frame) -> None:
        """Look at the next frame."""
        ...

    def finish(self, facts: Facts) -> Reading | Mapping[str, Reading]:
        """Say the number, once, after the last frame; by character id where the metric reads characters."""
        ...


class FactMeter:
    """Base of metrics that need no pixels."""

    def add(self, frame: Frame) -> None:
        """Look at no frame."""


class ShareMeter:
    """Base of metrics that count frames with a fault: the share of them, and their numbers (from 0)."""

    def __init__(self) -> None:
        self._seen = 0
        self._found: list[int] = []

    def add(self, frame: Frame) -> None:
        """Judge the next frame."""
        if self.has(frame):
            self._found.append(self._seen)
        self._seen += 1

    def has(self, frame: Frame) -> bool:
        """Whether this frame has the fault."""
        raise NotImplementedError

    def finish(self, facts: Facts) -> Reading:
        """Return the share of frames with the fault."""
        return Reading(len(self._found) / facts.frames, details={"frames": self._found})
