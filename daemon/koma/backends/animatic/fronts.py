"""Collars, buttons, sashes and aprons: what tells one cut of clothes from another.

Coordinates: across in figure heights, up from the hip (0) to the shoulder (1).
"""

from collections.abc import Callable
from dataclasses import dataclass

from koma.backends.animatic.colour import RGB, darker, lighter, mix
from koma.backends.animatic.garment import Garment
from koma.backends.animatic.shapes import Pen, Point

BLOUSE: RGB = (250, 244, 232)


@dataclass(frozen=True, slots=True)
class Cut:
    """Where a front is drawn: `middle` across, `slim` narrows a turned body, `hem` is how far down the garment goes."""

    middle: float
    slim: float
    hem: float


def draw_front(pen: Pen, garment: Garment, cut: Cut, skin: RGB) -> None:
    """Draw the front of a garment onto a torso."""
    _FRONTS.get(garment.kind, _shirt)(pen, garment, cut, skin)
    _around_waist(pen, garment, cut.slim)


def draw_behind(pen: Pen, garment: Garment, cut: Cut, _skin: RGB) -> None:
    """Draw what is seen of it on the back of a torso: what goes round the body, and where that is tied."""
    _around_waist(pen, garment, cut.slim)
    if garment.kind in ("robe", "apron"):
        _bow(pen, garment)


def _around_waist(pen: Pen, garment: Garment, slim: float) -> None:
    if garment.kind == "robe":
        half = slim * 0.094
        pen.shape([(-half, 0.52), (half, 0.52), (half, 0.24), (-half, 0.24)], garment.trim, round_off=False)
        band(pen, 0.39, 0.085 * slim, 0.012, lighter(garment.trim, 0.4))
    elif garment.kind == "dress":
        band(pen, 0.3, 0.086 * slim, 0.022, garment.trim)


def _bow(pen: Pen, garment: Garment) -> None:
    """Tie what is worn around the waist behind the back."""
    colour = lighter(garment.trim, 0.15) if garment.kind == "robe" else mix(BLOUSE, garment.cloth, 0.12)
    if garment.kind == "apron":
        band(pen, 0.37, 0.083, 0.014, colour)
    for side in (-1, 1):
        pen.shape([(0.0, 0.36), (side * 0.06, 0.48), (side * 0.064, 0.24)], colour, round_off=False)
        pen.stroke([(0.0, 0.34), (side * 0.024, 0.02)], 0.012, colour)
    pen.disc((0.0, 0.36), 0.013, 0.013, colour)


def band(pen: Pen, up: float, half: float, width: float, colour: RGB) -> None:
    """Draw a ribbon around the body."""
    pen.stroke([(-half, up), (0.0, up - 0.03), (half, up)], width, colour)


def _around(cut: Cut, points: list[Point]) -> list[Point]:
    return [((cut.middle + x) * cut.slim, up) for x, up in points]


def _coat(pen: Pen, garment: Garment, cut: Cut, _skin: RGB) -> None:
    x = cut.middle
    pen.stroke([(x, 0.95), (x, max(-0.36, cut.hem + 0.1))], 0.009, darker(garment.cloth, 0.4))
    for up in (0.7, 0.42, 0.14):
        pen.disc((x + 0.025, up), 0.011, 0.011, garment.trim)
    for side in (-1, 1):
        collar = [(x, 0.84), (x + side * 0.07, 0.86), (x + side * 0.052, 1.03), (x + side * 0.012, 1.0)]
        pen.shape(collar, lighter(garment.cloth, 0.14), round_off=False)


def _robe(pen: Pen, garment: Garment, cut: Cut, skin: RGB) -> None:
    x = cut.middle
    pen.shape([(x - 0.035, 1.02), (x + 0.035, 1.02), (x, 0.76)], skin, round_off=False)
    pen.stroke([(x + 0.045, 1.02), (x - 0.03, 0.62)], 0.018, garment.trim)
    pen.stroke([(x - 0.045, 1.02), (x, 0.76)], 0.018, garment.trim)


def _dress(pen: Pen, _garment: Garment, cut: Cut, _skin: RGB) -> None:
    x = cut.middle
    pen.shape([(x - 0.06, 1.0), (x, 0.84), (x + 0.06, 1.0), (x, 0.94)], BLOUSE, round_off=False)


def _apron(pen: Pen, garment: Garment, cut: Cut, _skin: RGB) -> None:
    cream, low = mix(BLOUSE, garment.cloth, 0.12), cut.hem - 0.14
    bib: list[Point] = [(-0.055, 0.82), (0.055, 0.82), (0.082, 0.34), (0.09, low), (-0.09, low), (-0.082, 0.34)]
    pen.shape(_around(cut, bib), cream, steps=4)
    pen.shape(_around(cut, [(-0.035, 0.2), (0.035, 0.2), (0.03, -0.02), (-0.03, -0.02)]), mix(cream, garment.trim, 0.5))


def _uniform(pen: Pen, garment: Garment, cut: Cut, _skin: RGB) -> None:
    x = cut.middle
    pen.shape([(x - 0.07, 1.0), (x, 0.66), (x + 0.07, 1.0), (x, 0.9)], lighter(garment.legs, 0.05), round_off=False)
    bow = [(x, 0.7), (x + 0.05, 0.62), (x + 0.035, 0.46), (x, 0.6), (x - 0.035, 0.46), (x - 0.05, 0.62)]
    pen.shape(bow, garment.trim, round_off=False)


def _hoodie(pen: Pen, garment: Garment, cut: Cut, _skin: RGB) -> None:
    x = cut.middle
    pen.shape([(x - 0.085, 0.98), (x, 0.84), (x + 0.085, 0.98), (x + 0.06, 1.08), (x - 0.06, 1.08)], darker(garment.cloth, 0.12))
    for side in (-1, 1):
        pen.stroke([(x + side * 0.02, 0.88), (x + side * 0.022, 0.68)], 0.009, garment.trim)
    pen.stroke([(x - 0.06, 0.1), (x - 0.045, 0.3), (x + 0.045, 0.3), (x + 0.06, 0.1)], 0.008, darker(garment.cloth, 0.35))


def _shirt(pen: Pen, garment: Garment, cut: Cut, _skin: RGB) -> None:
    x = cut.middle
    pen.shape([(x - 0.05, 1.02), (x, 0.88), (x + 0.05, 1.02)], garment.trim, round_off=False)
    for up in (0.7, 0.45):
        pen.disc((x, up), 0.009, 0.009, darker(garment.cloth, 0.4), inked=False)


_FRONTS: dict[str, Callable[[Pen, Garment, Cut, RGB], None]] = {
    "coat": _coat, "robe": _robe, "dress": _dress, "apron": _apron, "uniform": _uniform, "hoodie": _hoodie,
}  # fmt: skip
