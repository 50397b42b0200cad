"""The texts in a PNG file, without its pixels: ComfyUI writes the graph of a picture there."""

import zlib
from collections.abc import Iterator

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_LIMIT = 32 * 1024 * 1024  # bytes of all texts together; a graph is far smaller


def text_chunks(data: bytes) -> dict[str, str] | None:
    """Keyword → text of every text chunk (`tEXt`, `zTXt`, `iTXt`); None if this is no PNG. What is broken, or too much, is left out."""
    if not data.startswith(_SIGNATURE):
        return None
    found: dict[str, str] = {}
    left = _LIMIT
    for kind, body in _chunks(data):
        for name, text in _text(kind, body, left):
            left -= len(text)
            if left > 0:
                found[name] = text
    return found


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(_SIGNATURE)
    while at + 8 <= len(data):
        length, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        yield kind, data[at + 8 : at + 8 + length]
        at += 12 + length


def _text(kind: bytes, body: bytes, most: int) -> Iterator[tuple[str, str]]:
    name, found, rest = body.partition(b"\0")
    if kind not in (b"tEXt", b"zTXt", b"iTXt") or not found:
        return
    if kind == b"zTXt":
        rest = _unpacked(rest[1:], most)
    elif kind == b"iTXt":
        packed, rest = rest[:1] == b"\1", rest[2:].partition(b"\0")[2].partition(b"\0")[2]
        rest = _unpacked(rest, most) if packed else rest
    yield name.decode("latin-1"), rest.decode("utf-8" if kind == b"iTXt" else "latin-1", "replace")


def _unpacked(packed: bytes, most: int) -> bytes:
    """Unpack at most so many bytes; nothing where there is no room left."""
    try:
        return zlib.decompressobj().decompress(packed, most) if most > 0 else b""
    except zlib.error:
        return b""
