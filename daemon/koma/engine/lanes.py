"""Lanes: which jobs run at the same time. One GPU lane per backend, one CPU lane for what needs no backend.

A GPU lane is serial with one more job waiting at the backend, so that the backend goes from one to the next by itself; a job leaves it as
soon as the backend is done with it, and is collected, measured and published while the next one renders.
"""

import asyncio
from collections.abc import Callable, Collection, Coroutine, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from koma.core.ending import facts
from koma.core.job import TERMINAL, Job, JobState
from koma.core.memory import Care, FreeRule
from koma.core.order import may_lookahead, next_due, pick
from koma.core.request import FailureClass
from koma.core.retry import MAY_APPEAR, POLL_SECONDS
from koma.core.step import CancelAsked, Event, Recovered, Start
from koma.core.words import BackendKind
from koma.engine.worker import FencedError, Worker
from koma.ports import Backend

LOOKAHEAD = 1  # jobs waiting at the backend behind the one that renders
CPU_JOBS = 2  # jobs without a backend at a time: one computes while the other writes files
BACKLOG = 8  # rendered jobs that are not yet measured and published; a lane with more of them waits

_AT_BACKEND = frozenset({JobState.SUBMITTING, JobState.SUBMITTED})
_STARTS_AT_ONCE = frozenset({JobState.SUBMITTING, JobState.SUBMITTED, JobState.COLLECTING})


@dataclass(slots=True)
class _Lane:
    """`waiting` jobs have not started; `running` ones have a task; `present` are those of them that the backend has or is getting.

    `family` is what the backend was given last, "" at the start: nobody knows what it holds then.
    """

    backend: Backend | None
    yields: bool = False
    care: Care | None = None
    waiting: dict[str, Job] = field(default_factory=dict)
    running: dict[str, Job] = field(default_factory=dict)
    present: dict[str, Job] = field(default_factory=dict)
    family: str = ""
    paused_until: float = 0.0
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def next_job(self, now: float) -> Job | None:
        """Return the job that may start now, if there is one and there is room for it."""
        if now < self.paused_until or not self._has_room():
            return None
        job = pick(self.waiting.values(), self.family, now)
        current = next(iter(self.present.values()), None)
        return None if job is not None and current is not None and not self._may_wait_behind(current, job) else job

    def _may_wait_behind(self, current: Job, job: Job) -> bool:
        """Whether the job may be submitted while another renders; not where memory is to be freed, or the backend restarted, in between."""
        always = self.care is not None and self.care.rule is FreeRule.ALWAYS
        return not always and not job.restarting and may_lookahead(current, job)

    def start_of(self, job: Job) -> Start:
        """Give the job its turn, with memory looked after if it needs other models than those that are loaded."""
        looks = self.care is not None and self.care.looks(self.family, job.work.family)
        return Start(self.care if looks else None)

    def _has_room(self) -> bool:
        if self.backend is None:
            return len(self.running) < CPU_JOBS
        # The one before must be accepted first, or the backend might get them in the wrong order.
        settling = any(job.state is not JobState.SUBMITTED for job in self.present.values())
        return not settling and len(self.present) <= LOOKAHEAD and len(self.running) - len(self.present) < BACKLOG

    def delay(self, now: float) -> float | None:
        """Seconds until something that waits for its time may start."""
        due = next_due(self.waiting.values(), now)
        pause = self.paused_until - now
        return pause if self.waiting and pause > 0 else due


class Lanes:
    """Starts jobs in order, keeps backends busy, and says when a job is over.

    `yield_to` names backends where prompts of other people go first, `care` those whose memory is looked after. `on_finished` is called
    with every job that is over; `on_crash` with an error that nobody expected or that the store raised, after which nothing should go on.
    """

    def __init__(self, worker: Worker, *, yield_to: Collection[BackendKind] = (), care: Mapping[BackendKind, Care] | None = None) -> None:
        self.on_finished: Callable[[Job], None] = lambda _job: None
        self.on_crash: Callable[[BaseException], None] = lambda _error: None
        self._worker = worker
        self._gpu = {kind: _Lane(backend, kind in yield_to, (care or {}).get(kind)) for kind, backend in worker.backends.items()}
        self._cpu = _Lane(None)
        self._tasks: set[asyncio.Task[None]] = set()
        self._services: list[asyncio.Task[None]] = []
        self._paused = False
        self._closing = False
        worker.on_stored = self._stored
        worker.count_waiting = lambda: sum(len(lane.waiting) for lane in self._lanes())

    @property
    def busy(self) -> bool:
        """Whether any job waits or runs."""
        return any(lane.waiting or lane.running for lane in self._lanes())

    @property
    def running(self) -> bool:
        """Whether any job runs."""
        return bool(self._tasks)

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
            if lane is not None and job.state in _STARTS_AT_ONCE:
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

    def pause(self, *, paused: bool) -> None:
        """While paused no job starts; what runs goes on."""
        self._paused = paused
        for lane in self._lanes():
            lane.changed.set()

    def _lanes(self) -> list[_Lane]:
        return [*self._gpu.values(), self._cpu]

    def _lane_of(self, job: Job) -> _Lane | None:
        needs_backend = job.state is JobState.QUEUED or job.state in _STARTS_AT_ONCE
        return self._gpu.get(job.work.backend) if needs_backend else self._cpu

    async def _feed(self, lane: _Lane) -> None:
        while True:
            lane.changed.clear()
            delay = await self._fill(lane)
            with suppress(TimeoutError):
                async with asyncio.timeout(delay):
                    await lane.changed.wait()

    async def _fill(self, lane: _Lane) -> float | None:
        """Start what may start; seconds until it is worth looking again, None for when something changes."""
        while True:
            job = self._next(lane)
            if job is not None and lane.yields and lane.backend is not None:
                if (await lane.backend.probe()).others_waiting > 0:
                    return POLL_SECONDS
                job = self._next(lane)  # the probe took time: the best one may be another now
            if job is None:
                return None if self._paused else lane.delay(self._worker.clock.now())
            del lane.waiting[job.job_id]
            self._start(lane, job, lane.start_of(job))

    def _next(self, lane: _Lane) -> Job | None:
        return None if self._paused or self._closing else lane.next_job(self._worker.clock.now())

    def _start(self, lane: _Lane, job: Job, event: Event) -> None:
        lane.running[job.job_id] = job
        if lane.backend is not None and (job.state in _AT_BACKEND or isinstance(event, Start)):
            lane.present[job.job_id] = job
            lane.family = job.work.family
        task = asyncio.create_task(self._run(lane, job, event), name=f"job {job.work.target}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, lane: _Lane, job: Job, event: Event) -> None:
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
        if job.state in _AT_BACKEND or job.prepares:
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
