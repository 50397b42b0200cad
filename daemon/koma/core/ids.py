"""Ids: what a project, character, scene, shot or version may be called.

An id becomes a folder name and a part of a target id (`lantern-street/s01/sh010/still`), so it is plain lowercase ASCII
and none of the names that a file system, or the folder layout of `outputs/`, keeps for itself.
"""

import re
import unicodedata

ID_PATTERN = r"^[a-z0-9][a-z0-9_-]{0,63}$"
ADDRESS_PATTERN = r"^[a-z0-9][a-z0-9_-]{0,63}(/[a-z0-9][a-z0-9_-]{0,63}){0,7}$"
ID_WORDS = "an id: 1 to 64 lowercase letters, digits, `-` or `_`, starting with a letter or digit"
DEVICES = frozenset({"con", "prn", "aux", "nul"} | {f"{port}{number}" for port in ("com", "lpt") for number in range(1, 10)})
LAYOUT = frozenset({"characters", "episodes", "takes"})
RESERVED = DEVICES | LAYOUT

_ID = re.compile(ID_PATTERN)


def is_id(text: object) -> bool:
    """Tell whether a value may be used as an id."""
    return isinstance(text, str) and _ID.fullmatch(text) is not None and text not in RESERVED


def suggest_id(text: str) -> str:
    """Return the nearest id to some text (`Sh 010` → `sh-010`, `Día` → `dia`), or an empty string where nothing usable is left."""
    plain = "".join(one for one in unicodedata.normalize("NFKD", text) if not unicodedata.combining(one))
    words = re.sub(r"[^a-z0-9_]+", "-", plain.lower()).strip("-_")[:64].rstrip("-_")
    return words if is_id(words) else ""
