"""What the daemon does between two passes to stay small: garbage that a person asked to be collected, and its own files, now and then."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from koma.app.collecting import delete, look
from koma.app.memory import give_back
from koma.app.workspace import App
from koma.core.errors import KomaError
from koma.core.wish import Request
from koma.engine.garbage import DAY, Litter, outlived, sweep, unlink_below
from koma.engine.standing import Standing
from koma.ports import Events
from koma.sources.inbox import Inbox
from koma.stores.sqlite import SqliteStore

TIDY_SECONDS = 3600.0
TRIM_SECONDS = 60.0
ASIDE_DAYS = 30.0  # how long wishes that could not be read are kept, for a person to look at
NAMED = 20  # files that an event names


class Keeper:
    """Keeps one workspace small while its daemon runs; nothing is planned meanwhile."""

    def __init__(self, app: App, events: Events) -> None:
        self._app = app
        self._events = events
        self._inbox = Inbox(app.config.paths.inbox)
        self._tidied = self._trimmed = -TIDY_SECONDS

    async def after_pass(self, standing: Standing) -> None:
        """Carry out wishes to collect garbage, and tidy up where the last time was long ago."""
        for request in standing.collect:
            await asyncio.to_thread(self._collect, request, standing)
            self._inbox.done(request)
        if self._app.clock.monotonic() - self._tidied >= TIDY_SECONDS:
            self._tidied = self._app.clock.monotonic()
            await asyncio.to_thread(self.tidy)
        if self._app.clock.monotonic() - self._trimmed >= TRIM_SECONDS:
            self._trimmed = self._app.clock.monotonic()
            await asyncio.to_thread(give_back)

    def tidy(self) -> None:
        """Shrink what grew: write-ahead logs, the cache, what kills left in the scratch folder, wishes that could not be read."""
        if isinstance(self._app.store, SqliteStore):
            self._app.store.tidy()
        self._app.cache.tidy()
        now = self._app.disk_time
        sweep(outlived(self._app.scratches, now, DAY), unlink_below(self._app.scratches, self._app.scratch))
        aside = [item for item in outlived(self._inbox.folder, now, ASIDE_DAYS * DAY) if item.path.suffix != ".json"]
        sweep(aside, unlink_below(self._inbox.folder))

    def _collect(self, request: Request, standing: Standing) -> None:
        try:
            gone = self._delete(request, standing)
        except (KomaError, OSError) as error:
            said = f"{error.message}; {error.hint}" if isinstance(error, KomaError) else str(error)
            self._events.emit("collected", wish=request.name, files=0, bytes=0, rows=[], message=said)
            return
        size = sum(item.size for item in gone)
        self._events.emit("collected", wish=request.name, files=len(gone), bytes=size, rows=self._rows(gone))

    def _delete(self, request: Request, standing: Standing) -> list[Litter]:
        if standing.survey is None:
            raise KomaError("nothing could be read yet, so it is not known what is needed", "koma plan; nothing was deleted")
        return delete(self._app, look(self._app, standing.survey, request.days))

    def _rows(self, gone: Sequence[Litter]) -> list[dict[str, object]]:
        root = self._app.config.workspace
        return [{"file": shown(item.path, root), "bytes": item.size, "why": item.why} for item in gone[:NAMED]]


def shown(path: Path, root: Path) -> str:
    """Path as people see it: from the workspace, where it lies there."""
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
