"""Looking after backends between jobs: how much memory is in use, how they did so far, and the restart command of whoever has one."""

import asyncio
import json
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from koma.core.codec import to_json
from koma.core.flags import HEALTH, kept
from koma.core.job import Job
from koma.core.retry import POLL_SECONDS
from koma.core.step import MemorySeen, Restarted
from koma.core.supervision import STUCK, Health, Rules, Why, above, after, due, may_restart_at, outcomes, tried
from koma.core.words import BackendKind
from koma.ports import Backend, Clock, Events, Store

Restarter = Callable[[], Awaitable[str]]
"""Restarts a backend and waits until it answers; "" when it does, else what went wrong. Never raises."""

QUIET_SECONDS = 600.0  # that a job waits for prompts of other people before it goes on without its restart
NOT_NOW_SECONDS = 60.0  # after a restart between jobs that other people's prompts were in the way of
_NEW = Health()
_NO_COMMAND = "restart it; Koma can do that with a restart command (backends[].restart in koma.yaml)"
_STUCK = {
    Why.DEAD: "the server answers, holds prompts and works on none of them",
    Why.HUNG: "a prompt hangs in the server and does not stop when it is interrupted",
}


async def look(backend: Backend) -> MemorySeen:
    """Ask how much graphics memory is in use, by anyone."""
    status = await backend.probe()
    if status.vram_total is None or status.vram_free is None:
        return MemorySeen(None, status.vram_total)
    return MemorySeen(status.vram_total - status.vram_free, status.vram_total)


class Restarts:
    """Restarts backends, by the restart commands of those that have one; and what is counted for and against them, over many jobs.

    One restart serves every job that asked for it before: black frames and lost memory rarely hit one job alone. What is remembered of a
    backend lies in the store, so that a daemon that is restarted itself does not restart a server again and again. `busy` says whether a
    backend has a job of ours besides one, by its id.
    """

    def __init__(
        self,
        restarters: Mapping[BackendKind, Restarter],
        backends: Mapping[BackendKind, Backend],
        store: Store,
        clock: Clock,
        events: Events,
        rules: Mapping[BackendKind, Rules] | None = None,
    ) -> None:
        self.busy: Callable[[BackendKind, str], bool] = lambda _kind, _job_id: False
        self._restarters = restarters
        self._backends = backends
        self._store = store
        self._clock = clock
        self._events = events
        self._rules = rules or {}
        self._known: dict[str, Health] | None = None
        self._done: dict[BackendKind, float] = {}
        self._asked: dict[str, float] = {}
        self._not_before: dict[BackendKind, float] = {}
        self._locks: defaultdict[BackendKind, asyncio.Lock] = defaultdict(asyncio.Lock)

    def health(self, kind: BackendKind) -> Health:
        """Recall how a backend did so far."""
        if self._known is None:
            now = self._clock.now()  # a time in the future was written by a clock that has been set back since
            found = kept(Health, self._store.flags(), HEALTH)
            self._known = {one: replace(health, restarted_at=min(health.restarted_at, now)) for one, health in found.items()}
        return self._known.get(kind, _NEW)

    def saw(self, before: Job, after_it: Job) -> None:
        """Count what a step of a job says of its backend."""
        kind = after_it.work.backend
        for outcome in outcomes(before, after_it):
            health = after(self.health(kind), outcome, self._clock.now())
            self._keep(kind, health if self._rules.get(kind, Rules()).renders else replace(health, renders=0))

    async def restart(self, job: Job, why: Why) -> Restarted | None:
        """Run the restart command of a job's backend, unless that was done since the job asked for it; None while others work there."""
        kind = job.work.backend
        if kind not in self._restarters:
            self._stuck(kind, why, _NO_COMMAND)
            return Restarted(done=False)
        async with self._locks[kind]:
            if self._done.get(kind, 0.0) > max(job.queued_at, job.submitted_at, job.idle_since):
                return Restarted(done=True)
            wait = may_restart_at(self.health(kind)) - self._clock.now()
            if wait > 0:
                said = f"the restart command ran already and helped nothing; it may run again in {wait:.0f} s"
                self._stuck(kind, why, said)
                return Restarted(done=False, message=said)
            if why not in STUCK and await self._in_use(kind, job):
                return self._later(job)
            self._asked.pop(job.job_id, None)
            return await self._run(kind, why)

    def due(self, kind: BackendKind) -> Why | None:
        """Say why a backend is to be restarted before its next job; None for no reason, and while the command may not run again yet."""
        now, health = self._clock.now(), self.health(kind)
        if kind not in self._restarters or now < max(self._not_before.get(kind, 0.0), may_restart_at(health)):
            return None
        return due(health, self._rules.get(kind, Rules()))

    async def full(self, kind: BackendKind) -> Why | None:
        """Look whether so much of the machine's memory is in use that the backend is to be restarted before its next job."""
        share = self._rules.get(kind, Rules()).memory
        if not share or kind not in self._restarters or self._clock.now() < self._next(kind):
            return None
        status = await self._backends[kind].probe()
        graphics = not self.busy(kind, "") and above(share, status.vram_free, status.vram_total)
        return Why.MARK if graphics or above(share, status.ram_free, status.ram_total) else None

    async def between_jobs(self, kind: BackendKind, why: Why) -> None:
        """Restart a backend that has no job of ours; not under prompts of other people, and not where memory can be had without it."""
        async with self._locks[kind]:
            if await self._others(kind) or (why is Why.MARK and not await self._stays_full(kind)):
                self._not_before[kind] = self._clock.now() + NOT_NOW_SECONDS
                return
            await self._run(kind, why)

    def _next(self, kind: BackendKind) -> float:
        return max(self._not_before.get(kind, 0.0), may_restart_at(self.health(kind)))

    async def _stays_full(self, kind: BackendKind) -> bool:
        """Whether memory stays in use after the backend was asked to let go of what it holds."""
        await self._backends[kind].free()
        await asyncio.sleep(POLL_SECONDS)
        return await self.full(kind) is not None

    async def _in_use(self, kind: BackendKind, job: Job) -> bool:
        return self.busy(kind, job.job_id) or await self._others(kind)

    async def _others(self, kind: BackendKind) -> bool:
        status = await self._backends[kind].probe()
        return status.others_waiting + status.others_running > 0

    def _later(self, job: Job) -> Restarted | None:
        since = self._asked.setdefault(job.job_id, self._clock.now())
        if self._clock.now() - since < QUIET_SECONDS:
            return None
        del self._asked[job.job_id]
        return Restarted(done=False, message="no restart: prompts of other people are at the server")

    async def _run(self, kind: BackendKind, why: Why) -> Restarted:
        began = self._clock.monotonic()
        said = await self._restarters[kind]()
        now = self._clock.now()
        if not said:
            self._done[kind] = now
        fields = {"backend": self._backends[kind].name, "why": str(why), "seconds": self._clock.monotonic() - began, "message": said}
        self._events.emit("backend_restart_failed" if said else "backend_restarted", **fields)
        self._keep(kind, tried(self.health(kind), now, done=not said))
        if said:
            self._stuck(kind, why, said)
        return Restarted(not said, said)

    def _stuck(self, kind: BackendKind, why: Why, said: str) -> None:
        """Remember that a backend works on nothing, and that nothing can be done about it from here."""
        if why in STUCK and not self.health(kind).stuck:
            self._keep(kind, replace(self.health(kind), stuck=f"{_STUCK[why]}; {said}"))

    def _keep(self, kind: BackendKind, health: Health) -> None:
        before = self.health(kind)
        if health == before or self._known is None:
            return
        self._known[kind] = health
        self._store.set_flag(f"{HEALTH}{kind}", json.dumps(to_json(health)) if health != _NEW else None)
        if health.stuck != before.stuck:
            name = "backend_stuck" if health.stuck else "backend_unstuck"
            self._events.emit(name, backend=self._backends[kind].name, message=health.stuck)
