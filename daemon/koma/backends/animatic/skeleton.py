"""Stands a body up: from proportions and a pose to the points where its parts are. Pure numbers, in figure heights."""

import math
from dataclasses import dataclass

from koma.backends.animatic.poses import Joint, Pose
from koma.backends.animatic.shapes import Point

RAISED = 95.0  # degrees: arms that are lifted higher are drawn longer, to reach past a large head
SOLE = 0.03  # figure heights from an ankle down to the ground
_ADULT_HEAD = 0.178
_THIGH = 0.45  # of a leg: what of its height is lost where the thigh points at the camera


@dataclass(frozen=True, slots=True)
class Build:
    """Proportions: radius of the head and length of the legs."""

    head: float
    leg: float


@dataclass(frozen=True, slots=True)
class Skeleton:
    """Where the parts of a posed figure are.

    `side` is the unit vector across the body, `turn` is -1 (left), 0 (camera or away) or 1, `forward` is the way that forward points;
    a body in `profile` is seen exactly from the side, and looks right.
    """

    hip: Point
    shoulder: Point
    head: Point
    side: Point
    tilt: float
    turn: float
    forward: float
    away: bool
    profile: bool

    @property
    def frontal(self) -> bool:
        """Whether both shoulders are seen alike."""
        return self.turn == 0

    def torso(self, point: Point) -> Point:
        """Map across (figure heights) and up (0 hip, 1 shoulder) to the figure's own coordinates."""
        across, up = point
        x = self.hip[0] + (self.shoulder[0] - self.hip[0]) * up + self.side[0] * across
        return x, self.hip[1] + (self.shoulder[1] - self.hip[1]) * up + self.side[1] * across


def skeleton_of(build: Build, pose: Pose, facing: str, breath: float) -> Skeleton:
    """Stand the body up: hip, spine, head. `facing` is left, right, profile, camera or away; `breath` -1..1."""
    forward = -1.0 if facing == "left" else 1.0
    turn = forward if facing in ("left", "right", "profile") else 0.0
    lean = math.radians(pose.lean) * forward * (1.0 if turn else 0.25)
    length = 1.0 - 2 * build.head - 0.025 - build.leg + 0.006 * breath
    foreshortened = pose.seat and not turn  # the thighs point at the camera: the seat is as high as the shins, and the feet stand
    drop = build.leg * _THIGH - SOLE if foreshortened else pose.drop
    hip = (0.0, -build.leg + drop - pose.bob)
    shoulder = (hip[0] + math.sin(lean) * length, hip[1] - math.cos(lean) * length)
    tilt = math.radians(pose.tilt) * (forward if turn else 1.0) + lean * 0.5
    neck = build.head * 1.02
    head = (shoulder[0] + math.sin(tilt) * neck, shoulder[1] - math.cos(tilt) * neck + 0.012)
    return Skeleton(hip, shoulder, head, (math.cos(lean), math.sin(lean)), tilt, turn, forward, facing == "away", facing == "profile")


def arm_of(build: Build, bones: Skeleton, joint: Joint, *, near: bool) -> tuple[Point, Point, Point]:
    """Shoulder, elbow and hand of one arm."""
    outward = (1.0 if near else -1.0) * (-1.0 if bones.away else 1.0)
    direction = outward if bones.frontal else bones.forward
    raised = max(0.0, 0.25 - math.cos(math.radians(joint[0]))) if joint[0] > RAISED else 0.0
    across = outward * 0.088 if bones.frontal else bones.forward * ((0.05 if raised else -0.035) if near else 0.06)
    across = across if not bones.profile else -0.01 if near else 0.02
    root = (bones.shoulder[0] + bones.side[0] * across, bones.shoulder[1] + bones.side[1] * across + 0.042)
    stretch = (1.0 + 0.8 * min(1.0, raised * 2.0)) * (build.head / _ADULT_HEAD) ** 0.5
    elbow = _from(root, joint[0], 0.112 * stretch, direction)
    return root, elbow, _from(elbow, joint[1], 0.104 * stretch, direction)


def leg_of(build: Build, bones: Skeleton, joint: Joint, *, near: bool) -> tuple[Point, Point, Point]:
    """Hip, knee and foot of one leg; no foot goes below the ground."""
    outward = 1.0 if near else -1.0
    across = outward * 0.046 if bones.frontal else outward * -0.012 * bones.forward
    root = (bones.hip[0] + across, bones.hip[1])
    half, direction = build.leg / 2, 0.18 * outward if bones.frontal else bones.forward
    knee = _from(root, joint[0], half, direction)
    foot = _from(knee, joint[1], half, direction)
    return root, knee, (foot[0], min(-SOLE, foot[1]))


def between(a: Point, b: Point, share: float) -> Point:
    """Point on the way from `a` (0) to `b` (1)."""
    return a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share


def _from(point: Point, degrees: float, length: float, direction: float) -> Point:
    angle = math.radians(degrees)
    return point[0] + math.sin(angle) * length * direction, point[1] + math.cos(angle) * length
