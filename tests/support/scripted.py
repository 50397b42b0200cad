"""In-memory fakes of the ports for engine tests: a server that renders in virtual time, and everything around it."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from koma.core.against import NOTHING, Against
from koma.core.gate import Measurement, Op, Rule
from koma.core.job import Job, JobState, Work
from koma.core.media import Artifact, InputFile, Media, Role
from koma.core.request import (
    BackendStatus,
    Failure,
    FailureClass,
    Progress,
    RenderRequest,
    Sighting,
    Stage,
    SubmitOutcome,
    Submitted,
)
from koma.core.rows import Published
from koma.core.take import Take
from koma.core.words import ActionKind, BackendKind
from koma.engine.cpulane import CpuLane, Offload
from koma.engine.worker import Worker
from koma.ports import CollectError
from koma.stores.memory import MemoryStore
from support.virtual import VirtualClock

SHARP = Rule("sharpness", Op.AT_LEAST, 0.5)


def make_work(target: str = "p/s01/sh010/still", number: int = 1, **changes: Any) -> Work:
    kind = changes.get("backend", BackendKind.COMFYUI)
    request = RenderRequest(
        prompt_id="",
        prefix="",
        kind=kind,
        document={"9": {"class_type": "SaveImage", "inputs": {"filename_prefix": "koma-output"}}},
        inputs=(),
        media=Media.IMAGE,
        label=f"{target} take {number}",
    )
    render_key = changes.pop("render_key", f"key of {target}")
    fields: dict[str, Any] = {
        "target": target,
        "rendition": "final",
        "phase": target.rsplit("/", 1)[-1],
        "render_key": render_key,
        "take_key": f"{render_key} take {number}",
        "number": number,
        "seed": number,
        "backend": kind,
        "template": "still",
        "stem": target,
        "request": request,
        "measures": ("sharpness",),
        "measure_key": "measures-1",
        "rules": (SHARP,),
        "rules_digest": "rules-1",
        "expect": {},
        "facts": {},
        "origin": {},
    }
    return Work(**{**fields, **changes})


def make_job(target: str = "p/s01/sh010/still", number: int = 1, *, queued_at: float = 1.0, **changes: Any) -> Job:
    return Job(f"{target}#{number}", ActionKind.RENDER, JobState.QUEUED, make_work(target, number, **changes), queued_at)


def again(job: Job, action: ActionKind, state: JobState, **work: Any) -> Job:
    """A job about a take that exists, as the planner makes it: nothing but the work is filled in."""
    renders_not = replace(job.work, request=None, **work)
    return Job(f"{action} {job.job_id}", action, state, renders_not, job.queued_at + 1000)


@dataclass(slots=True)
class Prompt:
    request: RenderRequest
    arrived: float
    started: float | None = None
    interrupted: bool = False


class Server:
    """A render server that outlives the daemon: serial, `seconds` per prompt, memory only. It may lose, refuse and fail as told."""

    def __init__(self, clock: VirtualClock, seconds: float = 10.0) -> None:
        self.clock = clock
        self.seconds = seconds
        self.queue: list[Prompt] = []
        self.history: dict[str, Failure | None] = {}
        self.files: dict[str, Mapping[str, Any]] = {}  # on its disk: they outlive a restart
        self.runs: Counter[str] = Counter()
        self.posts: Counter[str] = Counter()
        self.starts: list[tuple[str, float]] = []  # label, time
        self.ends: list[tuple[str, float]] = []
        self.answers: list[str] = []  # of the next submissions: accept (when empty), busy, reject, request-lost, reply-lost
        self.failures: dict[str, list[Failure]] = {}  # by label, one per run
        self.reachable = True
        self.others = 0
        self.stuck = False  # an interrupt does nothing, and no prompt ends
        self.dead = False  # answers, and begins no prompt any more
        self.hangs: set[str] = set()  # labels of prompts that never end, whoever interrupts them
        self.others_running = 0
        self.ram: tuple[int, int] | None = None  # bytes in use and in all
        self.freed = 0
        self.memory: tuple[int, int] | None = None  # bytes in use and in all; None for a machine without an accelerator
        self.frees_to = 0  # bytes in use after memory was asked for
        self.changed = asyncio.Event()
        self._free_at = 0.0
        self._told: set[str] = set()

    def tick(self) -> None:
        """Let everything happen that has happened by now."""
        now = self.clock.elapsed
        while self.queue:
            head = self.queue[0]
            if head.started is None and self.dead:
                return
            if head.started is None:
                head.started = max(head.arrived, self._free_at)
                self.runs[head.request.prompt_id] += 1
                self.starts.append((head.request.label, head.started))
            if self.stuck or head.request.label in self.hangs or head.started + self.seconds > now + 1e-9:
                return
            self._end(head, head.started + self.seconds)

    def _end(self, prompt: Prompt, at: float) -> None:
        self.queue.remove(prompt)
        script = self.failures.get(prompt.request.label, [])
        failed = Failure(FailureClass.INTERRUPTED, "interrupted") if prompt.interrupted else script.pop(0) if script else None
        self.history[prompt.request.prompt_id] = failed
        if failed is None:
            self.files[prompt.request.prompt_id] = {"file": prompt.request.prompt_id}
        self.ends.append((prompt.request.label, at))
        self._free_at = at
        self.changed.set()

    def post(self, request: RenderRequest) -> Submitted:
        self.tick()
        self.posts[request.prompt_id] += 1
        answer = self.answers.pop(0) if self.answers else "accept"
        if answer in {"accept", "reply-lost"}:
            self.queue.append(Prompt(request, self.clock.elapsed))
            self.tick()
            self.changed.set()
        refused = Failure(FailureClass.VALIDATION, "sampler_name is not in the list")
        return {
            "accept": Submitted(SubmitOutcome.ACCEPTED),
            "reject": Submitted(SubmitOutcome.REJECTED, refused),
            "busy": Submitted(SubmitOutcome.BUSY),
            "request-lost": Submitted(SubmitOutcome.UNKNOWN),
            "reply-lost": Submitted(SubmitOutcome.UNKNOWN),
        }[answer]

    def find(self, prompt_id: str) -> Sighting:
        if not self.reachable:
            return Sighting(Stage.UNREACHABLE)
        self.tick()
        for place, prompt in enumerate(self.queue):
            if prompt.request.prompt_id == prompt_id:
                return Sighting(Stage.RUNNING) if prompt.started is not None else Sighting(Stage.QUEUED, idle=place == 0)
        if prompt_id not in self.history:
            return Sighting(Stage.ABSENT)
        failed = self.history[prompt_id]
        return Sighting(Stage.FAILED, failure=failed) if failed else Sighting(Stage.SUCCEEDED, {"file": prompt_id}, None, self.seconds)

    def interrupt(self, prompt_id: str) -> None:
        self.tick()
        for prompt in list(self.queue):
            if prompt.request.prompt_id != prompt_id or self.stuck or prompt.request.label in self.hangs:
                continue
            if prompt.started is None:
                self.queue.remove(prompt)
            else:
                prompt.interrupted = True
                self._end(prompt, self.clock.elapsed)

    def withdraw(self, prompt_id: str) -> None:
        self.tick()
        self.queue = [prompt for prompt in self.queue if prompt.started is not None or prompt.request.prompt_id != prompt_id]

    def restart(self) -> None:
        self.tick()
        self.queue.clear()
        self.history.clear()
        self.stuck = self.dead = False
        self._free_at = self.clock.elapsed

    def next_end(self) -> float | None:
        self.tick()
        head = self.queue[0] if self.queue and not self.stuck and self.queue[0].request.label not in self.hangs else None
        return None if head is None or head.started is None else head.started + self.seconds

    def new_ends(self) -> list[str]:
        self.tick()
        fresh = [prompt_id for prompt_id in self.history if prompt_id not in self._told]
        self._told.update(fresh)
        return fresh

    def idle(self) -> list[float]:
        """Seconds between the end of one prompt and the start of the next."""
        return [start - end for (_, end), (_, start) in zip(self.ends, self.starts[1:], strict=False)]


class ScriptedBackend:
    """`koma.ports.Backend` in front of a Server."""

    def __init__(self, server: Server, kind: BackendKind = BackendKind.COMFYUI, *, hints: bool = True) -> None:
        self.name = str(kind)
        self.kind = kind
        self.server = server
        self.hints = hints
        self.opened = 0
        self.broken_files = 0  # the next so many collects fail
        self.seen_inputs: list[Mapping[str, Path]] = []

    async def open(self) -> None:
        self.opened += 1

    async def close(self) -> None:
        self.opened -= 1

    async def probe(self) -> BackendStatus:
        used, total = self.server.memory or (None, None)
        free = total - used if total is not None and used is not None else None
        in_use, ram = self.server.ram or (None, None)
        return BackendStatus(
            self.server.reachable,
            "1.0",
            total,
            free,
            others_waiting=self.server.others,
            others_running=self.server.others_running,
            ram_total=ram,
            ram_free=ram - in_use if ram is not None and in_use is not None else None,
        )

    async def signatures(self) -> Mapping[str, Any] | None:
        return None

    async def submit(self, request: RenderRequest, inputs: Mapping[str, Path]) -> Submitted:
        self.seen_inputs.append(inputs)
        return self.server.post(request)

    async def ask(self, prompt_id: str) -> Sighting:
        return self.server.find(prompt_id)

    async def progress(self) -> AsyncIterator[Progress]:
        server = self.server
        server.changed = asyncio.Event()  # one belongs to one event loop, and the server outlives it
        while True:
            for prompt_id in server.new_ends() if self.hints else ():
                yield Progress(prompt_id, 1.0, finished=True)
            due = server.next_end() if self.hints else None
            server.changed.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(None if due is None else max(0.0, due - server.clock.elapsed)):
                    await server.changed.wait()

    async def find(self, request: RenderRequest) -> Sighting:
        if not self.server.reachable:
            return Sighting(Stage.UNREACHABLE)
        outputs = self.server.files.get(request.prompt_id)
        return Sighting(Stage.ABSENT) if outputs is None else Sighting(Stage.SUCCEEDED, outputs)

    async def collect(self, request: RenderRequest, outputs: Mapping[str, Any], into: Path) -> Sequence[Path]:
        if self.broken_files:
            self.broken_files -= 1
            raise CollectError("still_00001_.png is cut off")
        file = into / "still.png"
        file.write_text(request.label)
        return [file]

    async def cancel(self, prompt_id: str) -> None:
        self.server.interrupt(prompt_id)

    async def withdraw(self, prompt_id: str) -> None:
        self.server.withdraw(prompt_id)

    async def free(self) -> None:
        self.server.freed += 1
        if self.server.memory is not None:
            self.server.memory = (self.server.frees_to, self.server.memory[1])


class MemoryObjects:
    """`koma.ports.Objects` by name only; `gone` are digests that were lost."""

    def __init__(self) -> None:
        self.gone: set[str] = set()

    def path(self, file_digest: str, suffix: str) -> Path:
        return Path("/objects") / f"{file_digest.replace('/', '_')}{suffix}"

    def has(self, file_digest: str, suffix: str) -> bool:
        return file_digest not in self.gone

    def is_sound(self, file_digest: str, suffix: str) -> bool:
        return file_digest not in self.gone

    def put(self, file: Path, *, expect: str = "") -> str:
        return expect or file.name


class LabelMedia:
    """`koma.ports.MediaTools`: the digest of what was made is what the file says, so tests can speak of takes by name."""

    def build(self, files: Sequence[Path], request: RenderRequest) -> tuple[Artifact, ...]:
        name = files[0].read_text()
        return tuple(
            Artifact(role, Media.IMAGE, f"{role} {name}", f"pixels {name}", ".png", 1, 1, 1) for role in (Role.OBJECT, Role.DELIVERY)
        )


class ScoredMeasure:
    """`koma.ports.Measure`: sharpness by the label of what is measured, 1.0 where nothing is said."""

    def __init__(self) -> None:
        self.scores: dict[str, float] = {}
        self.broken: set[str] = set()  # labels on which a metric has a bug
        self.calls: list[str] = []
        self.asked: list[tuple[str, ...]] = []

    def measure(self, file: Path, media: Media, metrics: Sequence[str], against: Against = NOTHING) -> tuple[Measurement, ...]:
        self.calls.append(file.stem)
        self.asked.append(tuple(metrics))
        if any(label.replace("/", "_") in file.stem for label in self.broken):
            raise ZeroDivisionError("division by zero")
        score = next((value for label, value in self.scores.items() if label.replace("/", "_") in file.stem), 1.0)
        return tuple(Measurement(metric, "1", "", score) for metric in metrics)


class Shelf:
    """`koma.ports.Publisher` in memory: `shown` is what lies in the outputs folder, `kept` what lies in takes/."""

    def __init__(self) -> None:
        self.shown: dict[str, Take] = {}
        self.kept: dict[str, Take] = {}
        self.logs: dict[str, str] = {}
        self.errors: list[Exception] = []

    def publish(self, take: Take, stem: str) -> Published:
        self._fail()
        self.shown[stem] = take
        made = take.object
        return Published(
            take.target,
            take.rendition,
            take.take_key,
            take.render_key,
            f"{stem}.png",
            1,
            str(take.verdict),
            take.measure_key,
            take.rules_digest,
            made.content_digest if made else "",
        )

    def keep_take(self, take: Take, stem: str, log: str) -> None:
        self._fail()
        self.kept[take.take_key] = take
        self.logs[take.take_key] = log

    def retire(self, published: Published) -> None:
        del self.shown[published.path]

    def give_back(self, take: Take, stem: str) -> None:
        pass

    def recall(self, takes: Collection[str] = (), stems: Collection[str] = ()) -> list[tuple[Take, Published | None]]:
        return []

    def _fail(self) -> None:
        if self.errors:
            raise self.errors.pop(0)


@dataclass(slots=True)
class Heard:
    """`koma.ports.Events` that remembers."""

    events: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def emit(self, name: str, **fields: Any) -> None:
        self.events.append((name, fields))

    def names(self) -> list[str]:
        return [name for name, _ in self.events]

    def of(self, name: str) -> list[dict[str, Any]]:
        return [fields for heard, fields in self.events if heard == name]


class Killed(BaseException):  # not an error of the program: the machine pulls the plug
    """The process is gone."""


class Fuse:
    """Kills at the n-th touch of the world; counts touches when it has no n."""

    def __init__(self, at: int | None = None) -> None:
        self.at = at
        self.touches = 0

    def burn(self) -> None:
        self.touches += 1
        if self.touches - 1 == self.at:
            raise Killed


class Fragile:
    """A port behind a fuse that may blow just before and just after every call."""

    def __init__(self, inner: Any, fuse: Fuse) -> None:
        self._inner = inner
        self._fuse = fuse

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if not callable(found) or name == "progress":
            return found
        return self._later(found) if asyncio.iscoroutinefunction(found) else self._now(found)

    def _now(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            self._fuse.burn()
            result = function(*args, **kwargs)
            self._fuse.burn()
            return result

        return call

    def _later(self, function: Callable[..., Any]) -> Callable[..., Any]:
        async def call(*args: Any, **kwargs: Any) -> Any:
            self._fuse.burn()
            result = await function(*args, **kwargs)
            self._fuse.burn()
            return result

        return call


async def inline(function: Callable[..., Any], *arguments: Any) -> Any:
    """Offload to nowhere: virtual time knows no threads."""
    return function(*arguments)


class Rig:
    """A whole world around the engine. `worker()` may be called again: that is a new daemon in the same world."""

    def __init__(self, *, seconds: float = 10.0, hints: bool = True) -> None:
        self.clock = VirtualClock()
        self.store = MemoryStore()
        self.server = Server(self.clock, seconds)
        self.backend = ScriptedBackend(self.server, hints=hints)
        self.objects = MemoryObjects()
        self.measure = ScoredMeasure()
        self.shelf = Shelf()
        self.heard = Heard()
        self.versions: dict[BackendKind, dict[str, str]] = {}

    def worker(self, fuse: Fuse | None = None, offload: Offload = inline, **options: Any) -> Worker:
        def port(inner: Any) -> Any:
            return inner if fuse is None else Fragile(inner, fuse)

        store = port(self.store)
        cpu = CpuLane(
            store,
            objects=self.objects,
            media=port(LabelMedia()),
            measure=port(self.measure),
            publisher=port(self.shelf),
            clock=self.clock,
            versions=self.versions,
            offload=offload,
        )
        backends = {BackendKind.COMFYUI: port(self.backend)}
        return Worker(store, backends, cpu, objects=self.objects, clock=self.clock, events=self.heard, **options)

    def published(self, target: str = "p/s01/sh010/still") -> str:
        """Take key that the store says is published, "" for none."""
        return next((row.take_key for row in self.store.published() if row.target == target), "")


def an_input(name: str = "koma-input:image", digest: str = "ref") -> InputFile:
    return InputFile(name, f"pixels {digest}", digest, ".png")
