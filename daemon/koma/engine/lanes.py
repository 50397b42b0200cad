"""Lanes: which jobs run at the same time. One GPU lane per backend, one CPU lane for what needs no backend.

A GPU lane is serial with one more job waiting at the backend, so that the backend goes from one to the next by itself; a job leaves it as
soon as the backend is done with it, and is collected, measured and published while the next one renders.
"""

import asyncio
from collections.abc import Callable, Collection, Coroutine, Iterable, Mapping
from contextlib import suppress
from typing import Any

from koma.core.ending import facts
from koma.core.job import TERMINAL, Job, JobState
from koma.core.memory import Care
from koma.core.request import FailureClass
from koma.core.retry import MAY_APPEAR, POLL_SECONDS
from koma.core.step import CancelAsked, Event, Recovered, Start
from koma.core.words import BackendKind
from koma.engine.lane import AT_BACKEND, NEEDS_BACKEND, Lane
from koma.engine.worker import FencedError, Worker
from koma.ports import Backend

HELD_SECONDS = 2.0  # between two questions whether a job that may not begin may now


class Lanes:
    """Starts jobs in order, keeps backends busy, and says when a job is over.

    `yield_to` names backends where prompts of other people go first, `care` those whose memory is looked after. `on_finished` is called
    with every job that is over; `on_crash` with an error that nobody expected or that the store raised, after which nothing should go on.
    `may_begin` is asked about a job that has its turn: one that may not begin now is asked about again and again.
    """

    def __init__(self, worker: Worker, *, yield_to: Collection[BackendKind] = (), care: Mapping[BackendKind, Care] | None = None) -> None:
        self.on_finished: Callable[[Job], None] = lambda _job: None
        self.on_crash: Callable[[BaseException], None] = lambda _error: None
        self.may_begin: Callable[[Job], bool] = lambda _job: True
        self._worker = worker
        self._gpu = {kind: Lane(backend, kind in yield_to, (care or {}).get(kind)) for kind, backend in worker.backends.items()}
        self._cpu = Lane(None)
        self._tasks: set[asyncio.Task[None]] = set()
        self._services: list[asyncio.Task[None]] = []
        self._paused = False
        self._closing = False
        worker.on_stored = self._stored
        worker.count_waiting = lambda: sum(len(lane.waiting) for lane in self._lanes())
        worker.restarts.busy = lambda kind, job_id: self._gpu[kind].uses_backend(but_for=job_id)

    @property
    def busy(self) -> bool:
        """Whether any job waits or runs."""
        return any(lane.waiting or lane.running for lane in self._lanes())

    @property
    def running(self) -> bool:
        """Whether any job runs."""
        return bool(self._tasks)

    @property
    def held_back(self) -> bool:
        """Whether jobs wait, and none of them may begin."""
        waiting = [job for lane in self._lanes() for job in lane.waiting.values()]
        return bool(waiting) and not any(map(self.may_begin, waiting))

    @property
    def lacking(self) -> bool:
        """Whether a job waits for something that its server did not have."""
        waiting = (job for lane in self._gpu.values() for job in lane.waiting.values())
        return any(job.failure is not None and job.failure.kind in MAY_APPEAR for job in waiting)

    async def open(self) -> None:
        """Open every backend, and begin to start jobs."""
        for lane in self._gpu.values():
            if lane.backend is not None:
                await lane.backend.open()
                self._serve(self._listen(lane.backend))
        for lane in self._lanes():
            self._serve(self._feed(lane))

    async def close(self, patience: float = 30.0) -> None:
        """Let running jobs end their present step (at most `patience` seconds), then close the backends, which keep what they have."""
        self._closing = True
        self._worker.stop()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=patience)
        remaining = [*self._services, *self._tasks]
        for task in remaining:
            task.cancel()
        await asyncio.gather(*remaining, return_exceptions=True)
        for lane in self._gpu.values():
            if lane.backend is not None:
                await lane.backend.close()

    def recover(self, jobs: Iterable[Job]) -> None:
        """Take up the jobs that a daemon before this one left; what the backend may have is asked about at once."""
        for job in jobs:
            self._worker.events.emit("job_queued", **facts(job), queue=self._worker.count_waiting())
            lane = self._lane_of(job)
            if lane is not None and job.state in NEEDS_BACKEND:
                self._start(lane, job, Recovered())
            else:
                self.add([job])

    def add(self, jobs: Iterable[Job]) -> None:
        """Queue jobs that are in the store. A job that is here already is left as it is; one for a backend that is gone is cancelled."""
        for job in jobs:
            lane = self._lane_of(job)
            if lane is None:
                self._start(self._cpu, job, CancelAsked())
            elif job.job_id not in lane.waiting and job.job_id not in lane.running:
                lane.waiting[job.job_id] = job
                lane.changed.set()

    def cancel(self, job_id: str) -> None:
        """Stop a job, whatever it is doing. Nothing if it is not here."""
        if self._worker.cancel(job_id):
            return
        for lane in self._lanes():
            job = lane.waiting.pop(job_id, None)
            if job is not None:
                self._start(lane, job, CancelAsked())

    def pause(self, *, paused: bool, after_current: bool = False) -> None:
        """While paused no job starts; what runs goes on. `after_current` takes back what only waits at a backend."""
        self._paused = paused
        for lane in self._lanes():
            lane.changed.set()
            for job_id in lane.waiting_there() if paused and after_current else ():
                self._worker.take_back(job_id)

    def _lanes(self) -> list[Lane]:
        return [*self._gpu.values(), self._cpu]

    def _lane_of(self, job: Job) -> Lane | None:
        needs_backend = job.state is JobState.QUEUED or job.state in NEEDS_BACKEND
        return self._gpu.get(job.work.backend) if needs_backend else self._cpu

    async def _feed(self, lane: Lane) -> None:
        while True:
            lane.changed.clear()
            delay = await self._fill(lane)
            with suppress(TimeoutError):
                async with asyncio.timeout(delay):
                    await lane.changed.wait()

    async def _fill(self, lane: Lane) -> float | None:
        """Start what may start; seconds until it is worth looking again, None for when something changes."""
        while True:
            job = self._next(lane)
            if job is not None and lane.backend is not None:
                if lane.yields and (await lane.backend.probe()).others_waiting > 0:
                    return POLL_SECONDS
                if not await self._is_tended(lane, lane.backend.kind):
                    return None
                job = self._next(lane)  # all of that took time: the best one may be another now
            if job is None:
                return None if self._paused else self._delay(lane)
            del lane.waiting[job.job_id]
            self._start(lane, job, lane.start_of(job))

    async def _is_tended(self, lane: Lane, kind: BackendKind) -> bool:
        """Restart a backend that is due for it; whether it may have another job. What it has now ends first."""
        restarts = self._worker.restarts
        why = restarts.due(kind) or await restarts.full(kind)
        if why is None:
            return True
        if lane.uses_backend():
            return False
        await restarts.between_jobs(kind, why)
        return True

    def _next(self, lane: Lane) -> Job | None:
        return None if self._paused or self._closing else lane.next_job(self._worker.clock.now(), self.may_begin)

    def _delay(self, lane: Lane) -> float | None:
        """Seconds until a job of this lane may start: one that has its turn is held back, and may begin at any time."""
        now = self._worker.clock.now()
        return HELD_SECONDS if lane.next_job(now) is not None else lane.delay(now)

    def _start(self, lane: Lane, job: Job, event: Event) -> None:
        lane.running[job.job_id] = job
        if lane.backend is not None and (job.state in AT_BACKEND or isinstance(event, Start)):
            lane.present[job.job_id] = job
            lane.family = job.work.family
        task = asyncio.create_task(self._run(lane, job, event), name=f"job {job.work.target}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, lane: Lane, job: Job, event: Event) -> None:
        ended: Job | None = None
        try:
            ended = await self._worker.run(job, event)
        except FencedError as error:
            self._worker.events.emit("job_fenced", **facts(job) | {"message": str(error)})
        except Exception as error:  # noqa: BLE001  # whoever owns the lanes must hear of it, whatever it is
            self.on_crash(error)
        lane.running.pop(job.job_id, None)
        lane.present.pop(job.job_id, None)
        lane.changed.set()
        if ended is not None and ended.state is JobState.QUEUED:
            lane.waiting[ended.job_id] = ended
        elif ended is None or ended.state in TERMINAL:
            self.on_finished(ended or job)

    def _stored(self, job: Job) -> None:
        lane = self._gpu.get(job.work.backend)
        if lane is None or job.job_id not in lane.running:
            return
        lane.running[job.job_id] = job
        if job.state in AT_BACKEND or job.prepares:
            lane.present[job.job_id] = job
        else:
            lane.present.pop(job.job_id, None)
        if job.state is JobState.QUEUED and job.failure is not None and job.failure.kind is FailureClass.BACKEND_DOWN:
            lane.paused_until = job.not_before  # the next job would fare no better
        lane.changed.set()

    async def _listen(self, backend: Backend) -> None:
        """Pass progress on, and turn the hint that a prompt has ended into a question."""
        async for progress in backend.progress():
            job = self._job_of(progress.prompt_id)
            self._worker.moved(progress.prompt_id)
            if job is not None:
                self._worker.events.emit("progress", **facts(job), fraction=progress.fraction, note=progress.note)
            if progress.finished:
                self._worker.hint(progress.prompt_id)

    def _job_of(self, prompt_id: str) -> Job | None:
        return next((job for lane in self._gpu.values() for job in lane.present.values() if job.prompt_id == prompt_id), None)

    def _serve(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        task.add_done_callback(self._service_ended)
        self._services.append(task)

    def _service_ended(self, task: "asyncio.Task[None]") -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self.on_crash(error)
