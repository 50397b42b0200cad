"""Koma is killed at system calls that touch what it keeps, one run for each, and started again: then all is as if nothing had happened.

The runs are those of `support.crash_flow`; a few more are of the whole command, with its threads and child processes. And since a kill
loses nothing that was not flushed, the order of flushes is read from the trace.
"""

import os
import re
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # for `support` and `faults`

from faults.table import Row, main  # needs the path above
from support.crash_checks import faults
from support.crash_order import Found, order_of
from support.crashing import KILL, Bench, Life, all_of, spread
from support.tracing import KINDS, Fault, read_trace, traced, why_not
from support.workspaces import ANIMATIC_CONFIG, Process, Workspace, story

POINTS, LEAST = 700, 300
WHOLE = 24  # kills of the whole command
DEEP = 8  # every so many-th also loses its cache and its store afterwards
STRUCK = ("fsync", "fdatasync", "rename", "pwrite64", "write", "mkdir", "link")
SEED = 5


def measure(share: float) -> list[Row]:
    """Measure the rows; `share` of the points."""
    if missing := why_not():
        return [Row("kill -9 at each state-touching system call", f">= {LEAST} points, 0 bad", missing, good=False)]
    folder = Path(tempfile.mkdtemp(prefix="koma-kills-", dir=place()))
    try:
        ordered: list[Found] = []
        lives = all_of(folder, partial(_plan, round(POINTS * share), ordered), 2 if share >= 1 else 1)
        whole = round(WHOLE * share)
        return [_killed(lives, share), _ordered(ordered[0]), *([_whole(folder, whole)] if whole else [])]
    finally:
        shutil.rmtree(folder)


def place() -> str | None:
    """Where many small files are quick: memory, if the system has it."""
    memory = "/dev/shm"  # noqa: S108  # a folder of our own is made in it
    return memory if os.access(memory, os.W_OK) else None


def _plan(count: int, ordered: list[Found], bench: Bench) -> Sequence[Callable[[Bench], Life]]:
    total = Found()
    for calls in bench.traces:
        found = order_of(calls, bench.outputs)
        total = Found(total.files + found.files, total.objects + found.objects, total.rows + found.rows, total.bad + found.bad)
    ordered.append(total)
    points = spread(bench.points, count)
    return [partial(Bench.strike, point=point, what=KILL, deep=number % DEEP == 0) for number, point in enumerate(points)]


def _killed(lives: Sequence[Life], share: float) -> Row:
    fired = [life for life in lives if life.struck is not None]
    bad = [life for life in fired if life.bad]
    kinds = Counter(life.struck.kind for life in fired if life.struck is not None)
    return Row(
        "kill -9 at each state-touching system call",
        f">= {LEAST} points, 0 bad",
        f"{len(fired)} points, {len(bad)} bad",
        not bad and len(fired) >= LEAST * min(1.0, share),
        {kind: kinds[kind] for kind in KINDS if kind in kinds or kind in {"writes", "flushes", "new names"}},
        "\n       ".join(map(str, bad[:5])),
    )


def _ordered(found: Found) -> Row:
    return Row(
        "order of flushes, in the trace of a whole story",
        "0 out of order",
        f"{found.files} files, {found.objects} objects and {found.rows} rows, {len(found.bad)} out of order",
        not found.bad,
        {"files that got their names": found.files, "objects before the store": found.objects, "files before their rows": found.rows},
        "\n       ".join(found.bad[:5]),
    )


def _whole(folder: Path, count: int) -> Row:
    """Kill the command itself, wherever it is in any of its threads and children, and run it again."""
    random, fired, bad = Random(SEED), 0, []
    numbers = _counted(folder / "counted")
    for run in range(count):
        name = STRUCK[run % len(STRUCK)]
        fault = Fault(name, random.randint(1, max(1, numbers[name])), KILL)
        killed, said = _struck(folder / f"whole{run}", fault)
        fired += killed
        bad += [f"{fault.word}: {word}" for word in said]
    return Row(
        "kill -9 of the whole command, threads and children included",
        "0 bad",
        f"{count} runs, {len(bad)} bad",
        not bad,
        {"kills": fired},
        "\n       ".join(bad[:5]),
    )


def _counted(root: Path) -> Counter[str]:
    """How often the busiest thread makes each call."""
    log = _under_strace(story(root, ANIMATIC_CONFIG), None)
    seen: Counter[str] = Counter()
    for lines in _by_thread(log.read_text(errors="replace")).values():
        (root / "one.log").write_text(lines)
        for name, count in Counter(call.name for call in read_trace(root / "one.log")).items():
            seen[name] = max(seen[name], count)
    return seen


def _by_thread(text: str) -> dict[str, str]:
    """Sort the lines of a trace of several threads, which begin with their ids."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        thread, _, rest = line.partition(" ")
        found.setdefault(thread, []).append(rest.strip())
    return {thread: "\n".join(lines) + "\n" for thread, lines in found.items()}


def _struck(root: Path, fault: Fault) -> tuple[bool, list[str]]:
    workspace = story(root, ANIMATIC_CONFIG)
    log = _under_strace(workspace, fault)
    return bool(re.search(r"\+\+\+ killed by SIGKILL", log.read_text(errors="replace"))), [*_afterwards(workspace)]


def _under_strace(workspace: Workspace, fault: Fault | None) -> Path:
    log = workspace.root / "trace.log"
    command = traced([sys.executable, "-m", "koma", "--workspace", str(workspace.root), "run", "--once"], log, fault)
    with Process(command, workspace.root, {}) as process:
        process.ended()
    return log


def _afterwards(workspace: Workspace) -> Iterator[str]:
    with workspace.start("run", "--once") as process:
        if process.ended() != 0:
            yield f"the next start ended badly: {process.said[-600:]}"
            return
    yield from faults(workspace.root)
    done = workspace.koma("run", "--once")
    if not done.out.startswith("nothing to do; 4 as wanted"):
        yield f"another start found something to do: {done.out}"


if __name__ == "__main__":
    sys.exit(main(measure))
