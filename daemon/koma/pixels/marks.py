"""What a picture looks like in a few numbers: its dominant colours, and marks of how it is drawn. The same pixels always give the same."""

import base64
import io
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from koma.core.identity import SAME, Lab, Marks, Shade
from koma.pixels.colour import parse, to_lab
from koma.pixels.picture import Pixels, read_picture

LONGEST = 256  # px to which a picture is made smaller before it is measured
THUMBNAIL = 224  # px
_COLOURS = 6
_ROUNDS = 12
_SMALLEST_SHARE = 0.01
_SMALLEST_REGION = 0.002
_EDGE = 0.25
_OPAQUE = 128

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]


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
    Image.fromarray(_on_white(small)).save(buffer, "JPEG", quality=82)
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


def _on_white(pixels: Pixels) -> Pixels:
    if pixels.shape[2] == 3:  # noqa: PLR2004  R, G, B
        return pixels
    alpha = pixels[:, :, 3:].astype(np.float64) / 255
    return np.round(pixels[:, :, :3] * alpha + 255 * (1 - alpha)).astype(np.uint8)


def dominant(samples: Floats) -> tuple[Floats, Labels]:
    """Cluster L*a*b* samples (n, 3): centres (k, 3) with k at most 6, and for each sample the number of its centre.

    Lloyd's k-means. It begins with the mean of the most crowded cell of a grid of 8 units, then adds each time the cell that lies
    farthest from all centres for its weight, as long as one is left that nobody takes for the same colour as a centre (SAME); so noise
    makes no colours of its own, wherever the cells meet, and nothing in it is random.
    """
    cells, index, counts = np.unique(np.floor(samples / 8).astype(np.int64), axis=0, return_inverse=True, return_counts=True)
    index = index.reshape(-1)
    means = np.stack([np.bincount(index, samples[:, axis], len(cells)) for axis in range(3)], axis=1) / counts[:, None]
    centres = _seeds(means, counts.astype(np.float64))
    for _ in range(_ROUNDS):
        owner = _nearest(means, centres)
        weight = np.bincount(owner, counts, len(centres))
        sums = np.stack([np.bincount(owner, means[:, axis] * counts, len(centres)) for axis in range(3)], axis=1)
        centres = (sums / np.maximum(weight, 1)[:, None])[weight > 0]
    return centres, _nearest(means, centres)[index]


def _seeds(means: Floats, counts: Floats) -> Floats:
    chosen = [int(counts.argmax())]
    while len(chosen) < _COLOURS:
        apart = np.min([((means - means[number]) ** 2).sum(axis=1) for number in chosen], axis=0)
        weight = np.where(apart >= SAME**2, apart * counts, 0.0)
        if not weight.any():
            break
        chosen.append(int(weight.argmax()))
    return means[chosen]


def _nearest(samples: Floats, centres: Floats) -> Labels:
    return np.asarray(((samples[:, None, :] - centres[None, :, :]) ** 2).sum(axis=2).argmin(axis=1), np.int64)


def _shades(rgb: npt.NDArray[np.uint8], labels: Labels, count: int) -> tuple[Shade, ...]:
    """Mean colour and share of each cluster, the largest first; those of less than 1 % are left out."""
    found = []
    for number in range(count):
        members = rgb[labels == number]
        if len(members) >= _SMALLEST_SHARE * len(rgb):
            mean = np.round(members.mean(axis=0)).astype(int)
            colour = "#" + "".join(f"{value:02x}" for value in mean)
            found.append(Shade(colour, lab_of(colour), round(len(members) / len(rgb), 4)))
    return tuple(sorted(found, key=lambda shade: (-shade.share, shade.colour)))


def _saturation(rgb: npt.NDArray[np.uint8]) -> Floats:
    high, low = rgb.max(axis=-1).astype(np.float64), rgb.min(axis=-1)
    return np.asarray((high - low) / np.maximum(high, 1))


def _slope(lightness: Floats) -> Floats:
    """Length of the gradient by the Sobel operator, in lightness per pixel; 1.0 is from black to white."""
    wide = np.pad(lightness, 1, mode="edge")
    down = wide[:-2] + 2 * wide[1:-1] + wide[2:]
    right = wide[:, :-2] + 2 * wide[:, 1:-1] + wide[:, 2:]
    return np.hypot(down[:, 2:] - down[:, :-2], right[2:] - right[:-2]) / 4


def _regions(labels: Labels, opaque: npt.NDArray[np.bool_]) -> int:
    """Count areas of one label that are connected side by side and not too small."""
    grid = np.full(opaque.shape, -1, np.int64)
    grid[opaque] = labels
    areas = _areas(grid)
    inside = areas[opaque]
    return int((np.bincount(inside) >= max(1.0, _SMALLEST_REGION * len(inside))).sum())


def _areas(grid: Labels) -> Labels:
    """Give each connected area of equal labels a number: the smallest one wins along rows and columns until nothing changes."""
    areas = np.arange(grid.size, dtype=np.int64).reshape(grid.shape)
    row_starts, column_starts = _starts(grid), _starts(grid.T)
    while True:
        before = areas
        areas = _least_of_runs(areas, row_starts)
        areas = _least_of_runs(areas.T, column_starts).T
        if np.array_equal(before, areas):
            return areas


def _starts(grid: Labels) -> Labels:
    """Flat positions where a run of equal labels begins, row by row."""
    new = np.ones(grid.shape, bool)
    new[:, 1:] = grid[:, 1:] != grid[:, :-1]
    return np.flatnonzero(new)


def _least_of_runs(areas: Labels, starts: Labels) -> Labels:
    flat = np.ascontiguousarray(areas).reshape(-1)
    lengths = np.diff(starts, append=flat.size)
    return np.repeat(np.minimum.reduceat(flat, starts), lengths).reshape(areas.shape)
