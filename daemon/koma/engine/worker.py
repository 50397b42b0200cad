"""One job, step by step: decide, store, carry out. The only place where effects of jobs happen.

The next state is stored before its effects, and each effect may be repeated, so a worker may be killed between any two lines.
"""

import asyncio
from collections.abc import Callable, Mapping

from koma.core.attempt import request_of
from koma.core.decide import decide
from koma.core.job import Job, JobState
from koma.core.request import Failure, FailureClass, Sighting, Stage, SubmitOutcome, Submitted
from koma.core.retry import POLL_SECONDS
from koma.core.step import (
    Ask,
    Collect,
    Effect,
    Emit,
    Event,
    Find,
    Found,
    Free,
    Interrupt,
    Look,
    Measure,
    Publish,
    PublishedAs,
    Recall,
    RecordTake,
    Restart,
    Seen,
    Submit,
    SubmitAnswer,
    Tick,
    Wait,
    Withdraw,
)
from koma.core.supervision import Rules
from koma.core.words import BackendKind
from koma.engine import tending
from koma.engine.breakers import Breakers
from koma.engine.cpulane import CpuLane
from koma.engine.mailbox import Mailbox
from koma.engine.tending import Restarter, Restarts
from koma.ports import Backend, Clock, Events, Objects, Store

_STAGE = {
    JobState.SUBMITTING: "submit",
    JobState.SUBMITTED: "render",
    JobState.COLLECTING: "collect",
    JobState.MEASURING: "measure",
    JobState.JUDGING: "judge",
    JobState.PUBLISHING: "publish",
}


class FencedError(Exception):
    """The store refused a step: somebody else moved the job. It is left alone from here on."""


class Worker:
    """Runs jobs against the ports; `cpu` does what is done with their files.

    `on_stored` is called with a job each time its next state has been stored, before the effects; `count_waiting` tells how many jobs
    wait. `restarters` bring back backends that have a restart command, by `rules`.
    """

    def __init__(
        self,
        store: Store,
        backends: Mapping[BackendKind, Backend],
        cpu: CpuLane,
        *,
        objects: Objects,
        clock: Clock,
        events: Events,
        restarters: Mapping[BackendKind, Restarter] | None = None,
        rules: Mapping[BackendKind, Rules] | None = None,
    ) -> None:
        self.store = store
        self.backends = backends
        self.clock = clock
        self.events = events
        self.on_stored: Callable[[Job], None] = lambda _job: None
        self.count_waiting: Callable[[], int] = lambda: 0
        self.stopping = False
        self._objects = objects
        self._cpu = cpu
        self.restarts = Restarts(restarters or {}, backends, store, clock, events, rules)
        self.breakers = Breakers(store, clock, events)
        self._boxes: dict[str, Mailbox] = {}
        self._prompts: dict[str, str] = {}
        self._moved: dict[str, float] = {}
        self._stages: dict[str, dict[str, float]] = {}
        self._up: dict[BackendKind, bool] = {}

    async def run(self, job: Job, event: Event) -> Job:
        """Take a job as far as it goes: until it is over, back in the queue, or the worker stops. Raises FencedError, StoreError."""
        box = self._boxes[job.job_id] = Mailbox()
        next_event: Event | None = event
        try:
            while next_event is not None and not self.stopping:
                job, next_event = await self.step(job, box.take() if box.cancel else next_event)
            return job
        finally:
            del self._boxes[job.job_id]
            self._moved.pop(job.prompt_id, None)
            if job.state is not JobState.QUEUED:
                self._stages.pop(job.job_id, None)
            self._prompts = {prompt: owner for prompt, owner in self._prompts.items() if owner != job.job_id}

    async def step(self, job: Job, event: Event) -> tuple[Job, Event | None]:
        """Decide, store, carry out; the answer is the event of the next step."""
        next_job, effects = decide(job, event, self.clock.now())
        if next_job != job:
            self._keep(job, next_job, event)
            self.restarts.saw(job, next_job)
            self.breakers.saw(job, next_job)
        answer: Event | None = None
        began = self.clock.monotonic()
        for effect in effects:
            answer = await self.carry_out(next_job, effect) or answer
        stages = self._stages.setdefault(next_job.job_id, {})
        if stage := _STAGE.get(next_job.state):
            stages[stage] = stages.get(stage, 0.0) + self.clock.monotonic() - began
        return next_job, answer

    def cancel(self, job_id: str) -> bool:
        """Pass a wish to cancel to a running job; False if it is not running here."""
        box = self._boxes.get(job_id)
        if box is not None:
            box.cancel = True
            box.arrived.set()
        return box is not None

    def take_back(self, job_id: str) -> None:
        """Ask for a job back into the queue that only waits at its backend."""
        box = self._boxes.get(job_id)
        if box is not None:
            box.take_back = True
            box.arrived.set()

    def moved(self, prompt_id: str) -> None:
        """Take note that a prompt shows progress."""
        self._moved[prompt_id] = self.clock.now()

    def hint(self, prompt_id: str) -> None:
        """Make the job of this prompt ask the backend now."""
        box = self._boxes.get(self._prompts.get(prompt_id, ""))
        if box is not None:
            box.arrived.set()

    def stop(self) -> None:
        """Let every running job end after its present step. What the backend has stays there, to be adopted at the next start."""
        self.stopping = True
        for box in self._boxes.values():
            box.arrived.set()

    async def carry_out(self, job: Job, effect: Effect) -> Event | None:  # noqa: C901, PLR0911, PLR0912  # one case per effect is the point
        """Carry out one effect of a stored job; the event that answers it, if there is one."""
        match effect:
            case Look():
                return await tending.look(self.backends[job.work.backend])
            case Restart(why):
                return await self.restarts.restart(job, why) or await self._wait(job, self.clock.now() + POLL_SECONDS)
            case Submit():
                return SubmitAnswer(await self._submit(job))
            case Ask(prompt_id):
                return Seen(await self._ask(job, prompt_id), self._moved.setdefault(prompt_id, self.clock.now()))
            case Find():
                return Found(await self._find(job))
            case Collect():
                return await self._cpu.collect(job, self.backends[job.work.backend])
            case Recall():
                return self._cpu.recall(job)
            case Measure():
                return await self._cpu.measured(job)
            case RecordTake():
                return await self._cpu.record(job)
            case Publish():
                return await self._cpu.publish(job)
            case Interrupt(prompt_id):
                if job.work.backend in self.backends:
                    await self.backends[job.work.backend].cancel(prompt_id)
                return None
            case Withdraw(prompt_id):
                if job.work.backend in self.backends:
                    await self.backends[job.work.backend].withdraw(prompt_id)
                return None
            case Free():
                await self.backends[job.work.backend].free()
                return None
            case Wait(until):
                return await self._wait(job, until)
            case Emit(name, fields):
                self.events.emit(name, **fields, stages=self._stages.get(job.job_id, {}), queue=self.count_waiting())
                return None

    def _keep(self, job: Job, next_job: Job, event: Event) -> None:
        if isinstance(event, PublishedAs) and next_job.state is JobState.DONE:
            self.store.put_published(event.published, next_job)  # one transaction: a finished job has its published row
        elif not self.store.advance(next_job, job.state):
            raise FencedError(f"the store refused {job.state} → {next_job.state} for the job of {job.work.target}")
        if next_job.prompt_id:
            self._prompts[next_job.prompt_id] = next_job.job_id
        self.on_stored(next_job)

    async def _submit(self, job: Job) -> Submitted:
        request = request_of(job)
        missing = [file.name for file in request.inputs if not self._objects.has(file.file_digest, file.suffix)]
        if missing:
            message = f"input {', '.join(missing)} is no longer in the object store; a new plan takes it in again"
            return Submitted(SubmitOutcome.REJECTED, Failure(FailureClass.INPUT, message))
        inputs = {file.name: self._objects.path(file.file_digest, file.suffix) for file in request.inputs}
        answer = await self.backends[job.work.backend].submit(request, inputs)
        if answer.outcome is not SubmitOutcome.UNKNOWN:
            message = answer.failure.message if answer.failure is not None else ""
            self.reached(job.work.backend, message, up=answer.outcome is not SubmitOutcome.BUSY)
        return answer

    async def _ask(self, job: Job, prompt_id: str) -> Sighting:
        backend = self.backends.get(job.work.backend)
        if backend is None:
            return Sighting(Stage.ABSENT)
        sighting = await backend.ask(prompt_id)
        if sighting.stage is Stage.UNREACHABLE:
            self.moved(prompt_id)  # whether it shows progress nobody could see
        self.reached(job.work.backend, "it does not answer", up=sighting.stage is not Stage.UNREACHABLE)
        return sighting

    async def _find(self, job: Job) -> Sighting:
        backend = self.backends.get(job.work.backend)
        return await backend.find(request_of(job)) if backend is not None else Sighting(Stage.ABSENT)

    def reached(self, kind: BackendKind, message: str, *, up: bool, first: bool = False) -> None:
        """Note that a backend answered or did not; everyone who watches is told when that changes, and the `first` time."""
        if first or self._up.get(kind, True) is not up:
            self._up[kind] = up
            fields = {"backend": self.backends[kind].name, "message": "" if up else message}
            self.events.emit("backend_up" if up else "backend_down", **fields)

    async def _wait(self, job: Job, until: float) -> Event:
        box = self._boxes[job.job_id]
        try:
            async with asyncio.timeout(max(0.0, until - self.clock.now())):
                await box.arrived.wait()
        except TimeoutError:
            return Tick()
        return box.take()
