"""Digests and keys: what makes two wanted pictures the same picture.

A render_key names everything that can change pixels, before any take is made; a take_key names one try at it. Keys carry the
format version, so that a later format can adopt what an earlier one published.
"""

import json
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any

KEY_FORMAT = "koma-1"

_NOTHING: Mapping[str, Any] = {}
_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode


def canonical(value: Any) -> str:
    """JSON with sorted keys and no spaces: equal values give equal texts. Raises ValueError for NaN and infinity."""
    return _encode(value)


def digest(value: Any) -> str:
    """Sha256 hex over canonical JSON."""
    return sha256(_encode(value).encode()).hexdigest()


def text_digest(*parts: str) -> str:
    """Sha256 hex over strings, each ended by a NUL so that no two lists of strings collide."""
    return sha256("\0".join((*parts, "")).encode()).hexdigest()


def render_key(kind: str, base: str, inputs: Iterable[tuple[str, str]]) -> str:
    """Key of a wanted picture: kind of backend, digest of its graph or panel, (input name, content digest) of what it reads."""
    parts = [KEY_FORMAT, kind, base]
    for name, content_digest in sorted(inputs):
        parts += (name, content_digest)
    return text_digest(*parts)


def take_key(target: str, rendition: str, key: str, number: int, seed: int, changes: Mapping[str, Any] = _NOTHING) -> str:
    """Key of take `number` (from 1) of a render_key for one target: two that want the same picture keep takes of their own.

    `changes` are parameters that are not as in take 1, by name.
    """
    return text_digest(KEY_FORMAT, target, rendition, key, str(number), str(seed), *([canonical(changes)] if changes else []))


def derived_seed(address: str, number: int) -> int:
    """Seed of a take in 0 .. 2**64 - 1, from the target id and take number alone, so that files may move freely."""
    return int.from_bytes(sha256(f"{KEY_FORMAT}\0{address}\0{number}".encode()).digest()[:8], "big")


def take_seed(address: str, number: int, wanted: int | None) -> int:
    """Seed of a take: the spec's own for take 1, derived for every other."""
    return wanted if wanted is not None and number == 1 else derived_seed(address, number)


def segment_seed(address: str, number: int, wanted: int | None, segment: int) -> int:
    """Seed of a segment, counted from 0: the spec's own seed plus its number for take 1, else derived from the segment's id."""
    return (wanted + segment) % 2**64 if wanted is not None and number == 1 else derived_seed(address, number)
