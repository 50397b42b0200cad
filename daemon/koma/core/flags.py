"""What the small facts say that a store keeps.

Of a target under `retry:TARGET:RENDITION` and `cancelled:TARGET:RENDITION`, of a template under `circuit:TEMPLATE`, of a backend under
`health:KIND`, and of the daemon under `paused`.
"""

from collections.abc import Mapping
from typing import Final, TypeVar

T = TypeVar("T")

LOST: Final = "lost"  # retry: the published take is to be made once more, since what is read of it is gone
AGAIN: Final = "again"  # retry: a person asked; what lacked something is measured again, else another take is made
NEXT: Final = "next"  # cancelled: its render_key was not known when it was cancelled
PAUSED: Final = "paused"
AFTER_CURRENT: Final = "after-current"  # paused: what only waits at a backend comes back
CIRCUIT: Final = "circuit:"
HEALTH: Final = "health:"


def kept(cls: type[T], flags: Mapping[str, str], prefix: str) -> dict[str, T]:
    """Read the values (JSON) of all flags whose names begin like that, by the rest of the name; what can't be read is left out."""
    texts = {name.removeprefix(prefix): text for name, text in flags.items() if name.startswith(prefix)}
    found = {name: _read(cls, text) for name, text in texts.items()}
    return {name: value for name, value in found.items() if value is not None}


def _read(cls: type[T], text: str) -> T | None:
    import json  # noqa: PLC0415  # start-up time of a plan with nothing to do

    from koma.core.codec import CodecError, from_json  # noqa: PLC0415  # start-up time of a plan with nothing to do

    try:
        return from_json(cls, json.loads(text))
    except (ValueError, CodecError):
        return None
