"""Which frames learned metrics look at."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from koma.measures.learned.sampling import LONGEST, MOST, Sample, prepared, sample_of
from koma.measures.meter import Frame
from koma.measures.setting import Setting
from support.pictures import flat


def sampled(count: int) -> list[int]:
    sample = Sample()
    for number in range(count):
        sample.add(Frame(flat(number % 256, 2, 2)))
    frames = sample.frames()
    assert all(int(pixels[0, 0, 0]) == number % 256 for number, pixels in frames.items()), "a frame stands under another one's number"
    return list(frames)


@pytest.mark.parametrize(
    ("count", "numbers"),
    [
        pytest.param(1, [0], id="a picture is looked at"),
        pytest.param(8, list(range(8)), id="eight frames are all looked at"),
        pytest.param(9, [0, 2, 4, 6, 8], id="of nine it is every second"),
        pytest.param(10, [0, 2, 4, 6, 8, 9], id="the last frame always counts"),
        pytest.param(48, [0, 8, 16, 24, 32, 40, 47], id="of two seconds at 24 fps it is every eighth"),
    ],
)
def test_few_frames_stand_for_a_clip(count: int, numbers: list[int]):
    assert sampled(count) == numbers


@given(st.integers(1, 3000))
def test_any_clip_is_sampled_evenly_from_the_first_frame_to_the_last(count: int):
    numbers = sampled(count)
    steps = {after - before for before, after in pairwise(numbers[:-1])}
    assert numbers[0] == 0
    assert numbers[-1] == count - 1
    assert len(numbers) <= MOST + 1
    assert len(numbers) >= min(count, MOST // 2)
    assert len(steps) <= 1


def test_a_frame_that_several_meters_show_counts_once():
    sample = sample_of(setting := Setting())
    for frame in map(Frame, (flat(1), flat(2))):
        for _ in range(3):
            sample_of(setting).add(frame)
    assert list(sample.frames()) == [0, 1]


def test_each_file_has_a_sample_of_its_own():
    assert sample_of(Setting()) is not sample_of(Setting())


def test_alpha_lies_over_white():
    pixels = np.zeros((2, 2, 4), np.uint8)
    pixels[0, 0] = (200, 100, 0, 128)
    solid = prepared(pixels)
    assert solid[0, 0].tolist() == [227, 177, 127]
    assert solid[1, 1].tolist() == [255, 255, 255]


def test_a_large_frame_is_reduced_and_a_small_one_is_not_enlarged():
    assert prepared(flat(9, 2 * LONGEST, 10)).shape == (5, LONGEST, 3)
    assert prepared(flat(9, 4, 2)).shape == (2, 4, 3)
    assert prepared(flat(9, 3 * LONGEST, 1)).shape == (1, LONGEST, 3)
