"""One picture file → pixels, under limits: PNG, JPEG and WebP only, decoded in full."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

# The plugins are named, or Pillow imports those of every format there is when it opens its first picture.
from PIL import Image, ImageOps, JpegImagePlugin, PngImagePlugin, WebPImagePlugin  # noqa: F401  # importing them is their use

from koma.pixels.header import MAX_PIXELS, UnreadableError, picture_size
from koma.pixels.whole import missing_part, reason

__all__ = ["FORMATS", "MAX_PIXELS", "Pixels", "UnreadableError", "over_white", "read_frames", "read_picture"]

Pixels = npt.NDArray[np.uint8]  # rows, columns, and 3 (RGB) or 4 (RGBA, straight alpha) samples

FORMATS = ("PNG", "JPEG", "WEBP")
_ALBUM = "MPO"  # a JPEG that carries further pictures, a depth map or a thumbnail: the first one is the picture
_RGB = 3


def read_picture(file: Path) -> Pixels:
    """Decode a picture to RGB, or RGBA where it has alpha, turned upright as its EXIF says.

    Samples of 16 bits are reduced to their high 8 bits: no backend reads more. CMYK is turned into RGB without a colour profile; profiles
    are read nowhere. Raises UnreadableError, also for an animated picture.
    """
    with _opened(file) as image:
        count = _frames_in(image)
        if count > 1:
            raise ValueError(f"it is animated, {count} frames; one picture is wanted")
        return _upright(image)


def read_frames(file: Path) -> Iterator[Pixels]:
    """Decode a picture file frame by frame: one, or all of an animated PNG or WebP, as `read_picture` does. Raises UnreadableError."""
    with _opened(file) as image:
        for number in range(_frames_in(image)):
            image.seek(number)
            yield _upright(image)


def over_white(pixels: Pixels) -> Pixels:
    """RGB of a picture, laid over white where it is transparent, as most viewers show it. Without alpha, the very same samples."""
    if pixels.shape[2] == _RGB:
        return pixels
    alpha = pixels[:, :, _RGB:].astype(np.float32) / 255
    return np.rint(pixels[:, :, :_RGB] * alpha + 255 * (1 - alpha)).astype(np.uint8)


@contextmanager
def _opened(file: Path) -> Iterator[Image.Image]:
    try:
        _refuse_cut(file)
        picture_size(file)
        with Image.open(file, formats=FORMATS) as image:
            yield image
    except UnreadableError:
        raise
    except Exception as error:
        # Decoders raise errors of many kinds on damaged data; here each of them means the same.
        raise UnreadableError(file, f"not a readable picture: {reason(error)}") from error


def _refuse_cut(file: Path) -> None:
    lack = missing_part(file)
    if lack:
        raise UnreadableError(file, f"cut short: {lack}")


def _frames_in(image: Image.Image) -> int:
    return 1 if image.format == _ALBUM else getattr(image, "n_frames", 1)


def _upright(image: Image.Image) -> Pixels:
    image.load()
    return np.ascontiguousarray(_eight_bits(ImageOps.exif_transpose(image)))


def _eight_bits(image: Image.Image) -> npt.NDArray[Any]:
    if image.mode.startswith("I"):  # 16-bit grey; convert() would clip it
        grey = (np.asarray(image).astype(np.uint32) >> 8).astype(np.uint8)
        return np.repeat(grey[:, :, None], 3, axis=2)
    return np.asarray(image.convert("RGBA" if image.has_transparency_data else "RGB"))
