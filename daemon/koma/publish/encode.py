"""Writers of what is kept and shown: lossless FFV1, H.264 for delivery, JPEG posters. The same frames give the same bytes."""

from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import av
import numpy as np
from av.codec.context import Flags
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter
from PIL import Image

from koma.pixels.picture import Pixels

POSTER_LONGEST = 640  # px
# x264's macroblock tree gives other bytes from run to run, even on one thread and in one process.
_H264 = {"crf": "18", "preset": "fast", "x264-params": "mbtree=0"}
_BT709 = 1  # the number of BT.709 in H.273 tables of matrix, primaries and transfer


class _Writer:
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


class LosslessWriter(_Writer):
    """RGB frames → FFV1 in Matroska, every frame on its own, slices with checksums."""

    def __init__(self, file: Path, width: int, height: int, rate: Fraction) -> None:
        super().__init__(file, rate, "ffv1", {"level": "3", "slices": "4", "slicecrc": "1"}, {})
        self._stream.codec_context.gop_size = 1
        self._size(width, height, "bgr0")

    def add(self, pixels: Pixels, number: int) -> None:
        """Take frame `number`, from 0."""
        frame = VideoFrame.from_ndarray(pixels, format="rgb24")
        self._encode(self._reformatter.reformat(frame, format="bgr0"), number)


class DeliveryWriter(_Writer):
    """RGB frames → H.264 in MP4, 4:2:0 BT.709, playable while it loads. Odd sizes grow by one repeated row or column."""

    def __init__(self, file: Path, width: int, height: int, rate: Fraction) -> None:
        super().__init__(file, rate, "libx264", _H264, {"movflags": "+faststart"})
        self._pad = ((0, height % 2), (0, width % 2), (0, 0))
        self._size(width + width % 2, height + height % 2, "yuv420p")
        context = self._stream.codec_context
        context.color_range, context.colorspace = ColorRange.MPEG, Colorspace.ITU709
        context.color_primaries = context.color_trc = _BT709

    def add(self, pixels: Pixels, number: int) -> None:
        """Take frame `number`, from 0."""
        frame = VideoFrame.from_ndarray(np.ascontiguousarray(np.pad(pixels, self._pad, mode="edge")), format="rgb24")
        self._encode(self._in_bt709(frame), number)

    def _in_bt709(self, frame: VideoFrame) -> VideoFrame:
        return self._reformatter.reformat(
            frame,
            format="yuv420p",
            dst_colorspace=Colorspace.ITU709,
            src_color_range=ColorRange.JPEG,
            dst_color_range=ColorRange.MPEG,
        )


def write_poster(pixels: Pixels, file: Path) -> None:
    """Write a JPEG of at most 640 px on its longer side; alpha lies over white."""
    image = Image.fromarray(pixels)
    if image.mode == "RGBA":
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    image.thumbnail((POSTER_LONGEST, POSTER_LONGEST), Image.Resampling.LANCZOS)
    image.save(file, "JPEG", quality=88)
