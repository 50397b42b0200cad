"""Frames → one lossless file and one delivery file, in a single pass, and both read again to prove what they hold."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from koma.pixels.clip import Clip, exact_rate, open_clip
from koma.pixels.digest import ClipDigest
from koma.pixels.lossless import LosslessWriter
from koma.pixels.picture import Pixels, UnreadableError, read_picture
from koma.pixels.whole import PICTURES, container_of
from koma.publish.encode import DeliveryWriter

_OPAQUE = 255
_RGB = 3


@dataclass(frozen=True, slots=True)
class Reading:
    """What a clip decodes to: size in pixels, frames, rate, content digest, its middle frame and its last one."""

    width: int
    height: int
    frames: int
    rate: Fraction
    digest: str
    middle: Pixels
    last: Pixels


def pack(files: Sequence[Path], fps: float, lossless: Path, delivery: Path) -> tuple[Reading, Reading]:
    """Write both files from pictures in frame order at `fps`, or from one clip at its own rate; return what they decode to.

    Raises ValueError that names the frame at fault.
    """
    with _source(files, fps) as clip:
        digest = ClipDigest(clip.width, clip.height, clip.rate)
        size = (clip.width, clip.height, clip.rate)
        with LosslessWriter(lossless, *size) as keep, DeliveryWriter(delivery, *size) as show:
            for pixels in clip.frames:
                keep.add(pixels, digest.frames)
                show.add(pixels, digest.frames)
                digest.add(pixels)
    if not digest.frames:
        raise UnreadableError(files[0], "it holds no frames")
    return _proved(files[0], digest, lossless, delivery)


def _proved(source: Path, digest: ClipDigest, lossless: Path, delivery: Path) -> tuple[Reading, Reading]:
    kept, shown = _read(lossless, digest.frames // 2), _read(delivery, digest.frames // 2)
    if kept.digest != digest.hexdigest():
        raise UnreadableError(source, "packing its frames lost something: the lossless file decodes to other pixels")
    if shown.frames != digest.frames:
        raise UnreadableError(source, f"the delivery file has {shown.frames} frames instead of {digest.frames}")
    return kept, shown


def _read(file: Path, middle: int) -> Reading:
    chosen = last = np.zeros((1, 1, _RGB), np.uint8)
    with open_clip(file) as clip:
        digest = ClipDigest(clip.width, clip.height, clip.rate)
        for last in clip.frames:
            if digest.frames == middle:
                chosen = last
            digest.add(last)
        return Reading(clip.width, clip.height, digest.frames, clip.rate, digest.hexdigest(), chosen, last)


@contextmanager
def _source(files: Sequence[Path], fps: float) -> Iterator[Clip]:
    if len(files) == 1 and container_of(files[0]) not in PICTURES:
        with open_clip(files[0]) as clip:
            yield clip
        return
    first = _frame(files[0])
    height, width, _ = first.shape
    yield Clip(width, height, exact_rate(fps), _pictures(files, first))


def _pictures(files: Sequence[Path], first: Pixels) -> Iterator[Pixels]:
    yield first
    for number, file in enumerate(files[1:], start=1):
        pixels = _frame(file)
        if pixels.shape != first.shape:
            raise UnreadableError(file, f"frame {number} is {_size(pixels)}, the first one is {_size(first)}")
        yield pixels


def _frame(file: Path) -> Pixels:
    pixels = read_picture(file)
    if pixels.shape[2] > _RGB and pixels[:, :, _RGB].min() < _OPAQUE:
        raise UnreadableError(file, "it is partly transparent; frames of a clip have no alpha")
    return np.ascontiguousarray(pixels[:, :, :_RGB])


def _size(pixels: Pixels) -> str:
    return f"{pixels.shape[1]} x {pixels.shape[0]}"
