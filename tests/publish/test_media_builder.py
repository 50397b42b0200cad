"""Collected files → artifacts: what is kept, what is shown, and what is refused."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from koma.core.media import Artifact, Media, Role
from koma.pixels.clip import open_clip
from koma.pixels.picture import read_picture
from koma.publish.media import MediaBuilder
from koma.publish.objects import FileObjects
from support.pictures import content_digest, drawing, request, save, save_clip, save_frames

FRAMES = [drawing(shift=shift) for shift in range(7)]


@pytest.fixture
def objects(tmp_path: Path) -> FileObjects:
    return FileObjects(tmp_path / "objects")


@pytest.fixture
def media(objects: FileObjects) -> MediaBuilder:
    return MediaBuilder(objects)


def file_of(objects: FileObjects, artifact: Artifact) -> Path:
    return objects.path(artifact.file_digest, artifact.suffix)


def decoded(file: Path) -> list[np.ndarray]:
    with open_clip(file) as clip:
        return list(clip.frames)


def test_a_still_is_kept_as_it_came_and_shown_as_the_same_object(objects, media, tmp_path):
    file = save(drawing(), tmp_path / "out_00001_.png")
    kept, shown, _ = media.build([file], request())
    assert (kept.role, shown.role, kept.media) == (Role.OBJECT, Role.DELIVERY, Media.IMAGE)
    assert replace(shown, role=Role.OBJECT) == kept
    assert (kept.width, kept.height, kept.frames, kept.fps, kept.suffix) == (48, 32, 1, 0.0, ".png")
    assert file_of(objects, kept).read_bytes() == file.read_bytes()
    assert kept.size == file.stat().st_size
    assert kept.content_digest == content_digest(file)


def test_a_poster_is_at_most_640_px_wide_and_alpha_lies_over_white(objects, media, tmp_path):
    clear = np.zeros((700, 1400, 4), np.uint8)
    *_, poster = media.build([save(clear, tmp_path / "a.png")], request())
    assert (poster.role, poster.width, poster.height, poster.suffix) == (Role.POSTER, 640, 320, ".jpg")
    assert read_picture(file_of(objects, poster)).min() == 255


def test_frames_are_kept_bit_for_bit(objects, media, tmp_path):
    kept, shown, poster, _ = media.build(save_frames(tmp_path / "f", FRAMES), request(Media.FRAMES, 12.0, 7))
    assert (kept.suffix, kept.media, kept.frames, kept.fps, kept.width, kept.height) == (".mkv", Media.FRAMES, 7, 12.0, 48, 32)
    assert (shown.suffix, shown.media, shown.frames, shown.fps) == (".mp4", Media.VIDEO, 7, 12.0)
    assert all(np.array_equal(a, b) for a, b in zip(decoded(file_of(objects, kept)), FRAMES, strict=True))
    assert content_digest(file_of(objects, kept)) == kept.content_digest
    assert (poster.width, poster.height) == (48, 32)


def test_the_poster_of_a_clip_is_its_middle_frame(objects, media, tmp_path):
    frames = [np.full((32, 48, 3), value, np.uint8) for value in (0, 0, 200, 0, 0)]
    *_, poster, _ = media.build(save_frames(tmp_path / "f", frames), request(Media.FRAMES, 12.0))
    assert read_picture(file_of(objects, poster)).mean() > 190


def test_the_last_frame_of_a_clip_is_kept_bit_for_bit_as_a_picture(objects, media, tmp_path):
    *_, last = media.build(save_frames(tmp_path / "f", FRAMES), request(Media.FRAMES, 12.0, 7))
    assert (last.role, last.media, last.suffix, last.frames, last.fps) == (Role.LAST, Media.IMAGE, ".png", 1, 0.0)
    assert (last.width, last.height) == (48, 32)
    assert np.array_equal(read_picture(file_of(objects, last)), FRAMES[-1])
    assert last.content_digest == content_digest(save(FRAMES[-1], tmp_path / "same pixels.png", compress_level=1))


def test_clips_that_end_alike_have_one_last_frame(media, tmp_path):
    one, other = (
        media.build(save_frames(tmp_path / name, frames), request(Media.FRAMES, 12.0))
        for name, frames in (("a", FRAMES), ("b", [*reversed(FRAMES[:-1]), FRAMES[-1]]))
    )
    assert one[0].content_digest != other[0].content_digest
    assert one[-1] == other[-1]


def test_a_still_has_no_last_frame(media, tmp_path):
    roles = [made.role for made in media.build([save(drawing(), tmp_path / "a.png")], request())]
    assert roles == [Role.OBJECT, Role.DELIVERY, Role.POSTER]


def test_the_delivery_file_has_the_colours_of_its_frames(objects, media, tmp_path):
    patches = np.zeros((64, 96, 3), np.uint8)
    colours = [(250, 20, 20), (20, 250, 20), (20, 20, 250), (255, 255, 255), (0, 0, 0), (120, 90, 60)]
    for column, colour in enumerate(colours):
        patches[:, column * 16 : column * 16 + 16] = colour
    _, shown, *_ = media.build(save_frames(tmp_path / "f", [patches] * 3), request(Media.FRAMES, 24.0))
    seen = decoded(file_of(objects, shown))[1]
    for column, colour in enumerate(colours):
        assert np.abs(seen[32, column * 16 + 8].astype(int) - colour).max() <= 4


def test_an_odd_size_grows_by_one_pixel_for_delivery_only(media, tmp_path):
    kept, shown, *_ = media.build(save_frames(tmp_path / "f", [drawing(33, 21)] * 2), request(Media.FRAMES, 24.0))
    assert (kept.width, kept.height) == (33, 21)
    assert (shown.width, shown.height) == (34, 22)


def test_the_delivery_file_plays_before_it_is_loaded(objects, media, tmp_path):
    _, shown, *_ = media.build(save_frames(tmp_path / "f", FRAMES), request(Media.FRAMES, 24.0))
    data = file_of(objects, shown).read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


def test_building_twice_gives_the_same_bytes(tmp_path):
    files = save_frames(tmp_path / "f", FRAMES)
    first, second = (MediaBuilder(FileObjects(tmp_path / name)).build(files, request(Media.FRAMES, 24.0)) for name in ("a", "b"))
    assert first == second


def test_a_lossless_clip_from_the_backend_equals_the_same_frames_as_pictures(media, tmp_path):
    from_pictures = media.build(save_frames(tmp_path / "f", FRAMES), request(Media.FRAMES, 12.0))
    from_clip = media.build([save_clip(tmp_path / "a.mkv", FRAMES, rate=12)], request(Media.FRAMES, 12.0))
    assert from_clip == from_pictures


def test_a_clip_keeps_its_own_rate_for_the_gate_to_judge(media, tmp_path):
    kept, *_ = media.build([save_clip(tmp_path / "a.mkv", FRAMES, rate=8)], request(Media.FRAMES, 24.0))
    assert kept.fps == 8.0


@pytest.mark.parametrize("fps", [6.0, 7.5, 12.0, 23.976, 24.0, 29.97, 60.0, 59.94])
def test_the_rate_survives_packing(media, tmp_path, fps):
    kept, shown, *_ = media.build(save_frames(tmp_path / "f", FRAMES[:2]), request(Media.FRAMES, fps))
    assert kept.fps == shown.fps == pytest.approx(fps, rel=2e-6)


def test_opaque_alpha_in_frames_is_dropped(media, tmp_path):
    opaque = [np.dstack([pixels, np.full((32, 48), 255, np.uint8)]) for pixels in FRAMES]
    with_alpha = media.build(save_frames(tmp_path / "a", opaque), request(Media.FRAMES, 12.0))
    assert with_alpha == media.build(save_frames(tmp_path / "b", FRAMES), request(Media.FRAMES, 12.0))


def broken_frames(folder: Path) -> list[Path]:
    files = save_frames(folder, FRAMES)
    files[4].write_bytes(files[4].read_bytes()[:-20])
    return files


def see_through(folder: Path) -> list[Path]:
    return save_frames(folder, [np.dstack([pixels, np.full((32, 48), 128, np.uint8)]) for pixels in FRAMES])


@pytest.mark.parametrize(
    ("files", "asked", "words"),
    [
        pytest.param(lambda _: [], request(), "no file", id="nothing"),
        pytest.param(
            lambda f: save_frames(f, FRAMES), request(), "one picture was asked for, .* returned 7", id="seven pictures for a still"
        ),
        pytest.param(lambda f: [save_clip(f / "a.mkv", FRAMES)], request(), "a.mkv: not the name of a picture", id="a clip for a still"),
        pytest.param(
            lambda f: save_frames(f, [*FRAMES[:3], drawing(32, 32)]),
            request(Media.FRAMES, 12.0),
            "frame_00003.png: frame 3 is 32 x 32, the first one is 48 x 32",
            id="a frame of another size",
        ),
        pytest.param(broken_frames, request(Media.FRAMES, 12.0), "frame_00004.png: cut short", id="a frame that was cut"),
        pytest.param(see_through, request(Media.FRAMES, 12.0), "frame_00000.png: .*transparent", id="frames with alpha"),
        pytest.param(lambda f: save_frames(f, FRAMES), request(Media.FRAMES, 0.0), "not a frame rate", id="frames without a rate"),
        pytest.param(lambda f: save_frames(f, FRAMES[:1]), request(Media.VIDEO), "video is not what a backend returns", id="a video"),
    ],
)
def test_what_does_not_fit_is_refused_in_words(media, tmp_path, files, asked, words):
    folder = tmp_path / "in"
    folder.mkdir()
    with pytest.raises(ValueError, match=words):
        media.build(files(folder), asked)
    assert not list(tmp_path.glob("objects/??/*"))
