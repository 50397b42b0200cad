"""Metrics of motion by their definitions: exact where frames can be worked out by hand, and told apart from what looks like a fault."""

import gc
import weakref

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from koma.core import thresholds
from koma.measures.meter import Reel
from koma.measures.specimens.chance import chance, grain
from koma.measures.ssim_consistency import ssim
from koma.pixels.picture import Pixels
from support.measured import readings, value
from support.pictures import flat

STILL = {
    "frozen": 1,
    "duplicates": 1,
    "tail": 11 / 12,
    "flicker": 0,
    "flow-smoothness": 1,
    "dynamic-degree": 0,
    "motion-speed": 0,
    "peak-step": 0,
    "loop-seam": 0,
    "ssim-consistency": 1,
    "mae-consistency": 1,
    "melt": 0,
}


def scene(shift: float = 0.0, side: int = 96) -> Pixels:
    """Soft blots on a ground, no two alike, moved to the right by `shift` px."""
    rows, columns = np.mgrid[0:side, 0:side].astype(np.float64)
    picture = np.full((side, side, 3), 60.0)
    for number in range(60):
        x, y, size = (chance(number, part) for part in range(3))
        distance = (columns - shift - (x * 2 - 0.5) * side) ** 2 + (rows - y * side) ** 2
        blot = np.exp(-distance / (2 * (3 + 4 * size) ** 2))[:, :, None]
        picture += blot * np.array([120 * chance(number, 4), 120 * chance(number, 5), 120 * chance(number, 6)])
    return np.clip(picture, 0, 255).astype(np.uint8)


def moving(shifts) -> list[Pixels]:
    return [scene(shift) for shift in shifts]


PAN = moving(range(0, 24, 2))


def in_places(places: list[int]) -> list[Pixels]:
    return [PAN[place] for place in places]


@given(st.integers(1, 4), st.tuples(*[st.integers(0, 255)] * 3))
def test_identical_frames_have_no_fault_and_no_motion(repeats, colour):
    frames = [flat(colour, 64, 48)] * (3 * repeats)
    found = {metric: one.value for metric, one in readings(frames, *STILL, fps=8).items()}
    assert found == pytest.approx({**STILL, "tail": 1 - 1 / len(frames)}, abs=1e-6)


@pytest.mark.parametrize("metric", sorted(STILL))
def test_a_picture_has_no_motion_to_measure(metric):
    reading = readings([scene()], metric, fps=0)[metric]
    assert (reading.value, reading.failed) == (None, False)
    assert reading.why


@pytest.mark.parametrize("metric", ["flow-smoothness", "dynamic-degree", "motion-speed", "melt"])
def test_a_strip_too_thin_for_optical_flow_is_unmeasured(metric):
    reading = readings([np.tile(scene(), (1, 1, 1))[:10], scene(2)[:10]] * 3, metric, fps=8)[metric]
    assert reading.value is None
    assert "too small" in reading.why


@pytest.mark.parametrize(
    ("places", "share", "tail"),
    [
        pytest.param(list(range(12)), 0, 0, id="every frame drawn anew"),
        pytest.param([place // 2 * 2 for place in range(12)], 6 / 11, 0, id="on twos, the last drawing too"),
        pytest.param([place // 3 * 3 for place in range(12)], 8 / 11, 0, id="on threes"),
        pytest.param([0, 1, 2, 3, 3, 3, 3, 3, 4, 5, 6, 7], 4 / 11, 0, id="a hold inside is no tail"),
        pytest.param([0, 1, 2, 3, 4, 5, 6, 7, 8, 8, 8, 8], 3 / 11, 3 / 12, id="a quarter filled up"),
        pytest.param([0, 0, 2, 2, 4, 4, 6, 6, 6, 6, 6, 6], 8 / 11, 4 / 12, id="on twos and filled up"),
        pytest.param([0] * 12, 1, 11 / 12, id="one drawing all the time"),
    ],
)
def test_repeated_drawings_are_counted_and_a_tail_is_told_apart(places, share, tail):
    found = readings(in_places(places), "duplicates", "tail")
    assert (found["duplicates"].value, found["tail"].value) == (pytest.approx(share), pytest.approx(tail))


def test_grain_makes_no_new_drawing_but_a_mouth_does():
    base = scene()
    grainy = [np.clip(base + 2 * grain(base.shape, number), 0, 255).astype(np.uint8) for number in range(4)]
    assert value(grainy, "duplicates") == 1
    spoken = base.copy()
    spoken[60:64, 40:50] = 20
    assert value([base, spoken, base], "duplicates") == 0


def test_what_creeps_is_a_new_drawing_after_a_while():
    creeping = moving(number / 20 for number in range(40))
    assert 0 < value(creeping, "duplicates") < 1
    assert value(creeping, "tail") < 0.3


@pytest.mark.parametrize(
    ("levels", "flicker"),
    [
        pytest.param([100] * 8, 0, id="steady"),
        pytest.param([100, 102] * 4, 4, id="up and down by 2 is 4"),
        pytest.param(list(range(100, 116, 2)), 0, id="a fade goes one way"),
        pytest.param([100] * 8 + [200] * 8, 0, id="one change of light"),
        pytest.param([100] * 8 + [255] + [100] * 8, 0, id="one flash"),
        pytest.param([100, 255, 100, 100, 255, 100, 100, 255, 100], 310, id="flashes all the time"),
    ],
)
def test_flicker_of_known_levels_is_exact(levels, flicker):
    assert value([flat(level) for level in levels], "flicker") == pytest.approx(flicker, abs=1e-3)


@given(st.integers(0, 40), st.lists(st.integers(60, 160), min_size=3, max_size=8))
def test_flicker_is_the_same_in_a_brighter_clip(more, levels):
    one, other = (value([flat(level + add, 8, 8) for level in levels], "flicker") for add in (0, more))
    assert one == pytest.approx(other, abs=1e-3)


@pytest.mark.parametrize(
    ("shifts", "low", "high"),
    [
        pytest.param(range(0, 24, 2), 0.95, 1.0, id="one way"),
        pytest.param([2 * (number // 2) for number in range(20)], 0.95, 1.0, id="one way on twos"),
        pytest.param([4, 2, 8, 6, 10, 14, 12, 16, 22, 18, 24, 20], 0.0, 0.7, id="out of order within fours"),
        pytest.param([0, 3] * 6, 0.0, 0.5, id="to and fro"),
    ],
)
def test_flow_smoothness_tells_a_way_from_to_and_fro(shifts, low, high):
    assert low <= value(moving(shifts), "flow-smoothness") <= high


@pytest.mark.parametrize(
    ("step", "fps", "share"),
    [
        pytest.param(0, 24, 0, id="standing still"),
        pytest.param(0.2, 24, 0, id="0.2 px a frame is 0.6 px in an eighth of a second: nothing"),
        pytest.param(2, 24, 1, id="2 px a frame is 6 px, and 96/256 of 6 is needed"),
        pytest.param(1.5, 8, 0, id="at 8 frames a second every pair of neighbours counts"),
        pytest.param(4, 8, 1, id="and 4 px are enough"),
    ],
)
def test_dynamic_degree_counts_pairs_that_move_far_enough(step, fps, share):
    assert value(moving(step * number for number in range(13)), "dynamic-degree", fps=fps) == share


@pytest.mark.parametrize("strength", [4, 8, 16, 32, 64])
def test_grain_on_a_picture_that_stands_is_no_motion(strength):
    frames = [np.clip(scene() + strength * grain((96, 96, 3), number), 0, 255).astype(np.uint8) for number in range(13)]
    assert value(frames, "dynamic-degree") == 0
    assert value(frames, "motion-speed") < thresholds.MOTION_SPEED_MIN / 5


@pytest.mark.parametrize(("step", "speed"), [(0, 0), (1, 24 / 96), (2, 48 / 96), (3, 72 / 96)])
def test_motion_speed_is_in_shorter_sides_a_second(step, speed):
    assert value(moving(step * number for number in range(13)), "motion-speed") == pytest.approx(speed, rel=0.1)


def test_an_even_pan_has_no_peak_and_a_cut_has_one():
    assert value(PAN, "peak-step") < 1.6
    other = scene()[::-1, ::-1].copy()
    cut = readings([*PAN[:6], other, *[np.roll(other, 2 * n, axis=1) for n in range(1, 6)]], "peak-step")["peak-step"]
    assert cut.value > 4
    assert cut.details["frames"] == [6]


def test_a_cut_between_two_pictures_that_stand_is_no_usual_step():
    assert value([flat(40, 64, 64)] * 6 + [flat(200, 64, 64)] * 6, "peak-step") == pytest.approx(160 / 8)


def test_a_closed_loop_has_a_seam_like_any_step():
    turns = [np.roll(scene(), 8 * number, axis=1) for number in range(12)]
    assert value(turns, "loop-seam") == pytest.approx(1, abs=0.15)
    assert value(turns[:9], "loop-seam") > 1.5


def test_mae_consistency_of_known_levels_is_exact():
    assert value([flat(0), flat(51), flat(51)], "mae-consistency") == pytest.approx((0.8 + 1) / 2)


def test_structural_similarity_by_hand_of_two_flat_pictures():
    """Of flat pictures only the term of the means is left."""
    one, other = np.full((32, 32), 50, np.float32), np.full((32, 32), 150, np.float32)
    steady = (0.01 * 255) ** 2
    assert ssim(one, other) == pytest.approx((2 * 50 * 150 + steady) / (50**2 + 150**2 + steady), abs=1e-4)


@given(st.integers(0, 1000), st.integers(0, 1000))
def test_structural_similarity_is_the_same_either_way_round(first, second):
    one, other = (np.abs(grain((24, 24), number)) * 60 for number in (first, second))
    assert ssim(one, other) == pytest.approx(ssim(other, one), abs=1e-5)
    assert ssim(one, one) == pytest.approx(1, abs=1e-5)


def test_melt_hears_a_wobble_and_no_pan():
    assert value(PAN, "melt") < 0.15
    rows, columns = np.mgrid[0:96, 0:96]
    wobbling = []
    for number in range(12):
        along = (columns + 3 * np.sin(rows / 6 + 6 * chance(number, 1)) * np.sin(columns / 7 + 6 * chance(number, 2))).round().astype(int)
        wobbling.append(scene()[rows, np.clip(along, 0, 95)])
    assert value(wobbling, "melt") > 0.25


@pytest.mark.parametrize("metric", ["mae-consistency", "ssim-consistency", "flicker"])
def test_swapped_red_and_blue_are_seen_where_colours_weigh_differently(metric):
    frames = [np.dstack([picture[:, :, 0], flat(80, 96, 96)[:, :, :2]]) for picture in PAN]
    swapped = [np.ascontiguousarray(picture[:, :, ::-1]) for picture in frames]
    alike = value(frames, metric) == pytest.approx(value(swapped, metric), rel=1e-3)
    assert alike is (metric == "mae-consistency")  # the only one that weighs R, G and B alike


def test_a_reel_lets_go_of_frames_that_nobody_needs():
    alive = []
    reel = Reel(24.0)
    for pixels in [*PAN[:3], *[PAN[2]] * 6]:
        frame = reel.next(pixels)
        assert frame.flow is None or frame.step is not None
        alive.append(weakref.ref(frame))
        del frame
    gc.collect()
    assert [number for number, one in enumerate(alive) if one() is not None] == [
        2,
        6,
        7,
        8,
    ]  # the drawing, the last two, and what these compare with
