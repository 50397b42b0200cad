"""Figures: a character's look, skeleton and clothes, drawn to a picture of its own.

Units: one is the figure's height, feet at y 0, crown at -1.
"""

import math
from dataclasses import dataclass

from koma.backends.animatic import face as faces
from koma.backends.animatic import hair as hairs
from koma.backends.animatic.clothes import Garment, draw_legs, draw_torso, garment_of
from koma.backends.animatic.colour import INK, RGB, chance, darker, from_hsv, lighter, mix, parse, scale
from koma.backends.animatic.light import Factors, has
from koma.backends.animatic.motion import Moment
from koma.backends.animatic.panel import Actor
from koma.backends.animatic.poses import Joint, Pose
from koma.backends.animatic.props import draw_prop
from koma.backends.animatic.shapes import Pen, Point, ribbon

_YOUNG = ("child", "kid", "young", "little", "boy", "girl", "toddler", "small")
_OLD = ("old", "elder", "grand", "senior", "aged")
RAISED = 95.0  # degrees: arms that are lifted higher are drawn longer, to reach past a large head
_SKINS = tuple(parse(colour) for colour in ("#ffe3cf", "#f7cfae", "#e0ac82", "#b97f5a", "#8a5a40"))


@dataclass(frozen=True, slots=True)
class Look:
    """One character in this shot's light: colours, clothes, hair and proportions."""

    skin: RGB
    eyes: RGB
    accent: RGB
    hair: hairs.Hair
    garment: Garment
    head: float  # radius
    leg: float
    ink: RGB


def look_of(actor: Actor, ambient: Factors) -> Look:
    """Give a character colours (its palette, else its own by id), clothes and proportions."""
    dice = chance("actor", actor.id)
    own: dict[str, RGB] = {
        "hair": mix(from_hsv(dice.random(), 0.45, 0.4), (60, 44, 52), 0.4),
        "eyes": from_hsv(dice.random(), 0.6, 0.7),
        "skin": dice.choice(_SKINS),
        "outfit": from_hsv(dice.random(), 0.45, 0.78),
        "primary": from_hsv(dice.random(), 0.3, 0.45),
        "accent": from_hsv(dice.random(), 0.7, 0.9),
    }
    tones = {slot: scale(actor.palette.get(slot, colour), ambient) for slot, colour in own.items()}
    young, old = has(actor.version, *_YOUNG), has(actor.version, *_OLD)
    hair_colour = mix(tones["hair"], scale((226, 222, 230), ambient), 0.75) if old else tones["hair"]
    return Look(
        skin=tones["skin"],
        eyes=tones["eyes"],
        accent=tones["accent"],
        hair=hairs.hair_of(actor.hair, actor.id, hair_colour, tones["accent"]),
        garment=garment_of(actor, tones["outfit"], tones["primary"], tones["accent"]),
        head=0.205 if young else 0.178,
        leg=0.24 if young else 0.29,
        ink=mix(INK, scale(INK, ambient), 0.5),
    )


@dataclass(frozen=True, slots=True)
class Skeleton:
    """Where the parts of a posed figure are."""

    hip: Point
    shoulder: Point
    head: Point
    side: Point  # unit vector across the body
    torso: float
    tilt: float
    turn: float  # -1 left, 0 camera or away, 1 right
    facing: float  # the way that forward points: -1 or 1
    frontal: bool


@dataclass(frozen=True, slots=True)
class Acting:
    """What a figure does at one moment. `facing` is left, right, camera or away."""

    pose: Pose
    face: faces.Expression
    facing: str
    prop: str
    time: Moment
    breath: float
    sway: float


def skeleton_of(look: Look, acting: Acting) -> Skeleton:
    """Stand the body up: hip, spine, head."""
    pose = acting.pose
    facing = -1.0 if acting.facing == "left" else 1.0
    frontal = acting.facing in ("camera", "away")
    lean = math.radians(pose.lean) * facing * (0.25 if frontal else 1.0)
    torso = 1.0 - 2 * look.head - 0.025 - look.leg + 0.006 * acting.breath
    hip = (0.0, -look.leg + pose.drop - pose.bob)
    shoulder = (hip[0] + math.sin(lean) * torso, hip[1] - math.cos(lean) * torso)
    tilt = math.radians(pose.tilt) * (1.0 if frontal else facing) + lean * 0.5
    neck = look.head * 1.02
    head = (shoulder[0] + math.sin(tilt) * neck, shoulder[1] - math.cos(tilt) * neck + 0.012)
    return Skeleton(hip, shoulder, head, (math.cos(lean), math.sin(lean)), torso, tilt, 0.0 if frontal else facing, facing, frontal)


def draw_figure(pen: Pen, look: Look, acting: Acting) -> list[Point]:
    """Draw a whole figure, from back to front; returns the points that shine."""
    bones = skeleton_of(look, acting)
    head = _head_pen(pen, look, bones)
    shining: list[Point] = []
    away = acting.facing == "away"
    if away:
        _arm(pen, look, bones, acting, near=True, shining=shining)
    else:
        hairs.draw_back(head, look.hair, bones.turn, acting.sway)
    _arm(pen, look, bones, acting, near=False, shining=shining)
    if acting.pose.seat:
        draw_torso(pen, look.garment, look.skin, bones, acting.sway, away=away, seated=True)
        draw_legs(pen, look.garment, look.skin, bones, acting.pose, look.leg)
    else:
        draw_legs(pen, look.garment, look.skin, bones, acting.pose, look.leg)
        draw_torso(pen, look.garment, look.skin, bones, acting.sway, away=away)
    _head(head, look, bones, acting)
    if not away:
        _arm(pen, look, bones, acting, near=True, shining=shining)
    return shining


def _head_pen(pen: Pen, look: Look, bones: Skeleton) -> Pen:
    cos, sin = math.cos(bones.tilt), math.sin(bones.tilt)
    (x, y), radius = bones.head, look.head
    return pen.within(
        lambda point: (x + radius * (point[0] * cos - point[1] * sin), y + radius * (point[0] * sin + point[1] * cos)), radius
    )


def _head(pen: Pen, look: Look, bones: Skeleton, acting: Acting) -> None:
    turn = bones.turn
    if acting.facing == "away":
        pen.disc((0.0, 0.0), 1.0, 0.98, look.skin)
        hairs.draw_behind(pen, look.hair, acting.sway)
        return
    tones = faces.Tones(look.skin, look.eyes, darker(look.hair.colour, 0.3), look.ink)
    for side in (-1, 1):
        if side * turn <= 0:
            pen.disc((side * 0.98 - 0.1 * turn, 0.2), 0.16, 0.2, mix(look.skin, (226, 130, 120), 0.18))
    pen.shape(_skull(turn), look.skin, steps=5)
    faces.draw_face(pen, acting.face, turn, tones)
    hairs.draw_front(pen, look.hair, turn, acting.sway)
    if look.garment.hood:
        _hood(pen, look.garment.cloth, turn)
    faces.draw_brows(pen, acting.face, turn, tones)
    faces.draw_sign(pen, acting.face.sign, turn, acting.time)


def _skull(turn: float) -> list[Point]:
    half = [(0.0, -1.0), (0.58, -0.84), (0.93, -0.4), (0.99, 0.1), (0.88, 0.52), (0.56, 0.83), (0.2, 0.97)]
    right = [(x * (0.97 if turn > 0 else 1.0) + 0.12 * turn * max(0.0, y), y) for x, y in half]
    left = [(-x * (0.97 if turn < 0 else 1.0) + 0.12 * turn * max(0.0, y), y) for x, y in reversed(half[1:])]
    return [*right, *left]


def _hood(pen: Pen, cloth: RGB, turn: float) -> None:
    shift = -0.08 * turn
    outer = [(shift + 1.24 * math.sin(a), -1.22 * math.cos(a)) for a in [math.radians(-126 + 9 * n) for n in range(29)]]
    inner = [(shift * 0.3 + 1.0 * math.sin(a), -0.9 * math.cos(a) + 0.02) for a in [math.radians(122 - 8.7 * n) for n in range(29)]]
    pen.shape([*outer, *inner], cloth, round_off=False)
    pen.stroke(inner, 0.06, lighter(cloth, 0.3))


def _arm(pen: Pen, look: Look, bones: Skeleton, acting: Acting, *, near: bool, shining: list[Point]) -> None:
    joint = acting.pose.near_arm if near else acting.pose.far_arm
    outward = (1.0 if near else -1.0) * (-1.0 if acting.facing == "away" else 1.0)
    direction = outward if bones.frontal else bones.facing
    raised = max(0.0, -math.cos(math.radians(joint[0])) + 0.25) if joint[0] > RAISED else 0.0
    across = outward * 0.088 if bones.frontal else bones.facing * ((0.05 if raised else -0.035) if near else 0.06)
    root = (bones.shoulder[0] + bones.side[0] * across, bones.shoulder[1] + bones.side[1] * across + 0.042)
    stretch = (1.0 + 0.8 * min(1.0, raised * 2.0)) * (look.head / 0.178) ** 0.5
    elbow, hand = _limb(root, joint, 0.112 * stretch, 0.104 * stretch, direction)
    sleeve = look.garment.cloth if near else darker(look.garment.cloth, 0.14)
    skin = look.skin if near else darker(look.skin, 0.1)
    held = acting.prop if near else ""
    if held == "umbrella":
        draw_prop(held, pen, hand, bones.facing, accent=look.accent, time=acting.time)
    pen.disc(hand, 0.036, 0.037, skin)
    pen.limb([root, elbow, _between(elbow, hand, 0.72)], 0.043, 0.04 if look.garment.kind != "robe" else 0.062, sleeve)
    if look.garment.cuffs:
        wide = 0.041 if look.garment.kind != "robe" else 0.063
        pen.shape(ribbon([_between(elbow, hand, share) for share in (0.62, 0.86)], wide, wide), look.garment.trim, round_off=False)
    if held and held != "umbrella":
        spot = draw_prop(held, pen, hand, bones.facing if not bones.frontal else 0.3 * outward, accent=look.accent, time=acting.time)
        shining += [spot] if spot else []
        pen.disc((hand[0], hand[1] + 0.012), 0.03, 0.028, skin)


def _limb(root: Point, joint: Joint, upper: float, lower: float, direction: float) -> tuple[Point, Point]:
    a, b = math.radians(joint[0]), math.radians(joint[1])
    middle = (root[0] + math.sin(a) * upper * direction, root[1] + math.cos(a) * upper)
    return middle, (middle[0] + math.sin(b) * lower * direction, middle[1] + math.cos(b) * lower)


def _between(a: Point, b: Point, share: float) -> Point:
    return a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share
