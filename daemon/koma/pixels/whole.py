"""Is a file all there? Read from the container's own sizes, because decoders accept some files that were cut short.

Only structure is looked at here; damage inside is found by decoding.
"""

import errno
import os
import stat
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO


class Container(StrEnum):
    """What the first bytes say."""

    PNG = "PNG"
    JPEG = "JPEG"
    WEBP = "WEBP"
    MP4 = "MP4"
    MATROSKA = "Matroska"
    OTHER = "other"


PICTURES = frozenset({Container.PNG, Container.JPEG, Container.WEBP})
CLIPS = frozenset({Container.MP4, Container.MATROSKA})

_PNG = b"\x89PNG\r\n\x1a\n"
_EBML = b"\x1a\x45\xdf\xa3"
_SEGMENT = b"\x18\x53\x80\x67"


def container(head: bytes) -> Container:
    """Container by its first 12 bytes."""
    if head.startswith(b"RIFF"):
        return Container.WEBP if head[8:12] == b"WEBP" else Container.OTHER
    if head[4:8] == b"ftyp":
        return Container.MP4
    marks = {_PNG: Container.PNG, b"\xff\xd8\xff": Container.JPEG, _EBML: Container.MATROSKA}
    return next((kind for mark, kind in marks.items() if head.startswith(mark)), Container.OTHER)


def container_of(file: Path) -> Container:
    """Container of a file. Raises OSError."""
    with open_file(file) as stream:
        return container(stream.read(12))


def has_checksums(file: Path) -> bool:
    """Whether every part of a file has a checksum, so that no flipped bit in it goes unseen. Raises OSError."""
    return container_of(file) is Container.PNG


def reason(error: Exception) -> str:
    """Say what went wrong as an error tells it, without its number and the file, which are known where it is read."""
    if isinstance(error, MemoryError):
        return "it takes more memory than it may"
    return getattr(error, "strerror", None) or str(error)


def missing_part(file: Path) -> str:
    """Return what a cut file lacks, in words; "" if nothing, or where the container does not tell. Raises OSError."""
    with open_file(file) as stream:
        size = os.fstat(stream.fileno()).st_size
        if not size:
            return "it is empty"
        match container(stream.read(12)):
            case Container.PNG:
                return _after(_png_chunks(stream, size), size, {b"IEND"})
            case Container.WEBP:
                return _short(_riff_size(stream), size)
            case Container.MP4:
                return _after(_mp4_boxes(stream, size), size, {b"moov", b"mdat"})
            case Container.MATROSKA:
                return _after(_ebml_elements(stream, size), size, {_SEGMENT})
            case _:
                return ""


def open_file(file: Path) -> BinaryIO:
    """Open a file to read it. Raises OSError, also for a folder, and for a pipe or device, at which one would wait for ever."""
    mode = file.stat().st_mode
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, "it is a folder, and its files want naming one by one", str(file))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "it is a pipe or a device and no file", str(file))
    return file.open("rb")


Part = tuple[bytes, int]  # name, and the offset at which it ends; a header that does not fit ends past the file


def _after(parts: Iterator[Part], size: int, needed: set[bytes]) -> str:
    """Compare where parts end with the file's size, and their names with those that must be there."""
    for name, end in parts:
        if end > size:
            return _short(end, size)
        needed = needed - {name}
    return "its end is missing" if needed else ""


def _short(announced: int, size: int) -> str:
    return f"it announces {announced} bytes and has {size}" if announced > size else ""


def _png_chunks(stream: BinaryIO, size: int) -> Iterator[Part]:
    end, name = len(_PNG), b""
    while end < size and name != b"IEND":
        head = _read_at(stream, end, 8)
        name, end = head[4:], end + 12 + int.from_bytes(head[:4])
        yield name, end


def _riff_size(stream: BinaryIO) -> int:
    return 8 + int.from_bytes(_read_at(stream, 4, 4), "little")


def _mp4_boxes(stream: BinaryIO, size: int) -> Iterator[Part]:
    start = 0
    while start < size:
        head = _read_at(stream, start, 16)
        length = int.from_bytes(head[8:] if head[:4] == b"\0\0\0\1" else head[:4])
        end = start + length if length else size  # a length of 0 means: up to the end of the file
        start = max(end, start + 8)
        yield head[4:8], start


def _ebml_elements(stream: BinaryIO, size: int) -> Iterator[Part]:
    start = 0
    while start < size:
        head = _read_at(stream, start, 16)
        split = _ebml_width(head[0])
        width = _ebml_width(head[split])
        length = int.from_bytes(head[split : split + width]) & ((1 << 7 * width) - 1)
        unknown = length == (1 << 7 * width) - 1
        start = size if unknown else start + split + width + length
        yield head[:split], start


def _ebml_width(first: int) -> int:
    """Bytes of a variable-length number, from its first byte."""
    return 9 - first.bit_length() if first else 8


def _read_at(stream: BinaryIO, offset: int, count: int) -> bytes:
    stream.seek(offset)
    return stream.read(count).ljust(count, b"\0")
