"""What runs in the confined process: files that anybody may have made are decoded whole in it.

Orders: `["look", file]`, answered by content digest, width and height; `["prove", file]`, answered by the number of frames so far, after
each of them. A file that can't be used is answered by `{"refused": why}`, one that can't be read by `{"unread": [number, why]}`.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from koma.confined.worker import limit_memory, main
from koma.pixels.digest import look
from koma.pixels.header import UnreadableError
from koma.pixels.proof import proof
from koma.pixels.whole import PICTURES, container_of

_STDERR = 2
_LINE = 300  # bytes of a decoder's words


def run() -> None:
    """Be the process."""
    main(_answers)


def _answers(order: Any) -> Iterator[Any]:
    verb, name = order
    try:
        yield from _prove(Path(name)) if verb == "prove" else [look(Path(name))]
    except UnreadableError as error:
        yield {"refused": error.why}
    except OSError as error:
        yield {"unread": [error.errno or 0, error.strerror or str(error)]}


def _prove(file: Path) -> Iterator[int]:
    if container_of(file) in PICTURES:
        yield from proof(file)
        return
    import av.logging  # noqa: PLC0415  most of the time there are pictures only, and this takes a while

    limit_memory()
    av.logging.set_libav_level(av.logging.ERROR)
    av.logging.restore_default_callback()  # to stderr, which is read below: a decoder conceals what it complains about, such as checksums
    for frames in proof(file):
        if said := _said():
            raise UnreadableError(file, f"frame {frames - 1} is damaged: {said}")
        yield frames
    if said := _said():
        raise UnreadableError(file, f"it is damaged: {said}")


def _said() -> str:
    """First line that was written to stderr about this file, without the name and address of who wrote it; "" for none."""
    line = os.pread(_STDERR, _LINE, 0).decode(errors="replace").partition("\n")[0]
    return line.rpartition("] ")[2]
