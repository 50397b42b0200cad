"""The process that draws: one JSON order a line on stdin, one JSON answer a line on stdout, and the end when stdin closes.

An order is `{"job", "panel", "references", "folder", "first", "count"}`: draw these frames of a panel into a folder. The answer is
`{"files"}` or `{"failure": {"kind", "message", "excerpt"}}`. A parent that dies closes stdin: this process then removes the folder that
it was started with, and ends.
"""

import json
import shutil
import signal
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

from PIL import Image

from koma.backends.animatic.panel import PanelError, read_panel
from koma.backends.animatic.stage import Stage
from koma.core.request import Failure, FailureClass

QUICK = 1  # PNG compression: files are packed again later
MOST_PIXELS = 64_000_000
_EXCERPT = 4000  # characters


class UnreadableError(Exception):
    """A reference picture that cannot be used; `str()` names it and says why."""


class Worker:
    """Draws orders; keeps the stage of the newest job."""

    def __init__(self) -> None:
        self._job = ""
        self._stage: Stage | None = None

    def answer(self, order: Mapping[str, Any]) -> dict[str, Any]:
        """Carry out one order. Never raises."""
        try:
            return {"files": self._draw(order)}
        except PanelError as error:
            return _failure(FailureClass.VALIDATION, str(error))
        except UnreadableError as error:
            return _failure(FailureClass.INPUT, str(error))
        except MemoryError:
            return _failure(FailureClass.OUT_OF_MEMORY, "not enough memory to draw a panel of this size")
        except Exception as error:  # noqa: BLE001 - the answer carries it, and the next order is drawn
            return _failure(FailureClass.INTERNAL, f"{type(error).__name__}: {error}", traceback.format_exc()[-_EXCERPT:])

    def _draw(self, order: Mapping[str, Any]) -> list[str]:
        if self._stage is None or self._job != order["job"]:
            references = {name: _open(name, Path(file)) for name, file in order["references"].items()}
            self._stage, self._job = Stage(read_panel(order["panel"]), references), order["job"]
        files = []
        for index in range(order["first"], order["first"] + order["count"]):
            file = Path(order["folder"]) / f"{index:06d}.png"
            self._stage.draw(index).save(file, "PNG", compress_level=QUICK)
            files.append(file.name)
        return files


def _open(name: str, file: Path) -> Image.Image:
    try:
        with Image.open(file) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                raise UnreadableError(f"reference {name!r} has {picture.width}x{picture.height} pixels, the most is {MOST_PIXELS}")
            return picture.convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise UnreadableError(f"reference {name!r} ({file}) cannot be read as a picture: {error}") from error


def _failure(kind: FailureClass, message: str, excerpt: str = "") -> dict[str, Any]:
    return {"failure": {"kind": kind.value, "message": message, "excerpt": excerpt}}


def read_failure(values: Mapping[str, Any]) -> Failure:
    """Read the failure of an answer."""
    return Failure(FailureClass(values["kind"]), values["message"], values["excerpt"])


def serve(orders: TextIO, answers: TextIO) -> None:
    """Answer orders until there are no more."""
    worker = Worker()
    for line in orders:
        answers.write(json.dumps(worker.answer(json.loads(line))) + "\n")
        answers.flush()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole terminal group: the parent decides when to end
    try:
        serve(sys.stdin, sys.stdout)
    finally:
        shutil.rmtree(sys.argv[1], ignore_errors=True)
