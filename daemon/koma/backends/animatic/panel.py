"""Reads a panel description (JSON) into values, and says precisely what is wrong with one that cannot be drawn."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from koma.backends.animatic.colour import RGB
from koma.backends.local.fields import Fields

FORMAT = 1
STILL = "still"
PHASES = (STILL, "loop", "video")
FRAMINGS = ("extreme-wide", "wide", "full", "medium", "close-up", "extreme-close-up", "over-shoulder", "insert")
ANGLES = ("eye", "low", "high", "dutch", "overhead", "worm")
MOVES = ("static", "pan", "tilt", "zoom", "dolly", "tracking", "orbit", "handheld", "crane")
DIRECTIONS = ("", "left", "right", "up", "down", "in", "out")
TIMES = ("", "dawn", "morning", "day", "noon", "afternoon", "sunset", "dusk", "evening", "night")
POSITIONS = ("center", "left", "right", "far-left", "far-right", "background")
FACINGS = ("", "left", "right", "camera", "away")
POSES = ("front", "side", "back", "three-quarter", "sitting", "walking", "action", "close-up")
SMALLEST, LARGEST = 32, 8192  # px per side
MOST_FRAMES = 100_000


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
    """Everything that is drawn. Sizes in px, `frames` is 1 for a still.

    The frames are those from `start` on of a clip of `of` frames; `follows` names the picture that is the first of them, as it is.
    `sheet` is a pose of a character sheet: one figure, and nothing else of a shot.
    """

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
    start: int
    of: int
    follows: str
    sheet: str

    def reads(self) -> dict[str, str]:
        """Name of each picture that is drawn → what reads it, for messages."""
        named = {actor.reference: f"characters: {actor.id}" for actor in self.actors if actor.reference}
        return {**named, self.follows: "follows: the first frame"} if self.follows else named


def read_panel(document: Mapping[str, Any]) -> Panel:
    """Read a description of format 1. Raises DocumentError."""
    fields = Fields(document)
    if document.get("format") != FORMAT:
        raise fields.wrong("format", str(FORMAT))
    phase = fields.choice("phase", PHASES)
    frames = 1 if phase == STILL else fields.whole("frames", 1, MOST_FRAMES)
    span = _span(fields, phase, frames)
    sheet = _sheet(fields, phase)
    return Panel(
        phase=phase,
        project=_titled(fields.child("project")),
        scene=_titled(fields.child("scene")),
        shot=fields.text("shot"),
        width=fields.whole("width", SMALLEST, LARGEST),
        height=fields.whole("height", SMALLEST, LARGEST),
        fps=1.0 if sheet else fields.number("fps", 1.0, 240.0),
        frames=frames,
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
        start=span[0],
        of=span[1],
        follows=fields.text("follows") if phase != STILL else "",
        sheet=sheet,
    )


def _span(fields: Fields, phase: str, frames: int) -> tuple[int, int]:
    """First frame of the run, and frames of the whole clip."""
    if phase == STILL or fields.values.get("span") is None:
        return 0, frames
    span = fields.child("span")
    return span.whole("start", 0, MOST_FRAMES), span.whole("of", 1, MOST_FRAMES)


def _sheet(fields: Fields, phase: str) -> str:
    if fields.values.get("sheet") is None:
        return ""
    pose = fields.choice("sheet", POSES)
    if phase != STILL:
        raise fields.wrong("phase", "still: a sheet has pictures only")
    if len(fields.sequence("characters")) != 1:
        raise fields.wrong("characters", "exactly one: a sheet shows one character")
    return pose


def _titled(fields: Fields) -> tuple[str, str]:
    name = fields.text("id")
    return name, fields.text("title") or name


def _camera(fields: Fields) -> Camera:
    speed = fields.number("speed", 0.0, 10.0) if "speed" in fields.values else 1.0
    return Camera(fields.choice("move", MOVES, "static"), fields.choice("direction", DIRECTIONS, ""), speed)


def _location(fields: Fields) -> Location:
    return Location(
        id=fields.text("id"),
        name=fields.text("name") or fields.text("id"),
        description=fields.text("description"),
        palette=tuple(fields.colour(f"palette[{key}]", value) for key, value in enumerate(fields.sequence("palette"))),
        features=tuple(str(value).lower() for value in fields.sequence("features")),
    )


def _actor(fields: Fields) -> Actor:
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
