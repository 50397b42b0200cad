"""Writers of what is kept: FFV1 clips and PNG pictures, bit for bit. The same frames give the same bytes."""

from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import av
from av.codec.context import Flags
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from PIL import Image

from koma.pixels.picture import Pixels


class ClipWriter:
    """One video stream in one file. Bytes depend on frames alone: one thread, no times, no random ids."""

    def __init__(self, file: Path, rate: Fraction, codec: str, options: dict[str, str], container_options: dict[str, str]) -> None:
        self._container: Any = av.open(str(file), mode="w", options={"fflags": "+bitexact", **container_options})
        self._stream: Any = self._container.add_stream(codec, rate=rate, options=options)
        self._rate = rate
        self._reformatter = VideoReformatter()
        context = self._stream.codec_context
        context.thread_count = 1
        context.flags |= Flags.bitexact

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            if kind is None:
                self._container.mux(self._stream.encode(None))
        finally:
            self._container.close()

    def _encode(self, frame: VideoFrame, number: int) -> None:
        frame.pts = number
        frame.time_base = 1 / self._rate
        self._container.mux(self._stream.encode(frame))

    def _size(self, width: int, height: int, pixel_format: str) -> None:
        self._stream.width, self._stream.height, self._stream.pix_fmt = width, height, pixel_format


class LosslessWriter(ClipWriter):
    """RGB frames → FFV1 in Matroska, every frame on its own, slices with checksums."""

    def __init__(self, file: Path, width: int, height: int, rate: Fraction) -> None:
        super().__init__(file, rate, "ffv1", {"level": "3", "slices": "4", "slicecrc": "1"}, {})
        self._stream.codec_context.gop_size = 1
        self._size(width, height, "bgr0")

    def add(self, pixels: Pixels, number: int) -> None:
        """Take frame `number`, from 0."""
        frame = VideoFrame.from_ndarray(pixels, format="rgb24")
        self._encode(self._reformatter.reformat(frame, format="bgr0"), number)


def write_picture(pixels: Pixels, file: Path) -> None:
    """Write RGB or RGBA samples as a PNG that holds nothing besides."""
    Image.fromarray(pixels).save(file, "PNG")
