"""Colours: `#rrggbb`, and the way between sRGB samples and CIE 1976 L*a*b*.

sRGB is IEC 61966-2-1; L*a*b* is CIE 15, for the white of D65. How far two colours are apart for the eye is CIEDE2000.
"""

import re
from typing import Any

import numpy as np
import numpy.typing as npt

RGB = tuple[int, int, int]
Samples = npt.NDArray[np.float64]

_HEX = re.compile(r"#(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})")
_TO_XYZ = np.array([[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]])
_WHITE = _TO_XYZ.sum(axis=1)  # XYZ of RGB white
_TO_RGB = np.linalg.inv(_TO_XYZ)
_EDGE = 6 / 29  # below it, the cube root of L*a*b* is replaced by a straight line
_TURN = 2 * np.pi


def parse(text: str) -> RGB:
    """Read `#rgb` or `#rrggbb`. Raises ValueError for anything else."""
    if not isinstance(text, str) or not _HEX.fullmatch(text):
        raise ValueError(f"{text!r} is no colour of the form #rrggbb")
    digits = text[1:] if len(text) > 4 else "".join(digit * 2 for digit in text[1:])  # noqa: PLR2004 - the short form has one digit per channel
    return int(digits[0:2], 16), int(digits[2:4], 16), int(digits[4:6], 16)


def to_lab(rgb: npt.ArrayLike) -> Samples:
    """Return L* (0..100), a* and b* of sRGB samples 0..255 in the last of any number of axes."""
    samples = np.asarray(rgb)
    linear = _LINEAR[samples] if samples.dtype == np.uint8 else _linear(samples)
    ratio = linear @ _TO_XYZ.T / _WHITE
    bent = np.where(ratio > _EDGE**3, np.cbrt(ratio), ratio / (3 * _EDGE**2) + 4 / 29)
    x, y, z = bent[..., 0], bent[..., 1], bent[..., 2]
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def _linear(samples: npt.NDArray[Any]) -> Samples:
    share = np.asarray(samples, np.float64) / 255.0
    return np.asarray(np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4))  # noqa: PLR2004 - sRGB's own numbers


_LINEAR = _linear(np.arange(256))  # of every whole sample, looked up instead of computed again for each pixel


def from_lab(lab: Samples) -> Samples:
    """Return sRGB samples 0..255, not rounded; what sRGB can't show is cut off channel by channel."""
    middle = (lab[..., 0] + 16) / 116
    bent = np.stack([middle + lab[..., 1] / 500, middle, middle - lab[..., 2] / 200], axis=-1)
    ratio = np.where(bent > _EDGE, bent**3, 3 * _EDGE**2 * (bent - 4 / 29))
    linear = np.clip((ratio * _WHITE) @ _TO_RGB.T, 0.0, 1.0)
    bright = 1.055 * linear ** (1 / 2.4) - 0.055
    samples: Samples = 255.0 * np.where(linear <= 0.0031308, linear * 12.92, bright)  # noqa: PLR2004 - sRGB's own numbers
    return samples


def ciede2000(one: npt.ArrayLike, other: npt.ArrayLike) -> Samples:
    """Return the difference of L*a*b* colours in the last axis of two arrays that broadcast; 1 is about what eyes just see.

    CIEDE2000 with kL = kC = kH = 1, after Sharma, Wu and Dalal, The CIEDE2000 color-difference formula: implementation notes,
    supplementary test data, and mathematical observations, Color Research and Application 30 (2005). Symmetric, 0 for equal colours.
    """
    first, second = np.asarray(one, np.float64), np.asarray(other, np.float64)
    less = _less_grey((np.hypot(first[..., 1], first[..., 2]) + np.hypot(second[..., 1], second[..., 2])) / 2)
    chroma, hue = _polar(first, less)
    chroma2, hue2 = _polar(second, less)
    apart, middle = _hues(hue, hue2, chroma * chroma2 == 0)
    return _weighted(
        ((first[..., 0] + second[..., 0]) / 2, (chroma + chroma2) / 2, middle),
        (second[..., 0] - first[..., 0], chroma2 - chroma, 2 * np.sqrt(chroma * chroma2) * np.sin(apart / 2)),
    )


def _less_grey(chroma: Samples) -> Samples:
    """Return what a* is multiplied with, so that near greys differ more (1 + G)."""
    strong = chroma**7
    return 1.5 - 0.5 * np.sqrt(strong / (strong + 25.0**7))


def _polar(lab: Samples, less_grey: Samples) -> tuple[Samples, Samples]:
    """Chroma, and hue in radians from 0 to 2 pi; grey has hue 0."""
    a = lab[..., 1] * less_grey
    return np.hypot(a, lab[..., 2]), np.arctan2(lab[..., 2], a) % _TURN


def _hues(hue: Samples, hue2: Samples, grey: npt.NDArray[np.bool_]) -> tuple[Samples, Samples]:
    """Return the way from one hue to the other, the short way round, and the hue halfway; where one colour is grey, it has no hue."""
    step = hue2 - hue
    far = np.abs(step) > np.pi
    apart = np.where(far, step - np.copysign(_TURN, step), step)
    total = hue + hue2
    middle = np.where(far, (total + np.where(total < _TURN, _TURN, -_TURN)) / 2, total / 2)
    return np.where(grey, 0.0, apart), np.where(grey, total, middle)


def _weighted(mean: tuple[Samples, Samples, Samples], delta: tuple[Samples, Samples, Samples]) -> Samples:
    """Return the difference made of means and differences of lightness, chroma and hue."""
    lightness, chroma, hue = mean
    off_middle = (lightness - 50) ** 2
    blue = np.exp(-(((np.degrees(hue) - 275) / 25) ** 2))
    strong = chroma**7
    turn = -2 * np.sqrt(strong / (strong + 25.0**7)) * np.sin(np.radians(60) * blue)
    light = delta[0] / (1 + 0.015 * off_middle / np.sqrt(20 + off_middle))
    colourful = delta[1] / (1 + 0.045 * chroma)
    hued = delta[2] / (1 + 0.015 * chroma * _hue_weight(hue))
    return np.asarray(np.sqrt(np.maximum(light**2 + colourful**2 + hued**2 + turn * colourful * hued, 0.0)))


def _hue_weight(hue: Samples) -> Samples:
    """Return how much a difference of hue counts at this hue (T)."""
    once, twice = 0.17 * np.cos(hue - np.radians(30)), 0.24 * np.cos(2 * hue)
    thrice, four_times = 0.32 * np.cos(3 * hue + np.radians(6)), 0.20 * np.cos(4 * hue - np.radians(63))
    return np.asarray(1 - once + twice + thrice - four_times)
