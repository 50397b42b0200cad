"""Colours: `#rrggbb`, and the way between sRGB samples and CIE 1976 L*a*b*.

sRGB is IEC 61966-2-1; L*a*b* is CIE 15, for the white of D65. One unit of L*a*b* is about the smallest difference that eyes see.
"""

import re

import numpy as np
import numpy.typing as npt

RGB = tuple[int, int, int]
Samples = npt.NDArray[np.float64]

_HEX = re.compile(r"#(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})")
_TO_XYZ = np.array([[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]])
_WHITE = _TO_XYZ.sum(axis=1)  # XYZ of RGB white
_TO_RGB = np.linalg.inv(_TO_XYZ)
_EDGE = 6 / 29  # below it, the cube root of L*a*b* is replaced by a straight line


def parse(text: str) -> RGB:
    """Read `#rgb` or `#rrggbb`. Raises ValueError for anything else."""
    if not isinstance(text, str) or not _HEX.fullmatch(text):
        raise ValueError(f"{text!r} is no colour of the form #rrggbb")
    digits = text[1:] if len(text) > 4 else "".join(digit * 2 for digit in text[1:])  # noqa: PLR2004 - the short form has one digit per channel
    return int(digits[0:2], 16), int(digits[2:4], 16), int(digits[4:6], 16)


def to_lab(rgb: npt.ArrayLike) -> Samples:
    """Return L* (0..100), a* and b* of sRGB samples 0..255 in the last of any number of axes."""
    share = np.asarray(rgb, np.float64) / 255.0
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)  # noqa: PLR2004 - sRGB's own numbers
    ratio = linear @ _TO_XYZ.T / _WHITE
    bent = np.where(ratio > _EDGE**3, np.cbrt(ratio), ratio / (3 * _EDGE**2) + 4 / 29)
    x, y, z = bent[..., 0], bent[..., 1], bent[..., 2]
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def from_lab(lab: Samples) -> Samples:
    """Return sRGB samples 0..255, not rounded; what sRGB can't show is cut off channel by channel."""
    middle = (lab[..., 0] + 16) / 116
    bent = np.stack([middle + lab[..., 1] / 500, middle, middle - lab[..., 2] / 200], axis=-1)
    ratio = np.where(bent > _EDGE, bent**3, 3 * _EDGE**2 * (bent - 4 / 29))
    linear = np.clip((ratio * _WHITE) @ _TO_RGB.T, 0.0, 1.0)
    bright = 1.055 * linear ** (1 / 2.4) - 0.055
    samples: Samples = 255.0 * np.where(linear <= 0.0031308, linear * 12.92, bright)  # noqa: PLR2004 - sRGB's own numbers
    return samples
