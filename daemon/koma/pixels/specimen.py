"""Neutral pictures and clips, made on the spot for trying out templates: a disc on a shaded ground."""

from fractions import Fraction
from pathlib import Path

import numpy as np
from PIL import Image

from koma.pixels.lossless import LosslessWriter
from koma.pixels.picture import Pixels

FRAMES = 25
RATE = Fraction(24)
_GROUND, _DISC = 160.0, 72


def specimen_picture(file: Path, width: int, height: int) -> Path:
    """Write one PNG of this size in px."""
    Image.fromarray(_frame(width, height, 0.5)).save(file, "PNG")
    return file


def specimen_clip(file: Path, width: int, height: int, frames: int = FRAMES) -> Path:
    """Write a lossless clip of this size in px, in which the disc goes from left to right."""
    with LosslessWriter(file, width, height, RATE) as writer:
        for number in range(frames):
            writer.add(_frame(width, height, number / max(1, frames - 1)), number)
    return file


def _frame(width: int, height: int, place: float) -> Pixels:
    """One frame; `place` in 0..1 says how far to the right the disc is."""
    across, down = np.meshgrid(np.linspace(0, 1, width), np.linspace(0, 1, height))
    ground = (_GROUND * (0.6 + 0.4 * down)).astype(np.uint8)
    radius = 0.2 * min(width, height)
    left = radius + place * (width - 2 * radius)
    disc = (across * width - left) ** 2 + (down * height - height / 2) ** 2 < radius**2
    return np.stack([np.where(disc, _DISC + 24 * channel, ground) for channel in range(3)], axis=-1).astype(np.uint8)
