"""Writers of what is shown: H.264 for delivery, JPEG posters. The same frames give the same bytes."""

from fractions import Fraction
from pathlib import Path

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace
from PIL import Image

from koma.pixels.lossless import ClipWriter
from koma.pixels.picture import Pixels

POSTER_LONGEST = 640  # px
# x264's macroblock tree gives other bytes from run to run, even on one thread and in one process.
_H264 = {"crf": "18", "preset": "fast", "x264-params": "mbtree=0"}
_BT709 = 1  # the number of BT.709 in H.273 tables of matrix, primaries and transfer


class DeliveryWriter(ClipWriter):
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
