"""Dresses a skeleton: torso, skirt, scarf, legs and shoes."""

import math

from koma.backends.animatic.colour import RGB, darker, mix
from koma.backends.animatic.fronts import Cut, band, draw_behind, draw_front
from koma.backends.animatic.garment import Garment
from koma.backends.animatic.poses import Pose
from koma.backends.animatic.shapes import Pen, Point
from koma.backends.animatic.sides import draw_side
from koma.backends.animatic.skeleton import Build, Skeleton, leg_of

_HEMS = {"coat": -0.5, "robe": -0.86, "dress": -0.52, "uniform": -0.16, "hoodie": -0.14}
_SHORT = -0.1
_FLARE = {"coat": 0.145, "robe": 0.115, "dress": 0.17}
_STRAIGHT = 0.098
_CRATE: RGB = (150, 104, 76)


def draw_torso(pen: Pen, garment: Garment, skin: RGB, bones: Skeleton, *, sway: float, seated: bool) -> None:
    """Draw neck and upper garment, and what is worn over it."""
    slim = 1.0 if bones.frontal else 0.72 if bones.profile else 0.88
    hem = _SHORT if seated else _hem(garment.kind, bones)
    flare = _STRAIGHT if seated else _FLARE.get(garment.kind, _STRAIGHT)
    body = pen.within(bones.torso, 1.0)
    pen.limb([bones.shoulder, bones.torso((0.0, 1.12))], 0.038, 0.036, darker(skin, 0.16))
    if garment.kind == "uniform" and not seated:
        _skirt(body, garment, sway)
    swing = 0.1 * sway * flare
    right = [(0.055, 1.0), (0.104, 0.93), (0.094, 0.55), (0.088, 0.2), (flare, hem)]
    outline = [(x, up) for x, up in right] + [(-x, up) for x, up in reversed(right)]
    body.shape([(x * slim + (swing if up == hem else 0.0), up) for x, up in outline], garment.cloth, steps=4)
    shade = [(-0.07, 0.86), (-0.088, 0.5), (-flare * 0.92, hem + 0.05), (-flare * 0.4, hem + 0.04), (-0.045, 0.5)]
    body.shape([(x * slim * bones.forward, up) for x, up in shade], darker(garment.cloth, 0.16), inked=False)
    _trim(body, garment, flare * slim * 0.9, hem)
    if bones.profile:
        draw_side(body, garment, [(x * slim, up) for x, up in right])
    else:
        cut = Cut(0.028 * bones.turn, slim, hem)
        (draw_behind if bones.away else draw_front)(body, garment, cut, skin)
    if garment.scarf:
        _scarf(body, garment, -bones.forward, sway)


def _hem(kind: str, bones: Skeleton) -> float:
    """Keep hems of long clothes above the ground when the hip is low."""
    room = -bones.hip[1] / max(0.2, math.dist(bones.hip, bones.shoulder))
    return max(_HEMS.get(kind, _SHORT), -room * 0.86)


def _trim(body: Pen, garment: Garment, half: float, hem: float) -> None:
    bands, dots = ((), ((hem + 0.09, 0.02),), (), ((hem + 0.09, 0.02), (hem + 0.22, 0.01)))[garment.pattern], (0, 0, 4, 0)[garment.pattern]
    for up, width in bands:
        band(body, up, half, width, garment.trim)
    for number in range(dots):
        body.disc((half * (number * 0.44 - 0.66), hem + 0.1), 0.011, 0.011, garment.trim, inked=False)


def _skirt(body: Pen, garment: Garment, sway: float) -> None:
    drift = 0.02 * sway
    body.shape([(-0.088, 0.1), (0.088, 0.1), (0.15 + drift, -0.46), (-0.15 + drift, -0.46)], garment.legs, round_off=False)
    for x in (-0.07, 0.0, 0.07):
        body.stroke([(x * 0.6, 0.0), (x * 1.2, -0.42)], 0.007, darker(garment.legs, 0.3))


def _scarf(body: Pen, garment: Garment, back: float, sway: float) -> None:
    body.limb(
        [(back * 0.07, 0.96), (back * 0.17, 0.9 - 0.1 * sway), (back * 0.27, 0.74 + 0.12 * sway)], 0.03, 0.042, darker(garment.trim, 0.1)
    )
    body.limb([(-0.085, 1.0), (0.0, 0.93), (0.085, 1.0)], 0.04, 0.04, garment.trim)


def draw_legs(pen: Pen, garment: Garment, skin: RGB, bones: Skeleton, *, pose: Pose, build: Build) -> None:
    """Draw both legs with shoes, the far one first, and a crate under someone who sits."""
    if pose.seat:
        _crate(pen, bones)
    for near in (False, True):
        root, knee, foot = leg_of(build, bones, pose.near_leg if near else pose.far_leg, near=near)
        colour = _legwear(garment, skin, seated=pose.seat)
        pen.limb([root, knee, foot], 0.048, 0.037, colour if near else darker(colour, 0.16))
        toe = 0.034 * ((0.3 if near else -0.3) if bones.frontal else bones.forward)
        pen.shape(_shoe(foot, toe), darker(garment.trim, 0.42))


def _legwear(garment: Garment, skin: RGB, *, seated: bool) -> RGB:
    """Colour of what covers the legs; someone who sits has the skirt of a long garment over them."""
    if seated and garment.kind in _FLARE:
        return garment.cloth
    return mix(skin, garment.legs, 0.12) if garment.kind in ("dress", "uniform", "robe") else garment.legs


def _crate(pen: Pen, bones: Skeleton) -> None:
    x, top = bones.hip[0] - 0.06 * bones.turn, bones.hip[1] + 0.045
    pen.shape([(x - 0.19, top), (x + 0.19, top), (x + 0.19, 0.01), (x - 0.19, 0.01)], _CRATE, round_off=False)
    for share in (0.35, 0.68):
        pen.stroke([(x - 0.185, top * (1 - share)), (x + 0.185, top * (1 - share))], 0.009, darker(_CRATE, 0.4))


def _shoe(foot: Point, toe: float) -> list[Point]:
    way = 1.0 if toe >= 0 else -1.0
    sole, tip = foot[1] + 0.03, abs(toe)
    points = [
        (-0.042 + tip * 0.4, sole),
        (-0.036, foot[1] - 0.022),
        (0.036, foot[1] - 0.022),
        (0.046 + tip, foot[1] + 0.008),
        (0.042 + tip, sole),
    ]
    return [(foot[0] + x * way, y) for x, y in points]
