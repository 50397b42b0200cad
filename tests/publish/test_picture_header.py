"""How large a picture is, and what a file is that is no picture, from its first bytes: nothing is decoded for it."""

import struct
import zlib

import pytest
from PIL import Image

from koma.pixels.digest import look
from koma.pixels.header import picture_size
from koma.pixels.picture import UnreadableError, read_picture
from support.pictures import content_digest, drawing, save


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png_of(width, height):
    """A small PNG file that announces a picture of this size and holds hardly any of it."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(64))) + chunk(b"IEND", b"")


def jpeg_of(width, height):
    return b"\xff\xd8\xff\xe0\x00\x04ab\xff\xff\xc2" + struct.pack(">HBHHB", 8, 8, height, width, 0) + b"\xff\xd9"


def webp_of(width, height):
    size = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    body = b"WEBPVP8X" + struct.pack("<I", 10) + bytes(4) + size
    return b"RIFF" + struct.pack("<I", len(body)) + body


HUGE = {"a PNG": png_of, "a JPEG": jpeg_of, "a WebP": webp_of}


@pytest.mark.parametrize("make", HUGE.values(), ids=HUGE.keys())
def test_a_picture_of_forty_thousand_pixels_each_way_is_refused_unread(tmp_path, make, monkeypatch):
    file = tmp_path / "huge.png"
    file.write_bytes(make(40_000, 40_000))
    monkeypatch.setattr(Image, "open", lambda *_, **__: pytest.fail("it was opened"))
    for reading in (picture_size, read_picture):
        with pytest.raises(UnreadableError, match="40000 x 40000 is more than 40 megapixels"):
            reading(file)


FORMATS = {
    "PNG": ("a.png", {}),
    "JPEG": ("a.jpg", {}),
    "progressive JPEG": ("a.jpg", {"progressive": True}),
    "lossy WebP": ("a.webp", {}),
    "lossless WebP": ("a.webp", {"lossless": True}),
    "WebP with EXIF": ("a.webp", {"exif": Image.Exif()}),
}


@pytest.mark.parametrize(("name", "options"), FORMATS.values(), ids=FORMATS.keys())
@pytest.mark.parametrize("size", [(48, 32), (300, 17), (1, 700)])
def test_the_header_says_what_the_picture_is_like(tmp_path, name, options, size):
    assert picture_size(save(drawing(*size), tmp_path / name, **options)) == size


OTHERS = {
    "an SVG named .png": (b'<?xml version="1.0"?>\n<SVG xmlns="http://www.w3.org/2000/svg"/>', "an SVG drawing"),
    "a GIF": (b"GIF89a" + bytes(40), "a GIF"),
    "a BMP": (b"BM" + bytes(40), "a BMP"),
    "a TIFF": (b"II*\0" + bytes(40), "a TIFF"),
    "an AVIF": (b"\0\0\0\x20ftypavif" + bytes(40), "an AVIF or HEIC picture"),
    "a clip": (b"\0\0\0\x20ftypisom" + bytes(40), "a clip"),
    "a text": (b"hello", "no picture that Koma knows"),
    "nothing": (b"", "empty"),
}


@pytest.mark.parametrize(("data", "what"), OTHERS.values(), ids=OTHERS.keys())
def test_what_is_no_picture_is_called_by_its_name(tmp_path, data, what):
    file = tmp_path / "a.png"
    file.write_bytes(data)
    with pytest.raises(UnreadableError, match=f"^a.png: not a readable picture: it is {what}"):
        picture_size(file)


def test_a_jpeg_without_a_frame_has_no_size(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"\xff\xd8\xff\xe0\x00\x04ab\xff\xd9")
    assert picture_size(tmp_path / "a.jpg") == (0, 0)


def test_one_look_gives_digest_and_size(tmp_path):
    file = save(drawing(48, 32), tmp_path / "a.png")
    assert look(file) == (content_digest(file), 48, 32)


def test_a_file_that_is_gone_is_no_bad_picture(tmp_path):
    with pytest.raises(FileNotFoundError):
        look(tmp_path / "gone.png")
