"""CPU time and memory of new processes, and words for figures."""

import os
import statistics
import subprocess
import sys
from collections.abc import Sequence
from typing import NamedTuple

# What Python compiles is kept, as on anybody's machine (some set-ups switch that off), and no setting of Koma comes from outside.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE" and not name.startswith("KOMA_")}


class Run(NamedTuple):
    """One process: CPU seconds (user and system, its children included), largest resident memory in MB, exit code, standard output."""

    cpu: float
    rss: float
    code: int
    out: bytes


def run(command: Sequence[str], cwd: str | None = None, *, errors: bool = False) -> Run:
    """Run a command to its end; with `errors` its standard error counts as output.

    Its memory is never less than that of this process, because the system counts from the fork: keep this one small.
    """
    to = subprocess.STDOUT if errors else None
    with subprocess.Popen(command, cwd=cwd, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=to, stdin=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        out = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    return Run(usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 / 1e6, process.returncode, out)


def median(values: Sequence[float]) -> float:
    """Give the middle value."""
    return statistics.median(values)


def p95(values: Sequence[float]) -> float:
    """Give the 95th percentile, nearest rank."""
    return sorted(values)[max(0, -(-len(values) * 95 // 100) - 1)]


def say(line: str = "") -> None:
    """Print a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows under a head, the first column to the left, the others to the right."""
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]
    for row in (head, ["-" * width for width in widths], *rows):
        say("  ".join(cell.ljust(width) if i == 0 else cell.rjust(width) for i, (cell, width) in enumerate(zip(row, widths, strict=True))))
