"""Each metric by its definition, and each fault seen by the metric that is there for it and by no other."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageFilter

from koma.core.gate import Op, judge
from koma.core.media import Media
from koma.core.metrics import METRIC_IDS
from koma.core.profiles import Asked, metrics_of, profile_rules
from koma.core.words import BackendKind, Phase, Verdict
from koma.measures import measure as measuring
from koma.measures.learned.registry import LEARNED
from koma.measures.measure import FileMeasure
from koma.measures.meter import Frame, Reading, ShareMeter, luma
from koma.measures.registry import METERS
from koma.pixels.picture import Pixels
from support.pictures import drawing, flat, save, save_clip

SIZE = (320, 200)
PAN = [drawing(*SIZE, shift=4 * number) for number in range(12)]


def test_the_registry_holds_what_planning_knows():
    assert {*METERS, *LEARNED, "overall"} == METRIC_IDS


def measured(folder: Path, frames: Sequence[Pixels], *metrics: str) -> dict[str, float | None]:
    file = save_clip(folder / "clip.mkv", frames)
    return {one.metric: one.value for one in FileMeasure().measure(file, Media.FRAMES, metrics)}


def still(folder: Path, pixels: Pixels, metric: str) -> float | None:
    return FileMeasure().measure(save(pixels, folder / "still.png"), Media.IMAGE, [metric])[0].value


def blurred(pixels: Pixels, radius: float) -> Pixels:
    return np.asarray(Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(radius)))


def noisy(pixels: Pixels, strength: int) -> Pixels:
    state = np.random.default_rng(7)
    return np.clip(pixels + state.integers(-strength, strength + 1, pixels.shape), 0, 255).astype(np.uint8)


def dark_room() -> Pixels:
    pixels = flat(3, *SIZE)
    pixels[20:60, 30:60] = (240, 220, 150)
    return pixels


@pytest.mark.parametrize(
    ("pixels", "blank", "black"),
    [
        pytest.param(drawing(*SIZE), 0, 0, id="a drawing is neither"),
        pytest.param(flat(0), 1, 1, id="black is blank and black"),
        pytest.param(flat(255), 1, 0, id="white is blank"),
        pytest.param(flat((200, 30, 90)), 1, 0, id="one colour is blank"),
        pytest.param(noisy(flat(128, *SIZE), 1), 1, 0, id="one colour with a grain of 1 is blank"),
        pytest.param(noisy(flat(4, *SIZE), 12), 0, 1, id="black with noise is black"),
        pytest.param(dark_room(), 0, 0, id="a dark room with a lit window is neither"),
        pytest.param(np.dstack([flat(128)[:, :, :2], drawing()[:, :, 1]]).copy(), 0, 0, id="a drawing in one channel is not blank"),
    ],
)
def test_blank_and_black_pictures(tmp_path, pixels, blank, black):
    assert (still(tmp_path, pixels, "blank"), still(tmp_path, pixels, "black")) == (blank, black)


def test_faulty_frames_of_a_clip_are_counted_and_named(tmp_path):
    frames = [*PAN[:3], flat(0, *SIZE), *PAN[4:7], flat(0, *SIZE)]
    found = FileMeasure().measure(save_clip(tmp_path / "a.mkv", frames), Media.FRAMES, ["black"])
    assert found[0].value == 0.25
    assert found[0].details["frames"] == [3, 7]


@pytest.mark.parametrize(
    ("frames", "share"),
    [
        pytest.param(PAN, 0.0, id="a pan never stands still"),
        pytest.param([PAN[0]] * 5, 1.0, id="one drawing held stands still"),
        pytest.param([PAN[number // 2] for number in range(12)], 6 / 11, id="on twos, every other pair stands still"),
        pytest.param([PAN[number // 4] for number in range(12)], 9 / 11, id="on fours, three pairs of four stand still"),
        pytest.param(
            [noisy(drawing(1280, 800), strength) for strength in (0, 1, 0, 1)], 1.0, id="grain that vanishes when reduced is no motion"
        ),
    ],
)
def test_frozen_counts_pairs_without_motion(tmp_path, frames, share):
    assert measured(tmp_path, frames, "frozen")["frozen"] == pytest.approx(share)


def test_sharpness_of_known_pictures_is_exact(tmp_path):
    grey = np.zeros((8, 8), np.uint8)
    grey[4, 4] = 100
    laplacian = np.zeros((6, 6))
    laplacian[3, 3], laplacian[2, 3], laplacian[4, 3], laplacian[3, 2], laplacian[3, 4] = -400, 100, 100, 100, 100
    assert still(tmp_path, np.dstack([grey] * 3), "sharpness") == pytest.approx(laplacian.var(), rel=1e-4)
    assert still(tmp_path, flat(90), "sharpness") == pytest.approx(0, abs=1e-6)


def test_every_stronger_blur_is_less_sharp_and_noise_is_sharper(tmp_path):
    values = [still(tmp_path, blurred(PAN[0], radius), "sharpness") for radius in (0, 1, 2, 4)]
    assert values == sorted(values, reverse=True)
    assert values[0] > 10 * values[3]
    assert still(tmp_path, noisy(PAN[0], 40), "sharpness") > values[0]


def test_sharpness_of_a_clip_is_the_median_of_its_frames(tmp_path):
    frames = [blurred(PAN[0], 4), PAN[1], PAN[2]]
    alone = sorted(still(tmp_path, pixels, "sharpness") for pixels in frames)
    assert measured(tmp_path, frames, "sharpness")["sharpness"] == pytest.approx(alone[1])


def test_a_picture_too_small_for_the_kernel_has_no_sharpness(tmp_path):
    found = FileMeasure().measure(save(drawing(2, 2), tmp_path / "a.png"), Media.IMAGE, ["sharpness"])[0]
    assert found.value is None
    assert "2 x 2 px is too small" in found.why


def test_swapped_red_and_blue_change_luma():
    assert luma(flat((255, 0, 0)))[0, 0] == pytest.approx(0.2126 * 255, rel=1e-5)
    assert luma(flat((0, 0, 255)))[0, 0] == pytest.approx(0.0722 * 255, rel=1e-5)


@given(st.integers(1, 700), st.integers(1, 700))
def test_working_sizes_are_bounded_and_never_enlarge(width, height):
    frame = Frame(np.zeros((height, width, 3), np.uint8))
    assert max(frame.small.shape[:2]) == min(256, max(width, height))
    assert max(frame.medium.shape[:2]) == min(512, max(width, height))


def test_a_metric_that_breaks_takes_no_other_along(tmp_path, monkeypatch):
    class Broken(ShareMeter):
        def has(self, frame: Frame) -> bool:
            raise ZeroDivisionError("no frames at all")

    class Endless(ShareMeter):
        def finish(self, facts: object) -> Reading:
            return Reading(float("nan"))

        def has(self, frame: Frame) -> bool:
            return False

    monkeypatch.setattr(measuring, "METERS", {**METERS, "blank": lambda _setting: Broken(), "black": lambda _setting: Endless()})
    blank, black, width = FileMeasure().measure(save(drawing(), tmp_path / "a.png"), Media.IMAGE, ["blank", "black", "width"])
    assert (blank.value, blank.failed, blank.why) == (None, True, "the metric itself failed: ZeroDivisionError: no frames at all")
    assert (black.value, black.failed) == (None, True)
    assert width.value == 48


EXPECT = {"width": 320, "height": 200, "frames": 12, "fps": 12, "motion": True}


@pytest.mark.parametrize(
    ("frames", "failing"),
    [
        pytest.param(PAN, set(), id="a clean pan passes"),
        pytest.param([PAN[number // 2] for number in range(12)], set(), id="animation on twos passes"),
        pytest.param([PAN[number // 3] for number in range(12)], set(), id="animation on threes passes"),
        pytest.param([PAN[0]] * 12, {"frozen"}, id="a frozen clip fails where motion was asked for"),
        pytest.param([blurred(pixels, 6) for pixels in PAN], {"sharpness"}, id="a blurred clip fails"),
        pytest.param([*PAN[:11], flat(0, *SIZE)], {"blank", "black"}, id="one black frame fails"),
        pytest.param(PAN[:11], {"frame-count", "duration"}, id="a missing frame fails"),
        pytest.param([pixels[:, :300].copy() for pixels in PAN], {"width"}, id="another width fails"),
    ],
)
def test_each_fault_is_seen_by_the_rule_that_is_there_for_it(tmp_path, frames, failing):
    asked = profile_rules("basic", Asked(Phase.VIDEO, BackendKind.COMFYUI, EXPECT))
    rules = [
        rule for rule in asked if rule.op is Op.EQUALS or rule.metric == "frozen" or (rule.metric, rule.op) == ("sharpness", Op.AT_LEAST)
    ]
    found = FileMeasure().measure(save_clip(tmp_path / "a.mkv", frames), Media.FRAMES, metrics_of(rules))
    result = judge(found, rules)
    assert {check.rule.metric for check in result.checks if check.verdict is not Verdict.PASSED} == failing
    assert result.verdict is (Verdict.FAILED if failing else Verdict.PASSED)
