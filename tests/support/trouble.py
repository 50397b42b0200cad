"""Work for a confined process that ends in all the ways there are."""

import ctypes
import os
import signal
import sys
from collections.abc import Iterator
from typing import Any

from koma.confined.worker import TooSlowError, main


def run() -> None:
    """Be the process."""
    main(_answers)


def _answers(order: Any) -> Iterator[Any]:  # noqa: C901, PLR0912  one case for each kind of trouble
    match order:
        case ["echo", value]:
            yield value
        case ["count", end]:
            yield from range(end)
        case ["loop"]:
            try:
                while True:
                    pass
            except TooSlowError as error:
                yield str(error)
        case ["sum"]:  # in C, where no exception comes in between
            yield sum(range(10**12))
        case ["memory"]:
            try:
                yield len(bytearray(10**12))
            except MemoryError:
                yield "too much"
        case ["crash"]:
            ctypes.string_at(0)
        case ["abort"]:
            os.abort()
        case ["exit"]:
            sys.exit("the last words")
        case ["killed"]:
            os.kill(os.getpid(), signal.SIGKILL)
        case ["silence"]:
            signal.pause()
        case ["long"]:
            yield "x" * (20 << 20)
        case ["words"]:
            yield os.write(2, b"word " * (1 << 20))
        case ["environment"]:
            yield dict(os.environ)
