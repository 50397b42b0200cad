"""How much of which colour a picture holds, the few colours that stand for it, and how far two such sets are apart."""

from typing import Any, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from koma.pixels.colour import Samples, ciede2000, to_lab

Labels = npt.NDArray[np.int64]

_BITS = 5  # of each channel; samples that share them are counted together, and their mean stands for them
_CELL = 8  # units of L*a*b*; the grid in which crowded places are looked for
_OFFSET, _BASE = 64, 128  # cells of a* and b* are counted from -64


class Colours(NamedTuple):
    """Colours in L*a*b*, shape (n, 3), and the share of each, shape (n,); shares sum up to 1."""

    lab: Samples
    share: Samples


def colours_of(rgb: npt.NDArray[np.uint8]) -> Colours:
    """Count the colours of sRGB samples in the last axis, of at least one pixel; up to 32 768 colours come out, each an exact mean."""
    pixels = rgb.reshape(-1, 3)
    high = (pixels >> (8 - _BITS)).astype(np.int32)
    cell = (high[:, 0] << (2 * _BITS)) | (high[:, 1] << _BITS) | high[:, 2]
    counts = np.bincount(cell)
    used = np.flatnonzero(counts > 0)  # a third of the time that whole numbers take
    sums = np.stack([np.bincount(cell, pixels[:, channel])[used] for channel in range(3)], axis=1)
    return Colours(to_lab(sums / counts[used, None]), counts[used] / len(pixels))


def crowds(lab: Samples) -> tuple[Labels, int]:
    """Return the number of the cell of 8 x 8 x 8 units that each sample lies in, and how many there are."""
    cells = np.floor(lab / _CELL).astype(np.int64)
    number = (cells[:, 0] * _BASE + cells[:, 1] + _OFFSET) * _BASE + cells[:, 2] + _OFFSET
    counts = np.bincount(number)
    used = np.flatnonzero(counts > 0)
    counts[used] = np.arange(len(used))
    return np.asarray(counts[number], np.int64), len(used)


def means_of(samples: npt.NDArray[Any], weight: Samples | None, labels: Labels, count: int) -> tuple[Samples, Samples]:
    """Weighted mean of the samples with each label, and their weight. A label that nothing has is a row of zeros with weight 0."""
    total = np.bincount(labels, weight, count).astype(np.float64)
    parts = [samples[:, axis] if weight is None else samples[:, axis] * weight for axis in range(3)]
    sums = np.stack([np.bincount(labels, part, count) for part in parts], axis=1)
    return sums / np.where(total > 0, total, 1.0)[:, None], total


def clusters(means: Samples, weight: Samples, most: int, same: float, rounds: int) -> Samples:
    """Centres (k, 3) of weighted L*a*b* samples, k at most `most`.

    Lloyd's k-means. It begins with the heaviest sample, then adds each time the one that lies farthest from all centres for its weight,
    as long as one is left that is at least `same` (CIE 1976) away from every centre. Nothing in it is random.
    """
    centres = _seeds(means, weight, most, same)
    for _ in range(rounds):
        moved, held = means_of(means, weight, nearest(means, centres), len(centres))
        centres, before = moved[held > 0], centres
        if np.array_equal(centres, before):
            break
    return centres


def _seeds(means: Samples, weight: Samples, most: int, same: float) -> Samples:
    chosen = [int(weight.argmax())]
    apart = np.full(len(means), np.inf)
    while len(chosen) < most:
        apart = np.minimum(apart, ((means - means[chosen[-1]]) ** 2).sum(axis=1))
        pull = np.where(apart >= same**2, apart * weight, 0.0)
        if not pull.any():
            break
        chosen.append(int(pull.argmax()))
    return means[chosen]


def nearest(samples: Samples, centres: Samples) -> Labels:
    """For each sample the number of the centre that is nearest in L*a*b*."""
    return np.asarray(((samples[:, None, :] - centres[None, :, :]) ** 2).sum(axis=2).argmin(axis=1), np.int64)


def moved(first: Colours, second: Colours, most: int = 12, same: float = 10.0) -> float:
    """Earth mover's distance of two sets of colours, in CIEDE2000: 0 for equal sets, symmetric.

    At most `most` groups are found in both together, so that equal sets fall apart in the same way; of each set, the mean colour and the
    share of each group go into the exact solution of the transport problem (Rubner, Tomasi and Guibas, The earth mover's distance as a
    metric for image retrieval, 2000).
    """
    lab, share = np.concatenate([first.lab, second.lab]), np.concatenate([first.share, second.share])
    cell, count = crowds(lab)
    means, weight = means_of(lab, share, cell, count)
    centres = clusters(means, weight, most, same, rounds=8)
    group = nearest(means, centres)[cell]
    split = len(first.lab)
    return _transport(_grouped(first, group[:split], len(centres)), _grouped(second, group[split:], len(centres)))


def _grouped(colours: Colours, group: Labels, count: int) -> Colours:
    means, share = means_of(colours.lab, colours.share, group, count)
    return Colours(means[share > 0], share[share > 0])


def _transport(first: Colours, second: Colours) -> float:
    cost = ciede2000(first.lab[:, None], second.lab[None, :]).astype(np.float32)
    shares = [colours.share.astype(np.float32)[:, None] for colours in (first, second)]
    return max(0.0, float(cv2.EMD(shares[0], shares[1], cv2.DIST_USER, cost=cost)[0]))
