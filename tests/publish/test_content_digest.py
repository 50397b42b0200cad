"""Content digests: equal for equal pixels, whatever the file says; different for everything that can be seen."""

import io
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from koma.pixels.clip import exact_rate
from koma.pixels.digest import ClipDigest, picture_digest
from koma.pixels.picture import UnreadableError, read_picture
from support.pictures import content_digest, drawing, save, save_clip

PIXELS = hnp.arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9), st.sampled_from([3, 4])))


def png_text(text: str) -> PngInfo:
    info = PngInfo()
    info.add_text("prompt", text)
    return info


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pixels=PIXELS, text=st.text(st.characters(codec="latin-1", exclude_characters="\0"), max_size=30), level=st.integers(0, 9))
def test_metadata_and_compression_change_nothing(tmp_path, pixels, text, level):
    plain = save(pixels, tmp_path / "plain.png")
    dressed = save(pixels, tmp_path / "dressed.png", pnginfo=png_text(text), compress_level=level)
    assert content_digest(plain) == content_digest(dressed) == picture_digest(pixels)


@settings(max_examples=60)
@given(pixels=PIXELS, data=st.data())
def test_one_changed_sample_changes_the_digest(pixels, data):
    where = tuple(data.draw(st.integers(0, size - 1)) for size in pixels.shape)
    other = pixels.copy()
    other[where] ^= data.draw(st.integers(1, 255))
    assert picture_digest(other) != picture_digest(pixels)


def test_lossless_webp_and_png_of_the_same_pixels_are_equal(tmp_path):
    assert content_digest(save(drawing(), tmp_path / "a.webp", lossless=True)) == content_digest(save(drawing(), tmp_path / "a.png"))


def test_the_same_samples_in_another_shape_are_another_picture():
    assert picture_digest(drawing(48, 32)) != picture_digest(np.ascontiguousarray(drawing(48, 32).reshape(48, 32, 3)))


def test_alpha_counts_even_where_it_is_opaque():
    opaque = np.dstack([drawing(), np.full((32, 48), 255, np.uint8)])
    assert picture_digest(np.ascontiguousarray(opaque)) != picture_digest(drawing())


def test_a_palette_picture_equals_its_colours(tmp_path):
    palette = Image.fromarray(drawing()).quantize(16)
    palette.save(tmp_path / "p.png")
    assert content_digest(tmp_path / "p.png") == picture_digest(np.asarray(palette.convert("RGB")))


def test_grey_of_sixteen_bits_keeps_its_high_bits(tmp_path):
    values = (np.arange(256, dtype=np.uint16) * 257).reshape(16, 16)
    Image.fromarray(values).save(tmp_path / "g.png")
    assert np.array_equal(read_picture(tmp_path / "g.png")[:, :, 1], np.arange(256, dtype=np.uint8).reshape(16, 16))


def test_a_picture_turned_by_its_exif_is_another_picture(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    save(drawing(), tmp_path / "a.jpg")
    save(drawing(), tmp_path / "b.jpg", exif=exif)
    assert read_picture(tmp_path / "b.jpg").shape[:2] == (48, 32)
    assert content_digest(tmp_path / "a.jpg") != content_digest(tmp_path / "b.jpg")


@pytest.mark.parametrize(
    ("name", "data", "why"),
    [
        pytest.param("a.png", b"", "is empty", id="an empty file"),
        pytest.param("a.png", b"not a picture", "not a readable picture", id="a text"),
        pytest.param("a.png", b"version https://git-lfs.github.com/spec/v1\n", "not a readable picture", id="an LFS pointer"),
        pytest.param("a.gif", b"GIF89a" + b"\0" * 40, "not a readable picture", id="a format that is not allowed"),
        pytest.param("a.svg", b"<svg/>", "not a readable picture", id="a vector graphic"),
    ],
)
def test_what_is_no_picture_is_refused_by_name(tmp_path, name, data, why):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(UnreadableError, match=f"{name}: .*{why}"):
        content_digest(tmp_path / name)


def test_a_picture_that_unpacks_to_too_many_pixels_is_refused(tmp_path):
    Image.new("1", (8001, 8001)).save(tmp_path / "bomb.png")
    with pytest.raises(UnreadableError, match="more than 40 megapixels"):
        read_picture(tmp_path / "bomb.png")


def test_an_animated_picture_is_refused(tmp_path):
    frames = [Image.fromarray(drawing(shift=shift)) for shift in range(3)]
    frames[0].save(tmp_path / "a.webp", save_all=True, append_images=frames[1:], lossless=True)
    with pytest.raises(UnreadableError, match="animated"):
        read_picture(tmp_path / "a.webp")


def test_every_flipped_bit_of_a_png_is_refused_or_seen_or_beside_the_pixels(tmp_path):
    buffer = io.BytesIO()
    Image.fromarray(drawing(16, 16)).save(buffer, "PNG")
    for offset in range(8, len(buffer.getvalue())):
        data = bytearray(buffer.getvalue())
        data[offset] ^= 0x10
        (tmp_path / "flip.png").write_bytes(data)
        try:
            pixels = read_picture(tmp_path / "flip.png")
        except UnreadableError:
            continue
        # What is read must be the picture, or visibly another one; only the checksum of the last chunk is beside the pixels.
        assert np.array_equal(pixels, drawing(16, 16)) or picture_digest(pixels) != picture_digest(drawing(16, 16))


def digest_of(frames, rate=Fraction(24)):
    digest = ClipDigest(48, 32, rate)
    for frame in frames:
        digest.add(frame)
    return digest.hexdigest()


CLIP = [drawing(shift=shift) for shift in range(4)]


@pytest.mark.parametrize(
    ("frames", "rate"),
    [
        pytest.param(CLIP[::-1], 24, id="the order of frames"),
        pytest.param(CLIP[:3], 24, id="a frame less"),
        pytest.param([*CLIP, CLIP[-1]], 24, id="a frame twice"),
        pytest.param(CLIP, 25, id="the rate"),
    ],
)
def test_the_digest_of_a_clip_sees(frames, rate):
    assert digest_of(frames, Fraction(rate)) != digest_of(CLIP)


def test_a_clip_of_one_frame_is_no_picture():
    assert digest_of(CLIP[:1]) != picture_digest(CLIP[0])


def test_a_lossless_clip_on_disk_has_the_digest_of_its_frames(tmp_path):
    assert content_digest(save_clip(tmp_path / "a.mkv", CLIP, rate=24)) == digest_of(CLIP)


@pytest.mark.parametrize(
    ("fps", "expected"),
    [(24, Fraction(24)), (23.976, Fraction(24000, 1001)), (59.94006309148265, Fraction(60000, 1001)), (7.5, Fraction(15, 2))],
)
def test_a_rounded_rate_is_read_as_the_fraction_that_was_meant(fps, expected):
    assert exact_rate(fps) == expected


@pytest.mark.parametrize("fps", [0, -1, 1001, float("nan")])
def test_what_is_no_frame_rate_is_refused(fps):
    with pytest.raises(ValueError, match="not a frame rate"):
        exact_rate(fps)
