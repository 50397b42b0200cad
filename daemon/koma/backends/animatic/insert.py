"""The insert: a hand and the thing that it holds, large."""

import math

from koma.backends.animatic.colour import RGB, darker, lighter
from koma.backends.animatic.figure import Look
from koma.backends.animatic.motion import Moment
from koma.backends.animatic.props import draw_prop
from koma.backends.animatic.shapes import Pen, Point

_CARD_TOP = -0.36


def draw_insert(pen: Pen, look: Look | None, prop: str, facing: float, time: Moment) -> Point | None:
    """Draw into a field that is about 1 wide around (0, 0); returns the point that shines, if one does."""
    breath = 0.012 * time.wave(0.4)
    accent: RGB = look.accent if look else (226, 120, 90)
    hand = (-0.07 * facing, 0.17 + breath)
    if look:
        sleeve = pen.within(lambda point: point, 1.0)
        sleeve.limb(
            [(-0.62 * facing, 0.78), (-0.34 * facing, 0.46 + breath), (hand[0] - 0.09 * facing, hand[1] + 0.08)],
            0.2,
            0.125,
            look.garment.cloth,
        )
        sleeve.limb([(hand[0] - 0.13 * facing, hand[1] + 0.14), (hand[0] - 0.09 * facing, hand[1] + 0.08)], 0.135, 0.13, look.garment.trim)
        pen.shape(
            [
                (hand[0] + x * facing, hand[1] + y)
                for x, y in ((-0.12, 0.1), (-0.1, -0.04), (0.02, -0.1), (0.15, -0.06), (0.18, 0.06), (0.08, 0.14))
            ],
            look.skin,
        )
    if prop in ("", "letter"):
        _card(pen, hand, facing, accent, time)
        spot = None
    else:
        spot = draw_prop(prop, pen, (hand[0] + 0.05 * facing, hand[1] - 0.02), facing, accent=accent, time=time, size=2.6)
    if look:
        _fingers(pen, hand, facing, look.skin)
    return spot


def _fingers(pen: Pen, hand: Point, facing: float, skin: RGB) -> None:
    for number in range(3):
        y = hand[1] - 0.045 + number * 0.06
        x = hand[0] + facing * (0.165 - 0.012 * abs(number - 1))
        pen.limb([(x + facing * 0.015, y), (x - facing * 0.055, y + 0.012)], 0.033, 0.033, skin)
        pen.disc((x - facing * 0.058, y + 0.008), 0.014, 0.011, lighter(skin, 0.4), inked=False)
    pen.limb([(hand[0] - facing * 0.06, hand[1] - 0.01), (hand[0] + facing * 0.01, hand[1] - 0.075)], 0.038, 0.034, skin)


def _card(pen: Pen, hand: Point, facing: float, accent: RGB, time: Moment) -> None:
    """Draw a letter with a lantern on it, and lines that nobody needs to read."""
    lean = 0.09 * facing + 0.02 * time.wave(0.35)

    def on(x: float, y: float) -> Point:
        return hand[0] + 0.12 * facing + x + lean * y, hand[1] + y - 0.04 - 0.02 * x

    pen.shape([on(-0.24, _CARD_TOP), on(0.24, _CARD_TOP), on(0.24, 0.12), on(-0.24, 0.12)], (252, 244, 224), round_off=False)
    for number in range(4):
        y = _CARD_TOP + 0.09 + number * 0.075
        pen.stroke([on(-0.18, y), on(0.02 + 0.03 * math.sin(number * 2.0), y)], 0.012, (158, 142, 144))
    pen.disc(on(0.125, _CARD_TOP + 0.2), 0.075, 0.088, accent)
    pen.disc(on(0.125, _CARD_TOP + 0.2), 0.04, 0.058, lighter(accent, 0.55), inked=False)
    for y in (_CARD_TOP + 0.1, _CARD_TOP + 0.3):
        pen.stroke([on(0.085, y), on(0.165, y)], 0.02, darker(accent, 0.5))
