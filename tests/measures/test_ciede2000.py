"""CIEDE2000 against the published pairs, which go through every branch of the formula."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from koma.pixels.colour import ciede2000, to_lab

# Sharma, Wu and Dalal, Color Research and Application 30 (2005), table 1: L*, a*, b* twice, and their difference.
PAIRS = [
    (50.0000, 2.6772, -79.7751, 50.0000, 0.0000, -82.7485, 2.0425),
    (50.0000, 3.1571, -77.2803, 50.0000, 0.0000, -82.7485, 2.8615),
    (50.0000, 2.8361, -74.0200, 50.0000, 0.0000, -82.7485, 3.4412),
    (50.0000, -1.3802, -84.2814, 50.0000, 0.0000, -82.7485, 1.0000),
    (50.0000, -1.1848, -84.8006, 50.0000, 0.0000, -82.7485, 1.0000),
    (50.0000, -0.9009, -85.5211, 50.0000, 0.0000, -82.7485, 1.0000),
    (50.0000, 0.0000, 0.0000, 50.0000, -1.0000, 2.0000, 2.3669),
    (50.0000, -1.0000, 2.0000, 50.0000, 0.0000, 0.0000, 2.3669),
    (50.0000, 2.4900, -0.0010, 50.0000, -2.4900, 0.0009, 7.1792),
    (50.0000, 2.4900, -0.0010, 50.0000, -2.4900, 0.0010, 7.1792),
    (50.0000, 2.4900, -0.0010, 50.0000, -2.4900, 0.0011, 7.2195),
    (50.0000, 2.4900, -0.0010, 50.0000, -2.4900, 0.0012, 7.2195),
    (50.0000, -0.0010, 2.4900, 50.0000, 0.0009, -2.4900, 4.8045),
    (50.0000, -0.0010, 2.4900, 50.0000, 0.0010, -2.4900, 4.8045),
    (50.0000, -0.0010, 2.4900, 50.0000, 0.0011, -2.4900, 4.7461),
    (50.0000, 2.5000, 0.0000, 50.0000, 0.0000, -2.5000, 4.3065),
    (50.0000, 2.5000, 0.0000, 73.0000, 25.0000, -18.0000, 27.1492),
    (50.0000, 2.5000, 0.0000, 61.0000, -5.0000, 29.0000, 22.8977),
    (50.0000, 2.5000, 0.0000, 56.0000, -27.0000, -3.0000, 31.9030),
    (50.0000, 2.5000, 0.0000, 58.0000, 24.0000, 15.0000, 19.4535),
    (50.0000, 2.5000, 0.0000, 50.0000, 3.1736, 0.5854, 1.0000),
    (50.0000, 2.5000, 0.0000, 50.0000, 3.2972, 0.0000, 1.0000),
    (50.0000, 2.5000, 0.0000, 50.0000, 1.8634, 0.5757, 1.0000),
    (50.0000, 2.5000, 0.0000, 50.0000, 3.2592, 0.3350, 1.0000),
    (60.2574, -34.0099, 36.2677, 60.4626, -34.1751, 39.4387, 1.2644),
    (63.0109, -31.0961, -5.8663, 62.8187, -29.7946, -4.0864, 1.2630),
    (61.2901, 3.7196, -5.3901, 61.4292, 2.2480, -4.9620, 1.8731),
    (35.0831, -44.1164, 3.7933, 35.0232, -40.0716, 1.5901, 1.8645),
    (22.7233, 20.0904, -46.6940, 23.0331, 14.9730, -42.5619, 2.0373),
    (36.4612, 47.8580, 18.3852, 36.2715, 50.5065, 21.2231, 1.4146),
    (90.8027, -2.0831, 1.4410, 91.1528, -1.6435, 0.0447, 1.4441),
    (90.9257, -0.5406, -0.9208, 88.6381, -0.8985, -0.7239, 1.5381),
    (6.7747, -0.2908, -2.4247, 5.8714, -0.0985, -2.2286, 0.6377),
    (2.0776, 0.0795, -1.1350, 0.9033, -0.0636, -0.5514, 0.9082),
]

LAB = st.tuples(st.floats(0, 100), st.floats(-128, 127), st.floats(-128, 127))


@pytest.mark.parametrize("pair", PAIRS, ids=[f"published pair {number}" for number in range(1, 35)])
def test_the_published_pairs(pair):
    first, second, expected = pair[:3], pair[3:6], pair[6]
    assert float(ciede2000(first, second)) == pytest.approx(expected, abs=5e-5)


def test_many_pairs_at_once_are_the_same_numbers():
    table = np.array(PAIRS)
    assert ciede2000(table[:, :3], table[:, 3:6]) == pytest.approx(table[:, 6], abs=5e-5)
    assert ciede2000(table[:, None, :3], table[None, :, 3:6]).shape == (34, 34)


@given(LAB, LAB)
def test_it_is_symmetric_and_never_negative(first, second):
    there, back = float(ciede2000(first, second)), float(ciede2000(second, first))
    assert there >= 0
    assert there == pytest.approx(back, abs=1e-6)


@given(LAB)
def test_a_colour_is_not_apart_from_itself(colour):
    assert float(ciede2000(colour, colour)) == pytest.approx(0, abs=1e-9)


@given(st.floats(5, 80), st.floats(0, 360), st.floats(1, 30), st.floats(1.5, 2))
def test_it_grows_with_lightness_and_with_the_turn_of_hue(chroma, hue, turn, more):
    def at(lightness: float, degrees: float) -> list[float]:
        return [lightness, chroma * np.cos(np.radians(degrees)), chroma * np.sin(np.radians(degrees))]

    here = at(50, hue)
    assert ciede2000(here, at(50 + turn / 4 * more, hue)) > ciede2000(here, at(50 + turn / 4, hue))
    assert ciede2000(here, at(50, hue + turn * more)) > ciede2000(here, at(50, hue + turn))


def test_what_eyes_hardly_see_is_about_one_and_black_to_white_a_hundred():
    assert float(ciede2000(to_lab((128, 128, 128)), to_lab((131, 131, 131)))) == pytest.approx(1, abs=0.5)
    assert float(ciede2000(to_lab((0, 0, 0)), to_lab((255, 255, 255)))) == pytest.approx(100, abs=0.01)
