"""What moves in the air: rain, snow, steam, fireflies, petals, fog. Every path is closed in a loop."""

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw

from koma.backends.animatic.colour import RGB, chance, mix
from koma.backends.animatic.light import Light, has
from koma.backends.animatic.motion import Moment
from koma.backends.animatic.shapes import add_light, soft_disc

_WEATHER: dict[str, tuple[str, ...]] = {
    "rain": ("rain", "drizzl", "shower", "storm"),
    "snow": ("snow", "blizz"),
    "fog": ("fog", "mist", "haz"),
    "petals": ("petal", "blossom"),
    "leaves": ("wind", "breez", "gust", "leaf", "leaves"),
    "fireflies": ("firefl",),
    "steam": ("steam",),
}
_COARSE = 4  # steam is soft: a quarter of the size carries it
_SHARED = frozenset({"rain", "snow", "petals", "fireflies", "steam"})


def effects_of(weather: str, features: frozenset[str]) -> tuple[str, ...]:
    """Names of everything in the air, from the weather's words and the place's features."""
    told = {name for name, stems in _WEATHER.items() if has(weather, *stems)}
    return tuple(sorted(told | (features & _SHARED)))


def draw_effects(picture: Image.Image, effects: tuple[str, ...], seed: int, time: Moment, light: Light) -> None:
    """Paint all effects over an RGB picture, in place."""
    for name in effects:
        _EFFECTS[name](picture, seed, time, light)


def _along(time: Moment, speed: float, offset: float) -> float:
    """Where something is on its way, 0..1; `speed` ways a second."""
    return time.turns(speed, offset) % 1.0


@lru_cache(maxsize=8)
def _streak(length: int, slant: int, strength: int) -> Image.Image:
    big = Image.new("L", (max(2, abs(slant) + 4) * 4, length * 4))
    ImageDraw.Draw(big).line((big.width - 8 if slant < 0 else 8, 0, 8 if slant < 0 else big.width - 8, big.height), fill=strength, width=5)
    return big.reduce(4)


def _rain(picture: Image.Image, seed: int, time: Moment, light: Light) -> None:
    dice = chance("rain", seed)
    colour = mix(light.sky[2], (235, 244, 255), 0.6)
    for near in (False, True):
        length = max(6, picture.height // (7 if near else 14))
        mask = _streak(length, -length // 7, 120 if near else 80)
        for _ in range(60 if near else 110):
            x, offset, speed = dice.random(), dice.random(), (1.7 if near else 1.1) * dice.choice((0.9, 1.0, 1.1))
            y = _along(time, speed, offset)
            picture.paste(colour, (round((x * 1.2 - y * 0.12) * picture.width), round(y * (picture.height + 2 * length) - length)), mask)
    for _ in range(26):
        x, y, grown = dice.random(), dice.uniform(0.8, 0.99), _along(time, 1.6, dice.random())
        _splash(picture, x, y, grown, colour)


def _splash(picture: Image.Image, x: float, y: float, grown: float, colour: RGB) -> None:
    half = (0.003 + 0.012 * grown) * picture.width
    cx, cy = x * picture.width, y * picture.height
    draw = ImageDraw.Draw(picture, "RGBA")
    draw.ellipse((cx - half, cy - half * 0.3, cx + half, cy + half * 0.3), outline=(*colour, round(110 * (1 - grown))))


def _snow(picture: Image.Image, seed: int, time: Moment, _light: Light) -> None:
    dice = chance("snow", seed)
    for _ in range(120):
        size = max(3, round(picture.height * dice.choice((0.008, 0.011, 0.016, 0.026))))
        offset, x, swing = dice.random(), dice.random(), dice.random()
        y = _along(time, 0.16 + size / picture.height * 5, offset)
        at = (round((x + 0.02 * math.sin(math.tau * (y * 2 + swing))) * picture.width), round(y * (picture.height + size) - size))
        picture.paste((250, 252, 255), at, soft_disc(size, 1.0))


def _steam(picture: Image.Image, seed: int, time: Moment, light: Light) -> None:
    dice = chance("steam", seed)
    cloud = Image.new("L", (picture.width // _COARSE, picture.height // _COARSE))
    for source in (0.13, 0.79, 0.92):
        for _ in range(11):
            grown = _along(time, 0.26, dice.random())
            drift, wobble = dice.uniform(-0.02, 0.05), dice.random()
            x = source + drift * grown * 2 + 0.012 * math.sin(math.tau * (grown + wobble))
            y = 0.97 - 0.52 * grown
            size = max(4, round(cloud.height * (0.09 + 0.26 * grown)))
            puff = _puff(size, round(math.sin(math.pi * grown) ** 1.2 * 24))
            cloud.paste(255, (round(x * cloud.width - size / 2), round(y * cloud.height - size / 2)), puff)
    picture.paste(mix((240, 238, 244), light.sky[1], 0.25), (0, 0), cloud.resize(picture.size, Image.Resampling.BICUBIC))


@lru_cache(maxsize=256)
def _puff(size: int, level: int) -> Image.Image:
    return soft_disc(size, 1.4).point([round(value * level * 3.5 / 255) for value in range(256)])


def _fireflies(picture: Image.Image, seed: int, time: Moment, light: Light) -> None:
    dice = chance("fireflies", seed)
    for _ in range(26):
        x, y, offset = dice.random(), dice.uniform(0.35, 0.95), dice.random()
        pace = dice.choice((0.12, 0.17, 0.23))
        wide, high = dice.uniform(0.015, 0.05), dice.uniform(0.02, 0.06)
        pulse = 0.5 + 0.5 * time.wave(0.5, offset)
        at = ((x + wide * time.wave(pace, offset)) * picture.width, (y + high * time.wave(pace * 2, offset * 3)) * picture.height)
        bright = 0.25 + 0.75 * pulse * (0.5 + 0.5 * light.lamps)
        add_light(picture, at, picture.height * 0.035, mix((0, 0, 0), (214, 255, 120), bright * 0.75), 2.4)
        add_light(picture, at, picture.height * 0.009, mix((0, 0, 0), (255, 255, 214), bright), 1.0)


def _flutter(picture: Image.Image, seed: int, time: Moment, colours: tuple[RGB, ...], kind: str) -> None:
    dice = chance(kind, seed)
    for _ in range(34):
        size = picture.height * dice.uniform(0.008, 0.019)
        offset, row, spin = dice.random(), dice.random(), dice.random()
        way = _along(time, dice.choice((0.14, 0.19)) * (2.2 if kind == "leaves" else 1.0), offset)
        x = (way * 1.3 - 0.15) * picture.width
        y = (
            ((row + way * (0.25 if kind == "leaves" else 0.6) + 0.03 * math.sin(math.tau * (way * 3 + spin))) % 1.0)
            * picture.height
            * math.sin(math.pi * min(1.0, way + 0.2)) ** 0.02
        )
        angle, flat = math.tau * (way * 3 + spin), 0.35 + 0.65 * abs(math.sin(math.tau * (way * 2 + spin)))
        _leaf(picture, (x, y), size, angle=angle, flat=flat, colour=colours[int(spin * len(colours))])


def _leaf(picture: Image.Image, at: tuple[float, float], size: float, *, angle: float, flat: float, colour: RGB) -> None:
    cos, sin = math.cos(angle), math.sin(angle)
    points = [(-1.0, 0.0), (-0.3, -0.55 * flat), (0.6, -0.4 * flat), (1.0, 0.0), (0.6, 0.4 * flat), (-0.3, 0.55 * flat)]
    ImageDraw.Draw(picture, "RGBA").polygon(
        [(at[0] + size * (x * cos - y * sin), at[1] + size * (x * sin + y * cos)) for x, y in points], fill=(*colour, 225)
    )


def _petals(picture: Image.Image, seed: int, time: Moment, _light: Light) -> None:
    _flutter(picture, seed, time, ((255, 196, 212), (255, 222, 230), (246, 170, 192)), "petals")


def _leaves(picture: Image.Image, seed: int, time: Moment, _light: Light) -> None:
    _flutter(picture, seed, time, ((212, 150, 70), (150, 170, 90), (196, 104, 66)), "leaves")


def _fog(picture: Image.Image, seed: int, time: Moment, light: Light) -> None:
    colour = mix(light.sky[2], (236, 236, 242), 0.4)
    picture.paste(
        colour,
        (0, 0),
        _fog_mask(picture.size, seed, round(time.turns(0.05) * 24) % 24 if not time.loops else round(time.progress * 24) % 24),
    )


@lru_cache(maxsize=26)
def _fog_mask(size: tuple[int, int], seed: int, step: int) -> Image.Image:
    dice = chance("fog", seed)
    x = np.linspace(0, math.tau, size[0] // 8)[None, :]
    y = np.linspace(0, 1, size[1] // 8)[:, None]
    drift = math.tau * step / 24
    waves = sum(np.sin(x * k + dice.random() * 6 + drift * (1 if k < 3 else 2) + y * dice.uniform(2, 6)) / k for k in (1, 2, 3, 5))  # noqa: PLR2004 - fine waves drift faster
    level = np.clip(70 + 28 * waves, 20, 150) * np.clip(0.3 + y, 0.3, 1.0)
    return Image.fromarray(level.astype(np.uint8)).resize(size, Image.Resampling.BICUBIC)


_EFFECTS: dict[str, Callable[[Image.Image, int, Moment, Light], None]] = {
    "rain": _rain, "snow": _snow, "steam": _steam, "fireflies": _fireflies, "petals": _petals, "leaves": _leaves, "fog": _fog,
}  # fmt: skip
