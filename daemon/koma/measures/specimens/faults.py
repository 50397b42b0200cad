"""What goes wrong within frames: each fault takes a clean frame, its number, how many there are, and a strength (1 is plain to see)."""

import io
import math
from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from koma.measures.specimens.chance import chance, grain
from koma.pixels.picture import Pixels

Field = npt.NDArray[np.float32]
Fault = Callable[[Pixels, int, int, float], Pixels]  # frame, its number, how many there are, strength → frame

_WORKING = 512  # px; lengths below are meant on a square of this side


def _scale(frame: Pixels) -> float:
    return math.sqrt(frame.shape[0] * frame.shape[1]) / _WORKING


def blur(frame: Pixels, _number: int, _frames: int, strength: float) -> Pixels:
    """Gaussian blur; with strength 1, sigma is 4 px of 512."""
    sigma = 4 * strength * _scale(frame)
    return np.asarray(cv2.GaussianBlur(frame, (0, 0), sigma), np.uint8) if sigma else frame


def noise_of(deviation: float) -> Fault:
    """Another grain on every frame, with this standard deviation at strength 1."""

    def apply(frame: Pixels, number: int, _frames: int, strength: float) -> Pixels:
        return np.clip(np.round(frame + deviation * strength * grain(frame.shape, number)), 0, 255).astype(np.uint8)

    return apply


def jpeg(frame: Pixels, _number: int, _frames: int, strength: float) -> Pixels:
    """JPEG and back; quality is 10 at strength 1, 32 at a half, 95 at nearly 0."""
    buffer = io.BytesIO()
    Image.fromarray(frame).save(buffer, "JPEG", quality=min(95, max(1, round(100 * 0.1**strength))))
    return np.asarray(Image.open(buffer))


def flicker_of(part: float) -> Fault:
    """Every frame is brighter or darker than the one before by about this part, at strength 1."""

    def apply(frame: Pixels, number: int, _frames: int, strength: float) -> Pixels:
        swing = (1 if number % 2 else -1) * (0.5 + chance(number, 31))
        return np.clip(np.round(frame * np.float32(1 + part * strength * swing)), 0, 255).astype(np.uint8)

    return apply


def melt(frame: Pixels, number: int, _frames: int, strength: float) -> Pixels:
    """Let the drawing wobble like jelly where the character is: up to 6 px of 512, by waves that change from frame to frame."""
    height, width = frame.shape[:2]
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    y, x = (rows / height - 0.45) * 2, (columns - width / 2) / height * 2
    reach = 6 * strength * _scale(frame) * np.exp(-(x**2 + y**2) / np.float32(0.5))
    waves = [_wave(x, y, number, axis) for axis in (0, 1)]
    moved = cv2.remap(frame, columns + reach * waves[0], rows + reach * waves[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, np.uint8)


def _wave(x: Field, y: Field, number: int, axis: int) -> Field:
    """Draw a wave of amplitude 1 or less, its place given by chance for each frame."""
    total = np.zeros_like(x)
    for part in range(3):
        turn, shift = (2 * math.pi * chance(number, axis, part, kind) for kind in (1, 2))
        total += np.sin(np.float32(7 + 3 * part) * (x * np.float32(math.cos(turn)) + y * np.float32(math.sin(turn))) + np.float32(shift))
    return total / np.float32(3)


def one_frame(colour: int) -> Fault:
    """One frame in the middle goes over into one grey, wholly at strength 1; a grain is left, as a decoder would leave it."""

    def apply(frame: Pixels, number: int, frames: int, strength: float) -> Pixels:
        if number != frames // 2:
            return frame
        mixed = frame * np.float32(1 - min(1.0, strength)) + np.float32(colour * min(1.0, strength))
        return np.round(mixed).astype(np.uint8)

    return apply
