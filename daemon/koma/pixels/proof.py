"""Proof that a file is whole: its checksums hold, where it has any, and every frame of it decodes."""

from collections.abc import Iterator
from pathlib import Path

from koma.pixels.header import UnreadableError, what_it_is
from koma.pixels.picture import check_checksums, read_picture
from koma.pixels.whole import CLIPS, PICTURES, container_of


def proof(file: Path) -> Iterator[int]:
    """Decode a picture or a clip whole, and yield how many frames were decoded so far, 1 for a picture. Raises UnreadableError, OSError."""
    kind = container_of(file)
    if kind in PICTURES:
        read_picture(file)
        check_checksums(file)
        yield 1
        return
    if kind not in CLIPS:
        raise UnreadableError(
            file, f"it is {what_it_is(file, 'picture or clip')}; a PNG, JPEG or WebP is wanted, or a clip as MP4, MOV, Matroska or WebM"
        )
    from koma.pixels.clip import decoded  # noqa: PLC0415  most of the time there are pictures only, and this takes a while

    yield from decoded(file)


def prove(file: Path) -> int:
    """Decode a picture or a clip whole; how many frames it has. Raises as `proof`."""
    return max(proof(file))
