"""Plots of per-frame values: what has to be visible is there, in place, and the same every time."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from koma.pixels.plot import HEIGHT, WIDTH, Curve, overview, plot, save, ticks

CURVE = Curve("flicker", "luma", [0.0, 4.0, 1.0, 2.0], first=1)
WHITE, BLUE, RED, ORANGE = (255, 255, 255), (32, 84, 160), (178, 34, 34), (214, 94, 0)


def places(image: Image.Image, color: tuple[int, int, int]) -> np.ndarray:
    """Rows and columns of the pixels of one colour."""
    return np.argwhere((np.asarray(image) == color).all(axis=2))


def test_a_plot_has_a_fixed_size_and_light_paper():
    image = plot(CURVE)
    assert image.size == (WIDTH, HEIGHT)
    assert len(places(image, WHITE)) > 0.8 * WIDTH * HEIGHT


def test_the_same_values_give_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        save(plot(replace(CURVE, faults=(2,), threshold=3.0)), tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_another_value_gives_another_picture():
    assert plot(CURVE).tobytes() != plot(replace(CURVE, values=[0.0, 4.0, 1.0, 2.1])).tobytes()


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(replace(CURVE, title="melt"), id="the metric"),
        pytest.param(replace(CURVE, unit="ratio"), id="the unit"),
        pytest.param(replace(CURVE, first=0), id="the first frame"),
        pytest.param(replace(CURVE, faults=(2,)), id="a frame at fault"),
        pytest.param(replace(CURVE, threshold=3.0), id="the threshold"),
        pytest.param(replace(CURVE, places=[1, 2, 3, 40]), id="where each value belongs"),
    ],
)
def test_what_belongs_to_a_curve_is_seen(other):
    assert plot(CURVE).tobytes() != plot(other).tobytes()


def test_larger_values_lie_higher_and_later_ones_further_to_the_right():
    drawn = places(plot(CURVE), BLUE)
    top, left, right = drawn[drawn[:, 0].argmin()], drawn[:, 1].min(), drawn[:, 1].max()
    assert left + (right - left) / 4 < top[1] < left + (right - left) / 2  # the second of four


def test_the_threshold_lies_between_the_values_that_it_parts():
    image = plot(Curve("sharpness", "luma²", [0.0, 0.0, 10.0, 10.0], threshold=5.0, demand=">= 5"))
    dashes = places(image, RED)
    line = np.bincount(dashes[:, 0]).argmax()
    curve = places(image, BLUE)
    assert abs(line - (curve[:, 0].min() + curve[:, 0].max()) / 2) <= 3


def test_a_threshold_far_from_the_values_is_within_the_plot():
    rows = places(plot(replace(CURVE, threshold=100.0)), RED)[:, 0]
    assert 40 < np.bincount(rows).argmax() < HEIGHT - 50


def test_frames_at_fault_are_marked_below_the_curve_where_they_are():
    image = plot(replace(CURVE, faults=(4, 99)))
    marks = places(image, ORANGE)
    assert marks[:, 1].mean() == pytest.approx(places(image, BLUE)[:, 1].max() - 3, abs=4)


def test_a_frame_without_a_value_is_a_gap():
    image = plot(Curve("face-similarity", "cosine", [0.5, 0.5, None, math.nan, 0.5, 0.5]))
    columns = set(places(image, BLUE)[:, 1])
    assert max(b - a for a, b in zip(sorted(columns), sorted(columns)[1:], strict=False)) > WIDTH / 3


@pytest.mark.parametrize(
    "values",
    [
        pytest.param([1.0], id="one value"),
        pytest.param([0.0, 0.0, 0.0], id="nothing but zeros"),
        pytest.param([None, None], id="no value at all"),
        pytest.param([-1e9, 1e9], id="very large ones"),
        pytest.param([1e-12, 2e-12], id="very small ones"),
        pytest.param([math.sin(n * n) for n in range(10_000)], id="ten thousand"),
    ],
)
def test_any_values_can_be_drawn(values):
    assert plot(Curve("x", "", values)).size == (WIDTH, HEIGHT)


def test_an_overview_has_all_curves_below_each_other():
    image = overview([CURVE, replace(CURVE, title="melt")])
    assert image.size == (WIDTH, 2 * HEIGHT)
    assert image.crop((0, HEIGHT, WIDTH, 2 * HEIGHT)).tobytes() == plot(replace(CURVE, title="melt")).tobytes()


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6), st.booleans())
def test_ticks_are_few_even_and_inside(low, width, whole):
    found = ticks(low, low + width, whole=whole)
    assert len(found) <= 7
    hair = 1e-9 * max(abs(low), width)  # what rounding may leave over
    assert all(low - hair <= tick <= low + width + hair for tick in found)
    assert not whole or all(tick == round(tick) for tick in found)
    steps = np.diff(found)
    assert len(steps) == 0 or np.allclose(steps, steps[0], rtol=1e-3)
