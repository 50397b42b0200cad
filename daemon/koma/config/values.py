"""The settings as values, one for each section of koma.yaml.

A plan with nothing to do reads settings too, and dataclasses take long to import, so these are named tuples.
"""

from pathlib import Path
from typing import NamedTuple

from koma.core.login import Secret
from koma.core.words import Rendition

LOOPBACK = ("127.0.0.1", "localhost", "::1")


class SourceConfig(NamedTuple):
    """Where documents come from and how long to wait for quiet. Times in seconds."""

    mode: str  # directory | git
    ref: str
    repository: str
    debounce_seconds: float
    debounce_max_seconds: float
    rescan_seconds: float
    references_settle: float


class Paths(NamedTuple):
    """Absolute folders and files that Koma reads or writes, beside the watched ones."""

    outputs: Path
    objects: Path
    state: Path
    cache: Path
    templates: Path
    models: Path

    @property
    def private(self) -> Path:
        """Everything in outputs/ that is Koma's own."""
        return self.outputs / ".koma"

    @property
    def lock(self) -> Path:
        """What the one process that writes holds. It lies beside the state store itself, by whichever links that was reached."""
        return self.state.resolve().with_suffix(".lock")

    @property
    def models_lock(self) -> Path:
        """The digests of the model files, and their licences."""
        return self.models / "models.json"

    @property
    def inbox(self) -> Path:
        """Requests of other commands to the daemon."""
        return self.private / "inbox"

    @property
    def retired(self) -> Path:
        """Where retired files move to."""
        return self.private / "retired"

    @property
    def events(self) -> Path:
        """The event log, one JSON object per line."""
        return self.private / "logs" / "events.jsonl"


class RestartAfter(NamedTuple):
    """When a server is restarted between jobs: after so many in a row, after so many renders; 0 is never."""

    faults: int
    black: int
    renders: int
    memory: float  # share of memory in use, 0..1


class BackendConfig(NamedTuple):
    """One ComfyUI server. A render may take `deadline_factor` times what is expected before it counts as stuck.

    Without a sign of progress it may run for `no_progress_seconds`, and the server may hold prompts and work on none for `idle_seconds`.
    `vram_limit` is the share of graphics memory (0..1) above which it counts as full; `restart` is a command, word by word.
    """

    name: str
    kind: str
    url: str  # without a login
    yield_to_people: bool
    deadline_factor: float
    no_progress_seconds: float
    idle_seconds: float
    vram_limit: float
    free: str  # family | always
    restart: tuple[str, ...]
    restart_after: RestartAfter
    login: Secret
    login_file: Path | None


class SafetyConfig(NamedTuple):
    """When a plan is held until a person allows it."""

    max_gpu_minutes: float | None
    retire_share: float  # 0..1 of what is published
    retire_at_least: int


class HttpConfig(NamedTuple):
    """Where /metrics, /healthz and /status.json are served."""

    enabled: bool
    host: str
    port: int
    token_file: Path | None


class MeasureConfig(NamedTuple):
    """Where learned metrics run: `auto` is the CPU while a render runs, and a graphics card that is idle and has room."""

    device: str  # auto | cpu | cuda


class LogConfig(NamedTuple):
    """How log lines look: `auto` is console on a terminal, JSON elsewhere. The event log is kept in `keep` files of `rotate_megabytes`."""

    format: str  # auto | json | console
    level: str  # debug | info | warning | error
    rotate_megabytes: float
    keep: int


class DiskConfig(NamedTuple):
    """How much of each file system no render may take: a share in per cent, or bytes in its place."""

    reserve_percent: float
    reserve_bytes: float | None


class GcConfig(NamedTuple):
    """What `koma gc` keeps of what nothing shows any more: of the last commits, and of the last days."""

    keep_commits: int
    keep_days: float
    retired_days: float


class HoursConfig(NamedTuple):
    """When no job starts: times of the day (`08:00-18:00`) on these days, by the clock of this zone; "" is this machine's."""

    quiet: tuple[str, ...]
    days: tuple[str, ...]
    zone: str


class Config(NamedTuple):
    """All settings. `workspace` is absolute."""

    workspace: Path
    rendition: Rendition
    watch: tuple[str, ...]
    source: SourceConfig
    paths: Paths
    backends: tuple[BackendConfig, ...]
    safety: SafetyConfig
    measure: MeasureConfig
    http: HttpConfig
    log: LogConfig
    disk: DiskConfig
    gc: GcConfig
    hours: HoursConfig
    store: str
