"""What a metric is: an accumulator that sees every frame once and then says one number. All metrics share one decode."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from PIL import Image

from koma.pixels.picture import Pixels

SMALL = 256  # px, longer side
MEDIUM = 512  # px, longer side

Luma = npt.NDArray[np.float32]  # rows and columns, 0..255

_REC709 = np.array([0.2126, 0.7152, 0.0722], np.float32)
_RGB = 3


class Frame:
    """One decoded frame, with the reduced sizes that metrics work on; each is made once, and only if asked for."""

    def __init__(self, pixels: Pixels) -> None:
        self.pixels = pixels

    @cached_property
    def medium(self) -> Pixels:
        """RGB, longer side 512 px at most."""
        return _reduced(self.pixels[:, :, :_RGB], MEDIUM)

    @cached_property
    def small(self) -> Pixels:
        """RGB, longer side 256 px at most."""
        return _reduced(self.pixels[:, :, :_RGB], SMALL)

    @cached_property
    def medium_luma(self) -> Luma:
        """Rec. 709 luma of `medium`."""
        return luma(self.medium)

    @cached_property
    def small_luma(self) -> Luma:
        """Rec. 709 luma of `small`."""
        return luma(self.small)


def luma(pixels: Pixels) -> Luma:
    """Rec. 709 luma, 0..255, of RGB samples."""
    return pixels.astype(np.float32) @ _REC709


def _reduced(pixels: Pixels, longest: int) -> Pixels:
    height, width, _ = pixels.shape
    if max(height, width) <= longest:
        return pixels
    scale = longest / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(Image.fromarray(np.ascontiguousarray(pixels)).resize(size, Image.Resampling.BOX))


@dataclass(frozen=True, slots=True)
class Facts:
    """What decoding the whole file showed. Sizes in pixels; `fps` is 0 for a picture."""

    width: int
    height: int
    frames: int
    fps: float


@dataclass(frozen=True, slots=True)
class Reading:
    """A value, or None and why there is none; details are JSON values."""

    value: float | None
    why: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)


class Meter(Protocol):
    """One metric at work on one file."""

    def add(self, frame: Frame) -> None:
        """Look at the next frame."""
        ...

    def finish(self, facts: Facts) -> Reading:
        """Say the number, once, after the last frame."""
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
