"""One pass of the daemon with what belongs to it: who answers is asked first, pages and garbage follow."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

from koma.app.keeping import Keeper
from koma.app.workspace import App
from koma.core.room import Room
from koma.engine.disk import DiskGuard
from koma.engine.loop import ReconcileResult
from koma.engine.reconcile import Reconciler
from koma.ports import Events
from koma.sources.watch import Watch


class Passes:
    """Makes passes. `ask` asks every backend once, before the first; `watching` are looked after at each."""

    def __init__(self, app: App, reconciler: Reconciler, guard: DiskGuard, events: Events, ask: Callable[[], Awaitable[object]]) -> None:
        self.watching: list[Watch] = []
        self._app = app
        self._reconciler = reconciler
        self._guard = guard
        self._events = events
        self._ask: Callable[[], Awaitable[object]] | None = ask
        self._keeper = Keeper(app, events)

    async def __call__(self) -> ReconcileResult:
        """Make one."""
        ask, self._ask = self._ask, None
        if ask is not None:
            await ask()
        self.tell_unwatched([trouble for watch in self.watching for trouble in watch.refresh()])
        result = await self._with_pages(await self._reconciler())
        await self._keeper.after_pass(self._reconciler.standing)
        return result if self._guard.room() is Room.RENDERS else replace(result, waiting=result.waiting + 1)

    def tell_unwatched(self, troubles: list[str]) -> None:
        """Say which folders can't be watched: their changes are seen at the next rescan only."""
        for trouble in troubles:
            self._events.emit("watch_failed", message=trouble)

    async def _with_pages(self, result: ReconcileResult) -> ReconcileResult:
        """Bring records and pages of characters up to date; where pictures are left to be measured, look again soon."""
        survey = self._reconciler.standing.survey
        if survey is None or not await asyncio.to_thread(self._app.studio.refresh, survey):
            return result
        return replace(result, next_wake=self._app.clock.now(), unsettled=True)
