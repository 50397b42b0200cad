"""Colour metrics: whose colours are in the picture, whether they drift, and how near a style is."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFilter

from koma.core.against import Against, Picture, Subject
from koma.core.media import Media
from koma.core.metrics import METRICS
from koma.measures import palette_distance, palette_drift, style_similarity
from koma.measures.measure import FileMeasure
from koma.measures.meter import Facts, Frame, Reading, Reel
from koma.measures.registry import METERS
from koma.measures.setting import Setting
from koma.measures.specimens import clips
from koma.measures.specimens.cast import CAST, OUTFITS, REFERENCES, SCENES, draw
from koma.pixels.colour import ciede2000, parse, to_lab
from koma.pixels.palette import Colours, colours_of, moved
from koma.pixels.picture import Pixels
from support.pictures import drawing, flat, save, save_clip

SIZE = 256
HAIR, SKIN, COAT, WALL = (44, 53, 96), (246, 211, 184), (185, 60, 60), (120, 150, 110)
GREEN = (60, 160, 90)
PALETTE = {"hair": "#2c3560", "skin": "#f6d3b8", "outfit": "#b93c3c", "eyes": "#4f8fc9", "accent": "#ffe100"}
SUBJECT = Subject("aki", palette=PALETTE)


def painted(hair: Sequence[int] = HAIR, skin: Sequence[int] = SKIN, coat: Sequence[int] = COAT, side: int = 128) -> Pixels:
    """A wall with a figure made of three flat areas, each an eighth of the picture or less."""
    pixels = flat(WALL, side, side)
    for row, colour in ((0, hair), (1, skin), (2, coat)):
        pixels[side // 8 + row * side // 4 : side // 8 + (row + 1) * side // 4, side // 4 : 3 * side // 4] = colour
    return pixels


def mixed(first: Sequence[int], second: Sequence[int], share: float) -> tuple[int, ...]:
    return tuple(round(a + (b - a) * share) for a, b in zip(first, second, strict=True))


def read(meter: object, frames: Iterable[Pixels]) -> Reading | dict[str, Reading]:
    shown = list(frames)
    reel = Reel(24.0)
    for pixels in shown:
        meter.add(reel.next(pixels))
    return meter.finish(Facts(shown[0].shape[1], shown[0].shape[0], len(shown), 24.0 if len(shown) > 1 else 0.0))


def distance(frames: Iterable[Pixels], *subjects: Subject) -> dict[str, Reading]:
    return read(palette_distance.Meter(Setting(Against(subjects or (SUBJECT,)))), frames)


def drift(frames: Iterable[Pixels]) -> Reading:
    return read(palette_drift.Meter(), frames)


@pytest.mark.parametrize("metric", ["palette-distance", "palette-drift", "style-similarity"])
def test_each_is_defined_and_registered(metric):
    assert metric in METERS
    assert len(METRICS[metric].definition) > 100
    assert METRICS[metric].reference


# ---------------------------------------------------------------- palette-distance


@pytest.mark.parametrize(
    ("frames", "low", "high", "worst"),
    [
        pytest.param([painted()], 0, 0.5, None, id="a picture in its own colours is not apart"),
        pytest.param([painted(hair=GREEN)], 8, 20, "hair", id="hair of another colour is far"),
        pytest.param([painted(coat=GREEN)], 1, 4, "outfit", id="another coat is shown and weighs little"),
        pytest.param([painted(skin=GREEN)], 3, 7, "skin", id="another skin weighs more than another coat"),
        pytest.param([painted(hair=(50, 60, 104))], 0.3, 3, "hair", id="hair in another light is near"),
        pytest.param([painted()] * 8 + [painted(hair=GREEN)] * 4, 8, 20, "hair", id="a hair swap in a third of the clip shows"),
        pytest.param([painted()] * 38 + [painted(hair=GREEN)] * 2, 0, 0.5, None, id="two frames of forty do not decide"),
        pytest.param(
            [painted(hair=mixed(HAIR, GREEN, number / 11)) for number in range(12)], 8, 20, "hair", id="slow drift shows by its end"
        ),
        pytest.param([flat(WALL, 128, 128)] * 5 + [painted()] * 5, 0, 0.5, None, id="frames before somebody comes in do not count"),
    ],
)
def test_palette_distance_of_one_character(frames, low, high, worst):
    found = distance(frames)["aki"]
    assert low <= found.value <= high
    assert worst is None or found.details["worst"] == worst
    assert len(found.details["per_frame"]) == len(found.details["sampled"]) == (len(frames) + 1) // 2
    assert set(found.details["slots"]) == {"hair", "outfit", "skin"}
    assert found.details["left_out"] == ["accent", "eyes"]


def test_frames_without_the_character_are_named():
    assert distance([flat(WALL, 128, 128)] * 3 + [painted()] * 2)["aki"].details["unseen"] == [0, 2]


@pytest.mark.parametrize(
    ("palette", "pixels", "why"),
    [
        pytest.param({}, painted(), "aki has no palette", id="somebody without a palette is unmeasured"),
        pytest.param({"eyes": "#4f8fc9"}, painted(), "names only eyes", id="eyes alone are too small to look for"),
        pytest.param(PALETTE, flat(WALL, 128, 128), "aki is not in the picture", id="somebody who is not there is unmeasured"),
        pytest.param(PALETTE, flat(0, 128, 128), "aki is not in the picture", id="a black picture shows nobody"),
    ],
)
def test_what_can_not_be_judged_is_unmeasured_and_no_error(palette, pixels, why):
    found = distance([pixels], Subject("aki", palette=palette))["aki"]
    assert found.value is None
    assert not found.failed
    assert why in found.why


def test_a_figure_too_small_to_be_judged_is_unmeasured():
    pixels = flat(WALL, 256, 256)
    pixels[:32, :32] = painted(side=32)  # under one percent of the picture
    assert "too small in it" in distance([pixels])["aki"].why


def test_without_characters_there_is_one_reading_that_says_so():
    found = read(palette_distance.Meter(Setting()), [painted()])
    assert (found.value, found.failed) == (None, False)
    assert "no character" in found.why


def test_every_character_is_judged_by_its_own_palette():
    both = np.concatenate([painted(), painted(hair=GREEN)], axis=1)
    other, absent = Subject("ben", palette={"hair": "#3ca05a"}), Subject("cy", palette={"hair": "#ff00ff"})
    found = distance([both], SUBJECT, other, absent)
    assert {who: reading.value is not None for who, reading in found.items()} == {"aki": True, "ben": True, "cy": False}
    assert max(found["aki"].value, found["ben"].value) < 0.5


@given(st.integers(0, 10), st.integers(0, 10))
@settings(max_examples=25, deadline=None)
def test_palette_distance_grows_as_the_hair_moves_away(first, second):
    near, far = sorted((first, second))
    values = [distance([painted(hair=mixed(HAIR, GREEN, share / 10))])["aki"].value for share in (near, far)]
    assert values[0] <= values[1] + 1e-9


def test_red_and_blue_exchanged_are_other_colours():
    assert distance([painted()[:, :, ::-1].copy()])["aki"].value is None or distance([painted()[:, :, ::-1].copy()])["aki"].value > 5


def test_it_is_measured_by_character_through_the_port(tmp_path):
    file = save_clip(tmp_path / "a.mkv", [painted(hair=GREEN)] * 3)
    found = FileMeasure().measure(file, Media.FRAMES, ["palette-distance"], Against((SUBJECT, Subject("ben"))))
    assert [(one.subject, one.value is None) for one in found] == [("aki", False), ("ben", True)]


# ------------------------------------------------------------------- palette-drift

FALSE_ALARM = 1.5  # CIEDE2000; above what any clean clip comes to, below what every fault does


@pytest.mark.parametrize("name", clips.CLEAN)
def test_clean_clips_do_not_drift(name):
    assert drift(clips.clip(name, width=256, height=256, frames=24)).value < FALSE_ALARM


@pytest.mark.parametrize("name", ["blur", "noise", "jpeg", "melt", "shuffle", "cut", "black-frame", "hair-swap"])
def test_other_faults_are_no_drift(name):
    assert drift(clips.clip(name, width=256, height=256, frames=24)).value < FALSE_ALARM


def zoomed(frame: Pixels, factor: float) -> Pixels:
    height, width = frame.shape[:2]
    side = (width / factor, height / factor)
    box = ((width - side[0]) / 2, (height - side[1]) / 2, (width + side[0]) / 2, (height + side[1]) / 2)
    return np.asarray(Image.fromarray(frame).resize((width, height), Image.Resampling.BICUBIC, box=box))


@pytest.mark.parametrize("out", [False, True], ids=["in", "out"])
def test_a_zoom_is_no_drift(out):
    frames = list(clips.clip("clean", width=256, height=256, frames=24))
    steps = [1 + 0.8 * (23 - number if out else number) / 23 for number in range(24)]
    assert drift(zoomed(frame, step) for frame, step in zip(frames, steps, strict=True)).value < FALSE_ALARM


def test_hair_that_goes_over_into_another_colour_drifts():
    found = drift(clips.clip("hair-drift", width=256, height=256, frames=24))
    assert found.value > 2 * FALSE_ALARM
    assert found.details["per_frame"][-1] > found.details["per_frame"][5] > found.details["per_frame"][1]
    assert found.details["sampled"] == list(range(0, 24, 2))
    assert len(found.details["followed"]) == 12


def test_a_hair_swap_in_the_middle_of_a_clip_drifts():
    own, other = (list(clips.clip(name, width=256, height=256, frames=24)) for name in ("clean", "hair-swap"))
    found = drift([*own[:8], *other[8:16], *own[16:]])
    assert found.value > 2 * FALSE_ALARM
    assert found.details["sampled"][int(np.argmax(found.details["per_frame"]))] in range(8, 16)


def test_drift_grows_with_the_strength_of_the_fault():
    values = [drift(clips.clip("hair-drift", width=192, height=192, frames=16, strength=part)).value for part in (0, 0.4, 0.7, 1)]
    assert values == sorted(values)
    assert values[0] < FALSE_ALARM < values[1]


def test_a_single_flash_is_no_drift_and_a_still_clip_has_none():
    assert drift([*[painted()] * 5, flat(255, 128, 128), *[painted()] * 5]).value < 0.01
    assert drift([painted()] * 4).value == 0


@pytest.mark.parametrize(
    ("frames", "why"),
    [
        pytest.param([painted()], "one frame alone", id="a picture"),
        pytest.param([flat(9, 8, 8)] * 3, "8 x 8 px is too small", id="a clip of eight pixels"),
        pytest.param([drawing(1, 1)] * 2, "1 x 1 px is too small", id="a clip of one pixel"),
    ],
)
def test_what_can_not_drift_is_unmeasured(frames, why):
    found = drift(frames)
    assert found.value is None
    assert not found.failed
    assert why in found.why


def test_a_flash_is_passed_over_and_after_a_cut_following_begins_again():
    first, second, third = drawing(128, 128), painted(), painted(hair=GREEN)
    flash = drift([*[second] * 4, *[flat(255, 128, 128)] * 2, *[flat(0, 128, 128)] * 2, *[third] * 8])
    cut = drift([*[first] * 4, *[second] * 8, *[third] * 8])
    for found, torn in ((flash, [4, 6]), (cut, [4, 6, 8])):
        followed = zip(found.details["sampled"], found.details["followed"], strict=True)
        assert [number for number, share in followed if share == 0] == torn
        assert found.value > FALSE_ALARM


# ---------------------------------------------------------------- sets of colours

RGB = st.lists(st.tuples(st.integers(0, 255), st.integers(0, 255), st.integers(0, 255)), min_size=1, max_size=40)


@given(RGB)
def test_a_set_of_colours_is_not_apart_from_itself(samples):
    colours = colours_of(np.array(samples, np.uint8))
    assert colours.share.sum() == pytest.approx(1)
    assert moved(colours, colours) == pytest.approx(0, abs=1e-4)


@given(RGB, RGB)
def test_sets_of_colours_are_as_far_apart_one_way_as_the_other(first, second):
    one, other = (colours_of(np.array(samples, np.uint8)) for samples in (first, second))
    assert moved(one, other) == pytest.approx(moved(other, one), rel=0.02, abs=0.05)
    assert moved(one, other) >= 0


def test_moving_a_quarter_of_the_picture_to_another_colour_costs_a_quarter_of_their_difference():
    lab = to_lab([parse(colour) for colour in ("#ffffff", "#2c3560", "#3ca05a")])
    before, after = Colours(lab[:2], np.array([0.75, 0.25])), Colours(lab[[0, 2]], np.array([0.75, 0.25]))
    assert moved(before, after) == pytest.approx(0.25 * float(ciede2000(lab[1], lab[2])), rel=1e-4)


def test_colours_are_counted_exactly():
    colours = colours_of(np.concatenate([flat((10, 200, 30), 30, 10), flat((255, 0, 0), 10, 10)], axis=1))
    assert sorted(colours.share) == pytest.approx([0.25, 0.75])
    order = np.argsort(colours.share)
    assert colours.lab[order] == pytest.approx(to_lab([(255, 0, 0), (10, 200, 30)]))


# ---------------------------------------------------------------- style-similarity


class Shelf:
    """Reference pictures in a folder, found by digest."""

    def __init__(self, folder: Path, *pictures: Pixels) -> None:
        self._folder = folder
        self.pictures = tuple(self._put(pixels, number) for number, pixels in enumerate(pictures))

    def _put(self, pixels: Pixels, number: int) -> Picture:
        digest = f"{self._folder.name}-{number}-{pixels.sum()}"
        save(pixels, self._folder / f"{digest}.png")
        return Picture(digest, digest, ".png")

    def read(self, *frames: Pixels) -> Reading:
        setting = Setting(Against(style=self.pictures), lambda picture: self._folder / f"{picture.file_digest}.png")
        return read(style_similarity.Meter(setting), frames)


def still(who: int = 0, scene: int = 0) -> Pixels:
    return draw(CAST[who], "adult", OUTFITS[0], (*REFERENCES, *SCENES)[scene], 256)


def blurred(pixels: Pixels, radius: float) -> Pixels:
    return np.asarray(Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(radius)))


def faded(pixels: Pixels, share: float) -> Pixels:
    grey = pixels.mean(axis=2, keepdims=True)
    return np.rint(pixels + (grey - pixels) * share).astype(np.uint8)


def darkened(pixels: Pixels, share: float) -> Pixels:
    return np.rint(pixels * (1 - share)).astype(np.uint8)


def test_a_reference_itself_has_the_style_wholly(tmp_path):
    shelf = Shelf(tmp_path, still(0), still(1, 2), still(2, 3))
    assert shelf.read(still(1, 2)).value == pytest.approx(1, abs=1e-4)
    assert set(shelf.read(still()).details["steps_off"]) == {"line_density", "flat_regions", "saturation", "contrast", "palette"}


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda pixels, step: blurred(pixels, 2.0 * step), id="softer lines"),
        pytest.param(lambda pixels, step: faded(pixels, 0.3 * step), id="paler colours"),
        pytest.param(lambda pixels, step: darkened(pixels, 0.25 * step), id="darker light"),
    ],
)
def test_similarity_falls_with_every_step_away_from_the_style(tmp_path, change):
    shelf = Shelf(tmp_path, still(0, 2), still(1, 2))
    values = [shelf.read(change(still(0, 2), step)).value if step else shelf.read(still(0, 2)).value for step in range(4)]
    assert values == sorted(values, reverse=True)
    assert values[3] < values[0] - 0.1


def test_the_same_style_with_another_face_is_nearer_than_another_style(tmp_path):
    shelf = Shelf(tmp_path, *(still(who, scene) for who in (0, 1) for scene in (2, 3)))
    noise = np.asarray(Image.effect_noise((256, 256), 90).convert("RGB"))
    assert shelf.read(still(3, 3)).value > 0.6
    assert shelf.read(noise).value < 0.4


def test_a_clip_is_sampled_evenly_and_its_middle_value_counts(tmp_path):
    shelf = Shelf(tmp_path, painted())
    found = shelf.read(*[painted()] * 19, flat(0, 128, 128))
    assert found.details["sampled"] == [0, 8, 16]
    assert found.value == pytest.approx(1, abs=1e-4)
    assert len(found.details["per_frame"]) == 3


@given(st.integers(1, 400))
@settings(max_examples=20, deadline=None)
def test_at_most_four_frames_are_kept_and_they_lie_evenly_apart(count):
    meter = style_similarity.Meter(Setting(Against(style=(Picture("a", "a", ".png"),))))
    frame = Frame(flat(7, 4, 4))
    for _ in range(count):
        meter.add(frame)
    kept = list(meter._kept)
    assert 1 <= len(kept) <= 4
    assert kept == list(range(0, count, meter._stride))


def test_without_references_style_is_unmeasured():
    found = read(style_similarity.Meter(Setting()), [painted()])
    assert (found.value, found.failed) == (None, False)
    assert "no style" in found.why


@pytest.mark.parametrize("content", [None, b"no picture"], ids=["a reference that is gone", "a reference that is no picture"])
def test_a_reference_that_can_not_be_read_is_an_error(tmp_path, content):
    shelf = Shelf(tmp_path, painted())
    file = tmp_path / f"{shelf.pictures[0].file_digest}.png"
    file.unlink() if content is None else file.write_bytes(content)
    found = shelf.read(painted())
    assert (found.value, found.failed) == (None, True)
    assert "can't be read" in found.why


def test_a_reference_is_decoded_once(tmp_path):
    shelf = Shelf(tmp_path, painted(side=96))
    first = shelf.read(painted()).value
    (tmp_path / f"{shelf.pictures[0].file_digest}.png").write_bytes(b"gone")
    assert shelf.read(painted()).value == first
