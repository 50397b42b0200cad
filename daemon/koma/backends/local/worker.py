"""The loop of a worker process: one JSON order a line on stdin, one JSON answer a line on stdout, and the end when stdin closes.

An order is `{"job", "document", "inputs": {name: path}, "folder"}`. A job is done step by step, each asked for by repeating its order, so
that a cancel waits for no more than one; another job puts an end to the one before. The answer is `{"files", "fraction"}` (what this step
wrote into the folder, and how far the job is, 0..1), `{"done": true}` where there is nothing left to do, or
`{"failure": {"kind", "message", "excerpt"}}`. A parent that dies closes stdin: the process then removes the folder that it was started
with, and ends.
"""

import json
import shutil
import signal
import sys
import traceback
from collections.abc import Callable, Generator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TextIO

from koma.backends.local.fields import DocumentError
from koma.core.request import Failure, FailureClass

_EXCERPT = 4000  # characters


class Step(NamedTuple):
    """What one step of a job wrote (file names), and how far the job is then, 0..1."""

    files: list[str]
    fraction: float


class RefusedError(Exception):
    """A job that cannot be done, for a reason that is known; `str()` is for people."""

    def __init__(self, kind: FailureClass, message: str) -> None:
        super().__init__(message)
        self.kind = kind


Steps = Generator[Step, None, None]
Begin = Callable[[Mapping[str, Any], Mapping[str, Path], Path], Steps]


class Worker:
    """Carries out orders; `begin` makes the steps of a job out of its document, inputs (name → file) and folder."""

    def __init__(self, begin: Begin) -> None:
        self._begin = begin
        self._job = ""
        self._steps: Steps | None = None

    def answer(self, order: Mapping[str, Any]) -> dict[str, Any]:
        """Carry out one order. Never raises."""
        try:
            step = next(self._steps_of(order), None)
            return {"done": True} if step is None else step._asdict()
        except DocumentError as error:
            return _failure(FailureClass.VALIDATION, str(error))
        except RefusedError as error:
            return _failure(error.kind, str(error))
        except MemoryError:
            return _failure(FailureClass.OUT_OF_MEMORY, "not enough memory for pictures of this size")
        except Exception as error:  # noqa: BLE001 - the answer carries it, and the next order is carried out
            return _failure(FailureClass.INTERNAL, f"{type(error).__name__}: {error}", traceback.format_exc()[-_EXCERPT:])

    def _steps_of(self, order: Mapping[str, Any]) -> Steps:
        if self._steps is None or self._job != order["job"]:
            if self._steps is not None:
                self._steps.close()
            files = {name: Path(file) for name, file in order["inputs"].items()}
            self._steps, self._job = self._begin(order["document"], files, Path(order["folder"])), order["job"]
        return self._steps


def _failure(kind: FailureClass, message: str, excerpt: str = "") -> dict[str, Any]:
    return {"failure": {"kind": kind.value, "message": message, "excerpt": excerpt}}


def read_failure(values: Mapping[str, Any]) -> Failure:
    """Read the failure of an answer."""
    return Failure(FailureClass(values["kind"]), values["message"], values["excerpt"])


def serve(begin: Begin, orders: TextIO, answers: TextIO) -> None:
    """Answer orders until there are no more."""
    worker = Worker(begin)
    for line in orders:
        answers.write(json.dumps(worker.answer(json.loads(line))) + "\n")
        answers.flush()


def main(begin: Begin) -> None:
    """Be the worker process: its one argument is the folder that goes when its parent does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole terminal group: the parent decides when to end
    try:
        serve(begin, sys.stdin, sys.stdout)
    finally:
        shutil.rmtree(sys.argv[1], ignore_errors=True)
