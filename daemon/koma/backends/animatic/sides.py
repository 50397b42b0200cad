"""Fronts of clothes seen from the side: what of them shows along the front edge of a body that looks right.

Coordinates: across in figure heights, up from the hip (0) to the shoulder (1).
"""

from collections.abc import Callable, Sequence
from itertools import pairwise

from koma.backends.animatic.colour import RGB, darker, lighter, mix
from koma.backends.animatic.fronts import BLOUSE
from koma.backends.animatic.garment import Garment
from koma.backends.animatic.shapes import Pen, Point

Outline = Sequence[Point]  # the front edge: (across, up), from the shoulder down to the hem


def draw_side(pen: Pen, garment: Garment, outline: Outline) -> None:
    """Draw the front of a garment along the front edge of a torso."""
    _SIDES.get(garment.kind, _shirt)(pen, garment, outline)


def _edge(outline: Outline, up: float) -> float:
    """How far the front edge is from the middle at a height; beyond its ends as far as there."""
    for (x, top), (following, low) in pairwise(outline):
        if up >= top:
            return x
        if up >= low:
            return x + (following - x) * (top - up) / (top - low)
    return outline[-1][0]


def _strip(outline: Outline, ups: Sequence[float], widths: Sequence[float]) -> list[Point]:
    """Outline of something that lies along the front edge, so wide at each height."""
    edge = [(_edge(outline, up), up) for up in ups]
    return [*edge, *((x - width, up) for (x, up), width in reversed(list(zip(edge, widths, strict=True))))]


def _buttons(pen: Pen, outline: Outline, ups: Sequence[float], colour: RGB, *, inked: bool = True) -> None:
    for up in ups:
        pen.disc((_edge(outline, up) - 0.012, up), 0.008, 0.011, colour, inked=inked)


def _sash(pen: Pen, outline: Outline, ups: tuple[float, float], colour: RGB) -> None:
    """Draw what goes round the body, from the back to the front edge."""
    right = [(_edge(outline, up), up) for up in ups]
    pen.shape([*right, *((-x, up) for x, up in reversed(right))], colour, round_off=False)


def _coat(pen: Pen, garment: Garment, outline: Outline) -> None:
    _buttons(pen, outline, (0.7, 0.42, 0.14), garment.trim)
    collar = [(0.064, 0.86), (0.008, 0.84), (-0.004, 1.03), (0.04, 1.02)]
    pen.shape(collar, lighter(garment.cloth, 0.14), round_off=False)


def _robe(pen: Pen, garment: Garment, outline: Outline) -> None:
    pen.stroke([(0.0, 1.02), (_edge(outline, 0.72) - 0.012, 0.72)], 0.018, garment.trim)
    _sash(pen, outline, (0.52, 0.24), garment.trim)


def _dress(pen: Pen, garment: Garment, outline: Outline) -> None:
    pen.shape([(-0.002, 1.01), (0.02, 0.88), (_edge(outline, 0.92), 0.92), (0.04, 1.02)], BLOUSE, round_off=False)
    _sash(pen, outline, (0.33, 0.25), garment.trim)


def _apron(pen: Pen, garment: Garment, outline: Outline) -> None:
    low = outline[-1][1] - 0.14
    cream = mix(BLOUSE, garment.cloth, 0.12)
    _sash(pen, outline, (0.39, 0.34), cream)
    pen.shape(_strip(outline, (0.82, 0.58, 0.34, 0.0, low), (0.016, 0.022, 0.04, 0.056, 0.062)), cream, round_off=False)
    pen.stroke([(_edge(outline, 0.82) - 0.012, 0.82), (0.0, 1.02)], 0.009, cream)


def _uniform(pen: Pen, garment: Garment, outline: Outline) -> None:
    pen.shape([(-0.05, 1.0), (-0.04, 0.72), (_edge(outline, 0.68), 0.68), (0.035, 1.02)], lighter(garment.legs, 0.05), round_off=False)
    pen.shape(_strip(outline, (0.72, 0.6, 0.46), (0.006, 0.022, 0.012)), garment.trim, round_off=False)


def _hoodie(pen: Pen, garment: Garment, outline: Outline) -> None:
    pen.shape([(-0.09, 0.9), (-0.05, 0.84), (_edge(outline, 0.86), 0.86), (0.05, 1.06), (-0.05, 1.08)], darker(garment.cloth, 0.12))
    pen.stroke([(_edge(outline, 0.82) - 0.012, 0.84), (_edge(outline, 0.66) - 0.012, 0.66)], 0.009, garment.trim)
    pen.stroke([(_edge(outline, 0.3), 0.3), (0.034, 0.3), (0.026, 0.1)], 0.008, darker(garment.cloth, 0.35))


def _shirt(pen: Pen, garment: Garment, outline: Outline) -> None:
    pen.shape([(-0.004, 1.03), (0.02, 0.9), (_edge(outline, 0.9), 0.9), (0.04, 1.03)], garment.trim, round_off=False)
    _buttons(pen, outline, (0.7, 0.45), darker(garment.cloth, 0.4), inked=False)


_SIDES: dict[str, Callable[[Pen, Garment, Outline], None]] = {
    "coat": _coat, "robe": _robe, "dress": _dress, "apron": _apron, "uniform": _uniform, "hoodie": _hoodie,
}  # fmt: skip
