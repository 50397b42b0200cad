"""The work behind `koma gc`: what may go, and its end. Beside a daemon the wish is left to it, and its answer read from the event log."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from koma.app.collecting import delete, look
from koma.app.keeping import shown
from koma.app.workspace import App
from koma.cli.printing import count, daemon_of, print_json, print_lines, say
from koma.core.errors import KomaError
from koma.core.faults import SourceError
from koma.core.wish import Request, Wish
from koma.engine.garbage import Litter
from koma.engine.survey import Survey
from koma.sources.inbox import Inbox
from koma.stores.lock import StateLock
from koma.telemetry.eventlog import follow

_MOST = 20
_MB = 1_000_000
_POLL_SECONDS = 0.1


def run(workspace: Path | None, retired_days: float | None, *, really: bool, as_json: bool) -> int:
    """Say what may go, and `really` delete it if asked. Raises KomaError where something can't be read, so that nothing is known."""
    with App.open(workspace) as app:
        lock = app.config.paths.lock
        if not really:
            _tell(look(app, _survey(app), retired_days).all, app.config.workspace, as_json=as_json)
        elif daemon_of(lock):
            _ask(app, retired_days, as_json=as_json)
        else:
            with StateLock(lock):
                _delete(app, retired_days, as_json=as_json)
    return 0


def _delete(app: App, retired_days: float | None, *, as_json: bool) -> None:
    gone = delete(app, look(app, _survey(app), retired_days))
    rows = [_row(item, app.config.workspace) for item in gone]
    _tell_deleted(rows, len(gone), sum(item.size for item in gone), as_json=as_json)


def _survey(app: App) -> Survey:
    """Look at what is wanted. Raises KomaError where it can't be read."""
    try:
        return app.surveyor.survey(app.config.rendition)
    except SourceError as error:
        raise KomaError(str(error), "try again in a moment; nothing was deleted") from error


def _ask(app: App, retired_days: float | None, *, as_json: bool) -> None:
    """Let the daemon do it between two passes, and tell its answer. Raises KomaError where it can't, or ends before it has."""
    waiting = _Waiting(app, retired_days)
    answers = (event for event in follow(app.config.paths.events, waiting) if event["event"] == "collected")
    answer = next((event for event in answers if event.get("wish") == waiting.name), None)
    if answer is None:
        raise KomaError("the daemon ended before it had done it", "koma gc --yes   (deletes without it), or koma run, which hears the wish")
    if answer.get("message"):
        raise KomaError(f"the daemon deleted nothing: {answer['message']}")
    _tell_deleted(answer["rows"], answer["files"], answer["bytes"], as_json=as_json)


class _Waiting:
    """Leaves the wish once somebody reads the event log, and waits for as long as a daemon runs."""

    def __init__(self, app: App, days: float | None) -> None:
        self.name = ""
        self._app = app
        self._days = days

    def __call__(self) -> bool:
        """Wait a little; False where nobody will answer any more."""
        paths = self._app.config.paths
        holder = daemon_of(paths.lock)
        if not self.name:
            self.name = Inbox(paths.inbox).leave(Request(Wish.COLLECT, days=self._days))
            say(f"the daemon does it after its next pass ({holder})")
        time.sleep(_POLL_SECONDS)
        return bool(holder)


def _row(item: Litter, root: Path) -> dict[str, Any]:
    return {"file": shown(item.path, root), "bytes": item.size, "why": item.why}


def _tell(litter: Sequence[Litter], root: Path, *, as_json: bool) -> None:
    size = sum(item.size for item in litter)
    rows = [_row(item, root) for item in litter]
    if as_json:
        print_json({"deleted": False, "bytes": size, "files": rows})
        return
    said = f"{count(len(rows), 'file')}, {size / _MB:.1f} MB may go. To delete them: koma gc --yes"
    print_lines([*_lines(rows, len(rows)), said if rows else "nothing to delete"])


def _tell_deleted(rows: Sequence[Mapping[str, Any]], files: int, size: int, *, as_json: bool) -> None:
    if as_json:
        print_json({"deleted": True, "bytes": size, "count": files, "files": list(rows)})
        return
    said = f"deleted {count(files, 'file')}, {size / _MB:.1f} MB"
    print_lines([*_lines(rows, files), said if files else "nothing to delete"])


def _lines(rows: Sequence[Mapping[str, Any]], files: int) -> list[str]:
    lines = [f"{row['file']}  {row['bytes'] / _MB:.1f} MB  {row['why']}" for row in rows[:_MOST]]
    return [*lines, f"and {files - len(lines)} more"] if files > len(lines) else lines
