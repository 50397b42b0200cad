"""A head from the side, looking right, as a character sheet shows it. Coordinates in head radii."""

import math

from koma.backends.animatic.colour import RGB, darker, lighter, mix
from koma.backends.animatic.face import MOUTH, Expression, Tones, draw_cheek, draw_iris, draw_sign
from koma.backends.animatic.hair import Hair, draw_bun, draw_tail
from koma.backends.animatic.hood import draw_side
from koma.backends.animatic.motion import Moment
from koma.backends.animatic.shapes import Pen, Point

_FACE: list[Point] = [
    (0.0, -1.0), (0.48, -0.88), (0.76, -0.52), (0.84, -0.16), (0.8, 0.04), (0.9, 0.24), (0.99, 0.34), (0.88, 0.44),
    (0.9, 0.54), (0.85, 0.6), (0.87, 0.68), (0.78, 0.88), (0.58, 0.97), (0.2, 0.86), (-0.12, 0.66), (-0.5, 0.78),
    (-0.9, 0.4), (-0.98, -0.1), (-0.84, -0.6), (-0.45, -0.92),
]  # fmt: skip
_FRINGE: list[Point] = [
    (-0.62, 0.82), (-0.36, 0.5), (-0.34, 0.12), (-0.14, -0.06), (0.04, 0.04), (0.1, 0.56), (0.22, 0.02), (0.36, -0.16),
    (0.46, 0.1), (0.54, -0.24), (0.72, 0.02), (0.74, -0.32), (0.96, -0.02),
]  # fmt: skip
_LONG: list[Point] = [
    (0.2, -1.06), (-0.6, -1.0), (-1.14, -0.4), (-1.26, 0.6), (-1.2, 1.8), (-0.98, 2.6), (-0.6, 2.4), (-0.3, 2.5), (-0.26, 1.2), (0.0, 0.3),
]  # fmt: skip
_BOB: list[Point] = [(0.2, -1.06), (-0.6, -1.0), (-1.14, -0.4), (-1.22, 0.4), (-1.06, 1.02), (-0.3, 1.08), (0.0, 0.3)]
_EAR: Point = (-0.13, 0.22)
_EYE: Point = (0.6, 0.16)


def draw_head(pen: Pen, face: Expression, hair: Hair, tones: Tones, *, hood: RGB | None, sway: float, time: Moment) -> None:
    """Draw hair, face, ear and a hood of this colour, from back to front."""
    _back(pen, hair, sway)
    pen.shape(_FACE, tones.skin, steps=5)
    draw_cheek(pen, (0.44, 0.48), face.blush, tones)
    _eye(pen, face, tones)
    corner = 0.54 if face.mouth in ("smile", "grin", "laugh", "cat") else 0.67 if face.mouth in ("frown", "wavy") else 0.62
    pen.stroke([(0.72, 0.61), (0.62, 0.63), (0.5, corner)], 0.05, mix(tones.ink, MOUTH, 0.35))
    pen.disc(_EAR, 0.16, 0.21, tones.skin)
    pen.stroke(
        [(_EAR[0] - 0.04, _EAR[1] - 0.08), (_EAR[0] + 0.05, _EAR[1]), (_EAR[0] - 0.03, _EAR[1] + 0.09)], 0.03, darker(tones.skin, 0.25)
    )
    if hair.style != "bald":
        _cap(pen, hair)
    if hood:
        draw_side(pen, hood)
    if hair.style == "twintails":
        draw_tail(pen, (-0.42, -0.3), -1.0, sway, colour=darker(hair.colour, 0.1), size=0.95, tie=hair.tie)
    x, y = _EYE[0], -0.22 - face.lift
    pen.stroke([(x - 0.14, y - face.brow * 0.5), (x + 0.02, y - 0.05), (x + 0.17, y + face.brow)], 0.07, tones.brow, taper=0.6)
    draw_sign(pen, face.sign, 1.0, time)


def _eye(pen: Pen, face: Expression, tones: Tones) -> None:
    x, y = _EYE
    high = 0.26 * face.open
    if face.eyes == "happy":
        pen.stroke([(x - 0.12, y + 0.07), (x + 0.02, y - 0.1), (x + 0.13, y + 0.05)], 0.075, tones.ink)
    elif face.open < 0.3 or face.eyes == "rest":  # noqa: PLR2004 - as good as closed
        pen.stroke([(x - 0.12, y + 0.06), (x, y + 0.13), (x + 0.12, y + 0.06)], 0.07, tones.ink)
    else:
        draw_iris(pen, (x, y), (0.12, high), gaze=x + 0.03, pupil=face.pupil, tones=tones)
        lash = [(x + 0.17, y - high * 0.5), (x + 0.06, y - high), (x - 0.1, y - high * 0.86), (x - 0.2, y - high * 0.4)]
        pen.stroke(lash, 0.085, tones.ink, taper=0.4)


def _back(pen: Pen, hair: Hair, sway: float) -> None:
    """Draw what hangs behind the head."""
    shade = darker(hair.colour, 0.26)
    if hair.style == "long":
        pen.shape([(x + sway * max(0.0, y) * 0.4, y) for x, y in _LONG], shade)
    elif hair.style == "bob":
        pen.shape(_BOB, shade)
    elif hair.style == "curly":
        for number in range(9):
            angle = math.radians(-8 - number * 17)
            pen.disc((-0.12 + math.sin(angle), -math.cos(angle)), 0.36, 0.36, shade)
    elif hair.style == "ponytail":
        draw_tail(pen, (-0.86, -0.52), -1.0, sway, colour=shade, size=1.0, tie=hair.tie)
    elif hair.style == "bun":
        draw_bun(pen, (-0.66, -1.02), hair)
    elif hair.style == "braid":
        _braid(pen, hair.colour, hair.tie, sway)


def _cap(pen: Pen, hair: Hair) -> None:
    """Draw the hair on the head, with its fringe before the brow and a lock before the ear."""
    pen.shape([*_outline(hair), *_FRINGE], hair.colour, round_off=False)
    upper = [(0.1 + 0.82 * math.sin(a), -0.9 * math.cos(a) + 0.12) for a in (-0.75, -0.5, -0.25, 0.0, 0.25, 0.5)]
    lower = [(x * 0.97, y + (0.15 if number % 2 else 0.06)) for number, (x, y) in enumerate(reversed(upper))]
    pen.shape(upper + lower, lighter(hair.colour, 0.2), inked=False, steps=3)


def _outline(hair: Hair) -> list[Point]:
    """From the brow over the crown to the nape."""
    points: list[Point] = []
    for step in range(33):
        angle = math.radians(66 - step * 208 / 32)
        radius = 1.08
        if hair.style == "spiky":
            radius += 0.17 * abs(((step / 4) % 1.0) * 2 - 1)
        elif hair.style == "curly":
            radius += 0.08 * abs(math.sin(step * 0.8))
        points.append((radius * math.sin(angle), -radius * 1.03 * math.cos(angle)))
    return points


def _braid(pen: Pen, colour: RGB, tie: RGB, sway: float) -> None:
    for number in range(6):
        size = 0.27 - 0.02 * number
        at = (-0.86 - 0.03 * number + sway * 0.12 * number, 0.6 + 0.3 * number)
        pen.disc(at, size, size * 0.85, colour if number % 2 else darker(colour, 0.12))
    pen.disc((-1.04 + sway * 0.72, 2.34), 0.12, 0.1, tie)
