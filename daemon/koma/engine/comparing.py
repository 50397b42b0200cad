"""Two lossless pictures or clips, sample by sample."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import numpy as np

from koma.pixels.clip import open_clip
from koma.pixels.picture import Pixels, read_picture


@dataclass(frozen=True, slots=True)
class Difference:
    """How two sequences of frames differ. `largest` and `mean` are of samples, 0 to 255, over the frames that both have in one size.

    `first` counts frames from 0; `frames` are how many each has, `sizes` their width and height in px.
    """

    largest: int
    mean: float
    first: int
    frames: tuple[int, int]
    sizes: tuple[tuple[int, int], tuple[int, int]]


def compare(then: Path, now: Path, *, clip: bool) -> Difference | None:
    """Difference between two files; None where every sample of every frame is equal. Raises UnreadableError, a ValueError."""
    with ExitStack() as stack:
        pairs = zip_longest(_frames(then, stack, clip=clip), _frames(now, stack, clip=clip))
        tally = _Tally()
        for old, new in pairs:
            tally.add(old, new)
    return tally.difference()


def _frames(file: Path, stack: ExitStack, *, clip: bool) -> Iterator[Pixels]:
    return stack.enter_context(open_clip(file)).frames if clip else iter([read_picture(file)])


class _Tally:
    """Sums over pairs of frames, so that no clip has to be in memory."""

    def __init__(self) -> None:
        self._largest = self._total = self._samples = 0
        self._first = -1
        self._counts = [0, 0]
        self._sizes: list[tuple[int, int]] = [(0, 0), (0, 0)]

    def add(self, old: Pixels | None, new: Pixels | None) -> None:
        number = max(self._counts)
        for side, frame in enumerate((old, new)):
            if frame is not None:
                self._counts[side] += 1
                self._sizes[side] = (frame.shape[1], frame.shape[0])
        if old is None or new is None or old.shape != new.shape:
            self._differs_from(number)
            return
        apart = np.abs(old.astype(np.int16) - new)
        self._largest = max(self._largest, int(apart.max()))
        self._total += int(apart.sum(dtype=np.int64))
        self._samples += apart.size
        if apart.any():
            self._differs_from(number)

    def _differs_from(self, number: int) -> None:
        self._first = number if self._first < 0 else self._first

    def difference(self) -> Difference | None:
        if self._first < 0:
            return None
        mean = self._total / self._samples if self._samples else 0.0
        return Difference(self._largest, mean, self._first, (self._counts[0], self._counts[1]), (self._sizes[0], self._sizes[1]))
