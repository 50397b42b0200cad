"""How fast `koma plan` is over 10,000 shots, as ratios to ninja's no-op in the same run; fails only where a plan is wrong."""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import NamedTuple

from rival import generate as generate_rival
from rival import touch
from timing import Run, median, run, say, table
from workspace import PROJECT, scene_file

BIN = Path(sys.executable).parent
HERE = Path(__file__).resolve().parent
STILL = "templates/still/graph.json.j2"
_DATES = count(start=1)  # seconds after the files were written, which is a minute ago
HERO = f"projects/{PROJECT}/characters/aki.yaml"


class State(NamedTuple):
    """A change to the workspace: name, target ratio to ninja's no-op, file, old and new text, expected renders, target for memory in MB."""

    name: str
    target: float
    file: str
    old: str
    new: str
    renders: int
    memory: float | None = None


class Measured(NamedTuple):
    """Over several runs: median CPU seconds, most memory in MB, and the median's ratio to that of a reference run in turn with them."""

    cpu: float
    rss: float
    ratio: float


def states(shots: int) -> list[State]:
    """Every state that is measured."""
    return [
        State("nothing changed", 2.5, "", "", "", 0, memory=100),
        State("one scene file: a shot's seed", 5, scene_file(7), "    seed: 71\n", "    seed: 999\n", 1),
        State("shared template: a value", 25, STILL, '"denoise": 1.0', '"denoise": 0.95', shots),
        State("shared template: white space", 25, STILL, "\n  }\n}", "\n  }\n\n}", 0),
        State("character in every shot: words", 25, HERO, "short black hair", "long black hair", shots),
    ]


def koma_plan(workspace: Path, *options: str) -> list[str]:
    """Command line of a plan."""
    return [str(BIN / "koma"), "--workspace", str(workspace), "plan", *options]


class Cache:
    """cache.db as it was before a change, for putting back, so that each run has to plan again."""

    def __init__(self, workspace: Path) -> None:
        self._file = workspace / "outputs/.koma/cache.db"
        self._kept = self._file.with_name("cache.kept")
        shutil.copy(self._file, self._kept)

    def restore(self) -> None:
        """Put it back."""
        for suffix in ("-wal", "-shm"):
            self._file.with_name(self._file.name + suffix).unlink(missing_ok=True)
        shutil.copy(self._kept, self._file)


@contextmanager
def changed(workspace: Path, state: State) -> Iterator[None]:
    """Apply a change, dated some time back so that the stat cache trusts it, and take it back afterwards.

    Each change has a date of its own: a file of the same size and date would pass for the one that the cache knows.
    """
    if not state.file:
        yield
        return
    file = workspace / state.file
    text, times = file.read_text(encoding="utf-8"), file.stat()
    assert text.count(state.old) >= 1, f"{file} has no {state.old!r}"
    file.write_text(text.replace(state.old, state.new, 1), encoding="utf-8")
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns + next(_DATES) * 10**9))
    try:
        yield
    finally:
        file.write_text(text, encoding="utf-8")
        os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))


def check(workspace: Path, state: State, shots: int) -> None:
    """Fail unless the plan is exactly what the change asks for."""
    plan = json.loads(run(koma_plan(workspace, "--json")).out)
    summary = {name: count for name, count in plan["summary"].items() if count}
    expected = {name: count for name, count in (("render", state.renders), ("keep", shots - state.renders)) if count}
    assert summary == expected, f"{state.name}: planned {summary}, expected {expected}"
    assert not plan["problems"], f"{state.name}: {plan['problems'][:3]}"
    for action in plan["actions"]:
        assert action["reason"] == "changed", f"{state.name}: {action}"
        assert action["changed"], f"{state.name}: {action['target']} changes for no field"
        assert action["changed"][0]["file"] == state.file, f"{state.name}: {action}"


def in_child(work: Callable[[], None]) -> None:
    """Do some work in a process of its own, so that this one stays small (see timing.run). Raises AssertionError if it fails."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        except AssertionError as error:
            sys.stderr.write(f"{error}\n")
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0, "a plan is wrong"


def measure(runs: int, one: Callable[[], Run], reference: Callable[[], Run]) -> Measured:
    """Measure several runs after one that warms up, in turn with a reference, so that a busy machine slows both."""
    made = [(_short(one()), _short(reference())) for _ in range(runs + 1)][1:]
    assert all(each.code == 0 for pair in made for each in pair), f"a run failed: {made[0][0].out!r}"
    cpu, base = (median([each.cpu for each in each_of]) for each_of in zip(*made, strict=True))
    return Measured(cpu, max(each.rss for each, _ in made), cpu / base)


def _short(made: Run) -> Run:
    """Keep the end of what was printed: ten thousand lines of it would make this process large."""
    return made._replace(out=made.out[-500:])


def measure_state(workspace: Path, cache: Cache, state: State, shots: int, runs: int, reference: Callable[[], Run]) -> Measured:
    """Check and time one state."""

    def one() -> Run:
        cache.restore()
        return run(koma_plan(workspace))

    with changed(workspace, state):
        cache.restore()
        in_child(lambda: check(workspace, state, shots))
        measured = measure(runs, one, reference)
    cache.restore()
    return measured


def measure_rival(folder: Path, spare: Path, runs: int) -> Iterator[tuple[str, Measured]]:
    """Time ninja where nothing changed, after one edit, and after the shared template changed, beside a spare where nothing did."""
    for name, file in (("nothing changed", None), ("one input", "in/77"), ("shared template", "template")):
        if file is not None:
            touch(folder / file)
        yield name, measure(runs, lambda: ninja(folder), lambda: ninja(spare))


def ninja(folder: Path) -> Run:
    """Let ninja plan; nothing is built."""
    return run([str(BIN / "ninja"), "-n"], cwd=str(folder))


def prepare_rival(folder: Path, targets: int) -> None:
    """Make ninja's workspace and build it, so that its log knows every command."""
    generate_rival(folder, targets)
    subprocess.run([str(BIN / "ninja"), "--quiet"], cwd=folder, check=True)
    assert b"no work to do" in ninja(folder).out


def row(name: str, measured: Measured, target: float | None, memory: float | None) -> tuple[str, ...]:
    """One line of the table."""
    met = (target is None or measured.ratio <= target) and (memory is None or measured.rss <= memory)
    verdict = "" if target is None else "met" if met else "MISSED"
    goals = (f"{target:g}" if target is not None else "", f"{memory:g}" if memory is not None else "")
    return name, f"{measured.cpu * 1000:.0f} ms", f"{measured.ratio:.1f}", goals[0], f"{measured.rss:.0f} MB", goals[1], verdict


HEAD = ("what", "CPU", "ratio", "target", "memory", "target", "")


def report(shots: int, runs: int, folder: Path) -> None:
    """Prepare both workspaces, measure all states, print the tables."""
    workspace, rival, spare = folder / "koma", folder / "ninja", folder / "spare"
    make = [sys.executable, str(HERE / "workspace.py"), str(workspace), "--shots", str(shots)]
    say(run(make).out.decode().strip())  # in a process of its own: this one stays small, see timing.run
    prepare_rival(rival, shots)
    shutil.copytree(rival, spare)  # times of files come along
    assert b"no work to do" in ninja(spare).out
    check_nothing_to_do(workspace, shots)
    cache = Cache(workspace)
    rows = [row(f"ninja -n: {name}", measured, None, None) for name, measured in measure_rival(rival, spare, runs)]
    for state in states(shots):
        measured = measure_state(workspace, cache, state, shots, runs, lambda: ninja(spare))
        rows.append(row(f"koma plan: {state.name}", measured, state.target, state.memory))
    say(f"CPU time (user and system) of a new process, median of {runs} runs; ratios to ninja's no-op, run in turn with each")
    table(HEAD, rows)
    say()
    say("Start-up: ratio to a bare `python -c pass`")
    version = measure(max(runs, 15), lambda: run([str(BIN / "koma"), "--version"]), lambda: run([sys.executable, "-c", "pass"]))
    table(HEAD, [row("koma --version", version, 6, None)])


def check_nothing_to_do(workspace: Path, shots: int) -> None:
    """Fail unless the plan of the fresh workspace keeps everything."""
    said = run(koma_plan(workspace)).out.decode()
    assert said == f"nothing to do: {shots} as wanted\n", said[-2000:]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shots", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=7)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="koma-bench-") as folder:
        report(wanted.shots, wanted.runs, Path(folder))


if __name__ == "__main__":
    main()
