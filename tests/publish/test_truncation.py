"""Files that were cut short, at every place: never built from, never measured as whole."""

import io
from pathlib import Path

import pytest
from PIL import Image

from koma.core.media import Media
from koma.measures.measure import FileMeasure
from koma.pixels.digest import look
from koma.pixels.picture import read_picture
from koma.pixels.whole import missing_part
from koma.publish.media import MediaBuilder
from koma.publish.objects import FileObjects
from support.pictures import drawing, request, save_clip, save_frames

PICTURE = drawing(20, 14)
FRAMES = [drawing(32, 24, shift) for shift in range(8)]


def picture_bytes(kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(PICTURE).save(buffer, kind, **options)
    return buffer.getvalue()


def decodes(file: Path, media: Media) -> float | None:
    return FileMeasure().measure(file, media, ["decodes"], {})[0].value


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        pytest.param("PNG", {}, id="PNG"),
        pytest.param("JPEG", {}, id="JPEG"),
        pytest.param("WEBP", {"lossless": True}, id="lossless WebP"),
        pytest.param("WEBP", {}, id="lossy WebP"),
    ],
)
def test_no_cut_of_a_picture_is_accepted(tmp_path, kind, options):
    whole = picture_bytes(kind, **options)
    file = tmp_path / f"a.{kind.lower()}"
    for length in range(len(whole)):
        file.write_bytes(whole[:length])
        assert decodes(file, Media.IMAGE) == 0, f"cut at {length} of {len(whole)}"
        with pytest.raises(ValueError, match=r"a\.\w+: "):
            look(file)
    file.write_bytes(whole)
    assert decodes(file, Media.IMAGE) == 1


def delivered(folder: Path) -> bytes:
    objects = FileObjects(folder / "store")
    _, shown, *_ = MediaBuilder(objects).build(save_frames(folder / "f", FRAMES), request(Media.FRAMES, 12.0))
    return objects.path(shown.file_digest, ".mp4").read_bytes()


def plain_mp4(folder: Path) -> bytes:
    return save_clip(folder / "plain.mp4", FRAMES, codec="libx264").read_bytes()


def lossless(folder: Path) -> bytes:
    return save_clip(folder / "plain.mkv", FRAMES).read_bytes()


@pytest.mark.parametrize(
    ("make", "suffix"),
    [
        pytest.param(delivered, ".mp4", id="MP4 with its index in front"),
        pytest.param(plain_mp4, ".mp4", id="MP4 with its index at the end"),
        pytest.param(lossless, ".mkv", id="lossless Matroska"),
    ],
)
def test_no_cut_of_a_clip_is_accepted(tmp_path, make, suffix):
    whole = make(tmp_path)
    file = tmp_path / f"cut{suffix}"
    media = MediaBuilder(FileObjects(tmp_path / "objects"))
    for length in {*range(0, len(whole), max(1, len(whole) // 150)), *range(64), *range(len(whole) - 64, len(whole))}:
        file.write_bytes(whole[:length])
        assert decodes(file, Media.FRAMES) == 0, f"cut at {length} of {len(whole)}"
        with pytest.raises(ValueError, match="cut"):
            media.build([file], request(Media.FRAMES, 12.0))
    file.write_bytes(whole)
    assert decodes(file, Media.FRAMES) == 1


@pytest.mark.parametrize(
    ("data", "lack"),
    [
        pytest.param(b"", "it is empty", id="an empty file"),
        pytest.param(b"\x89PNG\r\n\x1a\n", "its end is missing", id="a PNG with nothing in it"),
        pytest.param(b"RIFF\xff\0\0\0WEBPVP8L", "it announces 263 bytes and has 16", id="a WebP that announces more"),
        pytest.param(b"\0\0\0\x10ftypisom\0\0\0\0", "its end is missing", id="an MP4 with a first box only"),
        pytest.param(b"\0\0\0\x20ftypisom\0\0\0\0", "it announces 32 bytes and has 16", id="an MP4 cut in its first box"),
        pytest.param(b"\x1a\x45\xdf\xa3\x80", "its end is missing", id="a Matroska with a header only"),
        pytest.param(b"just a text", "", id="a container that tells nothing of its size"),
    ],
)
def test_what_a_cut_file_lacks_is_said_in_words(tmp_path, data, lack):
    (tmp_path / "a").write_bytes(data)
    assert missing_part(tmp_path / "a") == lack


def test_bytes_after_the_end_of_a_picture_are_no_fault(tmp_path):
    (tmp_path / "a.png").write_bytes(picture_bytes("PNG") + b"appended by a camera")
    assert (read_picture(tmp_path / "a.png") == PICTURE).all()


def test_a_large_mp4_box_of_64_bit_length_is_understood(tmp_path):
    boxes = b"\0\0\0\x10ftypisom\0\0\0\0" + b"\0\0\0\x08moov" + b"\0\0\0\x01mdat" + (20).to_bytes(8) + b"abcd"
    (tmp_path / "a.mp4").write_bytes(boxes)
    assert missing_part(tmp_path / "a.mp4") == ""
    (tmp_path / "a.mp4").write_bytes(boxes[:-1])
    assert missing_part(tmp_path / "a.mp4") == f"it announces {len(boxes)} bytes and has {len(boxes) - 1}"
