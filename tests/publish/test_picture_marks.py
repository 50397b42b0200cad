"""What is measured of a picture: dominant colours and marks of style, the same for the same pixels."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from koma.pixels.marks import dominant, examine, lab_of, marks_of, thumbnail
from koma.pixels.picture import UnreadableError
from support.pictures import drawing, flat, save

# L*a*b* (D65) of sRGB primaries, as colour tables give them.
LABS = {
    "#ffffff": (100, 0, 0),
    "#000000": (0, 0, 0),
    "#ff0000": (53.24, 80.09, 67.2),
    "#0000ff": (32.3, 79.19, -107.86),
    "#808080": (53.59, 0, 0),
}


@pytest.mark.parametrize(("colour", "expected"), LABS.items())
def test_colours_in_lab(colour, expected):
    assert lab_of(colour) == pytest.approx(expected, abs=0.02)


def halves():
    """Left half red, right half blue, with a blue square in the red."""
    pixels = flat((255, 0, 0), 200, 100)
    pixels[:, 100:] = pixels[40:60, 40:60] = (0, 0, 255)
    return pixels


def test_dominant_colours_come_with_their_shares():
    assert [(shade.colour, shade.share) for shade in marks_of(halves()).shades] == [("#0000ff", 0.52), ("#ff0000", 0.48)]


def test_regions_are_connected_areas_of_one_colour():
    assert marks_of(flat(9)).flat_regions == 1
    assert marks_of(halves()).flat_regions == 3


def test_noise_in_grey_makes_neither_colours_nor_regions():
    pixels = flat((238, 238, 238), 200, 200)
    pixels[60:140, 60:140] = (51, 170, 119)
    noise = np.random.default_rng(1).integers(-3, 4, pixels.shape)
    found = marks_of((pixels.astype(int) + noise).astype(np.uint8))
    assert [shade.share for shade in found.shades] == [0.84, 0.16]
    assert found.flat_regions == 2


def test_a_spiral_is_one_region():
    pixels = flat(255, 65, 65)
    for ring in range(0, 28, 4):
        pixels[ring, ring : 65 - ring] = pixels[ring : 65 - ring, 64 - ring] = pixels[64 - ring, ring : 65 - ring] = 0
        pixels[ring + 4 : 65 - ring, ring] = 0
        pixels[ring + 4, ring : ring + 4] = 0
    found = marks_of(pixels)
    assert found.flat_regions == 2


def test_specks_are_no_regions():
    pixels = flat(255, 100, 100)
    pixels[::10, ::10] = 0
    assert marks_of(pixels).flat_regions == 1


SHADES = [(flat(0), 0.0, 0.0), (flat((255, 0, 0)), 1.0, 0.0), (np.concatenate([flat(0), flat(255)]), 0.0, 0.5)]


@pytest.mark.parametrize(("pixels", "saturation", "contrast"), SHADES, ids=["black", "pure red", "half black, half white"])
def test_saturation_and_contrast(pixels, saturation, contrast):
    found = marks_of(pixels)
    assert (found.saturation, found.contrast) == pytest.approx((saturation, contrast), abs=0.001)


def test_lines_are_where_lightness_jumps():
    pixels = flat(255, 100, 100)
    pixels[:, 50:] = 0
    assert marks_of(flat(255)).line_density == 0
    assert marks_of(pixels).line_density == pytest.approx(0.02)


def test_what_is_transparent_does_not_count():
    pixels = np.dstack([halves(), np.where(halves()[:, :, 2] > 0, 0, 255).astype(np.uint8)])
    assert [shade.colour for shade in marks_of(pixels).shades] == ["#ff0000"]
    pixels[:, :, 3] = 0
    assert marks_of(pixels) == ((), 0.0, 0.0, 0.0, 0.0)


def test_at_most_six_colours_and_each_sample_has_one():
    samples = np.random.default_rng(7).uniform(0, 100, (500, 3))
    centres, labels = dominant(samples)
    assert 1 <= len(centres) <= 6
    distances = ((samples[:, None] - centres[None]) ** 2).sum(axis=2)
    assert distances[np.arange(500), labels].mean() < distances.mean() / 2


def test_the_same_pixels_give_the_same_marks(tmp_path):
    file = save(drawing(300, 500), tmp_path / "a.png")
    assert examine(file) == examine(file)


@pytest.mark.parametrize("size", [(1, 1), (1, 2000), (2000, 1), (3, 3)])
def test_pictures_of_any_shape_are_measured(size):
    assert sum(shade.share for shade in marks_of(drawing(*size)).shades) > 0.9


def test_a_small_copy_holds_the_picture_on_white():
    pixels = np.dstack([flat(0, 640, 320), flat(0, 640, 320)[:, :, :1]])
    with Image.open(io.BytesIO(base64.b64decode(thumbnail(pixels).removeprefix("data:image/jpeg;base64,")))) as image:
        assert image.size == (224, 112)
        assert image.getpixel((50, 50)) == (255, 255, 255)


def test_what_is_no_picture_is_not_measured(tmp_path):
    (tmp_path / "a.png").write_bytes(b"no")
    with pytest.raises(UnreadableError):
        examine(tmp_path / "a.png")
