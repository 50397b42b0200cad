"""Progress for a person: bars on a terminal, plain lines elsewhere. Both are fed by events and write to stderr."""

from collections.abc import Mapping
from typing import Any, TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from koma.core.shown import printable
from koma.telemetry.events import Event
from koma.telemetry.plain import duration


def sentence(event: Event) -> str:
    """Word an event for a person; "" for one that is not worth a line."""
    fields = event.fields
    who = " ".join(str(fields[key]) for key in ("target", "rendition") if fields.get(key))
    said = str(fields.get("message") or "; ".join(fields.get("failed", ())))
    words = {
        "job_adopted": f"{who}: found again at the backend",
        "job_complete": f"{who}: {fields.get('action', 'render')} done in {duration(fields.get('seconds') or 0.0)}",
        "job_failed": f"{who}: failed ({fields.get('error_class', 'internal')}): {said}",
        "job_cancelled": f"{who}: cancelled",
        "job_retried": f"{who}: attempt {fields.get('attempt', 1)} failed ({fields.get('error_class', 'internal')}), trying again: {said}",
        "job_fenced": f"{who}: left alone, another process has it: {said}",
        "quality_evaluation": f"{who}: take {fields.get('take', 1)} {fields.get('verdict', '')}. {said}".rstrip(". "),
        "published": f"{who}: published as {fields.get('path', '')}",
        "retired": f"{who}: retired {fields.get('path', '')}",
        "spec_problem": f"{fields.get('place', '')}: {said}",
        "watch_failed": f"not watched, seen at the next rescan only: {said}",
        "plan_held": f"plan {fields.get('digest', '')} is held: {said}",
        "disk_low": said,
        "store_away": f"waiting for the database: {said}",
        "store_back": "the database is back",
        "disk_ok": "there is room on disk again",
        "collected": f"collected {fields.get('files', 0)} files, {fields.get('bytes', 0) / 1e6:.1f} MB. {said}".rstrip(". "),
        "backend_up": f"backend {fields.get('backend', '')} answers",
        "backend_busy": f"{who}: waits, the backend takes no work now: {said}",
        "backend_down": f"backend {fields.get('backend', '')} does not answer: {said}",
    }.get(event.name, "")
    return printable(words)


class PlainLines:
    """One line per event that matters; for logs, pipes and small terminals."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __call__(self, event: Event) -> None:
        """Write the line, if there is one."""
        words = sentence(event)
        if words:
            self._stream.write(words + "\n")
            self._stream.flush()

    def close(self) -> None:
        """Leave the stream to whoever opened it."""


class Bars:
    """A bar for all jobs of this run and one for each render in progress, with the lines of PlainLines above them."""

    def __init__(self, stream: TextIO) -> None:
        columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self._progress = Progress(*columns, console=Console(file=stream), transient=True)
        self._all: TaskID | None = None
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, event: Event) -> None:
        """Move the bars, and print the line above them."""
        match event.name:
            case "job_queued":
                self._grow()
            case "job_submitted" | "job_adopted":
                self._begin(event.fields)
            case "progress":
                self._move(event.fields)
            case "job_complete" | "job_failed" | "job_cancelled":
                self._end(event.fields)
            case "job_retried" | "job_fenced":
                self._drop(event.fields)
            case _:
                pass
        words = sentence(event)
        if words:
            self._progress.console.print(Text(words))

    def close(self) -> None:
        """Take the bars away."""
        self._progress.stop()

    def _grow(self) -> None:
        if self._all is None:
            self._progress.start()
            self._all = self._progress.add_task("all", total=0)
        self._progress.update(self._all, total=(self._progress.tasks[0].total or 0) + 1)

    def _begin(self, fields: Mapping[str, Any]) -> None:
        if self._all is None:
            self._grow()
        prompt = _prompt(fields)
        if prompt not in self._tasks:
            self._tasks[prompt] = self._progress.add_task(printable(str(fields.get("target", ""))), total=100)

    def _move(self, fields: Mapping[str, Any]) -> None:
        task = self._tasks.get(_prompt(fields))
        fraction = fields.get("fraction")
        if task is not None and fraction is not None:
            self._progress.update(task, completed=round(100 * fraction))

    def _end(self, fields: Mapping[str, Any]) -> None:
        self._drop(fields)
        if self._all is not None:
            self._progress.advance(self._all)

    def _drop(self, fields: Mapping[str, Any]) -> None:
        task = self._tasks.pop(_prompt(fields), None)
        if task is not None:
            self._progress.remove_task(task)


def _prompt(fields: Mapping[str, Any]) -> str:
    return str(fields.get("prompt_id") or fields.get("target", ""))


def progress_view(stream: TextIO) -> PlainLines | Bars:
    """Bars where the stream is a terminal, else plain lines."""
    return Bars(stream) if stream.isatty() else PlainLines(stream)
