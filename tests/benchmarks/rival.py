"""The rival of the plan benchmark: ninja with as many targets, each with one input of its own, and one template that all share."""

import os
import time
from pathlib import Path

RULE = "rule draw\n  command = cp $in $out\n"
INPUT_BYTES = 700
TEMPLATE_BYTES = 17_000


def generate(folder: Path, targets: int) -> None:
    """Write inputs, outputs that are newer, and the build file. Raises FileExistsError if the folder is there."""
    for name in ("in", "out"):
        (folder / name).mkdir(parents=True)
    then = time.time_ns() - 60 * 10**9
    for number in range(targets):
        _write(folder / f"in/{number}", b"x" * INPUT_BYTES, then)
        _write(folder / f"out/{number}", b"x" * INPUT_BYTES, then + 10**9)
    _write(folder / "template", b"x" * TEMPLATE_BYTES, then)
    lines = [f"build out/{number}: draw in/{number} | template\n" for number in range(targets)]
    (folder / "build.ninja").write_text(RULE + "".join(lines), encoding="utf-8")


def _write(file: Path, data: bytes, written: int) -> None:
    file.write_bytes(data)
    os.utime(file, ns=(written, written))


def touch(file: Path) -> None:
    """Change a file, so that what is made from it is out of date."""
    file.write_bytes(file.read_bytes() + b"\n")
