"""The ground of the specimens: houses at dusk in two layers, each a strip that begins again where it ends."""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from koma.measures.specimens.chance import chance
from koma.pixels.picture import Pixels

_SKY_TOP, _SKY_LOW = np.array([58.0, 78.0, 122.0]), np.array([226.0, 170.0, 150.0])
_FAR, _NEAR = (92, 98, 138), (52, 58, 88)
_LIT, _DARK = (236, 205, 128), (38, 44, 70)
_PACE = 100  # the near layer takes so many frames for one width of the frame


@dataclass(frozen=True, slots=True)
class City:
    """Both strips, with the columns that each moves on in a loop."""

    width: int
    far: Pixels
    near: Pixels
    near_mask: Pixels
    near_period: int
    far_period: int

    def seen_at(self, phase: float) -> Pixels:
        """Draw what the frame shows at this moment of the loop. Layers move by whole pixels, so a pan stays sharp."""
        frame = _part(self.far, phase, self.far_period, self.width).copy()
        near, mask = (_part(strip, phase, self.near_period, self.width) for strip in (self.near, self.near_mask))
        cv2.copyTo(np.ascontiguousarray(near), np.ascontiguousarray(mask), frame)
        return frame


def _part(strip: Pixels, phase: float, period: int, width: int) -> Pixels:
    first = round(phase * period) % period
    return strip[:, first : first + width]


@lru_cache(maxsize=4)
def city(width: int, height: int, frames: int) -> City:
    """Draw the strips for frames of this size in px, and a loop of so many frames."""
    near_step = max(1, round(width / _PACE))
    far_step = max(1, near_step // 2)
    near_period, far_period = near_step * frames, far_step * frames
    far = _sky(height, far_period)
    _build(far, _FAR, height, (0.40, 0.66), 11)
    near = np.zeros((height, near_period, 3), np.uint8)
    _build(near, _NEAR, height, (0.55, 0.86), 23)
    mask = np.asarray(near.any(axis=2) * 255, np.uint8)
    return City(width, _tiled(far, width), _tiled(near, width), _tiled(mask, width), near_period, far_period)


def _tiled(strip: Pixels, width: int) -> Pixels:
    """Repeat the strip until any part of it is followed by a whole frame."""
    times = -(-(strip.shape[1] + width) // strip.shape[1])
    return np.concatenate([strip] * times, axis=1)


def _sky(height: int, period: int) -> Pixels:
    share = np.linspace(0, 1, height)[:, None]
    column = np.round(_SKY_TOP * (1 - share) + _SKY_LOW * share).astype(np.uint8)
    return np.repeat(column[:, None, :], period, axis=1)


def _build(strip: Pixels, wall: tuple[int, int, int], height: int, roofs: tuple[float, float], seed: int) -> None:
    """Fill a strip with houses from left to right, the last one cut where the strip ends."""
    left, number, period = 0, 0, strip.shape[1]
    while left < period:
        wide = max(4, round(height * (0.07 + 0.11 * chance(seed, number, 1))))
        roof = round(height * (roofs[0] + (roofs[1] - roofs[0]) * chance(seed, number, 2)))
        tone = 0.85 + 0.3 * chance(seed, number, 3)
        strip[roof:, left : left + wide] = [min(255, round(value * tone)) for value in wall]
        strip[roof : roof + max(1, height // 160), left : left + wide] = _DARK
        _light_windows(strip, (left, roof, wide), height, seed * 100 + number)
        left, number = left + wide + round(height * 0.02 * chance(seed, number, 4)), number + 1


def _light_windows(strip: Pixels, house: tuple[int, int, int], height: int, seed: int) -> None:
    left, roof, wide = house
    size, gap = max(2, height // 50), max(3, height // 28)
    for row, top in enumerate(range(roof + gap, height - size, gap + size)):
        for column, start in enumerate(range(left + size, left + wide - size, gap + size // 2)):
            colour = _LIT if chance(seed, row, column) < 0.4 else _DARK  # noqa: PLR2004  two windows of five are lit
            strip[top : top + size + size // 2, start : min(start + size, strip.shape[1])] = colour
