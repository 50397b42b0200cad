"""What a picture file says of itself before anything is decoded: which kind it is, and how large its picture would be.

A file of a few bytes can announce a picture that fills any memory, so its size is looked at first.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO

from koma.pixels.whole import PICTURES, Container, container, open_file

MAX_PIXELS = 40_000_000  # of a picture or frame; 8K has 33 million

Size = tuple[int, int]

_HEAD = 1024  # bytes that tell what a file is


class UnreadableError(ValueError):
    """A media file cannot be used; `str()` names the file and says why."""

    def __init__(self, file: Path, why: str) -> None:
        super().__init__(f"{file.name}: {why}")
        self.why = why


def picture_size(file: Path) -> Size:
    """Width and height in px as the header announces them, (0, 0) where it does not say.

    Raises UnreadableError for a file that is no PNG, JPEG or WebP, or is larger than MAX_PIXELS; OSError if it can't be read.
    """
    with open_file(file) as stream:
        head = stream.read(_HEAD)
        kind = container(head)
        if kind not in PICTURES:
            raise UnreadableError(file, f"not a readable picture: it is {_other(head)}; a PNG, JPEG or WebP is wanted")
        width, height = _SIZES[kind](stream, head)
    check_size(file, width, height)
    return width, height


def check_size(file: Path, width: int, height: int) -> None:
    """Raise UnreadableError where a picture is larger than MAX_PIXELS."""
    if width * height > MAX_PIXELS:
        raise UnreadableError(file, f"{width} x {height} is more than {MAX_PIXELS // 1_000_000} megapixels")


def what_it_is(file: Path, wanted: str) -> str:
    """Name the kind of a file in words, by its first bytes: `a GIF`, or `no clip that Koma knows`. Raises OSError."""
    with open_file(file) as stream:
        head = stream.read(_HEAD)
    kind = container(head)
    return f"a {kind}" if kind in PICTURES else _other(head, wanted)


_MARKS = {
    b"GIF8": "a GIF",
    b"BM": "a BMP",
    b"II*\0": "a TIFF",
    b"MM\0*": "a TIFF",
    b"%PDF": "a PDF",
    b"8BPS": "a Photoshop file",
    b"version https://git-lfs.github.com/spec/": "a Git LFS pointer, for `git lfs pull` to replace",
}


def _other(head: bytes, wanted: str = "picture") -> str:
    """Say what a file is that is none of the wanted kinds."""
    if b"<svg" in head.lower():
        return "an SVG drawing"
    if head[4:12] in (b"ftypavif", b"ftypheic", b"ftypmif1"):
        return "an AVIF or HEIC picture"
    if container(head) in (Container.MP4, Container.MATROSKA):
        return "a clip"
    return next((words for mark, words in _MARKS.items() if head.startswith(mark)), "empty" if not head else f"no {wanted} that Koma knows")


def _png(_stream: BinaryIO, head: bytes) -> Size:
    return int.from_bytes(head[16:20]), int.from_bytes(head[20:24])


def _webp(_stream: BinaryIO, head: bytes) -> Size:
    """Read the first chunk: extended, lossless or lossy, as the WebP container specification lays them out."""
    match head[12:16]:
        case b"VP8X":
            return 1 + int.from_bytes(head[24:27], "little"), 1 + int.from_bytes(head[27:30], "little")
        case b"VP8L":
            bits = int.from_bytes(head[21:25], "little")
            return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
        case b"VP8 ":
            return int.from_bytes(head[26:28], "little") & 0x3FFF, int.from_bytes(head[28:30], "little") & 0x3FFF
        case _:
            return 0, 0


_NO_FRAME = {0xC4, 0xC8, 0xCC}  # tables that lie among the markers of frame headers
_FRAMES = frozenset(range(0xC0, 0xD0)) - _NO_FRAME
_MOST_SEGMENTS = 4096


def _jpeg(stream: BinaryIO, _head: bytes) -> Size:
    """Walk from segment to segment up to the frame header, which holds height and width (ITU-T T.81, B.2.2)."""
    position = 2
    for _ in range(_MOST_SEGMENTS):
        stream.seek(position)
        segment = stream.read(9)
        if len(segment) < 9 or segment[0] != 0xFF:  # noqa: PLR2004  marker, length, precision, height, width
            break
        if segment[1] in _FRAMES:
            return int.from_bytes(segment[7:9]), int.from_bytes(segment[5:7])
        fill = segment[1] == 0xFF  # noqa: PLR2004  a marker may be preceded by any number of these
        position += 1 if fill else 2 + int.from_bytes(segment[2:4])
    return 0, 0


_SIZES: Mapping[Container, Callable[[BinaryIO, bytes], Size]] = {Container.PNG: _png, Container.JPEG: _jpeg, Container.WEBP: _webp}
