"""Files decoded in a confined process: what comes out is the same as here, and a file that brings it down is one that can't be used."""

import os
import signal

import numpy as np
import pytest
from PIL import Image, ImageOps

from koma.confined.process import Limits
from koma.pixels.clip import MAX_FRAMES
from koma.pixels.decoder import LIMITS, Decoder
from koma.pixels.digest import look
from koma.pixels.header import UnreadableError
from koma.pixels.picture import read_picture
from support.pictures import drawing, save, save_clip

ORIENTATION = 0x0112


@pytest.fixture(scope="module")
def decoder():
    made = Decoder()
    yield made
    made.close()


@pytest.fixture
def picture(tmp_path):
    return save(drawing(48, 32), tmp_path / "a.png")


def test_a_look_is_the_same_as_in_this_process(decoder, picture):
    assert decoder.look(picture) == look(picture)


def test_frames_are_counted(decoder, picture, tmp_path):
    assert decoder.prove(picture) == 1
    assert decoder.prove(save_clip(tmp_path / "a.mkv", [drawing(48, 32, shift) for shift in range(5)])) == 5
    assert decoder.prove(save_clip(tmp_path / "a.mp4", [drawing(48, 32, shift) for shift in range(5)], codec="libx264")) == 5


def test_a_refused_file_is_named_and_ends_nothing(decoder, picture, tmp_path):
    decoder.look(picture)
    pid = decoder.pid
    (tmp_path / "b.png").write_bytes(picture.read_bytes()[:-40])
    for verb in (decoder.look, decoder.prove):
        with pytest.raises(UnreadableError, match=r"b\.png: cut short"):
            verb(tmp_path / "b.png")
    assert decoder.pid == pid


def test_a_file_that_can_not_be_read_is_no_bad_file(decoder, tmp_path):
    for verb in (decoder.look, decoder.prove):
        with pytest.raises(FileNotFoundError):
            verb(tmp_path / "gone.png")


def test_what_a_decoder_complains_about_is_no_whole_clip(decoder, tmp_path):
    """FFV1 has a checksum for each slice; its decoder only remarks upon a wrong one, and conceals what it hides."""
    file = save_clip(tmp_path / "a.mkv", [drawing(96, 64, shift) for shift in range(5)])
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    with pytest.raises(UnreadableError, match=r"a\.mkv: frame \d is damaged: slice CRC mismatch"):
        decoder.prove(file)


def test_a_wrong_checksum_over_right_pixels_counts_for_an_output(decoder, picture):
    expected, data = look(picture), bytearray(picture.read_bytes())
    data[-13] ^= 1  # in the checksum before the last chunk, which has twelve bytes
    picture.write_bytes(data)
    assert decoder.look(picture) == expected
    with pytest.raises(UnreadableError, match="not a readable picture"):
        decoder.prove(picture)


@pytest.fixture
def hasty(monkeypatch):
    made = Decoder(Limits(memory=24 << 20, seconds=1, silence=20.0))
    yield made
    made.close()


def test_a_picture_that_takes_too_much_memory_says_so(hasty, tmp_path, picture):
    Image.new("RGB", (4000, 4000)).save(tmp_path / "large.png")
    with pytest.raises(UnreadableError, match=r"large\.png: not a readable picture: it takes more memory than it may"):
        hasty.look(tmp_path / "large.png")
    assert hasty.look(picture) == look(picture)


def test_a_process_that_is_killed_once_is_no_fault_of_the_file(decoder, picture):
    decoder.look(picture)
    os.kill(decoder.pid, signal.SIGKILL)
    assert decoder.look(picture) == look(picture)


def test_trouble_of_the_machine_is_no_fault_of_the_file(picture, monkeypatch):
    monkeypatch.setattr("sys.executable", "/no/such/python")
    with pytest.raises(OSError, match=r"a\.png was not decoded"):
        Decoder().look(picture)


def test_a_file_that_brings_the_process_down_can_not_be_used(picture, monkeypatch):
    monkeypatch.setattr("koma.pixels.decoder.Confined", lambda _module, limits: Crashing(limits))
    with pytest.raises(UnreadableError, match=r"a\.png: it can't be decoded: it brought its process down \(SIGABRT\)"):
        Decoder().look(picture)


class Crashing:
    """A process that a file brings down."""

    def __init__(self, limits):
        assert limits == LIMITS

    def ask(self, _order):
        from koma.confined.process import EndedError, Ending

        raise EndedError(Ending.CRASHED, "it brought its process down (SIGABRT)")


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_a_picture_stands_upright_as_its_exif_says(tmp_path, orientation, mode):
    image = Image.fromarray(drawing(40, 24)).convert(mode)
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    image.save(tmp_path / "a.png", exif=exif)
    with Image.open(tmp_path / "a.png") as saved:
        expected = np.asarray(ImageOps.exif_transpose(saved).convert("RGB"))
    assert (read_picture(tmp_path / "a.png") == expected).all()


LARGE = {
    "colour": Image.fromarray,
    "alpha": lambda pixels: Image.fromarray(pixels).convert("RGBA"),
    "a palette": lambda pixels: Image.fromarray(pixels).quantize(64),
    "grey": lambda pixels: Image.fromarray(pixels).convert("L"),
    "grey of 16 bits": lambda pixels: Image.fromarray(pixels[:, :, 0].astype(np.uint16) * 200),
    "black and white": lambda pixels: Image.fromarray(pixels).convert("1"),
}


@pytest.mark.parametrize("make", LARGE.values(), ids=LARGE)
def test_a_large_picture_is_read_in_strips_to_the_same_pixels(tmp_path, make, monkeypatch):
    make(drawing(97, 61)).save(tmp_path / "a.png")
    whole = read_picture(tmp_path / "a.png")
    monkeypatch.setattr("koma.pixels.picture._STRIP", 97 * 7)
    assert (read_picture(tmp_path / "a.png") == whole).all()


def test_a_clip_of_more_frames_than_any_shot_has_is_refused(tmp_path, monkeypatch):
    assert MAX_FRAMES >= 10_000
    monkeypatch.setattr("koma.pixels.clip.MAX_FRAMES", 4)
    from koma.pixels.clip import count_frames

    with pytest.raises(UnreadableError, match=r"it has more than 4 frames of 48 x 32 px"):
        count_frames(save_clip(tmp_path / "a.mkv", [drawing(48, 32, shift) for shift in range(5)]))
