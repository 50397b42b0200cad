"""Clips: decoded frame by frame to RGB, never held in memory as a whole.

A clip that was cut short, or whose decoding fails, is refused. Flipped bits that a decoder passes over in silence are not seen here;
for those, an object in the store has its digest. Containers and codecs are closed lists: what opens everything also opens playlists, which
name other files for the decoder to read.
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
from koma.pixels.header import what_it_is
from koma.pixels.picture import MAX_PIXELS, Pixels, UnreadableError, read_picture
from koma.pixels.whole import PICTURES, Container, container_of, missing_part, reason

MAX_FRAMES = 20_000
MAX_CLIP_PIXELS = 50_000_000_000  # of all frames: 16 minutes of Full HD at 24 frames per second
CODECS = frozenset(
    {"av1", "ffv1", "ffvhuff", "h264", "hevc", "huffyuv", "mjpeg", "mpeg4", "png", "prores", "rawvideo", "utvideo", "vp8", "vp9"}
)
_DEMUXERS = {Container.MP4: "mp4", Container.MATROSKA: "matroska"}
# A file speaks of itself alone.
_CLOSED = {"protocol_whitelist": "file"}
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
    with _opened(file) as (opened, stream):
        with _refusing(file):
            rate = exact_rate(stream.average_rate or stream.guessed_rate or Fraction(0))
        yield Clip(stream.width, stream.height, rate, _pixels(file, opened, stream))


def count_frames(file: Path) -> int:
    """Decode a picture or a clip whole; how many frames it has, 1 for a picture. Raises UnreadableError, OSError if it is not there."""
    return max(decoded(file))


def decoded(file: Path) -> Iterator[int]:
    """Decode a picture or a clip whole, and yield how many frames were decoded so far. Raises as `count_frames` does."""
    if container_of(file) in PICTURES:
        read_picture(file)
        yield 1
        return
    with _opened(file) as (opened, stream):
        count = 0
        for _ in _frames(file, opened, stream):
            count += 1
            yield count
    if not count:
        raise UnreadableError(file, "it holds no frames")


@contextmanager
def _opened(file: Path) -> Iterator[tuple[Any, Any]]:
    with _refusing(file):
        lack = missing_part(file)
        if lack:
            raise UnreadableError(file, f"cut short: {lack}")
        demuxer = _DEMUXERS.get(container_of(file))
        if demuxer is None:
            raise UnreadableError(file, f"not a readable clip: it is {what_it_is(file, 'clip')}; an MP4, MOV, Matroska or WebM is wanted")
        opened = av.open(str(file.absolute()), mode="r", format=demuxer, options=_CLOSED)
    with opened:
        with _refusing(file):
            stream = _first_video(opened)
            _check_size(stream)
        yield opened, stream


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
    if not opened.streams.video:
        raise ValueError("it holds no video")
    stream = opened.streams.video[0]
    if stream.codec_context is None:
        raise ValueError("nothing here decodes its codec")
    codec = stream.codec_context.codec.canonical_name
    if codec not in CODECS:
        raise ValueError(f"its codec is {codec}; one of {', '.join(sorted(CODECS))} is wanted")
    stream.codec_context.options = _STRICT
    return stream


def _check_size(stream: Any) -> None:
    if not 0 < stream.width * stream.height <= MAX_PIXELS:
        raise ValueError(f"{stream.width} x {stream.height} is not a frame size that can be used")


def _pixels(file: Path, opened: Any, stream: Any) -> Iterator[Pixels]:
    reformatter = VideoReformatter()
    for frame in _frames(file, opened, stream):
        with _refusing(file):
            pixels: Pixels = np.ascontiguousarray(reformatter.reformat(frame, format="rgb24").to_ndarray())
        yield pixels


def _frames(file: Path, opened: Any, stream: Any) -> Iterator[Any]:
    size = (stream.width, stream.height)
    most = min(MAX_FRAMES, MAX_CLIP_PIXELS // (stream.width * stream.height))
    with _refusing(file):
        for number, frame in enumerate(opened.decode(stream)):
            if (frame.width, frame.height) != size:
                raise ValueError(f"frame {number} is {frame.width} x {frame.height} px, those before it are {size[0]} x {size[1]}")
            if frame.is_corrupt:
                raise ValueError(f"frame {number} is damaged")
            if number >= most:
                raise ValueError(f"it has more than {most} frames of {size[0]} x {size[1]} px")
            yield frame
