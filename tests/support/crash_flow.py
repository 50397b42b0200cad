"""One small workspace and what happens to it, step by step: everything that Koma does to files, in runs of a fraction of a second.

The real command line, daemon, store, object store and publisher; only the render server is a folder (`support.ledger`), time jumps instead
of passing, and what would run in a thread runs at once, so that a run makes the same system calls each time, all in its first thread.
"""

import asyncio
import ctypes
import gc
import itertools
import json
import os
import selectors
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple, NoReturn, TextIO

from koma.__main__ import main
from koma.app.workspace import App
from koma.core.wish import Request, Wish
from koma.core.words import BackendKind, Rendition
from koma.sources.inbox import Inbox
from koma.templating.jinja import JinjaRenderer
from support.ledger import LedgerBackend
from support.workspaces import TEMPLATES

_PR_SET_PTRACER, _ANYBODY = 0x59616D61, 2**64 - 1
SERVER = "server"  # beside the workspace: what happens there is no part of Koma
DAY = 86400.0
SCENE = "projects/demo/s01.yaml"
VIDEO, REN, HAT, TREE = "demo/s01/sh010/video", "demo/s01/sh030/still", "demo/s01/sh040/still", "demo/s01/sh050/still"
SPOILT = f"{REN} (final) take 1"
BROKEN = f"{HAT} (final) take 1"
CONFIG = "rendition: final\nsource: {references_settle: 0}\nhttp: {enabled: false}\n"
PROJECT = """\
kind: project
id: demo
title: Demo
width: 64
height: 64
fps: 8
templates: {still: noise, video: noisevid}
gates: {profile: own}
phase_gate: {pass_rate: 0.1}
"""
SHOTS = {
    "sh010": "walks into the light, frames: 2",
    "sh020": "looks up, phases: [still]",
    "sh030": "waits, phases: [still]",
    "sh040": "puts on a hat, phases: [still]",
    "sh050": "climbs a tree, phases: [still]",
}


class Step(NamedTuple):
    """What people do first, and what Koma is then asked to do: `run` or `gc`."""

    name: str
    prepare: Callable[[Path], None]
    command: str = "run"


def scene(root: Path, **changes: str) -> None:
    """Write the scene; a shot that is changed to "" is left out."""
    shots = {name: words for name, words in (SHOTS | changes).items() if words}
    text = "".join(f"  - {{id: {name}, action: {words}, seed: 7}}\n" for name, words in shots.items())
    _write(root / SCENE, f"kind: scene\nid: s01\nshots:\n{text}")


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def _begin(root: Path) -> None:
    _write(root / "koma.yaml", CONFIG)
    _write(root / "projects/demo/project.yaml", PROJECT)
    shutil.copytree(TEMPLATES, root / "templates")
    scene(root)


def _edit(root: Path) -> None:
    scene(root, sh020="looks down, phases: [still]")


def _review(root: Path) -> None:
    receipt = json.loads((root / f"outputs/{TREE}.receipt.json").read_text())
    content = next(made["content_digest"] for made in receipt["artifacts"] if made["role"] == "object")
    decision = f"{{target: s01/sh050/still, take: 1, content: {content}, decision: reject}}"
    held = "{target: s01/sh030/still, decision: hold}"
    _write(
        root / "projects/demo/reviews/r1.yaml",
        f'kind: review\nid: r1\nby: the director\nat: "2026-07-04T21:15:00Z"\ndecisions:\n  - {decision}\n  - {held}\n',
    )
    _wish(root, Wish.RETRY, HAT)


def _retire(root: Path) -> None:
    scene(root, sh020="")
    _wish(root, Wish.PAUSE)
    _wish(root, Wish.RESUME)


def _wish(root: Path, wish: Wish, *targets: str) -> None:
    Inbox(root / "outputs/.koma/inbox").leave(Request(wish, targets))


def _lose_files(root: Path) -> None:
    for suffix in (".mp4", ".receipt.json"):
        (root / f"outputs/{VIDEO}{suffix}").unlink()


def lose(root: Path, pattern: str = "*.db*") -> None:
    """Delete what may be deleted."""
    for file in (root / "outputs/.koma").glob(pattern):
        file.unlink()


def _litter(root: Path) -> None:
    """Leave an object that nobody names."""
    _write(root / f"outputs/.koma/objects/00/{'0' * 62}.png", "nobody's")


STEPS = (
    Step("first run: renders, a retake, one that never works", _begin),
    Step("an edited shot", _edit),
    Step("the edit taken back", scene),
    Step("a review and a wish", _review),
    Step("a shot that is gone, and two wishes", _retire),
    Step("lost files", _lose_files),
    Step("a lost store", lose),
    Step("garbage collected", _litter, "gc"),
)


class _Hasty(selectors.SelectSelector):
    """Waits a moment for what is really under way, then lets the clock jump."""

    jumped = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        found = super().select(timeout if timeout is None else min(timeout, 0.002))
        if not found and timeout:
            self.jumped += timeout
        return found


class HastyClock:
    """`koma.ports.Clock` over that selector; `base` is epoch seconds."""

    def __init__(self, base: float) -> None:
        self._base = base
        self.selector = _Hasty()

    def now(self) -> float:
        return self._base + self.selector.jumped

    def monotonic(self) -> float:
        return self.selector.jumped

    def catch_up(self) -> None:
        """Nobody sets this clock."""


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self, clock: HastyClock) -> None:
        super().__init__(clock.selector)
        self._hasty = clock

    def time(self) -> float:
        return self._hasty.monotonic()


class _AtOnce(ThreadPoolExecutor):
    """Runs what it is given before it answers."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        done: Future[Any] = Future()
        try:
            done.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001  # whoever awaits it hears of it
            done.set_exception(error)
        return done


def _runner(clock: HastyClock) -> Callable[[Coroutine[Any, Any, Any]], Any]:
    def run(work: Coroutine[Any, Any, Any]) -> Any:
        async def whole() -> Any:
            asyncio.get_running_loop().set_default_executor(_AtOnce(1))
            return await work

        with asyncio.Runner(loop_factory=lambda: _Loop(clock)) as runner:
            return runner.run(whole())

    return run


class _Names:
    """Names of temporary files: the same ones each time."""

    def __init__(self) -> None:
        self._count = itertools.count()

    def __next__(self) -> str:
        return f"{next(self._count):08}"


def perform(root: Path, command: str, moment: float) -> int:
    """Run one command in this process, which is good for nothing else afterwards; its exit status, 70 where it ended in a traceback."""
    clock = HastyClock(moment)
    asyncio.run = _runner(clock)  # type: ignore[assignment]
    tempfile._name_sequence = _Names()  # type: ignore[attr-defined]
    App.clock = App.wall = property(lambda _app: clock)  # type: ignore[assignment,method-assign]
    App.backends = _backends  # type: ignore[method-assign]
    App.renderer = property(lambda _app: JinjaRenderer())  # type: ignore[assignment,method-assign]  # its own process takes long to start
    words = {"run": ["run", "--once"], "gc": ["gc", "--yes", "--older-than", "1"]}[command]
    try:
        return main(["--workspace", str(root), *words])
    except BaseException:  # noqa: BLE001  # what would be the end of the process, with a traceback that nobody should see
        traceback.print_exc()
        return 70


def _backends(app: App, _rendition: Rendition) -> Mapping[BackendKind, LedgerBackend]:
    folder = app.config.workspace.parent / SERVER
    return {BackendKind.COMFYUI: LedgerBackend(folder, frozenset({SPOILT}), frozenset({BROKEN}))}


def serve(orders: TextIO, answers: TextIO) -> None:
    """Be the process that runs are forked from, with everything imported: orders and answers are lines of JSON.

    `{"root", "command", "moment", "said", "waits"}` starts a run, whose output goes into the file `said`: `{"pid"}`. One that `waits` is
    let go by the next line. When it has ended: `{"status"}`, negative for a signal.
    """
    _import_everything()
    answers.write("{}\n")
    answers.flush()
    for line in orders:
        order = json.loads(line)
        gate, open_gate = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(open_gate)
            _child(order, gate)
        os.close(gate)
        answers.write(json.dumps({"pid": pid}) + "\n")
        answers.flush()
        if order["waits"]:
            orders.readline()
        os.close(open_gate)
        _, status = os.waitpid(pid, 0)
        answers.write(json.dumps({"status": os.waitstatus_to_exitcode(status)}) + "\n")
        answers.flush()


def _child(order: Mapping[str, Any], gate: int) -> NoReturn:
    """Wait until the gate closes, run, and end without tidying up: nothing of the process that was forked is to be touched."""
    ctypes.CDLL(None).prctl(_PR_SET_PTRACER, ctypes.c_ulong(_ANYBODY), 0, 0, 0)  # a system may let only ancestors trace
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    said = os.open(order["said"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    os.dup2(said, 1)
    os.dup2(said, 2)
    os.read(gate, 1)
    status = perform(Path(order["root"]), order["command"], order["moment"])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def _import_everything() -> None:
    """Go through all steps once, in this process, so that every import is done and every pool of memory is warm."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "w"
        for number, step in enumerate(STEPS):
            step.prepare(root)
            with (Path(folder) / "said").open("w") as said, redirect_stdout(said), redirect_stderr(said):
                status = perform(root, step.command, time.time() + number * DAY)
            if status not in (0, 3):
                raise RuntimeError(f"{step.name}: {(Path(folder) / 'said').read_text()}")
    gc.enable()


if __name__ == "__main__":
    serve(sys.stdin, sys.stdout)
