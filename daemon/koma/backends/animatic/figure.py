"""Figures: a character's look in the light of a shot, and the whole of it drawn from back to front.

Units: one is the figure's height, feet at y 0, crown at -1.
"""

import math
from dataclasses import dataclass

from koma.backends.animatic import face as faces
from koma.backends.animatic import hair as hairs
from koma.backends.animatic import hood as hoods
from koma.backends.animatic import profile
from koma.backends.animatic.clothes import draw_legs, draw_torso
from koma.backends.animatic.colour import INK, RGB, chance, darker, from_hsv, mix, scale
from koma.backends.animatic.garment import Garment, garment_of
from koma.backends.animatic.light import Factors, has
from koma.backends.animatic.motion import Moment
from koma.backends.animatic.panel import Actor
from koma.backends.animatic.poses import Joint, Pose
from koma.backends.animatic.props import draw_prop
from koma.backends.animatic.shapes import Pen, Point, ribbon
from koma.backends.animatic.skeleton import Build, Skeleton, arm_of, between, skeleton_of
from koma.pixels.colour import parse

_YOUNG = ("child", "kid", "young", "little", "boy", "girl", "toddler", "small")
_OLD = ("old", "elder", "grand", "senior", "aged")
_SKINS = tuple(parse(colour) for colour in ("#ffe3cf", "#f7cfae", "#e0ac82", "#b97f5a", "#8a5a40"))
_HOLDING = (42.0, 96.0)  # how an arm carries something while the other one gestures
_IN_LAP = (14.0, -20.0)  # how an arm rests on the thighs of someone who sits and is seen from the front
_SILVER: RGB = (226, 222, 230)


@dataclass(frozen=True, slots=True)
class Look:
    """One character in this shot's light: colours, clothes, hair and proportions."""

    skin: RGB
    eyes: RGB
    accent: RGB
    hair: hairs.Hair
    garment: Garment
    build: Build
    ink: RGB


def look_of(actor: Actor, ambient: Factors) -> Look:
    """Give a character colours (its palette, else its own by id), clothes and proportions."""
    tones = {slot: scale(actor.palette.get(slot, colour), ambient) for slot, colour in _own_palette(actor.id).items()}
    hair = mix(tones["hair"], scale(_SILVER, ambient), 0.75) if has(actor.version, *_OLD) else tones["hair"]
    return Look(
        skin=tones["skin"],
        eyes=tones["eyes"],
        accent=tones["accent"],
        hair=hairs.hair_of(actor.hair, actor.id, hair, tones["accent"]),
        garment=garment_of(actor, tones["outfit"], tones["primary"], tones["accent"]),
        build=Build(0.205, 0.24) if has(actor.version, *_YOUNG) else Build(0.178, 0.29),
        ink=mix(INK, scale(INK, ambient), 0.5),
    )


def _own_palette(who: str) -> dict[str, RGB]:
    dice = chance("actor", who)
    return {
        "hair": mix(from_hsv(dice.random(), 0.45, 0.4), (60, 44, 52), 0.4),
        "eyes": from_hsv(dice.random(), 0.6, 0.7),
        "skin": dice.choice(_SKINS),
        "outfit": from_hsv(dice.random(), 0.45, 0.78),
        "primary": from_hsv(dice.random(), 0.3, 0.45),
        "accent": from_hsv(dice.random(), 0.7, 0.9),
    }


@dataclass(frozen=True, slots=True)
class Acting:
    """What a figure does at one moment. `facing` is left, right, profile, camera or away; `breath` and `sway` are about -1..1."""

    pose: Pose
    face: faces.Expression
    facing: str
    prop: str
    time: Moment
    breath: float
    sway: float


def draw_figure(pen: Pen, look: Look, acting: Acting) -> list[Point]:
    """Draw a whole figure, from back to front; returns the points that shine."""
    bones = skeleton_of(look.build, acting.pose, acting.facing, acting.breath)
    head = _head_pen(pen, look, bones)
    shining: list[Point] = []
    if not bones.away and not bones.profile:
        hairs.draw_back(head, look.hair, bones.turn, acting.sway)
    behind, before = _arms(bones, acting.pose)
    for near in behind:
        shining += _arm(pen, look, bones, acting, near=near)
    _body(pen, look, bones, acting)
    _head(head, look, bones, acting)
    for near in before:
        shining += _arm(pen, look, bones, acting, near=near)
    return shining


def _arms(bones: Skeleton, pose: Pose) -> tuple[tuple[bool, ...], tuple[bool, ...]]:
    """Which arms (near: True) are behind the body, and which before it."""
    if bones.away:
        return (True, False), ()
    return ((), (False, True)) if _in_lap(bones, pose) else ((False,), (True,))


def _in_lap(bones: Skeleton, pose: Pose) -> bool:
    return pose.seat and bones.frontal


def _body(pen: Pen, look: Look, bones: Skeleton, acting: Acting) -> None:
    """Draw torso and legs; the knees of someone who sits are nearer than the torso."""
    seated = acting.pose.seat
    if not seated:
        draw_legs(pen, look.garment, look.skin, bones, pose=acting.pose, build=look.build)
    draw_torso(pen, look.garment, look.skin, bones, sway=acting.sway, seated=seated)
    if seated:
        draw_legs(pen, look.garment, look.skin, bones, pose=acting.pose, build=look.build)


def _head_pen(pen: Pen, look: Look, bones: Skeleton) -> Pen:
    cos, sin = math.cos(bones.tilt), math.sin(bones.tilt)
    (x, y), radius = bones.head, look.build.head
    return pen.within(
        lambda point: (x + radius * (point[0] * cos - point[1] * sin), y + radius * (point[0] * sin + point[1] * cos)), radius
    )


def _head(pen: Pen, look: Look, bones: Skeleton, acting: Acting) -> None:
    turn = bones.turn
    if bones.away:
        _behind(pen, look, acting.sway)
        return
    cloth = look.garment.cloth if look.garment.hood else None
    tones = faces.Tones(look.skin, look.eyes, darker(look.hair.colour, 0.3), look.ink)
    if bones.profile:
        profile.draw_head(pen, acting.face, look.hair, tones, hood=cloth, sway=acting.sway, time=acting.time)
        return
    for side in (-1, 1):
        if side * turn <= 0:
            pen.disc((side * 0.98 - 0.1 * turn, 0.2), 0.16, 0.2, mix(look.skin, (226, 130, 120), 0.18))
    pen.shape(_skull(turn), look.skin, steps=5)
    faces.draw_face(pen, acting.face, turn, tones)
    hairs.draw_front(pen, look.hair, turn, acting.sway)
    if cloth:
        hoods.draw_hood(pen, cloth, turn)
    faces.draw_brows(pen, acting.face, turn, tones)
    faces.draw_sign(pen, acting.face.sign, turn, acting.time)


def _behind(pen: Pen, look: Look, sway: float) -> None:
    """Draw a head from behind, under its hood if it wears one."""
    pen.disc((0.0, 0.0), 1.0, 0.98, look.skin)
    hairs.draw_behind(pen, look.hair, sway)
    if look.garment.hood:
        hoods.draw_behind(pen, look.garment.cloth)
    hairs.draw_hanging(pen, look.hair, sway)


def _skull(turn: float) -> list[Point]:
    half = [(0.0, -1.0), (0.58, -0.84), (0.93, -0.4), (0.99, 0.1), (0.88, 0.52), (0.56, 0.83), (0.2, 0.97)]
    right = [(x * (0.97 if turn > 0 else 1.0) + 0.12 * turn * max(0.0, y), y) for x, y in half]
    left = [(-x * (0.97 if turn < 0 else 1.0) + 0.12 * turn * max(0.0, y), y) for x, y in reversed(half[1:])]
    return [*right, *left]


def _joint(bones: Skeleton, pose: Pose, *, near: bool, holds: bool) -> Joint:
    if holds and not near:
        return _HOLDING
    if _in_lap(bones, pose) and not holds:
        return _IN_LAP
    return pose.near_arm if near else pose.far_arm


def _arm(pen: Pen, look: Look, bones: Skeleton, acting: Acting, *, near: bool) -> list[Point]:
    """Draw one arm, and what the near hand holds; returns where that shines."""
    held = acting.prop if near != acting.pose.busy else ""
    joint = _joint(bones, acting.pose, near=near, holds=bool(held))
    root, elbow, hand = arm_of(look.build, bones, joint, near=near)
    if held == "umbrella":
        draw_prop(held, pen, hand, bones.forward, accent=look.accent, time=acting.time)
    pen.disc(hand, 0.036, 0.037, look.skin if near else darker(look.skin, 0.1))
    wide = 0.062 if look.garment.kind == "robe" else 0.04
    pen.limb([root, elbow, between(elbow, hand, 0.72)], 0.043, wide, look.garment.cloth if near else darker(look.garment.cloth, 0.14))
    if look.garment.cuffs:
        cuff = ribbon([between(elbow, hand, share) for share in (0.62, 0.86)], wide, wide)
        pen.shape(cuff, look.garment.trim, round_off=False)
    return _held(pen, look, bones, acting, hand, outward=1.0 if near else -1.0) if held and held != "umbrella" else []


def _held(pen: Pen, look: Look, bones: Skeleton, acting: Acting, hand: Point, *, outward: float) -> list[Point]:
    facing = 0.3 * outward if bones.frontal else bones.forward
    spot = draw_prop(acting.prop, pen, hand, facing, accent=look.accent, time=acting.time)
    pen.disc((hand[0], hand[1] + 0.012), 0.03, 0.028, look.skin)
    return [spot] if spot else []
