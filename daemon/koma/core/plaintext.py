"""Bytes of a text file → text that is safe to read and to show, or one located Problem."""

import re
from typing import Final
from unicodedata import name as unicode_name

from koma.core.problem import Place, Problem

Spot = tuple[int, int]

_LFS: Final = "version https://git-lfs.github.com/spec/"
# Controls but tab and line ends, marks that turn the reading direction, line separators of other standards, halves of pairs.
_FORBIDDEN = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufffe\uffff\ud800-\udfff]")


def read_text(raw: bytes | str, file: str, max_bytes: int) -> str | Problem:
    """Decode UTF-8 and refuse what is no text of a person: too much of it, a Git LFS pointer, forbidden characters."""
    if len(raw) > max_bytes:
        return too_large(len(raw), file, max_bytes)
    text = raw if isinstance(raw, str) else _decode(raw, file)
    if isinstance(text, Problem):
        return text
    if text.startswith(_LFS):
        message = "this is a Git LFS pointer, not the file itself"
        return Problem(Place(file, 1, 1), "git-lfs-pointer", message, "the file's own text", "run `git lfs pull`")
    found = _FORBIDDEN.search(text)
    return text if found is None else forbidden(found.group(), Place(file, *spot_of(text, found.start())))


def too_large(size: int, file: str, max_bytes: int) -> Problem:
    """Say that a text file has too many bytes to be read."""
    return Problem(
        Place(file, 1, 1), "file-too-large", f"the file has {size:,} bytes", f"at most {max_bytes:,} bytes", "split it into several files"
    )


def find_forbidden(text: str) -> str:
    """Return the first character that no text may hold, or an empty string."""
    if text.isascii() and text.isprintable():
        return ""
    found = _FORBIDDEN.search(text)
    return found.group() if found else ""


def forbidden(character: str, place: Place) -> Problem:
    """Say that a character is not allowed."""
    name = unicode_name(character, "control character").lower()
    message = f"U+{ord(character):04X} ({name}) is not allowed: it can't be seen, or makes text look like other text"
    return Problem(place, "forbidden-character", message, "visible characters, spaces, tabs and line ends", "remove it")


def spot_of(text: str, offset: int) -> Spot:
    """Return line and column, from 1, of an offset in characters."""
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


def _decode(raw: bytes, file: str) -> str | Problem:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = error.object[: error.start].decode("utf-8")
        message = f"byte 0x{error.object[error.start]:02x} is not UTF-8 text"
        return Problem(Place(file, *spot_of(before, len(before))), "not-utf-8", message, "UTF-8 text", "save the file as UTF-8")
