"""Everything that listens to one daemon, put together: what `app.py` needs to know of this package."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from koma.ports import Clock
from koma.telemetry.board import Board
from koma.telemetry.eventlog import EventLog, Rotation
from koma.telemetry.events import EventHub, Sink
from koma.telemetry.loglines import LogLines
from koma.telemetry.metrics import Metrics
from koma.telemetry.progress import progress_view

_NO_FOLDERS: Mapping[str, Path] = {}


@dataclass(frozen=True, slots=True)
class Outlet:
    """`hub` implements ports.Events; `metrics` and `board` are what `http.standard_routes` serves."""

    hub: EventHub
    metrics: Metrics
    board: Board


def open_outlet(
    clock: Clock,
    version: str,
    outputs: Path,
    events: Path,
    stream: TextIO,
    *,
    progress: bool,
    form: str = "auto",
    level: str = "info",
    rotation: Rotation = Rotation(),  # noqa: B008  # a named tuple never changes
    folders: Mapping[str, Path] = _NO_FOLDERS,
) -> Outlet:
    """Open all sinks. `events` is the event log; `stream` is where a person or a journal reads (stderr).

    With `progress` the stream shows bars or plain lines (`koma run --once`, or a terminal), else one log line per event in `form`
    (auto | json | console; auto is console on a terminal) from `level` up.
    Free space is told of `folders`, by name. Close `hub` at the end.
    """
    metrics = Metrics(version, outputs, folders)
    board = Board(version, clock.now())
    view: Sink = progress_view(stream) if progress else LogLines(stream, _form(form, stream), level)
    return Outlet(EventHub((EventLog(events, rotation), metrics, board, view), clock), metrics, board)


def _form(form: str, stream: TextIO) -> str:
    return form if form != "auto" else "console" if stream.isatty() else "json"
