"""Four drawn characters, each as a child and as an adult and in two outfits: what identity metrics are tried on. The same every time.

Two of them have hair of nearly one colour and two the same skin, as characters of one film may have. Lengths are parts of the picture's
side; x counts from the middle of the face, y downwards.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import cos, radians, sin

import numpy as np
from PIL import Image, ImageDraw

from koma.pixels.colour import RGB, parse
from koma.pixels.picture import Pixels

SIDE = 384  # px; detectors and embeddings of faces want no less
_FINE = 2  # drawn so many times larger, then averaged, so that edges are smooth
_LINE = (44, 30, 38)
_WHITE = (250, 249, 246)

VERSIONS = ("child", "adult")
OUTFITS = ("daily", "festive")

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Character:
    """One of the cast: colours, the cut of the hair, and by outfit the colours of cloth, trim and badge."""

    id: str
    cut: str
    hair: str
    eyes: str
    skin: str
    outfits: Mapping[str, tuple[str, str, str]]

    def palette(self, outfit: str) -> dict[str, str]:
        """Colours by slot, in this outfit; versions have the same colours."""
        cloth, trim, badge = self.outfits[outfit]
        return {"hair": self.hair, "eyes": self.eyes, "skin": self.skin, "outfit": cloth, "primary": trim, "accent": badge}


@dataclass(frozen=True, slots=True)
class Scene:
    """Where and how somebody stands: areas of the ground, colour of the light, turn of the head, size, and whether an arm is up."""

    id: str
    ground: tuple[tuple[str, tuple[float, float, float, float], str], ...]  # shape, its box, colour
    light: tuple[float, float, float] = (1.0, 1.0, 1.0)
    turn: float = 0.0
    size: float = 1.0
    waving: bool = False


CAST: tuple[Character, ...] = (
    Character(
        "ann",
        "long",
        "#27406b",
        "#3f8f5c",
        "#f4d2b6",
        {"daily": ("#b6413c", "#f0e2c4", "#2d2d3a"), "festive": ("#3c6e71", "#d9b44a", "#f7f3e8")},
    ),
    Character(
        "bo",
        "spiky",
        "#d9742b",
        "#6b4a2f",
        "#c98f64",
        {"daily": ("#4a6b3a", "#2f3b2a", "#e8c14a"), "festive": ("#5b3a78", "#c9c3d8", "#e05a47")},
    ),
    Character(
        "cleo",
        "bob",
        "#3a3f78",
        "#a8552f",
        "#8d5a3c",
        {"daily": ("#e0a92e", "#7a3f24", "#f3efe2"), "festive": ("#d8d3c8", "#2e5f8a", "#b3304a")},
    ),
    Character(
        "dag",
        "tail",
        "#e6cf8b",
        "#4a7fb5",
        "#f4d2b6",
        {"daily": ("#2f4d6e", "#c9513f", "#f2f2ee"), "festive": ("#7d2740", "#3a2a33", "#d8b768")},
    ),
)

_PLAIN = (("box", (0, 0, 1, 1), "#e4e4e0"),)
_ROOM = (
    ("box", (0, 0, 1, 1), "#cdb99a"),
    ("box", (0.06, 0.10, 0.34, 0.52), "#bcd9e6"),
    ("box", (0.70, 0.20, 0.98, 0.25), "#7a5a3e"),
    ("box", (0.74, 0.08, 0.78, 0.20), "#8c3b3b"),
    ("box", (0.80, 0.06, 0.85, 0.20), "#3f5f7f"),
    ("box", (0, 0.84, 1, 1), "#8b6a4a"),
)
_PARK = (
    ("box", (0, 0, 1, 1), "#9fc8e8"),
    ("disc", (-0.30, 0.55, 0.60, 1.30), "#7fae62"),
    ("disc", (0.35, 0.60, 1.40, 1.40), "#5f9250"),
    ("box", (0.85, 0.30, 0.89, 0.80), "#6b4a33"),
    ("disc", (0.72, 0.06, 1.04, 0.44), "#4c7f45"),
)
_STREET = (
    ("box", (0, 0, 1, 1), "#6f6a92"),
    ("box", (-0.02, 0.22, 0.24, 1), "#4b4660"),
    ("box", (0.22, 0.38, 0.46, 1), "#5d5470"),
    ("box", (0.62, 0.16, 0.86, 1), "#43405a"),
    ("box", (0.86, 0.34, 1.02, 1), "#58506c"),
    ("box", (0.04, 0.32, 0.10, 0.42), "#f2cf7a"),
    ("box", (0.70, 0.28, 0.76, 0.38), "#f2cf7a"),
    ("box", (0.90, 0.46, 0.96, 0.54), "#f2cf7a"),
)
REFERENCES: tuple[Scene, ...] = (Scene("front", _PLAIN), Scene("aside", _PLAIN, turn=0.7))
SCENES: tuple[Scene, ...] = (
    Scene("room", _ROOM, turn=-0.5, waving=True),
    Scene("park", _PARK, light=(1.0, 0.98, 0.90), turn=0.3, size=0.8),
    Scene("street", _STREET, light=(0.80, 0.82, 0.96), turn=-0.2, size=1.15),
)


def draw(who: Character, version: str, outfit: str, scene: Scene, side: int = SIDE) -> Pixels:
    """Draw somebody in a scene: RGB, a square of `side` px. Raises KeyError for an outfit that nobody has."""
    canvas = Image.new("RGB", (side * _FINE, side * _FINE))
    _draw_ground(canvas, scene)
    _Figure(canvas, who, who.palette(outfit), scene, child=version == VERSIONS[0]).draw()
    small = np.asarray(canvas.reduce(_FINE), np.float32)
    return np.asarray(np.rint(small * np.array(scene.light, np.float32)), np.uint8)


def _draw_ground(canvas: Image.Image, scene: Scene) -> None:
    pen = ImageDraw.Draw(canvas)
    for shape, box, colour in scene.ground:
        scaled = [value * canvas.width for value in box]
        (pen.ellipse if shape == "disc" else pen.rectangle)(scaled, fill=parse(colour))


class _Figure:
    """A bust: hair behind, body, neck, face, eyes, fringe, from the back to the front. A child has a larger head and larger eyes."""

    def __init__(self, canvas: Image.Image, who: Character, palette: Mapping[str, str], scene: Scene, *, child: bool) -> None:
        self._pen = ImageDraw.Draw(canvas)
        self._side = canvas.width
        self._cut = who.cut
        self._colour = {slot: parse(colour) for slot, colour in palette.items()}
        self._scene = scene
        self._child = child
        self._top = 0.50 if child else 0.40  # height of the middle of the face
        self._unit = scene.size * (0.155 if child else 0.15)  # half the width of the face
        self._shoulders = 1.55 if child else 2.15

    def draw(self) -> None:
        hair, skin = self._colour["hair"], self._colour["skin"]
        for strand in _BEHIND[self._cut]:
            self._fill(strand, hair)
        self._draw_body()
        self._fill([(-0.30, 0.6), (0.30, 0.6), (0.34, 1.5), (-0.34, 1.5)], _shade(skin))
        self._fill(_face(1.02 if self._child else 1.16), skin)
        for side in (-1, 1):
            self._draw_eye(side * 0.42 + self._scene.turn * 0.16)
        middle = self._scene.turn * 0.2
        self._line([(middle - 0.14, 0.72), (middle, 0.76), (middle + 0.14, 0.72)])
        for lock in _FRINGE[self._cut]:
            self._fill(_turned(lock, self._scene.turn), hair)

    def _draw_body(self) -> None:
        wide, cloth, trim = self._shoulders, self._colour["outfit"], self._colour["primary"]
        if self._scene.waving:
            self._fill([(wide - 0.5, 1.7), (wide + 0.5, 0.1), (wide + 0.9, 0.3), (wide, 2.4)], cloth)
            self._fill(_oval((wide + 0.72, 0.0), 0.28, 0.32), self._colour["skin"])
        self._fill([(-wide - 0.2, 9), (-wide, 1.75), (-0.5, 1.25), (0.5, 1.25), (wide, 1.75), (wide + 0.2, 9)], cloth)
        for side in (-1, 1):
            self._fill([(0, 2.3), (side * 0.75, 1.42), (side * 0.45, 1.2)], trim)
        self._fill([(-wide - 0.2, 2.75), (wide + 0.2, 2.75), (wide + 0.2, 3.1), (-wide - 0.2, 3.1)], trim)
        self._fill(_oval((-0.9, 2.1), 0.17, 0.17), self._colour["accent"])

    def _draw_eye(self, x: float) -> None:
        tall = 0.34 if self._child else 0.25
        self._fill(_oval((x, 0.18), 0.24, tall), _WHITE)
        self._fill(_oval((x + self._scene.turn * 0.05, 0.2), 0.15, tall * 0.85), self._colour["eyes"])
        self._fill(_oval((x + self._scene.turn * 0.05, 0.22), 0.06, tall * 0.4), _LINE)
        self._line([(x - 0.24, -0.32), (x, -0.38), (x + 0.24, -0.32)])

    def _fill(self, outline: Sequence[Point], colour: RGB) -> None:
        points = self._placed(outline)
        self._pen.polygon(points, fill=colour)
        self._pen.line([*points, points[0]], fill=_LINE, width=max(1, self._side // 200), joint="curve")

    def _line(self, path: Sequence[Point]) -> None:
        self._pen.line(self._placed(path), fill=_LINE, width=max(1, self._side // 200))

    def _placed(self, points: Sequence[Point]) -> list[Point]:
        return [(self._side * (0.5 + self._unit * x), self._side * (self._top + self._unit * y)) for x, y in points]


def _oval(centre: Point, across: float, down: float, begin: int = 0, end: int = 360) -> list[Point]:
    angles = [radians(begin + (end - begin) * step / 24) for step in range(25)]
    return [(centre[0] + across * cos(angle), centre[1] + down * sin(angle)) for angle in angles]


def _face(chin: float) -> list[Point]:
    return [*_oval((0, 0), 1.0, 1.0, 180, 360), (0.92, 0.5), (0.5, chin - 0.12), (0, chin), (-0.5, chin - 0.12), (-0.92, 0.5)]


def _turned(points: Sequence[Point], turn: float) -> list[Point]:
    """Move the front of the head with the turn; its rim stays."""
    return [(x + 0.2 * turn * max(0.0, 1 - abs(x)), y) for x, y in points]


def _shade(colour: RGB) -> RGB:
    red, green, blue = (round(0.84 * value) for value in colour)
    return red, green, blue


_CROWN = _oval((0, -0.1), 1.2, 1.25, 180, 360)
_HAIRLINE = _oval((0, -0.1), 1.08, 1.12, 180, 360)
_SPIKES = [(-1.3, 0.3), (-1.7, -0.5), (-1.15, -0.6), (-1.2, -1.4), (-0.5, -1.2), (0.0, -1.75)]
_TEETH = [(0.3, -0.45), (0.0, -0.2), (-0.3, -0.45), (-0.75, -0.3)]
_ZIGZAG = [(0.8, -0.5), (0.55, -0.1), (0.3, -0.55), (0.0, -0.15), (-0.3, -0.55), (-0.55, -0.1), (-0.8, -0.5)]
_BEHIND: Mapping[str, list[list[Point]]] = {
    "long": [[*_CROWN, (1.35, 1.2), (1.15, 2.6), (0.6, 2.2), (-0.6, 2.2), (-1.15, 2.6), (-1.35, 1.2)]],
    "spiky": [[*_SPIKES, *((-x, y) for x, y in reversed(_SPIKES[:-1]))]],
    "bob": [[*_CROWN, (1.45, 0.9), (0.95, 1.15), (-0.95, 1.15), (-1.45, 0.9)]],
    "tail": [[*_CROWN, (1.1, 0.4), (-1.1, 0.4)], [(0.9, -0.9), (1.9, -0.9), (2.15, 0.6), (1.7, 1.6), (1.5, 0.3)]],
}
_FRINGE: Mapping[str, list[list[Point]]] = {
    "long": [[*_HAIRLINE, (1.0, 0.45), (0.75, -0.3), *_TEETH, (-1.0, 0.45)]],
    "spiky": [[*_HAIRLINE, *_ZIGZAG]],
    "bob": [[*_HAIRLINE, (1.08, 0.8), (0.85, 0.7), (0.8, -0.25), (-0.8, -0.25), (-0.85, 0.7), (-1.08, 0.8)]],
    "tail": [[*_HAIRLINE, (0.9, -0.1), (0.2, -0.7), (-0.5, -0.2), (-0.95, 0.3)]],
}
