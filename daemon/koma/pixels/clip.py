"""Clips: decoded frame by frame to RGB, never held in memory as a whole.

A clip that was cut short, or whose decoding fails, is refused. Flipped bits that a decoder passes over in silence are not seen here;
for those, an object in the store has its digest.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.video.reformatter import VideoReformatter

from koma.core.rate import ntsc_base
from koma.pixels.picture import MAX_PIXELS, Pixels, UnreadableError, read_picture
from koma.pixels.whole import CLIPS, container_of, missing_part, reason

_PICTURES = "_pipe"  # the demuxers of single pictures end on this; they would make up a frame rate
# What a decoder notices must be an error, not a guess at what the frame might have been.
_STRICT = {"err_detect": "crccheck+bitstream+buffer+explode"}


@dataclass(frozen=True, slots=True)
class Clip:
    """An open clip: size in pixels, exact frames per second, and its frames as RGB, to be read once."""

    width: int
    height: int
    rate: Fraction
    frames: Iterator[Pixels]


def exact_rate(fps: float | Fraction) -> Fraction:
    """Frames per second as the fraction that was meant: 23.976 is 24000/1001. Raises ValueError unless 0 < fps <= 1000."""
    if not 0 < fps <= 1000:  # noqa: PLR2004  the range stands in the docstring
        raise ValueError(f"{float(fps):g} frames per second is not a frame rate")
    base = ntsc_base(float(fps))
    return Fraction(base * 1000, 1001) if base else Fraction(fps).limit_denominator(1000)


@contextmanager
def open_clip(file: Path) -> Iterator[Clip]:
    """Open the first video stream of a file. Raises UnreadableError, here and while frames are read."""
    with _refusing(file):
        lack = missing_part(file)
        if lack:
            raise UnreadableError(file, f"cut short: {lack}")
        opened = av.open(str(file), mode="r")
    with opened:
        with _refusing(file):
            stream = _first_video(opened)
            rate = exact_rate(stream.average_rate or stream.guessed_rate or Fraction(0))
            size = _checked_size(stream)
        yield Clip(*size, rate, _frames(file, opened, stream))


def count_frames(file: Path) -> int:
    """Decode a picture or a clip whole; how many frames it has, 1 for a picture. Raises UnreadableError, OSError if it is not there."""
    if container_of(file) not in CLIPS:
        read_picture(file)
        return 1
    with open_clip(file) as clip:
        return sum(1 for _ in clip.frames)


@contextmanager
def _refusing(file: Path) -> Iterator[None]:
    try:
        yield
    except UnreadableError:
        raise
    except Exception as error:
        # Demuxers and decoders raise errors of many kinds on damaged data; here each of them means the same.
        raise UnreadableError(file, f"not a readable clip: {reason(error)}") from error


def _first_video(opened: Any) -> Any:
    if opened.format.name.endswith(_PICTURES):
        raise ValueError(f"it is a picture ({opened.format.name.removesuffix(_PICTURES)}); a PNG, JPEG or WebP is wanted")
    if not opened.streams.video:
        raise ValueError("it holds no video")
    stream = opened.streams.video[0]
    if stream.codec_context is None:
        raise ValueError("nothing here decodes its codec")
    stream.codec_context.options = _STRICT
    return stream


def _checked_size(stream: Any) -> tuple[int, int]:
    if not 0 < stream.width * stream.height <= MAX_PIXELS:
        raise ValueError(f"{stream.width} x {stream.height} is not a frame size that can be used")
    return stream.width, stream.height


def _frames(file: Path, opened: Any, stream: Any) -> Iterator[Pixels]:
    shape = (stream.height, stream.width, 3)
    reformatter = VideoReformatter()
    with _refusing(file):
        for number, frame in enumerate(opened.decode(stream)):
            if (frame.height, frame.width) != shape[:2]:
                raise ValueError(f"frame {number} is {frame.width} x {frame.height} px, those before it are {shape[1]} x {shape[0]}")
            pixels = reformatter.reformat(frame, format="rgb24").to_ndarray()
            if frame.is_corrupt or pixels.shape != shape:
                raise ValueError(f"frame {number} is damaged")
            yield np.ascontiguousarray(pixels)
