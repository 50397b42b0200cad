"""An answer of the server, and reading JSON whose shape nobody promised: what is not as expected counts as empty, so nothing raises."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_VAST = 1e300
EXCERPT = 4000  # characters of the server's own words that are kept


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer: HTTP status, the JSON value (None if the body is no JSON), and the start of the body as text."""

    status: int
    data: Any
    text: str


def mapping(value: Any) -> Mapping[str, Any]:
    """Return the value if it is an object, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def items(value: Any) -> list[Any]:
    """Return the value if it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def number(value: Any) -> float | None:
    """Return the value if it is a finite number, else None."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not -_VAST < value < _VAST:
        return None
    return float(value)
