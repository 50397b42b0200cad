"""One job, step by step: decide, store, carry out. The only place where effects of jobs happen.

The next state is stored before its effects, and each effect may be repeated, so a worker may be killed between any two lines.
"""

import asyncio
import tempfile
import traceback
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from koma.core.attempt import request_of
from koma.core.decide import decide
from koma.core.faults import StoreError
from koma.core.job import TERMINAL, Job, JobState
from koma.core.media import Role
from koma.core.request import Failure, FailureClass, Sighting, Stage, SubmitOutcome, Submitted
from koma.core.step import (
    Ask,
    Collect,
    Collected,
    CollectFailed,
    Effect,
    Emit,
    Event,
    Free,
    Interrupt,
    Look,
    Measure,
    Measured,
    Publish,
    PublishedAs,
    Recall,
    Recalled,
    Recorded,
    RecordTake,
    Restart,
    Seen,
    StepFailed,
    Submit,
    SubmitAnswer,
    Tick,
    Wait,
)
from koma.core.words import BackendKind
from koma.engine import tending
from koma.engine.mailbox import Mailbox
from koma.engine.taking import TakeMissingError, key_to_lie, must_publish, take_of, whole_take
from koma.engine.tending import Restarter
from koma.ports import Backend, Clock, CollectError, Events, MediaTools, Objects, Publisher, Store
from koma.ports import Measure as MeasurePort

T = TypeVar("T")
Offload = Callable[..., Awaitable[Any]]

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
    """Runs jobs against the ports. `offload` runs a blocking function elsewhere; one at a time, which is the CPU lane.

    `on_stored` is called with a job each time its next state has been stored, before the effects; `count_waiting` tells how many jobs
    wait. `versions` of Koma and of its backend go into a take's receipt as they are known when it is recorded. `scratch` is a folder for
    files on their way, else the system's. `restarters` bring back backends that have a restart command.
    """

    def __init__(
        self,
        store: Store,
        backends: Mapping[BackendKind, Backend],
        *,
        objects: Objects,
        media: MediaTools,
        measure: MeasurePort,
        publisher: Publisher,
        clock: Clock,
        events: Events,
        versions: Mapping[BackendKind, Mapping[str, str]] | None = None,
        scratch: Path | None = None,
        restarters: Mapping[BackendKind, Restarter] | None = None,
        offload: Offload = asyncio.to_thread,
    ) -> None:
        self.store = store
        self.backends = backends
        self.clock = clock
        self.events = events
        self.on_stored: Callable[[Job], None] = lambda _job: None
        self.count_waiting: Callable[[], int] = lambda: 0
        self.stopping = False
        self._objects = objects
        self._media = media
        self._measure = measure
        self._publisher = publisher
        self._versions: Mapping[BackendKind, Mapping[str, str]] = {} if versions is None else versions
        self._scratch = scratch
        self._restarters = restarters or {}
        self._offload = offload
        self._cpu_lane = asyncio.Lock()
        self._boxes: dict[str, Mailbox] = {}
        self._prompts: dict[str, str] = {}
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
            if job.state in TERMINAL:
                self._stages.pop(job.job_id, None)
            self._prompts = {prompt: owner for prompt, owner in self._prompts.items() if owner != job.job_id}

    async def step(self, job: Job, event: Event) -> tuple[Job, Event | None]:
        """Decide, store, carry out; the answer is the event of the next step."""
        next_job, effects = decide(job, event, self.clock.now())
        if next_job != job:
            self._keep(job, next_job, event)
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
            case Restart():
                return await tending.restart(self._restarters.get(job.work.backend))
            case Submit():
                return SubmitAnswer(await self._submit(job))
            case Ask(prompt_id):
                return Seen(await self._ask(job, prompt_id))
            case Collect():
                return await self._collect(job)
            case Recall():
                return self._recall(job)
            case Measure():
                return await self._measured(job)
            case RecordTake():
                return await self._record(job)
            case Publish():
                return await self._publish(job)
            case Interrupt(prompt_id):
                if job.work.backend in self.backends:
                    await self.backends[job.work.backend].cancel(prompt_id)
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
        self.reached(job.work.backend, "it does not answer", up=sighting.stage is not Stage.UNREACHABLE)
        return sighting

    def reached(self, kind: BackendKind, message: str, *, up: bool, first: bool = False) -> None:
        """Note that a backend answered or did not; everyone who watches is told when that changes, and the `first` time."""
        if first or self._up.get(kind, True) is not up:
            self._up[kind] = up
            fields = {"backend": self.backends[kind].name, "message": "" if up else message}
            self.events.emit("backend_up" if up else "backend_down", **fields)

    async def _collect(self, job: Job) -> Event:
        request = request_of(job)
        with tempfile.TemporaryDirectory(prefix="koma-", dir=self._scratch) as folder:
            try:
                files = await self.backends[job.work.backend].collect(request, job.outputs, Path(folder))
                return Collected(tuple(await self._cpu(self._media.build, files, request)))
            except (CollectError, ValueError, OSError) as error:
                return CollectFailed(Failure(FailureClass.BAD_OUTPUT, str(error)))
            except Exception as error:  # noqa: BLE001  # a bug met by one shot's files must not stop the others
                return CollectFailed(_bug(error))

    def _recall(self, job: Job) -> Recalled:
        take = whole_take(self.store, job, job.work.take_key)
        return Recalled(take.artifacts, take.measurements) if take is not None else Recalled((), ())

    async def _measured(self, job: Job) -> Event:
        lossless = next((artifact for artifact in job.artifacts if artifact.role is Role.OBJECT), None)
        if lossless is None:
            return StepFailed(Failure(FailureClass.NO_OUTPUT, "the take has no lossless object"))
        file = self._objects.path(lossless.file_digest, lossless.suffix)
        return await self._tried(self._measure_file, file, lossless.media, job)

    async def _measure_file(self, file: Path, media: Any, job: Job) -> Event:
        measure = self._measure.measure
        return Measured(tuple(await self._cpu(measure, file, media, job.work.measures, job.expect)))

    async def _record(self, job: Job) -> Event:
        return await self._tried(self._record_take, job)

    async def _record_take(self, job: Job) -> Event:
        old = whole_take(self.store, job, job.work.take_key)
        take = take_of(job, old, self._versions.get(job.work.backend, {}), self.clock.now())
        self.store.put_take(take)
        await self._cpu(self._publisher.keep_take, take, job.work.stem, job.failure.excerpt if job.failure is not None else "")
        return Recorded(publish=must_publish(self.store, job))

    async def _publish(self, job: Job) -> Event:
        return await self._tried(self._publish_take, job)

    async def _publish_take(self, job: Job) -> Event:
        wanted, _ = key_to_lie(self.store, job)
        take = whole_take(self.store, job, wanted) if wanted else None
        if take is None:
            raise TakeMissingError(f"no take of {job.work.target} may be published, or it is not in the store")
        if self.store.take(wanted) != take:
            self.store.put_take(take)  # it comes from the id that the target had before it moved
        return PublishedAs(await self._cpu(self._publisher.publish, take, job.work.stem))

    async def _tried(self, function: Callable[..., Awaitable[Event]], *arguments: Any) -> Event:
        try:
            return await function(*arguments)
        except StoreError:  # nothing can be trusted to be remembered: the daemon ends, and recovers when it starts again
            raise
        except (OSError, ValueError, TakeMissingError) as error:
            return StepFailed(Failure(FailureClass.INTERNAL, str(error)))
        except Exception as error:  # noqa: BLE001  # a bug met by one shot must not stop the others
            return StepFailed(_bug(error))

    async def _cpu(self, function: Callable[..., T], *arguments: Any) -> T:
        async with self._cpu_lane:
            result: T = await self._offload(function, *arguments)
            return result

    async def _wait(self, job: Job, until: float) -> Event:
        box = self._boxes[job.job_id]
        try:
            async with asyncio.timeout(max(0.0, until - self.clock.now())):
                await box.arrived.wait()
        except TimeoutError:
            return Tick()
        return box.take()


def _bug(error: Exception) -> Failure:
    return Failure(FailureClass.INTERNAL, f"{type(error).__name__}: {error}", "".join(traceback.format_exception(error)[-8:]))
