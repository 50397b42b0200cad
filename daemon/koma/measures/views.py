"""Ways to look at pixels that several metrics share: reduced sizes, luma, optical flow, differences of two drawings."""

from collections.abc import Iterable
from functools import reduce
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from koma.pixels.picture import Pixels

Luma = npt.NDArray[np.float32]  # rows and columns, 0..255
Grey = npt.NDArray[np.uint8]  # rows and columns
Flow = npt.NDArray[np.float32]  # rows, columns, and x and y: px to the right and down

CELL = 8  # px; side of the squares over which views are averaged
SMALLEST = 16  # px, shorter side; optical flow works on patches of 8 px and needs some of them
DRAWING = 2.0  # of 255; two pictures that differ less in every cell show the same drawing

_REC709 = np.array([[0.2126, 0.7152, 0.0722]], np.float32)
_STRIP = 64  # rows at a time: what fits into the processor's cache takes half the time
_CALM = 1.0  # px; sigma of the blur before pictures are compared: grain is no motion

# Measuring runs beside a renderer and beside other jobs: one thread each, or they get in each other's way.
cv2.setNumThreads(1)


def luma(pixels: Pixels) -> Luma:
    """Rec. 709 luma, 0..255, of RGB samples."""
    height, width, _ = pixels.shape
    found = np.empty((height, width), np.float32)
    for top in range(0, height, _STRIP):
        strip = np.ascontiguousarray(pixels[top : top + _STRIP], np.float32)
        cv2.transform(strip, _REC709, dst=found[top : top + _STRIP])
    return found


def grey(pixels: Pixels) -> Grey:
    """Rec. 601 luma as JPEG and MPEG have it, in whole numbers, of RGB samples."""
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), np.uint8)


def reduced(pixels: Pixels, longest: int) -> Pixels:
    """Area average with the longer side at this many px; what is smaller stays as it is."""
    height, width, _ = pixels.shape
    if max(height, width) <= longest:
        return pixels
    scale = longest / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(np.ascontiguousarray(pixels), size, interpolation=cv2.INTER_AREA), np.uint8)


def cells(values: npt.NDArray[Any], side: int = CELL) -> npt.NDArray[np.float32]:
    """Averages over squares of about `side` px, as many as fit; at least one."""
    height, width = values.shape[:2]
    size = (max(1, width // side), max(1, height // side))
    return _floats(cv2.resize(values.astype(np.float32, copy=False), size, interpolation=cv2.INTER_AREA))


def calmed(values: Luma) -> Grey:
    """Luma without its grain, in whole numbers: what motion is looked for in."""
    return np.asarray(cv2.convertScaleAbs(cv2.GaussianBlur(values, (0, 0), _CALM)), np.uint8)


def differs(one: Grey, other: Grey) -> bool:
    """Whether two calmed pictures show different drawings."""
    return bool(cells(cv2.absdiff(one, other)).max() >= DRAWING)


def traceable(picture: Grey) -> bool:
    """Whether it is large enough for optical flow."""
    return bool(min(picture.shape) >= SMALLEST)


def flow_between(before: Grey, after: Grey) -> Flow:
    """Dense optical flow from one calmed picture to another, in px: DIS, preset ultrafast."""
    tracer: Any = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
    return _floats(tracer.calc(before, after, None))


def lengths(flow: Flow) -> npt.NDArray[np.float32]:
    """Length of each vector, in px."""
    return _floats(np.abs(np.ascontiguousarray(flow).view(np.complex64))[:, :, 0])


def added(arrays: Iterable[npt.NDArray[np.float32]]) -> npt.NDArray[np.float32]:
    """Sum of arrays of one shape, sample by sample; at least one."""
    return reduce(np.add, arrays)


def _floats(values: Any) -> npt.NDArray[np.float32]:
    return np.asarray(values, np.float32)
