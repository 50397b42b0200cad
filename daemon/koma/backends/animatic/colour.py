"""Colours as (r, g, b) in 0..255, and the one source of repeatable chance."""

import colorsys
import random
from collections.abc import Sequence

RGB = tuple[int, int, int]

WHITE: RGB = (255, 255, 255)
INK: RGB = (52, 38, 58)
PAPER: RGB = (250, 244, 230)


def mix(a: RGB, b: RGB, share: float) -> RGB:
    """Go from `a` (share 0) to `b` (share 1)."""
    share = min(1.0, max(0.0, share))
    return (round(a[0] + (b[0] - a[0]) * share), round(a[1] + (b[1] - a[1]) * share), round(a[2] + (b[2] - a[2]) * share))


def scale(colour: RGB, factors: Sequence[float]) -> RGB:
    """Multiply each channel by its own factor, as a coloured light does."""
    r, g, b = (min(255, max(0, round(channel * factor))) for channel, factor in zip(colour, factors, strict=True))
    return r, g, b


def darker(colour: RGB, share: float) -> RGB:
    """Shade as painters do: towards a cool dark, not towards black."""
    return mix(colour, (38, 24, 58), share)


def lighter(colour: RGB, share: float) -> RGB:
    """Tint towards a warm white."""
    return mix(colour, (255, 250, 238), share)


def from_hsv(hue: float, saturation: float, value: float) -> RGB:
    """All three in 0..1; the hue wraps around."""
    r, g, b = colorsys.hsv_to_rgb(hue % 1.0, saturation, value)
    return round(r * 255), round(g * 255), round(b * 255)


def chance(*parts: object) -> random.Random:
    """Make a generator that gives the same numbers for the same parts, on every machine and in every process."""
    return random.Random("\x1f".join(map(str, parts)))  # noqa: S311 - decides where a window is lit, guards nothing
