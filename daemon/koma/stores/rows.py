"""Light rows: tuples in field order to values, ten thousand at a time, and takes to light rows."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import fields
from itertools import repeat
from typing import Any, TypeVar

from koma.core.take import Take, TakeRow

T = TypeVar("T")


def values(cls: type[T], rows: Sequence[Sequence[Any]], **convert: Callable[[Any], Any]) -> list[T]:
    """Make one frozen, slotted value per row; columns stand in the order of the fields, `convert` maps those it names.

    A frozen dataclass sets each field through a Python call in `__init__`; filling the slots a column at a time takes half the time.
    """
    made: list[T] = list(map(object.__new__, repeat(cls, len(rows))))
    for field, column in zip(fields(cls), zip(*rows, strict=True), strict=False):  # type: ignore[arg-type]  # T is a dataclass
        cells = map(convert[field.name], column) if field.name in convert else column
        deque(map(getattr(cls, field.name).__set__, made, cells), maxlen=0)
    return made


def light(take: Take) -> TakeRow:
    """Return the columns of a take that planning reads."""
    made = take.object
    return TakeRow(
        take_key=take.take_key,
        target=take.target,
        rendition=take.rendition,
        render_key=take.render_key,
        number=take.number,
        verdict=take.verdict.value,
        decided=take.decided,
        approved=take.approved,
        measure_key=take.measure_key,
        rules_digest=take.rules_digest,
        object_digest=made.file_digest if made else "",
        content_digest=made.content_digest if made else "",
    )


def made_seconds(take: Take) -> float:
    """Render seconds of a take that made something; 0 for one that did not, which says nothing about the next."""
    return max(take.render_seconds, 0.0) if take.artifacts else 0.0
