"""Decoding beside measuring: the next frames are taken in a thread while meters look at the one before."""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")
MOST = 2  # frames that wait; with more nobody would be faster


@contextmanager
def ahead(values: Iterator[T], most: int = MOST) -> Iterator[Iterator[T]]:
    """Give the same values in the same order, at most `most` of them made before they are asked for.

    An error comes where its value would have come. When the block is left, also before the end, nothing is made any more.
    """
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="koma-ahead") as thread:
        yield _taken(values, most, thread)


def _taken(values: Iterator[T], most: int, thread: ThreadPoolExecutor) -> Iterator[T]:
    over = object()
    coming = deque(thread.submit(next, values, over) for _ in range(most))
    while (value := coming.popleft().result()) is not over:
        coming.append(thread.submit(next, values, over))
        yield value  # type: ignore[misc]  # anything but `over` is one of the values
