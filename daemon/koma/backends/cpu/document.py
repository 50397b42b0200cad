"""Reads what the CPU is to do (JSON) into values, and says precisely what is wrong with one that cannot be done."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from koma.backends.local.fields import DocumentError, Fields
from koma.pixels.clip import exact_rate
from koma.pixels.colour import RGB

JOIN, MATCH = "join", "colour-match"
MOST_FRAMES = 100_000


@dataclass(frozen=True, slots=True)
class Part:
    """One run of a chain: the name of its input, and how many of its first frames are left out."""

    input: str
    drop: int


@dataclass(frozen=True, slots=True)
class Join:
    """Runs to put together: `frames` frames at `rate` come out of what runs at `source_rate`, both in frames per second."""

    parts: tuple[Part, ...]
    frames: int
    rate: Fraction
    source_rate: Fraction

    def reads(self) -> dict[str, str]:
        """Name of each input → what reads it, for messages."""
        return {part.input: f"parts[{number}]" for number, part in enumerate(self.parts)}


@dataclass(frozen=True, slots=True)
class Match:
    """A picture or clip whose colours move towards a palette; `strength` 0 leaves it as it is, 1 goes all the way."""

    input: str
    palette: Mapping[str, RGB]
    strength: float

    def reads(self) -> dict[str, str]:
        """Name of the input → what reads it, for messages."""
        return {self.input: "input"}


def read_task(document: Mapping[str, Any]) -> Join | Match:
    """Read a document. Raises DocumentError."""
    fields = Fields(document)
    return _join(fields) if fields.choice("do", (JOIN, MATCH)) == JOIN else _match(fields)


def _join(fields: Fields) -> Join:
    parts = tuple(Part(_named(part), part.whole("drop", 0, MOST_FRAMES)) for part in fields.children("parts"))
    if not parts:
        raise fields.wrong("parts", "at least one part")
    return Join(parts, fields.whole("frames", 1, MOST_FRAMES), _rate(fields, "fps"), _rate(fields, "source_fps"))


def _match(fields: Fields) -> Match:
    palette = fields.child("palette")
    colours = {slot: palette.colour(slot, value) for slot, value in palette.values.items()}
    if not colours:
        raise fields.wrong("palette", "at least one colour")
    return Match(_named(fields), colours, fields.number("strength", 0.0, 1.0))


def _named(fields: Fields) -> str:
    name = fields.text("input")
    if not name:
        raise fields.wrong("input", "the name of an input")
    return name


def _rate(fields: Fields, key: str) -> Fraction:
    try:
        return exact_rate(fields.number(key, 0.0, 1000.0))
    except ValueError as error:
        raise DocumentError(f"{fields.at(key)}: {error}") from error
