"""The hood of a coat, drawn over the head. Coordinates in head radii.

Tails of hair are drawn after it wherever their roots are seen: they come out through the cloth.
"""

import math

from koma.backends.animatic.colour import RGB, darker, lighter
from koma.backends.animatic.shapes import Pen, Point, smooth

_OPENING: list[Point] = [(0.86, -0.98), (0.5, -0.62), (0.24, -0.2), (0.14, 0.22), (0.24, 0.6), (0.42, 0.98)]
_BACK: list[Point] = [
    (0.1, 1.1),
    (-0.5, 1.12),
    (-1.0, 0.86),
    (-1.27, 0.36),
    (-1.3, -0.2),
    (-1.1, -0.76),
    (-0.6, -1.14),
    (0.1, -1.26),
    (0.6, -1.2),
]


def draw_hood(pen: Pen, cloth: RGB, turn: float) -> None:
    """Draw the rim of a hood around a face; `turn` is -1 (looks left) to 1."""
    shift = -0.08 * turn
    angles = [math.radians(-126 + 9 * step) for step in range(29)]
    outer = [(shift + 1.24 * math.sin(a), -1.22 * math.cos(a)) for a in angles]
    inner = [(shift * 0.3 + math.sin(a), -0.9 * math.cos(a) + 0.02) for a in reversed(angles)]
    pen.shape([*outer, *inner], cloth, round_off=False)
    pen.stroke(inner, 0.06, lighter(cloth, 0.3))


def draw_side(pen: Pen, cloth: RGB) -> None:
    """Draw a hood from the side, around a head that looks right."""
    pen.shape([*smooth(_OPENING, closed=False), *smooth(_BACK, closed=False)], cloth, round_off=False)
    pen.stroke(_OPENING, 0.06, lighter(cloth, 0.3))
    _folds(pen, cloth, (-0.5, -0.78))


def draw_behind(pen: Pen, cloth: RGB) -> None:
    """Draw a hood from behind: nothing of the head is seen."""
    right: list[Point] = [(0.0, -1.24), (0.62, -1.1), (1.08, -0.66), (1.26, -0.06), (1.18, 0.5), (0.9, 0.96), (0.4, 1.12)]
    pen.shape([*right, *((-x, y) for x, y in reversed(right[1:]))], cloth, steps=5)
    _folds(pen, cloth, (-0.3, 0.3))


def _folds(pen: Pen, cloth: RGB, across: tuple[float, ...]) -> None:
    """Draw where the cloth gathers at the neck."""
    for x in across:
        pen.stroke([(x, 0.98), (x * 1.1, 0.76), (x * 1.3, 0.56)], 0.035, darker(cloth, 0.3), taper=0.5)
