"""Which source frame each frame of a join shows. Pure: it handles whatever stands for a frame."""

from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import TypeVar

Frame = TypeVar("Frame")
_HALF = Fraction(1, 2)


class TooShortError(Exception):
    """The source has fewer frames than are needed: it has `had`, which make `made` of the frames that are asked for."""

    def __init__(self, had: int, made: int) -> None:
        super().__init__(had, made)
        self.had, self.made = had, made


def nearest(index: int, ratio: Fraction) -> int:
    """Source frame that is nearest to output frame `index`; the later one of two that are as near. `ratio` is source rate / output rate."""
    return int(index * ratio + _HALF)


def retimed(source: Iterable[Frame], ratio: Fraction, count: int) -> Iterator[Frame]:
    """Give `count` frames, each the nearest in time; the last source frame is shown for as long as it lasts. What is over is not read.

    Raises TooShortError once the source is over too soon.
    """
    frames = iter(source)
    shown: list[Frame] = []
    had = 0
    for index in range(count):
        while had <= nearest(index, ratio) and (following := next(frames, None)) is not None:
            shown, had = [following], had + 1
        if index * ratio >= had:
            raise TooShortError(had, index)
        yield shown[0]
