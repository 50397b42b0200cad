"""Noise, blockiness and sharpness of single frames: exact where a picture can be worked out by hand."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from koma.core.gate import Measurement, judge
from koma.core.metrics import METRICS
from koma.core.profiles import Asked, profile_rules
from koma.core.words import BackendKind, Phase, Verdict
from koma.measures.blockiness import grid_ratio
from koma.measures.noise import deviation
from koma.measures.specimens.chance import grain
from koma.measures.specimens.clips import clip
from support.measured import value
from support.pictures import flat


def board(step: int, side: int = 64) -> np.ndarray:
    """Grey of 128 that goes up and down by `step` from pixel to pixel."""
    rows, columns = np.mgrid[0:side, 0:side]
    return np.where((rows + columns) % 2, 128 + step, 128 - step).astype(np.uint8)


def squares(step: int, side: int = 8, first: int = 0) -> np.ndarray:
    """Grey squares of `side` px, every second one brighter by `step`, the grid beginning at `first`."""
    rows, columns = np.mgrid[first : 64 + first, first : 64 + first]
    return np.where((rows // side + columns // side) % 2, 100 + step, 100).astype(np.uint8)


def grainy(strength: float) -> np.ndarray:
    return np.clip(np.round(128 + strength * grain((128, 128, 3), 3)), 0, 255).astype(np.uint8)


def jpeg(pixels: np.ndarray, quality: int) -> np.ndarray:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer))


PICTURE = next(clip("clean", width=192, height=192, frames=24))


@given(st.integers(0, 15))
def test_noise_of_a_checkerboard_is_exact(step):
    """The mask answers with 16 times the step everywhere."""
    assert deviation(board(step)) == pytest.approx(16 * step / (6 * 0.6745), abs=1e-4)


@pytest.mark.parametrize("strength", [2, 4, 8, 16])
def test_noise_of_gaussian_grain_is_its_deviation_in_luma(strength):
    in_luma = strength * (0.299**2 + 0.587**2 + 0.114**2) ** 0.5
    assert value([grainy(strength)], "noise") == pytest.approx(in_luma, rel=0.06, abs=0.15)


@pytest.mark.parametrize(
    "picture",
    [
        pytest.param(flat(90, 96, 64), id="one colour"),
        pytest.param(PICTURE, id="a drawing with lines and windows"),
        pytest.param(np.repeat(np.arange(0, 192, 2, np.uint8)[None, :, None], 64, axis=0).repeat(3, axis=2), id="an even slope"),
    ],
)
def test_what_is_drawn_is_no_noise(picture):
    assert value([picture], "noise") < 0.1


def test_grain_of_one_colour_weighs_as_much_as_that_colour():
    red, blue = flat((128, 128, 128), 128, 128), flat((128, 128, 128), 128, 128)
    red[:, :, 0] = grainy(16)[:, :, 0]
    blue[:, :, 2] = grainy(16)[:, :, 0]
    assert value([red], "noise") / value([blue], "noise") == pytest.approx(0.299 / 0.114, rel=0.1)


@pytest.mark.parametrize(
    ("picture", "ratio"),
    [
        pytest.param(flat(90, 64, 64)[:, :, 0].copy(), 1.0, id="one colour has no grid"),
        pytest.param(squares(10), 21.0, id="squares of 8 px: every step lies on the grid"),
        pytest.param(squares(200), 33.0, id="large steps count as 16"),
        pytest.param(squares(10, first=4), 1 / (20 / 7 + 1), id="squares that lie elsewhere are no grid"),
        pytest.param(board(5), 1.0, id="a checkerboard has the same step everywhere"),
        pytest.param(squares(10).T.copy(), 21.0, id="columns count like rows"),
    ],
)
def test_blockiness_of_known_pictures_is_exact(picture, ratio):
    assert grid_ratio(picture) == pytest.approx(ratio, abs=1e-4)


def test_every_coarser_jpeg_is_blockier():
    values = [value([PICTURE if quality > 95 else jpeg(PICTURE, quality)], "blockiness") for quality in (100, 60, 30, 10, 5)]
    assert values == sorted(values)
    assert values[0] < 1.35 < values[3]


def test_sharpness_is_bounded_on_both_sides():
    rules = [rule for rule in profile_rules("basic", Asked(Phase.STILL, BackendKind.COMFYUI, {})) if rule.metric == "sharpness"]
    assert sorted(rule.op for rule in rules) == ["<=", ">="]
    noise = np.clip(np.round(128 + 80 * grain((192, 192, 3), 3)), 0, 255).astype(np.uint8)
    verdicts = [judge(_sharpness(picture), rules).verdict for picture in (flat(90, 192, 192), PICTURE, noise)]
    assert verdicts == [Verdict.FAILED, Verdict.PASSED, Verdict.FAILED]


def _sharpness(picture):
    return [Measurement("sharpness", METRICS["sharpness"].version, "luma²", value([picture], "sharpness"))]


def test_swapped_red_and_blue_are_another_sharpness():
    picture = PICTURE.copy()
    picture[:, :, 2] = 90
    assert value([picture], "sharpness") > 1.3 * value([picture[:, :, ::-1].copy()], "sharpness")


@pytest.mark.parametrize("metric", ["noise", "blockiness", "sharpness"])
def test_a_picture_too_small_for_the_metric_is_unmeasured(metric):
    assert value([flat(90, 2, 2)], metric) is None


@pytest.mark.parametrize(("metric", "every"), [("noise", 2), ("blockiness", 2), ("sharpness", 1)])
def test_of_the_frames_that_are_looked_at_the_middle_value_counts(metric, every):
    frames = [PICTURE, jpeg(PICTURE, 20), np.resize(grainy(8), PICTURE.shape), jpeg(PICTURE, 5), jpeg(PICTURE, 50)]
    alone = sorted(value([picture], metric) for picture in frames[::every])
    assert value(frames, metric) == pytest.approx(alone[len(alone) // 2])
