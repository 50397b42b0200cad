"""Reads a panel description (JSON) into values, and says precisely what is wrong with one that cannot be drawn."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from koma.backends.animatic.colour import RGB, parse

FORMAT = 1
PHASES = ("still", "loop", "video")
FRAMINGS = ("extreme-wide", "wide", "full", "medium", "close-up", "extreme-close-up", "over-shoulder", "insert")
ANGLES = ("eye", "low", "high", "dutch", "overhead", "worm")
MOVES = ("static", "pan", "tilt", "zoom", "dolly", "tracking", "orbit", "handheld", "crane")
DIRECTIONS = ("", "left", "right", "up", "down", "in", "out")
TIMES = ("", "dawn", "morning", "day", "noon", "afternoon", "sunset", "dusk", "evening", "night")
POSITIONS = ("center", "left", "right", "far-left", "far-right", "background")
FACINGS = ("", "left", "right", "camera", "away")
SMALLEST, LARGEST = 32, 8192  # px per side
MOST_FRAMES = 100_000


class PanelError(Exception):
    """A description that cannot be drawn; `str()` names the field, what was found and what was expected."""


@dataclass(frozen=True, slots=True)
class Camera:
    """How the camera moves; `speed` 1 is an ordinary move."""

    move: str
    direction: str
    speed: float


@dataclass(frozen=True, slots=True)
class Location:
    """Where it happens."""

    id: str
    name: str
    description: str
    palette: tuple[RGB, ...]
    features: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Actor:
    """One character as this shot shows them; palette slots that were not given are absent."""

    id: str
    name: str
    version: str
    outfit: str
    position: str
    facing: str
    expression: str
    pose: str
    palette: Mapping[str, RGB]
    height: float
    hair: str
    reference: str | None


@dataclass(frozen=True, slots=True)
class Line:
    """One line of dialogue."""

    id: str
    who: str
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Panel:
    """Everything that is drawn. Sizes in px, `frames` is 1 for a still."""

    phase: str
    project: tuple[str, str]
    scene: tuple[str, str]
    shot: str
    width: int
    height: int
    fps: float
    frames: int
    seed: int
    framing: str
    angle: str
    camera: Camera
    action: str
    time: str
    mood: str
    weather: str
    location: Location | None
    actors: tuple[Actor, ...]
    lines: tuple[Line, ...]


def read_panel(document: Mapping[str, Any]) -> Panel:
    """Read a description of format 1. Raises PanelError."""
    fields = _Fields(document, "")
    if document.get("format") != FORMAT:
        raise PanelError(f"format: this is {document.get('format')!r}, expected {FORMAT}")
    phase = fields.choice("phase", PHASES)
    return Panel(
        phase=phase,
        project=_titled(fields.child("project")),
        scene=_titled(fields.child("scene")),
        shot=fields.text("shot"),
        width=fields.whole("width", SMALLEST, LARGEST),
        height=fields.whole("height", SMALLEST, LARGEST),
        fps=fields.number("fps", 1.0, 240.0),
        frames=1 if phase == "still" else fields.whole("frames", 1, MOST_FRAMES),
        seed=fields.whole("seed", 0, 2**64 - 1),
        framing=fields.choice("framing", FRAMINGS, "medium"),
        angle=fields.choice("angle", ANGLES, "eye"),
        camera=_camera(fields.child("camera")),
        action=fields.text("action"),
        time=fields.choice("time", TIMES, ""),
        mood=fields.text("mood"),
        weather=fields.text("weather"),
        location=_location(fields.child("location")) if document.get("location") is not None else None,
        actors=tuple(_actor(item) for item in fields.children("characters")),
        lines=tuple(Line(*(item.text(key) for key in ("id", "who", "name", "text"))) for item in fields.children("dialogue")),
    )


def _titled(fields: "_Fields") -> tuple[str, str]:
    name = fields.text("id")
    return name, fields.text("title") or name


def _camera(fields: "_Fields") -> Camera:
    speed = fields.number("speed", 0.0, 10.0) if "speed" in fields.values else 1.0
    return Camera(fields.choice("move", MOVES, "static"), fields.choice("direction", DIRECTIONS, ""), speed)


def _location(fields: "_Fields") -> Location:
    return Location(
        id=fields.text("id"),
        name=fields.text("name") or fields.text("id"),
        description=fields.text("description"),
        palette=tuple(fields.colour(f"palette[{key}]", value) for key, value in enumerate(fields.sequence("palette"))),
        features=tuple(str(value).lower() for value in fields.sequence("features")),
    )


def _actor(fields: "_Fields") -> Actor:
    palette = fields.child("palette")
    return Actor(
        id=fields.text("id"),
        name=fields.text("name") or fields.text("id"),
        version=fields.text("version"),
        outfit=fields.text("outfit"),
        position=fields.choice("position", POSITIONS, "center"),
        facing=fields.choice("facing", FACINGS, ""),
        expression=fields.text("expression"),
        pose=fields.text("pose"),
        palette={key: palette.colour(key, value) for key, value in palette.values.items() if value},
        height=fields.number("height", 0.1, 10.0) if "height" in fields.values else 1.0,
        hair=fields.text("hair"),
        reference=fields.text("reference") or None,
    )


class _Fields:
    """One object of the description, with the path to it for messages."""

    def __init__(self, values: Any, path: str) -> None:
        self.path = path
        if not isinstance(values, Mapping):
            raise PanelError(f"{path or 'panel'}: expected an object, found {_kind(values)}")
        self.values = values

    def text(self, key: str) -> str:
        """Return a string, empty where it is missing or null."""
        value = self.values.get(key)
        if value is not None and not isinstance(value, str):
            raise self._wrong(key, "text")
        return value or ""

    def choice(self, key: str, allowed: Sequence[str], default: str | None = None) -> str:
        """Return one of a list; the default stands for an empty or missing value."""
        value = self.text(key) or default or ""
        if value not in allowed:
            raise self._wrong(key, "one of " + ", ".join(name for name in allowed if name))
        return value

    def number(self, key: str, low: float, high: float) -> float:
        """Return a number within bounds."""
        value = self.values.get(key)
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise self._wrong(key, f"a number from {low:g} to {high:g}")
        return float(value)

    def whole(self, key: str, low: int, high: int) -> int:
        """Return a whole number within bounds."""
        value = self.values.get(key)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise self._wrong(key, f"a whole number from {low} to {high}")
        return value

    def sequence(self, key: str) -> Sequence[Any]:
        """Return a list, empty where it is missing or null."""
        value = self.values.get(key)
        if value is not None and not isinstance(value, list | tuple):
            raise self._wrong(key, "a list")
        return value or ()

    def child(self, key: str) -> "_Fields":
        """Return an object, empty where it is missing or null."""
        value = self.values.get(key)
        return _Fields({} if value is None else value, self._at(key))

    def children(self, key: str) -> list["_Fields"]:
        """Return a list of objects."""
        return [_Fields(value, f"{self._at(key)}[{number}]") for number, value in enumerate(self.sequence(key))]

    def colour(self, key: str, value: Any) -> RGB:
        """Read a colour found under `key`."""
        try:
            return parse(value)
        except (ValueError, AttributeError):
            raise PanelError(f"{self._at(key)}: expected a colour such as #3aa0ff, found {value!r}") from None

    def _at(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key

    def _wrong(self, key: str, expected: str) -> PanelError:
        found = repr(self.values[key]) if key in self.values else "nothing"
        return PanelError(f"{self._at(key)}: expected {expected}, found {found[:80]}")


def _kind(value: Any) -> str:
    return {list: "a list", str: "text", type(None): "nothing"}.get(type(value), type(value).__name__)
