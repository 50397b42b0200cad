"""Looking after a backend between jobs: how much memory is in use, and the restart command of whoever has one."""

from collections.abc import Awaitable, Callable, Mapping

from koma.core.job import Job
from koma.core.step import MemorySeen, Restarted
from koma.core.words import BackendKind
from koma.ports import Backend, Clock

Restarter = Callable[[], Awaitable[str]]
"""Restarts a backend and waits until it answers; "" when it does, else what went wrong. Never raises."""


async def look(backend: Backend) -> MemorySeen:
    """Ask how much graphics memory is in use, by anyone."""
    status = await backend.probe()
    if status.vram_total is None or status.vram_free is None:
        return MemorySeen(None, status.vram_total)
    return MemorySeen(status.vram_total - status.vram_free, status.vram_total)


class Restarts:
    """Restarts backends, by the restart commands of those that have one.

    One restart serves every job that asked for it before: black frames and lost memory rarely hit one job alone.
    """

    def __init__(self, restarters: Mapping[BackendKind, Restarter], clock: Clock) -> None:
        self._restarters = restarters
        self._clock = clock
        self._done: dict[BackendKind, float] = {}

    async def restart(self, job: Job) -> Restarted:
        """Run the restart command of a job's backend, unless that was done since the job asked for it."""
        kind = job.work.backend
        restarter = self._restarters.get(kind)
        if restarter is None:
            return Restarted(done=False)
        if self._done.get(kind, 0.0) > max(job.queued_at, job.submitted_at):
            return Restarted(done=True)
        said = await restarter()
        if not said:
            self._done[kind] = self._clock.now()
        return Restarted(not said, said)
