"""Protocols between the engine and the world. Adapters implement them; one contract suite per port holds them to it."""

from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from koma.core.against import NOTHING, Against
from koma.core.gate import Measurement
from koma.core.job import Job, JobState
from koma.core.media import Artifact, Media
from koma.core.problem import Problem
from koma.core.request import BackendStatus, Progress, RenderRequest, Sighting, Submitted
from koma.core.rows import Lying, Published, TakeRow
from koma.core.snapshot import PictureRow, Snapshot, SourceFile
from koma.core.take import Take
from koma.core.wish import Request
from koma.core.words import BackendKind


class Clock(Protocol):
    """Time, so that decisions and tests never read it themselves."""

    def now(self) -> float:
        """Seconds since the epoch, for what is stored and shown."""
        ...

    def monotonic(self) -> float:
        """Seconds that only grow, for durations."""
        ...


class Events(Protocol):
    """Where domain events go: log line, event file, metrics, progress display. Never raises, never blocks for long."""

    def emit(self, name: str, **fields: Any) -> None:
        """Report one event; `name` is snake_case (`job_complete`), values are JSON values."""
        ...


class Backend(Protocol):
    """Something that draws. `submit` is called once per prompt id; everything else may be repeated at any time."""

    name: str
    kind: BackendKind

    async def open(self) -> None:
        """Start what runs in the background (connection for progress, worker). Does not fail when the server is down."""
        ...

    async def close(self) -> None:
        """Stop it. Prompts that the backend already has are left alone."""
        ...

    async def probe(self) -> BackendStatus:
        """Ask whether it is up; never raises."""
        ...

    async def signatures(self) -> Mapping[str, Any] | None:
        """Node signatures in the recorded form (see koma.core.graph), or None where there is no such thing or no answer."""
        ...

    async def submit(self, request: RenderRequest, inputs: Mapping[str, Path]) -> Submitted:
        """Make inputs available (name → file on this machine), then queue the request exactly once. Never raises."""
        ...

    async def ask(self, prompt_id: str) -> Sighting:
        """Where the prompt is: queue first, then history. The only source of truth about completion. Never raises."""
        ...

    async def find(self, request: RenderRequest) -> Sighting:
        """Look for the finished files of a prompt that is in neither queue nor history, by the names that its prefix gives them.

        Succeeded with its outputs, absent where they are not all there or are not of this request, unreachable. Never raises.
        """
        ...

    def progress(self) -> AsyncIterator[Progress]:
        """Hints for prompts of this client, endlessly; survives lost connections."""
        ...

    async def collect(self, request: RenderRequest, outputs: Mapping[str, Any], into: Path) -> Sequence[Path]:
        """Fetch the lossless output files into a folder, in frame order, decoded once to prove them whole.

        Raises CollectError, and OSError where this machine can't keep them.
        """
        ...

    async def cancel(self, prompt_id: str) -> None:
        """Take it from the queue, or interrupt it if it is running; nothing if unknown. Never raises."""
        ...

    async def withdraw(self, prompt_id: str) -> None:
        """Take it from the queue if it waits there; one that runs goes on. Never raises."""
        ...

    async def free(self) -> None:
        """Let go of models and cached results, where that means something. Never raises."""
        ...


class CollectError(Exception):
    """Output files are missing or broken; `str()` says which and why. With `away` they may be whole: nobody answered who could tell."""

    def __init__(self, message: str, *, away: bool = False) -> None:
        super().__init__(message)
        self.away = away


class Objects(Protocol):
    """The object store: files by digest, immutable."""

    def path(self, file_digest: str, suffix: str) -> Path:
        """Where that object lies or would lie."""
        ...

    def has(self, file_digest: str, suffix: str) -> bool:
        """Whether it is there."""
        ...

    def put(self, file: Path, *, expect: str = "") -> str:
        """Copy a file in, durably, and return its digest. Raises ValueError if `expect` is given and differs."""
        ...

    def is_sound(self, file_digest: str, suffix: str) -> bool:
        """Read it again: whether it is there with the bytes that its name says. One with others is put aside, and gone from then on."""
        ...


class MediaTools(Protocol):
    """Turns collected files into artifacts: lossless object, delivery file, poster, last frame of a clip."""

    def build(self, files: Sequence[Path], request: RenderRequest) -> tuple[Artifact, ...]:
        """Decode, pack, encode, digest and store. CPU-bound. Raises ValueError with what is wrong with the files."""
        ...


class Measure(Protocol):
    """Metrics on files."""

    def measure(self, file: Path, media: Media, metrics: Sequence[str], against: Against = NOTHING) -> tuple[Measurement, ...]:
        """Measure a lossless object: one measurement per metric, of each character where the metric reads characters.

        Never raises for a bad file: each metric then says why it has no value.
        """
        ...


class Publisher(Protocol):
    """Puts takes where people look."""

    def publish(self, take: Take, stem: str) -> Published:
        """Write delivery file, poster, gate.json and receipt.json at `outputs/<stem>…`; temporary name, fsync, rename; repeatable."""
        ...

    def keep_take(self, take: Take, stem: str, log: str) -> None:
        """Write receipt, gate result and, for a failure, error and log excerpt into `takes/` beside the output."""
        ...

    def give_back(self, take: Take, stem: str) -> None:
        """Put into the object store what it lost of a take, where `outputs/<stem>…` still has it."""
        ...

    def retire(self, published: Published) -> None:
        """Move the published files to outputs/.koma/retired/. Nothing is deleted."""
        ...

    def recall(self, takes: Collection[str] = (), stems: Collection[str] = ()) -> Iterable[tuple[Take, Published | None]]:
        """Every take that receipts in outputs/ tell of, with where it is published: for rebuilding what a store lost.

        `takes` are keys and `stems` places that the store knows: what is only of those is left out, and not read.
        """
        ...


class StoreReader(Protocol):
    """What a plan with nothing to do reads of a store."""

    def published(self, targets: Collection[str] | None = None) -> list[Published]:
        """Everything that lies in outputs/ as far as known, or what lies there for these targets."""
        ...

    def lying(self, rendition: str) -> list[Lying]:
        """Tell in short what lies in outputs/ in one rendition, in any order."""
        ...

    def is_working(self) -> bool:
        """Whether any job is on its way."""
        ...

    def flags(self) -> dict[str, str]:
        """Small named facts, such as `allowed_plan`; those that more than one place reads are named in koma.core.flags."""
        ...


class Store(StoreReader, Protocol):
    """What Koma remembers. One writer. Every method is one transaction; a read sees whole transactions.

    Any method may raise koma.core.faults.StoreError.
    """

    def serial(self) -> int:
        """Grows with every write: two equal serials mean nothing changed in between."""
        ...

    def take_rows(self, render_keys: Iterable[str] | None = None) -> list[TakeRow]:
        """Return takes of these keys, or all; by target, rendition, render_key, number."""
        ...

    def take(self, take_key: str) -> Take | None:
        """One take, whole."""
        ...

    def facts(self, take_keys: Iterable[str]) -> dict[str, Mapping[str, Any]]:
        """take_key → facts of these takes, for saying what changed."""
        ...

    def put_take(self, take: Take) -> None:
        """Insert or replace a take. `decided` once True stays True for all takes of its target, rendition and render_key."""
        ...

    def put_published(self, published: Published, job: Job | None = None) -> None:
        """Record what lies in outputs/ (one row per target and rendition), and the finished job with it."""
        ...

    def drop_published(self, target: str, rendition: str) -> None:
        """Forget that something is published."""
        ...

    def enqueue(self, jobs: Sequence[Job]) -> None:
        """Add jobs, all or none. A job_id that is already there and not terminal is left as it is."""
        ...

    def jobs(self) -> list[Job]:
        """Jobs that are not terminal, oldest first."""
        ...

    def advance(self, job: Job, expected: JobState) -> bool:
        """Replace a job if its stored state is `expected` and the step is in TRANSITIONS (or the state stays). False if not."""
        ...

    def durations(self) -> dict[str, list[float]]:
        """Template → render seconds of its newest takes (at most 100 each)."""
        ...

    def set_flag(self, name: str, value: str | None) -> None:
        """Set or remove one."""
        ...

    def check(self) -> list[str]:
        """Integrity problems in words; empty when sound."""
        ...

    def close(self) -> None:
        """Release files and connections."""
        ...


class Renderer(Protocol):
    """Templates → graph texts. A batch goes in, so that it may later run in a limited child."""

    def render(self, template: str, text: str, batch: Sequence[Mapping[str, Any]]) -> list[str | Problem]:
        """Render one template text for each parameter set; a Problem at file:line where one fails."""
        ...

    def verbatim(self, template: str, text: str) -> frozenset[str]:
        """Names that a template text puts straight into the graph and uses for nothing else."""
        ...


class Source(Protocol):
    """Where documents, templates and reference pictures come from: one snapshot at a time."""

    def snapshot(self) -> Snapshot:
        """Read everything as of one moment. Raises SourceError when there is no such moment to be had."""
        ...

    def read(self, files: Sequence[SourceFile]) -> Mapping[str, bytes]:
        """Path → bytes of files of the snapshot; those that can't be had any more are left out."""
        ...

    def local(self, file: SourceFile) -> Path:
        """Where the file lies on this machine (reference pictures always do)."""
        ...


class PlanCache(Protocol):
    """What was parsed and resolved before, as JSON texts; may be empty at any time."""

    def documents(self) -> dict[str, tuple[str, str, str]]:
        """Path → (file digest, heads, problems)."""
        ...

    def put_documents(
        self, rows: Sequence[tuple[str, str, str, str]], bodies: Sequence[tuple[str, str, str, str]], gone: Iterable[str]
    ) -> None:
        """Remember (path, digest, heads, problems) and (path, digest, data, positions); forget what is gone."""
        ...

    def body(self, path: str, digest: str) -> tuple[str, str] | None:
        """Give data and positions of one parsed file, if they are those of this digest."""
        ...

    def bodies(self) -> dict[str, tuple[str, str]]:
        """Path → (digest, data) of every file."""
        ...

    def scenes(self, rendition: str) -> dict[str, tuple[str, str, str, str, str]]:
        """Name → (name, digest of inputs, names of inputs, problems, settled lines)."""
        ...

    def targets(self, names: Sequence[str]) -> list[str]:
        """Targets of these scenes, in their order; "" for one that is not there any more."""
        ...

    def put_scenes(self, scenes: Sequence[tuple[str, str, str, str, str]], gone: Iterable[str]) -> None:
        """Remember (name, digest of inputs, names of inputs, problems, targets), not settled; forget what is gone."""
        ...

    def put_settled(self, settled: Mapping[str, str]) -> None:
        """Remember settled lines by name."""
        ...

    def manifest(self, name: str) -> str:
        """Manifest of a template that was read before, as JSON text; "" for none."""
        ...

    def put_manifest(self, name: str, manifest: str) -> None:
        """Remember a manifest."""
        ...

    def notes(self, names: Sequence[str]) -> dict[str, str]:
        """Name → text of notes made under these names; those never made are left out. The name holds the digest of what was read."""
        ...

    def put_notes(self, notes: Mapping[str, str]) -> None:
        """Remember notes."""
        ...

    def images(self) -> dict[str, PictureRow]:
        """File digest → (content digest, problem, width, height)."""
        ...

    def put_images(self, rows: Mapping[str, PictureRow]) -> None:
        """Remember."""
        ...


class Wishes(Protocol):
    """Where people leave wishes for the daemon."""

    def read(self) -> Sequence[Request]:
        """Give every wish that lies there, oldest first."""
        ...

    def done(self, request: Request) -> None:
        """Remove a wish that was carried out."""
        ...
