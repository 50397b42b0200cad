"""Colour matching: one transform of colours, found once for a picture or a whole clip, so that nothing flickers.

As in E. Reinhard et al., "Color Transfer between Images" (2001), means are moved onto means in a space where colours are apart as eyes see
them, here CIE L*a*b*; but each colour p_k of the palette moves only what is like it, blended with Gaussian weights as in H. Chang et al.,
"Palette-based Photo Recoloring" (2015):

    g_k(x) = exp(-|x - p_k|² / 2s²)                how much a colour x is like p_k; s is SPREAD
    w_k(x) = g_k(x) / (e⁻² + Σ_j g_j(x))           its share of x: what is 2s away from one p and farther from all others moves half as much
    m_k    = Σ w_k(x) x / Σ w_k(x)                 the mean of what is like it, over all frames
    f(x)   = x + strength · Σ_k w_k(x) (p_k - m_k)

So drifts of up to about 2s are brought back, and what is farther off stays: a match, not a repaint. Differences in L* count and move half,
because light and shadow belong to the scene. A colour of which there is less than a thousandth is left alone. f is a function of the colour
alone; it is tabulated in sRGB and interpolated.
"""

from collections.abc import Mapping

import numpy as np
from PIL import Image, ImageFilter

from koma.pixels.colour import RGB, Samples, from_lab, to_lab
from koma.pixels.picture import Pixels

SPREAD = 6.0  # ΔE; wider, and skin pulls a pale wall along
_FAR = float(np.exp(-2.0))
_LIGHT = np.array([0.5, 1.0, 1.0])  # of L*, in distances and in shifts
_LEAST = 0.001  # share of all pixels
_SAMPLES = 65_536  # pixels a frame that are looked at
_BITS = 5  # a channel, of the histogram
_GRID = 33  # entries of the table in each direction

Table = ImageFilter.Color3DLUT


class Histogram:
    """How often colours stand in frames: bins of similar ones, each with the sum of what fell into it."""

    def __init__(self) -> None:
        self._counts = np.zeros(1 << 3 * _BITS)
        self._sums = np.zeros((1 << 3 * _BITS, 3))

    def add(self, pixels: Pixels) -> None:
        """Take in one frame, RGB or RGBA."""
        height, width, _ = pixels.shape
        step = max(1, round((height * width / _SAMPLES) ** 0.5))
        seen = pixels[::step, ::step, :3].reshape(-1, 3)
        red, green, blue = (seen >> (8 - _BITS)).astype(np.int64).T
        bins = (red << 2 * _BITS) | (green << _BITS) | blue
        self._counts += np.bincount(bins, minlength=len(self._counts))
        for channel in range(3):
            self._sums[:, channel] += np.bincount(bins, seen[:, channel], minlength=len(self._counts))

    def colours(self) -> tuple[Samples, Samples]:
        """Return the mean colour of each bin that is not empty, L*a*b*, and its share of all pixels."""
        filled = self._counts > 0
        return to_lab(self._sums[filled] / self._counts[filled, None]), self._counts[filled] / self._counts.sum()


def shifts(palette: Samples, colours: Samples, amounts: Samples) -> Samples:
    """Return the way in L*a*b* from the mean of what is like each colour of a palette to it; `amounts` of `colours` are seen."""
    weights = _shares(colours, palette) * amounts[:, None]
    there = weights.sum(axis=0)
    means = (weights.T @ colours) / np.maximum(there, 1e-12)[:, None]
    moved: Samples = np.where(there[:, None] > _LEAST, (palette - means) * _LIGHT, 0.0)
    return moved


def table_of(seen: Histogram, palette: Mapping[str, RGB], strength: float) -> Table | None:
    """Tabulate the transform for the frames that were seen; None where nothing moves."""
    wanted = to_lab([palette[slot] for slot in sorted(palette)])
    ways = strength * shifts(wanted, *seen.colours())
    if not ways.any():
        return None
    axis = np.linspace(0.0, 255.0, _GRID)
    blue, green, red = np.meshgrid(axis, axis, axis, indexing="ij")  # Pillow counts red fastest
    lab = to_lab(np.stack([red, green, blue], axis=-1).reshape(-1, 3))
    return Table(_GRID, (from_lab(lab + _shares(lab, wanted) @ ways) / 255.0).ravel().tolist())


def matched(pixels: Pixels, table: Table | None) -> Pixels:
    """Apply the transform to one frame, RGB or RGBA; alpha stays."""
    if table is None:
        return pixels
    colours = np.asarray(Image.fromarray(np.ascontiguousarray(pixels[:, :, :3])).filter(table))
    return np.ascontiguousarray(np.dstack([colours, pixels[:, :, 3:]]))


def _shares(lab: Samples, palette: Samples) -> Samples:
    """Return w_k(x): one row a sample, one column a colour of the palette; rows sum to less than 1."""
    away = [(((lab - colour) * _LIGHT) ** 2).sum(axis=-1) for colour in palette]
    likeness = np.exp(-np.stack(away, axis=-1) / (2 * SPREAD**2))
    shares: Samples = likeness / (_FAR + likeness.sum(axis=-1, keepdims=True))
    return shares
