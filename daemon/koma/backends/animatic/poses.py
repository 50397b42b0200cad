"""Poses in free words → joint angles at a moment. Pure numbers: degrees from hanging straight down, positive forward or outward."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from koma.backends.animatic.colour import chance
from koma.backends.animatic.light import has
from koma.backends.animatic.motion import Moment

Joint = tuple[float, float]  # upper and lower part of a limb, degrees


@dataclass(frozen=True, slots=True)
class Pose:
    """A body at one moment.

    Lengths in the figure's height: `drop` lowers the hip, `bob` lifts everything, `stride` is the way made in a second.
    """

    near_arm: Joint = (9.0, 14.0)
    far_arm: Joint = (9.0, 14.0)
    near_leg: Joint = (3.0, 1.0)
    far_leg: Joint = (3.0, 1.0)
    lean: float = 0.0
    tilt: float = 0.0
    drop: float = 0.0
    bob: float = 0.0
    roll: float = 0.0
    stride: float = 0.0
    seat: bool = False
    busy: bool = False  # the near hand gestures: what is held goes to the other one


def _standing(time: Moment) -> Pose:
    sway = time.wave(0.28)
    return Pose(near_arm=(10 + 2 * sway, 16), far_arm=(10 - 2 * sway, 16), tilt=1.6 * sway)


def _gait(time: Moment, hertz: float, swings: tuple[float, float, float], pose: Pose) -> Pose:
    legs, arms, elbow = swings
    swing = time.wave(hertz)
    ahead = math.cos(math.tau * time.turns(hertz))
    knee_near, knee_far = max(0.0, ahead) * legs * 1.3, max(0.0, -ahead) * legs * 1.3
    return replace(
        pose,
        near_leg=(legs * swing, legs * swing - knee_near),
        far_leg=(-legs * swing, -legs * swing - knee_far),
        near_arm=(-arms * swing, -arms * swing + elbow),
        far_arm=(arms * swing, arms * swing + elbow),
        bob=0.018 * (1 - abs(swing)) * legs / 28,
    )


def _walking(time: Moment) -> Pose:
    return _gait(time, 1.1, (27, 30, 16), Pose(lean=3, tilt=2 * time.wave(1.1, 0.1), stride=0.42))


def _running(time: Moment) -> Pose:
    return _gait(time, 2.0, (46, 52, 78), Pose(lean=13, stride=1.15))


def _sneaking(time: Moment) -> Pose:
    return _gait(time, 0.7, (24, 8, 80), Pose(near_arm=(40, 120), far_arm=(40, 120), lean=20, drop=0.04, stride=0.2))


def _sitting(time: Moment) -> Pose:
    kick = 8 * time.wave(0.8)
    return Pose((18, 52), (18, 52), (84, 4 + kick), (84, 4 - kick), lean=2, drop=0.04, tilt=2 * time.wave(0.25), seat=True)


def _reaching(time: Moment) -> Pose:
    stretch = 4 * time.wave(0.5)
    return Pose((112 + stretch, 128 + stretch), (14, 24), lean=7 + stretch * 0.4, tilt=-5)


def _crouching(time: Moment) -> Pose:
    return Pose((30, 70 + 3 * time.wave(0.4)), (30, 70), (96, -42), (88, -46), lean=16, drop=0.15, tilt=2 * time.wave(0.3))


def _waving(time: Moment) -> Pose:
    return Pose((106, 156 + 24 * time.wave(1.7, 0.2)), (10, 18), tilt=4 * time.wave(0.85), bob=0.006 * (1 + time.wave(1.7)), busy=True)


def _pointing(time: Moment) -> Pose:
    return Pose((92 + 2 * time.wave(0.6), 92 + 3 * time.wave(0.6)), (14, 60), lean=4, busy=True)


def _lying(time: Moment) -> Pose:
    return Pose((150, 172), (12, 8), (6, 2), (10, 4), roll=82, tilt=1.5 * time.wave(0.25))


def _cheering(time: Moment) -> Pose:
    hop = abs(time.wave(0.9))
    return Pose((112 + 8 * time.wave(1.8), 150), (112 - 8 * time.wave(1.8), 150), (8, 0), (8, 0), bob=0.09 * hop)


def _jumping(time: Moment) -> Pose:
    hop = abs(time.wave(0.7))
    return Pose((120, 140), (120, 140), (20, -30 * hop), (8, -40 * hop), bob=0.16 * hop)


def _holding(time: Moment) -> Pose:
    return Pose((42, 96 + 2 * time.wave(0.5)), (42, 96 - 2 * time.wave(0.5)), tilt=3 + 1.5 * time.wave(0.3))


def _thinking(time: Moment) -> Pose:
    return Pose((36, 150), (24, 96), tilt=7 + 2 * time.wave(0.3))


def _bowing(time: Moment) -> Pose:
    return Pose((28, 20), (28, 20), lean=34 + 3 * time.wave(0.4), tilt=14)


def _kneeling(time: Moment) -> Pose:
    return Pose((28, 64), (28, 64), (62, -84), (56, -88), drop=0.14, tilt=2 * time.wave(0.3))


def _dancing(time: Moment) -> Pose:
    beat = time.wave(1.2)
    return Pose(
        (96 + 30 * beat, 130),
        (96 - 30 * beat, 130),
        (8 + 10 * beat, 0),
        (8 - 10 * beat, 0),
        lean=5 * beat,
        tilt=8 * beat,
        bob=0.02 * abs(beat),
    )


def _leaning(time: Moment) -> Pose:
    return Pose((26, 98), (26, 98), (2, 2), (14, 2), lean=-7, tilt=3 + time.wave(0.25))


_WORDS: tuple[tuple[tuple[str, ...], Callable[[Moment], Pose]], ...] = (
    (("stand",), _standing),
    (("run", "dash", "sprint", "chas", "hurr"), _running),
    (("sneak", "tiptoe", "creep"), _sneaking),
    (("walk", "stroll", "step", "stride", "wander", "arriv"), _walking),
    (("crouch", "squat", "duck"), _crouching),
    (("kneel",), _kneeling),
    (("sit", "seat", "perch"), _sitting),
    (("wav", "greet", "hello", "goodbye"), _waving),
    (("point",), _pointing),
    (("lie", "lying", "sleep"), _lying),
    (("cheer", "celebrat", "hurray"), _cheering),
    (("jump", "leap", "hop"), _jumping),
    (("danc", "twirl", "spin"), _dancing),
    (("think", "ponder", "wonder"), _thinking),
    (("bow", "apolog"), _bowing),
    (("lean",), _leaning),
    (("hold", "carr", "hug", "offer", "giv", "read", "cradl"), _holding),
    (("reach", "stretch", "grab", "hang", "lift", "rais"), _reaching),
)


def pose_of(word: str, action: str, time: Moment) -> Pose:
    """Pose of a free word; without one the action decides, and a word that is not known stands in a way of its own."""
    for text in (word,) if word else (action,):
        for stems, make in _WORDS:
            if has(text, *stems):
                return make(time)
    pose = _standing(time)
    if not word:
        return pose
    dice = chance("pose", word)
    return replace(
        pose, near_arm=(dice.uniform(10, 50), dice.uniform(30, 120)), tilt=pose.tilt + dice.uniform(-5, 5), lean=dice.uniform(-3, 5)
    )
