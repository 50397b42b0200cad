"""Things in hands: the action's words choose one. Coordinates in units of the holder's height, from the hand."""

import math
from collections.abc import Callable

from koma.backends.animatic.colour import RGB, darker, lighter, mix
from koma.backends.animatic.light import has
from koma.backends.animatic.motion import Moment
from koma.backends.animatic.shapes import Pen, Point

_PROPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("umbrella", ("umbrella", "parasol")),
    ("letter", ("letter", "note", "paper", "map", "envelope", "postcard")),
    ("cup", ("cup", "tea", "mug", "soup", "bowl")),
    ("cat", ("cat", "kitten")),
    ("book", ("book", "diary", "notebook")),
    ("bun", ("bun", "bread", "dumpling", "cake", "bao")),
    ("lantern", ("lantern", "lamp", "light")),
)
CREAM: RGB = (252, 244, 224)


def prop_of(action: str) -> str:
    """Name of the thing that an action in free words speaks of, or nothing."""
    return next((name for name, stems in _PROPS if has(action, *stems)), "")


def draw_prop(name: str, pen: Pen, hand: Point, facing: float, *, accent: RGB, time: Moment, size: float = 1.0) -> Point | None:
    """Draw a thing at a hand; returns where it shines, if it does."""
    held = pen.within(lambda point: (hand[0] + point[0] * size, hand[1] + point[1] * size), size)
    if name not in _DRAW:
        return None
    spot = _DRAW[name](held, facing, accent, time)
    return (hand[0] + spot[0] * size, hand[1] + spot[1] * size) if spot else None


def _lantern(pen: Pen, facing: float, accent: RGB, time: Moment) -> Point:
    swing = 0.02 * time.wave(0.7, 0.1)
    top, x = (facing * 0.1, -0.05), facing * 0.1 + swing
    pen.stroke([(-facing * 0.03, 0.02), top], 0.016, (98, 66, 54))
    pen.stroke([top, (x, 0.03)], 0.008, (60, 44, 50))
    paper = mix(accent, (255, 196, 110), 0.6)
    pen.disc((x, 0.115), 0.075, 0.085, paper)
    pen.disc((x, 0.12), 0.054, 0.066, mix(paper, (255, 232, 170), 0.6), inked=False)
    pen.disc((x, 0.125), 0.03, 0.042, (255, 250, 224), inked=False)
    for y in (0.085, 0.12, 0.155):
        pen.stroke([(x - 0.066, y), (x, y + 0.008), (x + 0.066, y)], 0.005, darker(paper, 0.25))
    for y in (0.03, 0.2):
        pen.shape(
            [(x - 0.034, y - 0.01), (x + 0.034, y - 0.01), (x + 0.034, y + 0.012), (x - 0.034, y + 0.012)], (74, 54, 58), round_off=False
        )
    return x, 0.12


def _umbrella(pen: Pen, facing: float, accent: RGB, time: Moment) -> None:
    tip = 0.012 * time.wave(0.5)
    middle, top = -facing * 0.06 + tip, -0.74
    pen.stroke([(0.0, 0.06), (middle, top)], 0.016, (92, 66, 60))
    ribs = [(middle + 0.46 * math.sin(a), top + 0.34 - 0.32 * math.cos(a)) for a in (-1.45, -1.0, -0.5, 0.0, 0.5, 1.0, 1.45)]
    scallops: list[Point] = []
    for number in range(4, 0, -1):
        x = middle + (number - 2.5) * 0.228
        scallops += [(x + 0.06, top + 0.275), (x - 0.06, top + 0.275)]
    pen.shape(ribs + scallops, accent)
    for number in range(-1, 2):
        pen.stroke(
            [(middle, top + 0.02), (middle + number * 0.16, top + 0.14), (middle + number * 0.23, top + 0.28)], 0.008, darker(accent, 0.3)
        )
    pen.shape([(middle - 0.3, top + 0.14), (middle - 0.1, top + 0.04), (middle - 0.16, top + 0.14)], lighter(accent, 0.35), inked=False)
    pen.disc((middle, top + 0.01), 0.015, 0.02, (92, 66, 60))


def _letter(pen: Pen, facing: float, accent: RGB, time: Moment) -> None:
    lift = 0.006 * time.wave(0.6)
    x = facing * 0.05
    pen.shape([(x - 0.085, -0.1 + lift), (x + 0.075, -0.115 - lift), (x + 0.09, 0.05), (x - 0.075, 0.065)], CREAM, round_off=False)
    for number, end in enumerate((0.05, 0.05, 0.05, 0.03)):
        pen.stroke([(x - 0.055, -0.07 + number * 0.025), (x + end, -0.078 + number * 0.025)], 0.007, (150, 136, 140))
    pen.disc((x + 0.05, 0.025), 0.016, 0.016, accent, inked=False)


def _cup(pen: Pen, facing: float, accent: RGB, time: Moment) -> None:
    x = facing * 0.03
    pen.shape([(x - 0.06, -0.07), (x + 0.06, -0.07), (x + 0.048, 0.04), (x - 0.048, 0.04)], accent, round_off=False)
    pen.disc((x, -0.07), 0.06, 0.016, (120, 76, 56))
    pen.stroke([(x - 0.055, -0.02), (x + 0.055, -0.02)], 0.014, CREAM)
    for number in (-1, 1):
        curl = 0.02 * time.wave(0.6, number * 0.2)
        pen.stroke(
            [(x + number * 0.02, -0.1), (x + number * 0.02 + curl, -0.15), (x + number * 0.02 - curl, -0.2)],
            0.01,
            (244, 240, 236),
            taper=0.2,
        )


def _book(pen: Pen, facing: float, accent: RGB, time: Moment) -> None:
    x, lift = facing * 0.04, 0.004 * time.wave(0.4)
    pen.shape([(x, 0.05), (x - 0.13, 0.02), (x - 0.13, -0.11), (x, -0.08), (x + 0.13, -0.11), (x + 0.13, 0.02)], accent, round_off=False)
    pen.shape(
        [(x, 0.03), (x - 0.11, 0.0), (x - 0.11, -0.1 - lift), (x, -0.07), (x + 0.11, -0.1 - lift), (x + 0.11, 0.0)], CREAM, round_off=False
    )
    pen.stroke([(x, -0.07), (x, 0.03)], 0.008, (170, 150, 140))


def _bun(pen: Pen, facing: float, _accent: RGB, time: Moment) -> None:
    x = facing * 0.02
    pen.disc((x, -0.05), 0.075, 0.06, (250, 236, 212))
    for dx in (-0.02, 0.0, 0.02):
        pen.stroke([(x, -0.105), (x + dx * 1.6, -0.07)], 0.008, (206, 176, 146))
    curl = 0.015 * time.wave(0.6)
    pen.stroke([(x, -0.13), (x + curl, -0.17), (x - curl, -0.21)], 0.01, (244, 240, 236), taper=0.2)


def _cat(pen: Pen, facing: float, accent: RGB, time: Moment) -> None:
    fur, x = (74, 66, 84), facing * 0.03
    flick = 0.03 * time.wave(0.8)
    pen.limb([(x + facing * 0.07, 0.12), (x + facing * 0.15, 0.1), (x + facing * 0.17 + flick, 0.0)], 0.016, 0.012, fur)
    pen.disc((x, 0.1), 0.085, 0.1, fur)
    pen.disc((x, 0.13), 0.05, 0.06, lighter(fur, 0.75), inked=False)
    for side in (-1, 1):
        pen.shape([(x + side * 0.085, -0.02), (x + side * 0.085, -0.125), (x + side * 0.02, -0.07)], fur, round_off=False)
    pen.disc((x, -0.02), 0.095, 0.08, fur)
    blink = time.wave(0.35, 0.1) > 0.96 and not time.still  # noqa: PLR2004 - cats blink briefly
    for side in (-1, 1):
        if blink:
            pen.stroke([(x + side * 0.06, -0.02), (x + side * 0.02, -0.02)], 0.008, (20, 16, 30))
        else:
            pen.disc((x + side * 0.04, -0.025), 0.022, 0.026, (246, 214, 96), inked=False)
            pen.disc((x + side * 0.04, -0.022), 0.009, 0.022, (26, 20, 34), inked=False)
    pen.disc((x, 0.008), 0.009, 0.006, (240, 150, 150), inked=False)
    pen.stroke([(x - 0.025, 0.022), (x - 0.012, 0.032), (x, 0.02), (x + 0.012, 0.032), (x + 0.025, 0.022)], 0.006, (240, 224, 224))
    pen.disc((x, 0.07), 0.014, 0.014, accent)


_DRAW: dict[str, Callable[[Pen, float, RGB, Moment], Point | None]] = {
    "lantern": _lantern,
    "umbrella": _umbrella,
    "letter": _letter,
    "cup": _cup,
    "book": _book,
    "bun": _bun,
    "cat": _cat,
}
