"""Pictures that announce too much, or hold too little. Each is made when it is asked for, so that they are never all in memory at once."""

import io
import struct
import zlib
from collections.abc import Callable
from functools import partial

from PIL import Image

from support.pictures import drawing

Data = Callable[[], bytes]

PNG = b"\x89PNG\r\n\x1a\n"
WIDTH, HEIGHT = 48, 32
_PICTURE = drawing(WIDTH, HEIGHT)


def chunk(name: bytes, data: bytes, crc: int | None = None) -> bytes:
    """One chunk of a PNG."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data) if crc is None else crc)


def header(width: int, height: int, depth: int = 8, colour: int = 2, interlace: int = 0) -> bytes:
    """IHDR."""
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlace))


def zeros(count: int) -> bytes:
    """So many zero bytes, deflated without ever being there."""
    packer = zlib.compressobj(9)
    parts = [packer.compress(bytes(min(1 << 20, count - start))) for start in range(0, count, 1 << 20)]
    return b"".join([*parts, packer.flush()])


def png(*chunks: bytes) -> bytes:
    """A PNG of these chunks, with its end."""
    return PNG + b"".join(chunks) + chunk(b"IEND", b"")


_ROWS = zlib.compress(b"".join(b"\0" + row.tobytes() for row in _PICTURE))
_IDAT = chunk(b"IDAT", _ROWS)
_SMALL = header(WIDTH, HEIGHT)


def bombs() -> dict[str, Data]:
    """Files that are small, and fill any memory once they are decoded."""
    return {
        "81 megapixels in ten kilobytes": lambda: png(header(9000, 9000, 1, 0), chunk(b"IDAT", zeros(9000 * (9000 // 8 + 1)))),
        "81 megapixels in colour": lambda: png(header(9000, 9000), chunk(b"IDAT", zeros(9000 * 27001))),
        "100 megapixels": lambda: png(header(10_000, 10_000, 8, 0), chunk(b"IDAT", zeros(10_000 * 10_001))),
        "two thousand million pixels": lambda: png(header(2**31 - 1, 1, 8, 0), chunk(b"IDAT", zeros(1 << 20))),
        "the largest size there is": lambda: png(header(2**31 - 1, 2**31 - 1), _IDAT),
        "sizes beyond the format": lambda: png(header(2**32 - 1, 2**32 - 1), _IDAT),
        "a very tall picture": lambda: png(header(1, 50_000_000, 8, 0), chunk(b"IDAT", zeros(1 << 20))),
        "41 megapixels interlaced": lambda: png(header(6410, 6400, 8, 2, 1), chunk(b"IDAT", zeros(1 << 20))),
        "a colour profile of 100 MiB": lambda: png(_SMALL, chunk(b"iCCP", b"a\0\0" + zeros(100 << 20)), _IDAT),
        "a text of 100 MiB": lambda: png(_SMALL, chunk(b"zTXt", b"a\0\0" + zeros(100 << 20)), _IDAT),
        "an international text of 100 MiB": lambda: png(_SMALL, chunk(b"iTXt", b"a\0\1\0\0\0" + zeros(100 << 20)), _IDAT),
        "a hundred texts of a MiB": lambda: png(_SMALL, *[chunk(b"zTXt", b"a\0\0" + zeros(1 << 20))] * 100, _IDAT),
        "a text of 100 MiB behind the picture": lambda: png(_SMALL, _IDAT, chunk(b"zTXt", b"a\0\0" + zeros(100 << 20))),
        "an animation of ten thousand frames": lambda: _apng(10_000),
        "an animation of two frames": lambda: _apng(2),
        "a JPEG of 65535 x 65535": lambda: _jpeg_of(65535, 65535),
        "a JPEG of 65535 x 700": lambda: _jpeg_of(65535, 700),
        "a JPEG that grows in a second header": lambda: _jpeg_of(WIDTH, HEIGHT)[:-2] + _jpeg_of(60_000, 60_000)[2:],
        "a WebP that announces 16384 x 16384": lambda: _riff(b"VP8X" + struct.pack("<I", 10) + bytes(4) + b"\xff\x3f\0" * 2),
        "a WebP that announces 16777216 squared": lambda: _riff(b"VP8X" + struct.pack("<I", 10) + b"\x02\0\0\0" + b"\xff" * 6),
        "a WebP without loss of 16384 x 16384": lambda: _riff(b"VP8L" + struct.pack("<I", 5) + b"\x2f" + struct.pack("<I", 0x0FFFFFFF)),
        "a lossy WebP of 16383 x 16383": lambda: _riff(b"VP8 " + struct.pack("<I", 10) + b"\x10\0\0\x9d\x01\x2a\xff\x3f\xff\x3f"),
        "a WebP of sixty megapixels in full": lambda: encoded("WEBP", Image.new("RGB", (8000, 7500)), quality=1, method=0),
        "a WebP whose memory is beyond the limit": lambda: encoded("WEBP", Image.new("RGB", (6300, 6300)), quality=1, method=0),
        "a WebP of 500 frames": lambda: _animated("WEBP", 500),
        "a GIF of 500 frames": lambda: _animated("GIF", 500),
        "a TIFF of 500 pages": lambda: _animated("TIFF", 500),
    }


def _apng(frames: int) -> bytes:
    control = struct.pack(">IIIIIHHBB", 0, WIDTH, HEIGHT, 0, 0, 1, 25, 0, 0)
    more = [
        chunk(b"fcTL", struct.pack(">I", 2 * number - 1) + control[4:]) + chunk(b"fdAT", struct.pack(">I", 2 * number) + _ROWS)
        for number in range(1, min(frames, 200))
    ]
    return png(_SMALL, chunk(b"acTL", struct.pack(">II", frames, 0)), chunk(b"fcTL", control), _IDAT, *more)


def _jpeg_of(width: int, height: int) -> bytes:
    """A small JPEG that announces another size."""
    data = bytearray(encoded("JPEG", Image.fromarray(_PICTURE)))
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = struct.pack(">HH", height, width)
    return bytes(data)


def _riff(parts: bytes) -> bytes:
    return b"RIFF" + struct.pack("<I", len(parts) + 4 + len(parts) % 2) + b"WEBP" + parts + b"\0" * (len(parts) % 2)


def encoded(kind: str, image: Image.Image, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def _animated(kind: str, frames: int) -> bytes:
    first, *others = [Image.new("RGB", (64, 64), (number % 256, number // 256, 9)) for number in range(frames)]
    return encoded(kind, first, save_all=True, append_images=others)


def broken() -> dict[str, Data]:
    """Pictures that hold too little, or what no picture holds."""
    jpeg, webp = encoded("JPEG", Image.fromarray(_PICTURE)), encoded("WEBP", Image.fromarray(_PICTURE), lossless=True)
    whole = png(_SMALL, _IDAT)
    files = {
        "a PNG without anything": PNG,
        "a PNG with an end only": png(),
        "a PNG without pixels": png(_SMALL),
        "a PNG with empty pixels": png(_SMALL, chunk(b"IDAT", b"")),
        "a PNG with too few rows": png(_SMALL, chunk(b"IDAT", zlib.compress(bytes(500)))),
        "a PNG without a header": png(_IDAT),
        "a PNG with its header behind": png(_IDAT, _SMALL),
        "a PNG of no width": png(header(0, HEIGHT), _IDAT),
        "a PNG of no height": png(header(WIDTH, 0), _IDAT),
        "a PNG of 3 bits": png(header(WIDTH, HEIGHT, 3), _IDAT),
        "a PNG of an unknown colour": png(header(WIDTH, HEIGHT, 8, 5), _IDAT),
        "a PNG with a palette that is not there": png(header(WIDTH, HEIGHT, 8, 3), chunk(b"PLTE", b"")),
        "a PNG with a short header": png(chunk(b"IHDR", b"\0\0\0\1"), _IDAT),
        "a PNG with another header checksum": PNG + chunk(b"IHDR", _SMALL[8:-4], 1) + _IDAT + chunk(b"IEND", b""),
        "a PNG whose pixels are no deflate": png(_SMALL, chunk(b"IDAT", b"rain" * 99)),
        "a PNG whose deflate begins wrong": png(_SMALL, chunk(b"IDAT", b"\x08\x00" + _ROWS[2:])),
        "a PNG with a hole in its pixels": png(_SMALL, chunk(b"IDAT", _ROWS[:200] + bytes(50) + _ROWS[250:])),
        "a PNG with a chunk of four GiB": PNG + _SMALL + b"\xff\xff\xff\xffIDAT" + _ROWS,
        "a PNG with a chunk without a name": PNG + _SMALL + struct.pack(">I", 4) + b"\0\0\0\0" + bytes(8) + chunk(b"IEND", b""),
        "a PNG with an unknown filter": png(_SMALL, chunk(b"IDAT", zlib.compress(b"\x09" * (HEIGHT * (WIDTH * 3 + 1))))),
        "a PNG with a broken palette mask": png(header(WIDTH, HEIGHT, 8, 3), chunk(b"tRNS", bytes(900)), chunk(b"IDAT", b"x")),
        "a JPEG with its beginning only": b"\xff\xd8\xff",
        "a JPEG without pixels": b"\xff\xd8\xff\xe0\x00\x04ab\xff\xd9",
        "a JPEG of no height": _jpeg_of(WIDTH, 0),
        "a JPEG of no width": _jpeg_of(0, HEIGHT),
        "a JPEG without tables": jpeg[:20] + jpeg[jpeg.index(b"\xff\xc0") :].replace(b"\xff\xc4", b"\xff\xfe"),
        "a JPEG with too many components": jpeg.replace(b"\xff\xc0\x00\x11\x08", b"\xff\xc0\x00\x11\x09"),
        "a JPEG with a segment beyond its end": b"\xff\xd8\xff\xe1\xff\xff" + jpeg[4:40],
        "a JPEG of nothing but padding": b"\xff\xd8" + b"\xff" * 10_000,
        "a WebP with its beginning only": b"RIFF\x04\0\0\0WEBP",
        "a WebP that announces more": webp[:4] + b"\xff\xff\xff\x7f" + webp[8:],
        "a WebP that announces less": webp[:4] + struct.pack("<I", 40) + webp[8:],
        "a WebP of another make": webp.replace(b"VP8L", b"VP9L"),
        "a WebP with a hole": webp[:30] + bytes(len(webp) - 30),
        "a WebP that is animated and has no frames": _riff(b"VP8X\x0a\0\0\0\x02\0\0\0\x1f\0\0\x1f\0\0ANIM\x06\0\0\0" + bytes(6)),
    }
    for name, data in {"PNG": whole, "JPEG": jpeg, "WebP": webp}.items():
        files |= {f"a {name} cut to {part} of 8 parts": data[: len(data) * part // 8] for part in range(1, 8)}
    return {name: partial(bytes, data) for name, data in files.items()}
