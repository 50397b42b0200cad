"""What a picture looks like in a few numbers: its dominant colours, and marks of how it is drawn. The same pixels always give the same."""

import base64
import io
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from koma.core.identity import SAME, Lab, Marks, Shade
from koma.pixels.colour import Samples, parse, to_lab
from koma.pixels.palette import Labels, clusters, crowds, means_of, nearest
from koma.pixels.picture import Pixels, over_white, read_picture

LONGEST = 256  # px to which a picture is made smaller before it is measured
THUMBNAIL = 224  # px
_COLOURS = 6
_ROUNDS = 12
_SMALLEST_SHARE = 0.01
_SMALLEST_REGION = 0.002
_EDGE = 0.25
_OPAQUE = 128


def lab_of(colour: str) -> Lab:
    """L*a*b* of `#rrggbb`, to two digits. Raises ValueError for anything else."""
    return _rounded(to_lab(parse(colour)))


def _rounded(lab: Any) -> Lab:
    lightness, a, b = (round(float(value), 2) + 0.0 for value in lab)
    return lightness, a, b


def examine(file: Path) -> tuple[Marks, str]:
    """Measure a picture, and draw a small one of it as a `data:` address. Raises UnreadableError, OSError."""
    pixels = read_picture(file)
    return marks_of(pixels), thumbnail(pixels)


def thumbnail(pixels: Pixels) -> str:
    """Address of a small copy that holds the picture itself, transparent parts on white."""
    small = _small(pixels, THUMBNAIL)
    buffer = io.BytesIO()
    Image.fromarray(over_white(small)).save(buffer, "JPEG", quality=82)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def marks_of(pixels: Pixels) -> Marks:
    """Measure a picture; see koma.core.identity.DEFINITIONS. A picture without an opaque pixel has no colours and zeros."""
    small = _small(pixels, LONGEST)
    opaque = small[:, :, 3] >= _OPAQUE if small.shape[2] == 4 else np.ones(small.shape[:2], bool)  # noqa: PLR2004  R, G, B, A
    if not opaque.any():
        return Marks((), 0.0, 0.0, 0.0, 0.0)
    rgb = small[:, :, :3]
    lab = to_lab(rgb)
    centres, labels = dominant(lab[opaque])
    return Marks(
        _shades(rgb[opaque], labels, len(centres)),
        round(float((_slope(lab[:, :, 0] / 100) > _EDGE)[opaque].mean()), 4),
        round(float(_saturation(rgb[opaque]).mean()), 4),
        round(float(lab[:, :, 0][opaque].std() / 100), 4),
        float(_regions(labels, opaque)),
    )


def _small(pixels: Pixels, longest: int) -> Pixels:
    height, width = pixels.shape[:2]
    scale = min(1.0, longest / max(height, width))
    if scale == 1.0:
        return pixels
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BOX))


def dominant(samples: Samples) -> tuple[Samples, Labels]:
    """Cluster L*a*b* samples (n, 3): centres (k, 3) with k at most 6, and for each sample the number of its centre.

    They are counted in cells of a grid of 8 units first, and only what nobody takes for the same colour (SAME) begins a cluster of its
    own: so noise makes no colours, wherever the cells meet.
    """
    cell, count = crowds(samples)
    means, weight = means_of(samples, None, cell, count)
    centres = clusters(means, weight, _COLOURS, SAME, _ROUNDS)
    return centres, nearest(means, centres)[cell]


def _shades(rgb: npt.NDArray[np.uint8], labels: Labels, count: int) -> tuple[Shade, ...]:
    """Mean colour and share of each cluster, the largest first; those of less than 1 % are left out."""
    found = []
    for mean, members in zip(*means_of(rgb, None, labels, count), strict=True):
        if members >= _SMALLEST_SHARE * len(rgb):
            colour = "#" + "".join(f"{round(value):02x}" for value in mean.tolist())
            found.append(Shade(colour, lab_of(colour), round(float(members) / len(rgb), 4)))
    return tuple(sorted(found, key=lambda shade: (-shade.share, shade.colour)))


def _saturation(rgb: npt.NDArray[np.uint8]) -> Samples:
    red, green, blue = rgb[..., 0], rgb[..., 1], rgb[..., 2]
    high = np.maximum(np.maximum(red, green), blue).astype(np.float64)
    low = np.minimum(np.minimum(red, green), blue)
    return np.asarray((high - low) / np.maximum(high, 1))


def _slope(lightness: Samples) -> Samples:
    """Length of the gradient by the Sobel operator, in lightness per pixel; 1.0 is from black to white."""
    wide = np.pad(lightness, 1, mode="edge")
    down = wide[:-2] + 2 * wide[1:-1] + wide[2:]
    right = wide[:, :-2] + 2 * wide[:, 1:-1] + wide[:, 2:]
    return np.hypot(down[:, 2:] - down[:, :-2], right[2:] - right[:-2]) / 4


def _regions(labels: Labels, opaque: npt.NDArray[np.bool_]) -> int:
    """Count areas of one label that are connected side by side and not too small."""
    grid = np.full(opaque.shape, -1, np.int64)
    grid[opaque] = labels
    smallest = max(1.0, _SMALLEST_REGION * len(labels))
    return sum(_areas(grid == label, smallest) for label in range(int(labels.max()) + 1))


def _areas(mask: npt.NDArray[np.bool_], smallest: float) -> int:
    _, _, facts, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=4)
    return int((facts[1:, cv2.CC_STAT_AREA] >= smallest).sum())  # row 0 is what is not in the mask
