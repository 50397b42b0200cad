"""Content digests: what is seen, whatever the file around it says. Equal pixels, size and rate give equal digests."""

import hashlib
from fractions import Fraction
from pathlib import Path

from koma.pixels.header import picture_size
from koma.pixels.picture import Pixels, read_picture

_PICTURE = "koma-picture-1"
_FRAMES = "koma-frames-1"


def look(file: Path) -> tuple[str, int, int]:
    """Content digest, width and height in px of a picture. Raises UnreadableError if it can't be decoded, OSError if it can't be read."""
    picture_size(file)  # what can't be read is not the same as a picture that can't be decoded
    pixels = read_picture(file)
    height, width = pixels.shape[:2]
    return picture_digest(pixels), width, height


def picture_digest(pixels: Pixels) -> str:
    """Sha256 hex over format tag, width, height, mode (RGB, or RGBA where there is alpha) and samples, row by row."""
    height, width, channels = pixels.shape
    digest = hashlib.sha256(f"{_PICTURE}\0{width}x{height}\0{'RGBA' if channels == 4 else 'RGB'}\0".encode())  # noqa: PLR2004  R, G, B, A
    digest.update(pixels.data)
    return digest.hexdigest()


class ClipDigest:
    """Sha256 hex over format tag, width, height, rate as a fraction, every frame's RGB samples in order, and their count."""

    def __init__(self, width: int, height: int, rate: Fraction) -> None:
        self._digest = hashlib.sha256(f"{_FRAMES}\0{width}x{height}\0{rate.numerator}/{rate.denominator}\0".encode())
        self.frames = 0

    def add(self, pixels: Pixels) -> None:
        """Take the next frame."""
        self._digest.update(pixels.data)
        self.frames += 1

    def hexdigest(self) -> str:
        """Return the digest of all frames so far."""
        digest = self._digest.copy()
        digest.update(f"\0{self.frames}".encode())
        return digest.hexdigest()
