"""Clothes in free words, and the parts of the body that wear them: torso and legs."""

import math
from dataclasses import dataclass
from typing import Protocol

from koma.backends.animatic.colour import RGB, chance, darker, lighter, mix
from koma.backends.animatic.light import has
from koma.backends.animatic.panel import Actor
from koma.backends.animatic.poses import Joint, Pose
from koma.backends.animatic.shapes import Pen, Point

_KINDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("coat", ("coat", "trench", "rain", "cloak", "cape", "jacket", "winter", "parka")),
    ("robe", ("yukata", "kimono", "robe", "haori", "festival")),
    ("dress", ("dress", "gown", "skirt", "pinafore")),
    ("apron", ("apron", "baker", "cook", "keeper", "work")),
    ("uniform", ("uniform", "school", "sailor", "suit")),
    ("hoodie", ("hood", "sweat", "pullover", "sweater", "knit")),
)


class Bones(Protocol):
    """What clothes need to know of a skeleton."""

    @property
    def hip(self) -> Point: ...  # noqa: D102 - see figure.Skeleton
    @property
    def shoulder(self) -> Point: ...  # noqa: D102 - see figure.Skeleton
    @property
    def side(self) -> Point: ...  # noqa: D102 - see figure.Skeleton
    @property
    def facing(self) -> float: ...  # noqa: D102 - see figure.Skeleton
    @property
    def turn(self) -> float: ...  # noqa: D102 - see figure.Skeleton
    @property
    def frontal(self) -> bool: ...  # noqa: D102 - see figure.Skeleton


@dataclass(frozen=True, slots=True)
class Garment:
    """What a character wears. `pattern` is how the hem is trimmed, 0 not at all to 3."""

    kind: str
    cloth: RGB
    legs: RGB
    trim: RGB
    pattern: int
    scarf: bool
    hood: bool
    cuffs: bool


def garment_of(actor: Actor, cloth: RGB, legs: RGB, trim: RGB) -> Garment:
    """Read an outfit; words that say nothing choose cut and trim by chance, the same every time."""
    kind = next((name for name, stems in _KINDS if has(actor.outfit, *stems)), "")
    dice = chance("garment", actor.id, actor.outfit, actor.version)
    pattern, cuffs = dice.randrange(4), dice.random() < 0.5  # noqa: PLR2004 - a fair coin
    scarf = has(actor.outfit, "scarf", "winter") or (not actor.outfit and dice.random() < 0.3)  # noqa: PLR2004 - some wear one
    return Garment(
        kind or dice.choice(("shirt", "hoodie", "shirt")), cloth, legs, trim, pattern, scarf, has(actor.outfit, "rain", "cloak"), cuffs
    )


_HEMS = {"coat": -0.5, "robe": -0.86, "dress": -0.52, "uniform": -0.16, "hoodie": -0.14, "apron": -0.1, "shirt": -0.1}
_FLARE = {"coat": 0.145, "robe": 0.115, "dress": 0.17}


def draw_torso(pen: Pen, garment: Garment, skin: RGB, bones: Bones, sway: float, *, away: bool, seated: bool = False) -> None:
    """Draw neck and upper garment, and what is worn over it."""
    slim = 1.0 if bones.frontal else 0.88
    hem = -0.12 if seated else _hem(garment.kind, bones)
    flare = 0.098 if seated else _FLARE.get(garment.kind, 0.098)
    pen.limb([bones.shoulder, _at(bones, 0.0, 1.12)], 0.038, 0.036, darker(skin, 0.16))
    if garment.kind == "uniform" and not seated:
        _skirt(pen, garment, bones, sway)
    outline = [(-0.055, 1.0), (-0.104, 0.93), (-0.094, 0.55), (-0.088, 0.2), (-flare + 0.1 * sway * flare, hem)]
    outline += [(flare + 0.1 * sway * flare, hem), (0.088, 0.2), (0.094, 0.55), (0.104, 0.93), (0.055, 1.0)]
    path = [_at(bones, x * slim, v) for x, v in outline]
    pen.shape(path, garment.cloth, steps=4)
    shade = [
        _at(bones, x * slim, v)
        for x, v in ((-0.07, 0.86), (-0.088, 0.5), (-flare * 0.92, hem + 0.05), (-flare * 0.4, hem + 0.04), (-0.045, 0.5))
    ]
    pen.shape(
        shade if bones.facing > 0 else [(2 * bones.hip[0] - x, y) for x, y in shade] if bones.frontal else shade,
        darker(garment.cloth, 0.16),
        inked=False,
    )
    _trim(pen, garment, bones, slim, flare, hem)
    if not away:
        _front(pen, garment, skin, bones, slim, hem)
    if garment.scarf:
        _scarf(pen, garment, bones, sway)


def _hem(kind: str, bones: Bones) -> float:
    """Keep hems of long clothes above the ground when the hip is low."""
    room = -bones.hip[1] / max(0.2, math.dist(bones.hip, bones.shoulder))
    return max(_HEMS[kind], -room * 0.86)


def _at(bones: Bones, across: float, up: float) -> Point:
    """Point of the torso: across in figure heights, up from hip (0) to shoulder (1)."""
    return (
        bones.hip[0] + (bones.shoulder[0] - bones.hip[0]) * up + bones.side[0] * across,
        bones.hip[1] + (bones.shoulder[1] - bones.hip[1]) * up + bones.side[1] * across,
    )


def _band(pen: Pen, bones: Bones, up: float, half: float, width: float, colour: RGB) -> None:
    pen.stroke([_at(bones, -half, up), _at(bones, 0.0, up - 0.03), _at(bones, half, up)], width, colour)


def _trim(pen: Pen, garment: Garment, bones: Bones, slim: float, flare: float, hem: float) -> None:
    half = flare * slim * 0.9
    if garment.pattern in (1, 3):
        _band(pen, bones, hem + 0.09, half, 0.02, garment.trim)
    if garment.pattern == 2:  # noqa: PLR2004 - the dotted trim
        for x in (-0.66, -0.22, 0.22, 0.66):
            pen.disc(_at(bones, half * x, hem + 0.1), 0.011, 0.011, garment.trim, inked=False)
    if garment.pattern == 3:  # noqa: PLR2004 - the double trim
        _band(pen, bones, hem + 0.22, half * 0.95, 0.01, garment.trim)


def _front(pen: Pen, garment: Garment, skin: RGB, bones: Bones, slim: float, hem: float) -> None:
    x = 0.028 * bones.turn
    match garment.kind:
        case "coat":
            pen.stroke([_at(bones, x, 0.95), _at(bones, x, max(-0.36, hem + 0.1))], 0.009, darker(garment.cloth, 0.4))
            for up in (0.7, 0.42, 0.14):
                pen.disc(_at(bones, x + 0.025, up), 0.011, 0.011, garment.trim)
            for side in (-1, 1):
                pen.shape(
                    [
                        _at(bones, x, 0.84),
                        _at(bones, x + side * 0.07, 0.86),
                        _at(bones, x + side * 0.052, 1.03),
                        _at(bones, x + side * 0.012, 1.0),
                    ],
                    lighter(garment.cloth, 0.14),
                    round_off=False,
                )
        case "robe":
            pen.shape([_at(bones, x - 0.035, 1.02), _at(bones, x + 0.035, 1.02), _at(bones, x, 0.76)], skin, round_off=False)
            pen.stroke([_at(bones, x + 0.045, 1.02), _at(bones, x - 0.03, 0.62)], 0.018, garment.trim)
            pen.stroke([_at(bones, x - 0.045, 1.02), _at(bones, x, 0.76)], 0.018, garment.trim)
            pen.shape(
                [_at(bones, a * slim, up) for a, up in ((-0.095, 0.52), (0.095, 0.52), (0.092, 0.24), (-0.092, 0.24))],
                garment.trim,
                round_off=False,
            )
            _band(pen, bones, 0.39, 0.085 * slim, 0.012, lighter(garment.trim, 0.4))
        case "dress":
            pen.shape(
                [_at(bones, x - 0.06, 1.0), _at(bones, x, 0.84), _at(bones, x + 0.06, 1.0), _at(bones, x, 0.94)],
                (250, 244, 232),
                round_off=False,
            )
            _band(pen, bones, 0.3, 0.086 * slim, 0.022, garment.trim)
        case "apron":
            cream = mix((250, 242, 224), garment.cloth, 0.12)
            pen.shape(
                [
                    _at(bones, (x + a) * slim, up)
                    for a, up in ((-0.055, 0.82), (0.055, 0.82), (0.082, 0.34), (0.09, hem - 0.14), (-0.09, hem - 0.14), (-0.082, 0.34))
                ],
                cream,
                steps=4,
            )
            pen.shape(
                [_at(bones, x + a, up) for a, up in ((-0.035, 0.2), (0.035, 0.2), (0.03, -0.02), (-0.03, -0.02))],
                mix(cream, garment.trim, 0.5),
            )
        case "uniform":
            pen.shape(
                [_at(bones, x - 0.07, 1.0), _at(bones, x, 0.66), _at(bones, x + 0.07, 1.0), _at(bones, x, 0.9)],
                lighter(garment.legs, 0.05),
                round_off=False,
            )
            pen.shape(
                [
                    _at(bones, x, 0.7),
                    _at(bones, x + 0.05, 0.62),
                    _at(bones, x + 0.035, 0.46),
                    _at(bones, x, 0.6),
                    _at(bones, x - 0.035, 0.46),
                    _at(bones, x - 0.05, 0.62),
                ],
                garment.trim,
                round_off=False,
            )
        case "hoodie":
            pen.shape(
                [_at(bones, x + a, up) for a, up in ((-0.085, 0.98), (0.0, 0.84), (0.085, 0.98), (0.06, 1.08), (-0.06, 1.08))],
                darker(garment.cloth, 0.12),
            )
            for side in (-1, 1):
                pen.stroke([_at(bones, x + side * 0.02, 0.88), _at(bones, x + side * 0.022, 0.68)], 0.009, garment.trim)
            pen.stroke(
                [_at(bones, x + a, up) for a, up in ((-0.06, 0.1), (-0.045, 0.3), (0.045, 0.3), (0.06, 0.1))],
                0.008,
                darker(garment.cloth, 0.35),
            )
        case _:
            pen.shape([_at(bones, x - 0.05, 1.02), _at(bones, x, 0.88), _at(bones, x + 0.05, 1.02)], garment.trim, round_off=False)
            for up in (0.7, 0.45):
                pen.disc(_at(bones, x, up), 0.009, 0.009, darker(garment.cloth, 0.4), inked=False)


def _skirt(pen: Pen, garment: Garment, bones: Bones, sway: float) -> None:
    points = [(-0.088, 0.1), (0.088, 0.1), (0.15 + 0.02 * sway, -0.46), (-0.15 + 0.02 * sway, -0.46)]
    pen.shape([_at(bones, x, v) for x, v in points], garment.legs, round_off=False)
    for x in (-0.07, 0.0, 0.07):
        pen.stroke([_at(bones, x * 0.6, 0.0), _at(bones, x * 1.2, -0.42)], 0.007, darker(garment.legs, 0.3))


def _scarf(pen: Pen, garment: Garment, bones: Bones, sway: float) -> None:
    back = -bones.facing
    start = _at(bones, back * 0.07, 0.96)
    flow = [(start[0] + back * 0.1, start[1] + 0.02 + 0.03 * sway), (start[0] + back * 0.2, start[1] + 0.07 - 0.04 * sway)]
    pen.limb([start, *flow], 0.03, 0.042, darker(garment.trim, 0.1))
    pen.limb([_at(bones, -0.085, 1.0), _at(bones, 0.0, 0.93), _at(bones, 0.085, 1.0)], 0.04, 0.04, garment.trim)


def draw_legs(pen: Pen, garment: Garment, skin: RGB, bones: Bones, pose: Pose, length: float) -> None:
    """Draw both legs with shoes, the far one first, and a box under someone who sits."""
    if pose.seat:
        x, top = bones.hip[0] - bones.facing * (0.0 if bones.frontal else 0.06), bones.hip[1] + 0.045
        pen.shape([(x - 0.19, top), (x + 0.19, top), (x + 0.19, 0.01), (x - 0.19, 0.01)], (150, 104, 76), round_off=False)
        for share in (0.35, 0.68):
            pen.stroke([(x - 0.185, top * (1 - share)), (x + 0.185, top * (1 - share))], 0.009, (104, 70, 56))
    bare = garment.kind in ("dress", "uniform", "robe") and not pose.seat
    for near in (False, True):
        colour = mix(skin, garment.legs, 0.12) if bare else garment.cloth if pose.seat and garment.kind in _FLARE else garment.legs
        _leg(pen, garment, bones, pose.near_leg if near else pose.far_leg, length, colour if near else darker(colour, 0.16), near=near)


def _leg(pen: Pen, garment: Garment, bones: Bones, joint: Joint, length: float, colour: RGB, *, near: bool) -> None:
    half = length / 2
    outward = 1.0 if near else -1.0
    across = outward * 0.046 if bones.frontal else outward * -0.012 * bones.facing
    root = (bones.hip[0] + across, bones.hip[1])
    a, b = math.radians(joint[0]), math.radians(joint[1])
    spread, direction = (0.18, outward) if bones.frontal else (1.0, bones.facing)
    knee = (root[0] + math.sin(a) * half * direction * spread, root[1] + math.cos(a * (0.8 if bones.frontal else 1.0)) * half)
    foot = (knee[0] + math.sin(b) * half * direction * spread, min(-0.03, knee[1] + math.cos(b) * half))
    shoe = darker(garment.trim, 0.42)
    toe = 0.034 * (outward * 0.3 if bones.frontal else bones.facing)
    pen.limb([root, knee, foot], 0.048, 0.037, colour)
    pen.shape(
        [
            (foot[0] - 0.042 + toe * 0.4, foot[1] + 0.03),
            (foot[0] - 0.036, foot[1] - 0.022),
            (foot[0] + 0.036, foot[1] - 0.022),
            (foot[0] + 0.046 + toe, foot[1] + 0.008),
            (foot[0] + 0.042 + toe, foot[1] + 0.03),
        ]
        if toe >= 0
        else [
            (foot[0] + 0.042 + toe * 0.4, foot[1] + 0.03),
            (foot[0] + 0.036, foot[1] - 0.022),
            (foot[0] - 0.036, foot[1] - 0.022),
            (foot[0] - 0.046 + toe, foot[1] + 0.008),
            (foot[0] - 0.042 + toe, foot[1] + 0.03),
        ],
        shoe,
    )
