"""One picture file → pixels, under limits: PNG, JPEG and WebP only, decoded in full."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from koma.pixels.header import MAX_PIXELS, UnreadableError, picture_size
from koma.pixels.whole import missing_part

__all__ = ["FORMATS", "MAX_PIXELS", "Pixels", "UnreadableError", "read_picture"]

Pixels = npt.NDArray[np.uint8]  # rows, columns, and 3 (RGB) or 4 (RGBA, straight alpha) samples

FORMATS = ("PNG", "JPEG", "WEBP")


def read_picture(file: Path) -> Pixels:
    """Decode a picture to RGB, or RGBA where it has alpha, turned upright as its EXIF says.

    Samples of 16 bits are reduced to their high 8 bits: no backend reads more. Raises UnreadableError.
    """
    try:
        lack = missing_part(file)
        if not lack:
            picture_size(file)
            with Image.open(file, formats=FORMATS) as image:
                return _pixels(image)
    except UnreadableError:
        raise
    except Exception as error:
        # Decoders raise errors of many kinds on damaged data; here each of them means the same.
        raise UnreadableError(file, f"not a readable picture: {error}") from error
    raise UnreadableError(file, f"cut short: {lack}")


def _pixels(image: Image.Image) -> Pixels:
    if getattr(image, "n_frames", 1) > 1:
        raise ValueError("it is animated; one picture is wanted")
    image.load()
    return np.ascontiguousarray(_eight_bits(ImageOps.exif_transpose(image)))


def _eight_bits(image: Image.Image) -> npt.NDArray[Any]:
    if image.mode.startswith("I"):  # 16-bit grey; convert() would clip it
        grey = (np.asarray(image).astype(np.uint32) >> 8).astype(np.uint8)
        return np.repeat(grey[:, :, None], 3, axis=2)
    return np.asarray(image.convert("RGBA" if image.has_transparency_data else "RGB"))
