"""One picture file → pixels, under limits: PNG, JPEG and WebP only, decoded in full."""

import struct
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt

# The plugins are named, or Pillow imports those of every format there is when it opens its first picture.
from PIL import ExifTags, Image, JpegImagePlugin, PngImagePlugin, UnidentifiedImageError, WebPImagePlugin  # noqa: F401  # importing them is their use

from koma.pixels.header import MAX_PIXELS, UnreadableError, check_size, picture_size
from koma.pixels.whole import Container, container_of, missing_part, reason

__all__ = ["FORMATS", "MAX_PIXELS", "Pixels", "UnreadableError", "over_white", "read_frames", "read_picture"]

Pixels = npt.NDArray[np.uint8]  # rows, columns, and 3 (RGB) or 4 (RGBA, straight alpha) samples

FORMATS = ("PNG", "JPEG", "WEBP")
MAX_PICTURE_BYTES = 512 << 20  # of a file
_ALBUM = "MPO"  # a JPEG that carries further pictures, a depth map or a thumbnail: the first one is the picture
_RGB = 3
_STRIP = 4_000_000  # px that are brought into their form at a time, so that a large picture is not in memory three times


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
            check_size(file, *image.size)
            yield image
    except UnreadableError:
        raise
    except Exception as error:
        # Decoders raise errors of many kinds on damaged data; here each of them means the same.
        raise UnreadableError(file, f"not a readable picture: {_why(error)}") from error


def check_checksums(file: Path) -> None:
    """Raise UnreadableError where a part of a PNG is not what its checksum says, even one that no picture needs; others have none."""
    if container_of(file) is Container.PNG:
        try:
            with Image.open(file, formats=["PNG"]) as image:
                image.verify()
        except Exception as error:
            raise UnreadableError(file, f"not a readable picture: {_why(error)}") from error


def _why(error: Exception) -> str:
    if isinstance(error, UnidentifiedImageError):
        return "its header makes no sense"
    if isinstance(error, LookupError | TypeError | struct.error):  # what Pillow stumbles over, and nobody could make use of
        return "its parts do not fit together"
    return reason(error)


def _refuse_cut(file: Path) -> None:
    lack = missing_part(file)
    if lack:
        raise UnreadableError(file, f"cut short: {lack}")
    if file.stat().st_size > MAX_PICTURE_BYTES:
        raise UnreadableError(file, f"a picture of more than {MAX_PICTURE_BYTES >> 20} MiB is not read")


def _frames_in(image: Image.Image) -> int:
    return 1 if image.format == _ALBUM else getattr(image, "n_frames", 1)


def _upright(image: Image.Image) -> Pixels:
    image.load()
    turn = _TURNS.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    pixels = _samples(image)
    return np.ascontiguousarray(turn(pixels) if turn is not None else pixels)


# What brings a picture upright, by its EXIF orientation.
_TURNS: Mapping[int, Callable[[Pixels], Pixels]] = {
    2: np.fliplr,
    3: lambda pixels: np.rot90(pixels, 2),
    4: np.flipud,
    5: lambda pixels: np.swapaxes(pixels, 0, 1),
    6: lambda pixels: np.rot90(pixels, -1),
    7: lambda pixels: np.swapaxes(np.rot90(pixels, 2), 0, 1),
    8: np.rot90,
}


def _samples(image: Image.Image) -> Pixels:
    width, height = image.size
    rows = max(1, _STRIP // width)
    if height <= rows:
        return _eight_bits(image)
    made = np.empty((height, width, 4 if image.has_transparency_data else _RGB), np.uint8)
    for top in range(0, height, rows):
        made[top : top + rows] = _eight_bits(image.crop((0, top, width, min(top + rows, height))))
    return made


def _eight_bits(image: Image.Image) -> Pixels:
    if image.mode.startswith("I"):  # 16-bit grey; convert() would clip it
        grey = (np.asarray(image).astype(np.uint32) >> 8).astype(np.uint8)
        return np.repeat(grey[:, :, None], 3, axis=2)
    wanted = "RGBA" if image.has_transparency_data else "RGB"
    return np.asarray(image if image.mode == wanted else image.convert(wanted))
