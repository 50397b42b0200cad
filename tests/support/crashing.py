"""Runs of the small workspace of `support.crash_flow`, each with one system call that kills it or fails, and what must hold afterwards."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple, Self, TypeVar

from support import crash_flow
from support.crash_checks import Standing, differences, faults, prints, standing
from support.crash_flow import DAY, SERVER, STEPS
from support.ledger import renders
from support.tracing import Call, Fault, Tracer, is_below, read_trace, touching

HERE = Path(__file__).resolve().parent
BEGIN = 1_900_000_000.0  # epoch seconds of the first run
LIMIT = 120.0  # seconds after which a run counts as hung
KILL = "signal=KILL"
T = TypeVar("T")


class Ended(NamedTuple):
    """How a run ended: its exit status (negative for a signal), what it said, its system calls if it was traced, and whether it hung."""

    status: int
    said: str
    calls: Sequence[Call] = ()
    hung: bool = False


class Forge:
    """A process with everything imported, from which runs are forked. Use as a context manager."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._exit = ExitStack()

    def __enter__(self) -> Self:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("KOMA_")}
        quiet = {"PYTHONDONTWRITEBYTECODE": "1", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "0"}
        path = os.pathsep.join([str(HERE.parent), *filter(None, sys.path)])
        process = subprocess.Popen(
            [sys.executable, "-m", "support.crash_flow"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**clean, **quiet, "PYTHONPATH": path},
        )
        self._process = self._exit.enter_context(process)
        self._orders, self._answers = process.stdin, process.stdout
        self._exit.callback(self._orders.close)
        self._answer()
        return self

    def __exit__(self, *_: object) -> None:
        self._exit.close()

    def run(self, root: Path, command: str, moment: float, fault: Fault | None = None, *, trace: bool = False, shown: int = 0) -> Ended:
        """Run one command; traced where there is a fault, or where asked for, with `shown` bytes of what it writes."""
        log, said = self._folder / "trace.log", self._folder / "said.log"
        waits = trace or fault is not None
        self._tell(json.dumps({"root": str(root), "command": command, "moment": moment, "said": str(said), "waits": waits}))
        pid = self._answer()["pid"]
        tracer = Tracer(pid, log, fault, shown) if waits else None
        if tracer is not None:
            self._tell("go")
        watch = threading.Timer(LIMIT, os.kill, (pid, signal.SIGKILL))
        watch.start()
        status = self._answer()["status"]
        hung = watch.finished.is_set()
        watch.cancel()
        if tracer is not None:
            tracer.ended()
        return Ended(status, said.read_text(errors="replace"), read_trace(log) if tracer is not None else (), hung)

    def _tell(self, line: str) -> None:
        self._orders.write(line + "\n")
        self._orders.flush()

    def _answer(self) -> dict[str, Any]:
        line = self._answers.readline()
        if not line:
            raise RuntimeError(f"the process that runs are forked from ended with {self._process.wait()}")
        return json.loads(line)


class Point(NamedTuple):
    """A system call of one step that touches what Koma keeps."""

    step: int
    call: Call

    def __str__(self) -> str:
        """Say where it is, so that it is found again."""
        return f"{STEPS[self.step].name}: {self.call.name} number {self.call.number}, {' '.join(self.call.paths)}"

    @property
    def is_of_database(self) -> bool:
        """Whether SQLite makes it."""
        return any(".db" in path for path in self.call.paths)


class Life(NamedTuple):
    """What came of one run with a fault: how that run ended, which call was struck (None if none was), and what did not hold afterwards."""

    point: Point
    what: str
    ended: Ended
    struck: Call | None
    bad: Sequence[str]

    def __str__(self) -> str:
        """Say what went wrong, for people."""
        return f"{self.what} at {self.point}: " + "; ".join(word[:800] for word in self.bad)


class Bench:
    """The small workspace before each step, and how it stands after it. Use as a context manager; everything lies in one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._forge = Forge(folder)
        self._expected: list[Standing] = []
        self.statuses: list[int] = []
        self.traces: list[Sequence[Call]] = []
        self.points: list[Point] = []

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True)
        self._forge.__enter__()
        self._prepare()
        return self

    def __exit__(self, *error: object) -> None:
        self._forge.__exit__(*error)

    @property
    def root(self) -> Path:
        """The workspace."""
        return self._folder / "at" / "w"

    @property
    def outputs(self) -> Path:
        """Where everything lies that Koma keeps."""
        return self.root / "outputs"

    def _prepare(self) -> None:
        """Go through all steps without a fault, and keep the workspace as it is just before each step."""
        self.root.parent.mkdir()
        for number, step in enumerate(STEPS):
            step.prepare(self.root)
            _copy(self.root.parent, self._folder / f"before{number}")
            ended = self._run(number, trace=True, shown=2 * 4096)
            self.traces.append(ended.calls)
            self.points += [Point(number, call._replace(arguments="")) for call in touching(ended.calls, self.outputs)]
            self.statuses.append(ended.status)
            _copy(self.root.parent, self._folder / "kept")
            self._collect(number)
            self._expected.append(standing(self.root))
            self._put_back("kept")

    def strike(self, point: Point, what: str, *, lasts: bool = False, deep: bool = False) -> Life:
        """Run a step with a fault at one call, then without until all is done.

        The fault `lasts` where every later call of that name is to fail as well. With `deep` there are also starts without the cache, and
        without the store.
        """
        self._put_back(f"before{point.step}")
        ended = self._run(point.step, fault=Fault(point.call.name, point.call.number, what, lasts))
        bad = ["it hung"] if ended.hung else []
        if ended.status == self.statuses[point.step]:
            bad += [f"it said that all is well, but {word}" for word in faults(self.root)]
        return Life(point, what, ended, self._struck(ended, what), [*bad, *self._afterwards(point.step, deep=deep)])

    def _struck(self, ended: Ended, what: str) -> Call | None:
        """Find the call that was killed or told a lie, if it touches what Koma keeps."""
        last = ended.calls[-1:] if what == KILL and ended.status == -signal.SIGKILL and not ended.hung else ()
        found = last if what == KILL else [call for call in ended.calls if call.injected]
        return next((call for call in found if is_below(call, self.outputs)), None)

    def _afterwards(self, number: int, *, deep: bool) -> Iterator[str]:
        again = self._run(number, later=1)
        if again.status != self.statuses[number]:
            yield f"the next start ended with {again.status}, expected {self.statuses[number]}: {again.said[-600:]}"
            return
        yield from faults(self.root)
        yield from self._rests(number, "another start")
        if deep:
            crash_flow.lose(self.root, "cache.db*")
            yield from self._rests(number, "a start without the cache")
            crash_flow.lose(self.root, "state.db*")
            yield from self._rests(number, "a start without the store")
        self._collect(number)
        yield from differences(standing(self.root), self._expected[number])

    def _rests(self, number: int, when: str) -> Iterator[str]:
        """Say what a run did that should have found nothing to do."""
        before = prints(self.root), renders(self.root.parent / SERVER)
        ended = self._run(number, later=2, command="run")
        if "nothing to do" not in ended.said or (prints(self.root), renders(self.root.parent / SERVER)) != before:
            yield f"{when} found something to do: {ended.said[-600:]}"

    def _collect(self, number: int) -> None:
        """Delete what nobody needs, days later."""
        self._run(number, later=3, command="gc")

    def _run(self, number: int, *, later: int = 0, command: str = "", **options: Any) -> Ended:
        moment = BEGIN + DAY * (10 * number + 3 * later)
        return self._forge.run(self.root, command or STEPS[number].command, moment, **options)

    def _put_back(self, name: str) -> None:
        shutil.rmtree(self.root.parent)
        _copy(self._folder / name, self.root.parent)


def _copy(source: Path, target: Path) -> None:
    """Copy with times and hard links."""
    if target.exists():
        shutil.rmtree(target)
    subprocess.run(["cp", "-a", str(source), str(target)], check=True)


def evenly(items: Sequence[T], count: int) -> list[T]:
    """Take so many, from all over; all if there are fewer."""
    count = min(count, len(items))
    return [items[number * len(items) // count] for number in range(count)]


def spread(points: Sequence[Point], count: int) -> list[Point]:
    """Take so many of all points: half of them among those that SQLite does not make, which are fewer and all different."""
    own = [point for point in points if not point.is_of_database]
    database = [point for point in points if point.is_of_database]
    mine = evenly(own, max(count // 2, count - len(database)))
    return [*mine, *evenly(database, count - len(mine))]


def all_of(folder: Path, choose: Callable[[Bench], Sequence[Callable[[Bench], T]]], benches: int) -> list[T]:
    """Make several benches, let each do its part of what `choose` wants done, and give what came of it, in order."""
    with ThreadPoolExecutor(benches) as threads:
        parts = threads.map(lambda number: _part(folder / f"bench{number}", choose, number, benches), range(benches))
        return [found for part in parts for found in part]


def _part(folder: Path, choose: Callable[[Bench], Sequence[Callable[[Bench], T]]], number: int, benches: int) -> list[T]:
    with Bench(folder) as bench:
        return [work(bench) for work in choose(bench)[number::benches]]
