"""Making good input bad, in ways that come from bytes: the same bytes always do the same. For fuzzers and for tables of mutations."""

import copy
import math
from collections.abc import Iterator, Mapping
from typing import Any

NASTY: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    2**63,
    -(2**70),
    10**290,
    0.5,
    1e308,
    -1e-308,
    "",
    " ",
    "x" * 5000,
    "../../etc/passwd",
    "/etc/passwd",
    "a/../b",
    "\x1b]0;title\x07\x9b31m",
    "\u202eevil\u2066",
    "e\u0301\u00e9",
    "\ufffd\U0010ffff",
    "NaN",
    "inf",
    "-inf",
    "1e999",
    "koma-input:image",
    [],
    {},
    [[[[]]]],
    [None],
    [1, "a", {}],
    {"": ""},
    {"id": "a", "kind": "scene"},
    ["1", 0],
    ["1", -1],
    ["nobody", 10**20],
)
MOST_STEPS = 6


class Stream:
    """Choices out of bytes; zeros once they are used up."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def byte(self) -> int:
        """Give the next byte."""
        found = self._data[self._at] if self._at < len(self._data) else 0
        self._at += 1
        return found

    def below(self, end: int) -> int:
        """Give a number from 0 up to `end` - 1."""
        return (self.byte() * 256 + self.byte()) % end if end > 1 else 0

    def rest(self) -> bytes:
        """Give what is left."""
        return self._data[self._at :]


def twisted(seed: Any, data: bytes) -> Any:
    """Copy JSON values with one to six changes: replaced, removed, doubled or exchanged parts, other names, text out of `data`."""
    stream = Stream(data)
    box = {"": copy.deepcopy(seed)}
    for _ in range(1 + stream.below(MOST_STEPS)):
        places = list(_places(box))
        holder, key = places[stream.below(len(places))]
        _twist(holder, key, stream, places)
    return box[""]


def _twist(holder: Any, key: Any, stream: Stream, places: list[tuple[Any, Any]]) -> None:
    match stream.below(8):
        case 0 | 1 | 2:
            holder[key] = copy.deepcopy(NASTY[stream.below(len(NASTY))])
        case 3 if key != "":
            del holder[key]
        case 4 if isinstance(holder, list):
            holder.append(copy.deepcopy(holder[key]))
        case 5 if isinstance(holder, dict) and key != "":
            holder[str(NASTY[stream.below(len(NASTY))])] = holder.pop(key)
        case 6:
            holder[key] = _number(holder[key], stream)
        case _:
            other, name = places[stream.below(len(places))]
            holder[key] = copy.deepcopy(other[name])


def _number(value: Any, stream: Stream) -> Any:
    """Change a number a little or much, a text by a few letters; anything else becomes a text."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        text = stream.rest()[:40].decode("utf-8", "replace")
        return f"{str(value)[:20]}{text}"
    changed = value * (2 ** stream.below(40)) - stream.below(1000)
    return changed if isinstance(changed, int) or math.isfinite(changed) else 0


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every value in JSON values, as its holder and the key or number under which it stands there."""
    pairs: list[tuple[Any, Any]] = list(value.items()) if isinstance(value, Mapping) else list(enumerate(value))
    for key, item in pairs:
        yield value, key
        if isinstance(item, dict | list):
            yield from _places(item)


def flipped(text: bytes, data: bytes) -> bytes:
    """Copy bytes with a few of them changed, cut out, doubled or put in, as `data` says."""
    stream, made = Stream(data), bytearray(text)
    for _ in range(1 + stream.below(MOST_STEPS)):
        at = stream.below(max(1, len(made)))
        match stream.below(5):
            case 0:
                made[at : at + 1] = bytes([stream.byte()])
            case 1:
                del made[at : at + 1 + stream.below(8)]
            case 2:
                made[at:at] = made[at : at + 1 + stream.below(32)]
            case 3:
                made[at:at] = stream.rest()[: 1 + stream.below(8)]
            case _:
                del made[at:]
    return bytes(made)
