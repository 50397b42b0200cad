"""The character of the specimens: a bust from the front, drawn with flat colours and lines. Lengths are parts of the frame's height."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
import numpy.typing as npt

from koma.pixels.picture import Pixels

PALETTE: Mapping[str, str] = {"hair": "#c2563f", "eyes": "#2f8f6b", "skin": "#f3cfb3", "outfit": "#2b4a7a", "accent": "#efe6d2"}
OTHER_HAIR = "#3fa65a"  # of the clips in which the hair has the wrong colour

_LINE, _WHITE = (38, 24, 34), (250, 248, 246)
_SHIFT = 4  # binary digits after the point that OpenCV draws with
_HEAD = 0.40  # height of the middle of the face, from the top

Point = tuple[float, float]
Rgb = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Pose:
    """Where everything is at one moment. `turn`, `bob` and `sway` move head, body and hair; `lids` is 0 for open and 1 for shut."""

    turn: float = 0.0
    bob: float = 0.0
    sway: tuple[float, float] = (0.0, 0.0)
    lids: float = 0.0
    place: Point = (0.0, 0.0)
    scale: float = 1.0
    palette: Mapping[str, str] = field(default_factory=lambda: PALETTE)


def pose_at(phase: float) -> Pose:
    """Pose at a moment of the loop, 0..1: breathing, looking aside, hair behind the head's movement, one blink."""
    angle = 2 * math.pi * phase
    return Pose(
        turn=0.022 * math.sin(angle),
        bob=0.010 * math.sin(2 * angle),
        sway=(0.030 * math.sin(angle - 0.9), 0.034 * math.sin(angle - 1.5)),
        lids=max(0.0, 1 - abs(phase - 0.62) / 0.045),
    )


def draw_figure(canvas: Pixels, pose: Pose) -> None:
    """Draw the bust into an RGB frame."""
    pen = _Pen(canvas, pose)
    hair, skin, outfit, accent = (_rgb(pose.palette[slot]) for slot in ("hair", "skin", "outfit", "accent"))
    head = (pose.turn, _HEAD + pose.bob)
    pen.fill(_back_hair(head, pose), hair)
    pen.fill(_body(pose), outfit)
    pen.fill([(-0.055, 0.52 + pose.bob), (0.055, 0.52 + pose.bob), (0.06, 0.70 + pose.bob), (-0.06, 0.70 + pose.bob)], _shade(skin))
    for side in (-1, 1):
        pen.fill([(0.0, 0.80 + pose.bob), (side * 0.13, 0.66 + pose.bob), (side * 0.05, 0.655 + pose.bob)], accent)
    pen.fill(_face(head), skin)
    for side in (-1, 1):
        _draw_eye(pen, (head[0] * 1.3 + side * 0.072, head[1] + 0.012), pose)
    _draw_mouth(pen, (head[0] * 1.3, head[1] + 0.115))
    pen.fill(_fringe(head, pose), hair)
    pen.line([(head[0] - 0.12, head[1] - 0.15), (head[0] - 0.04, head[1] - 0.185), (head[0] + 0.05, head[1] - 0.18)], _light(hair), 2.5)


class _Pen:
    """Draws in parts of the height, from the middle of the frame."""

    def __init__(self, canvas: Pixels, pose: Pose) -> None:
        self._canvas = canvas
        self._height, self._middle = canvas.shape[0], canvas.shape[1] / 2
        self._pose = pose
        self._width = max(1, round(self._height / 220))

    def fill(self, outline: Sequence[Point], colour: Rgb) -> None:
        """Draw an area with a line around it."""
        points = self._points(outline)
        cv2.fillPoly(self._canvas, [points], colour, cv2.LINE_AA, _SHIFT)
        cv2.polylines(self._canvas, [points], True, _LINE, self._width, cv2.LINE_AA, _SHIFT)

    def line(self, path: Sequence[Point], colour: Rgb, width: float = 1.0) -> None:
        cv2.polylines(self._canvas, [self._points(path)], False, colour, max(1, round(self._width * width)), cv2.LINE_AA, _SHIFT)

    def _points(self, outline: Sequence[Point]) -> npt.NDArray[np.int32]:
        (right, down), scale = self._pose.place, self._pose.scale
        x = [self._middle + self._height * (right + scale * px) for px, _ in outline]
        y = [self._height * (1 + down + scale * (py - 1)) for _, py in outline]
        return np.asarray(np.round(np.stack([x, y], axis=1) * 2**_SHIFT), np.int32)


def _ellipse(centre: Point, across: float, down: float, begin: float = 0, end: float = 360) -> list[Point]:
    steps = max(6, round(abs(end - begin) / 9))
    angles = [math.radians(begin + (end - begin) * step / steps) for step in range(steps + 1)]
    return [(centre[0] + across * math.cos(a), centre[1] + down * math.sin(a)) for a in angles]


def _face(head: Point) -> list[Point]:
    x, y = head
    return [
        *_ellipse((x, y - 0.02), 0.150, 0.165, 180, 360),
        (x + 0.143, y + 0.06),
        (x + 0.085, y + 0.15),
        (x, y + 0.19),
        (x - 0.085, y + 0.15),
        (x - 0.143, y + 0.06),
    ]


def _body(pose: Pose) -> list[Point]:
    y = pose.bob
    return [
        (-0.46, 1.05),
        (-0.40, 0.80 + y),
        (-0.30, 0.71 + y),
        (-0.10, 0.655 + y),
        (0.10, 0.655 + y),
        (0.30, 0.71 + y),
        (0.40, 0.80 + y),
        (0.46, 1.05),
    ]


def _back_hair(head: Point, pose: Pose) -> list[Point]:
    (x, y), (left, right) = head, pose.sway
    crown = _ellipse((x, y - 0.04), 0.205, 0.225, 180, 360)
    strands_right = [
        (x + 0.225, y + 0.12),
        (x + 0.24 + right * 0.5, y + 0.28),
        (x + 0.20 + right, y + 0.44),
        (x + 0.12 + right * 0.8, y + 0.38),
    ]
    strands_left = [
        (x - 0.12 + left * 0.8, y + 0.38),
        (x - 0.20 + left, y + 0.44),
        (x - 0.24 + left * 0.5, y + 0.28),
        (x - 0.225, y + 0.12),
    ]
    return [*crown, *strands_right, (x, y + 0.22), *strands_left]


def _fringe(head: Point, pose: Pose) -> list[Point]:
    (x, y), (left, right) = head, pose.sway
    crown = _ellipse((x, y - 0.04), 0.180, 0.200, 180, 360)
    tips = [
        (0.168, 0.10),
        (0.120, -0.03),
        (0.085, 0.02),
        (0.035, -0.05),
        (-0.015, 0.01),
        (-0.060, -0.05),
        (-0.115, 0.02),
        (-0.130, -0.02),
        (-0.168, 0.10),
    ]
    moved = [(x + dx + (right if dx > 0 else left) * 0.35 * max(0.0, dy + 0.05) / 0.15, y + dy) for dx, dy in tips]
    return [*crown, *moved]


def _draw_eye(pen: _Pen, centre: Point, pose: Pose) -> None:
    x, y = centre
    open_part = 1 - 0.92 * pose.lids
    shut = pose.lids > 0.6  # noqa: PLR2004  behind a lid that is more than half shut there is nothing to see
    pen.fill(_ellipse(centre, 0.040, 0.046 * open_part), _rgb(pose.palette["skin"]) if shut else _WHITE)
    if not shut:
        pen.fill(_ellipse((x, y + 0.004), 0.026, 0.040 * open_part), _rgb(pose.palette["eyes"]))
        pen.fill(_ellipse((x, y + 0.008), 0.011, 0.018 * open_part), _LINE)
        pen.line([(x - 0.012, y - 0.016 * open_part), (x - 0.008, y - 0.014 * open_part)], (255, 255, 255), 2)
    pen.line([(px, py - 0.002) for px, py in _ellipse(centre, 0.044, 0.048 * open_part, 195, 345)], _LINE, 2)
    pen.line([(x - 0.04, y - 0.072), (x, y - 0.082), (x + 0.04, y - 0.072)], _LINE, 1)


def _draw_mouth(pen: _Pen, centre: Point) -> None:
    x, y = centre
    pen.line([(x - 0.022, y), (x, y + 0.006), (x + 0.022, y)], _LINE, 1)
    pen.line([(x + 0.003, y - 0.055), (x + 0.009, y - 0.044)], _LINE, 1)


def _rgb(colour: str) -> Rgb:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _shade(colour: Rgb) -> Rgb:
    r, g, b = (round(0.82 * value) for value in colour)
    return r, g, b


def _light(colour: Rgb) -> Rgb:
    r, g, b = (round(value + 0.35 * (255 - value)) for value in colour)
    return r, g, b


def mixed(first: str, second: str, share: float) -> str:
    """Colour between two, `share` 0..1 of the second; one after the other in R, G and B."""
    pairs = zip(_rgb(first), _rgb(second), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)
