"""Settings of one workspace: what `koma.yaml` says, what `KOMA_*` variables say instead, and the defaults.

A variable is named after the setting, with two underscores for each step inwards: `KOMA_RENDITION=draft`, `KOMA_HTTP__PORT=9000`.
The folder that holds `koma.yaml` is the workspace. A plan with nothing to do reads settings too, and dataclasses take long to import,
so these are named tuples.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from koma.core.errors import ConfigError, WorkspaceError
from koma.core.fields import Fields, Report
from koma.core.words import Rendition

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from koma.core.fields import KeyPath

FILE = "koma.yaml"
PREFIX = "KOMA_"
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


class BackendConfig(NamedTuple):
    """One ComfyUI server. A render may take `deadline_factor` times what is expected before it counts as stuck.

    `vram_limit` is the share of graphics memory (0..1) above which it counts as full; `restart` is a command, word by word.
    """

    name: str
    kind: str
    url: str
    yield_to_people: bool
    deadline_factor: float
    vram_limit: float
    free: str  # family | always
    restart: tuple[str, ...]


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


class MeasureConfig(NamedTuple):
    """Where learned metrics run: `auto` is the CPU while a render runs, and a graphics card that is idle and has room."""

    device: str  # auto | cpu | cuda


class LogConfig(NamedTuple):
    """How log lines look: `auto` is console on a terminal, JSON elsewhere."""

    format: str  # auto | json | console
    level: str  # debug | info | warning | error


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
    store: str


def find_workspace(given: Path | None, start: Path) -> Path:
    """Return the folder that was given, or the nearest one from `start` upwards that holds a koma.yaml. Raises WorkspaceError."""
    if given is not None:
        if (given / FILE).is_file():
            return given.resolve()
        raise WorkspaceError(f"{given} holds no {FILE}", f"koma init {given}   (makes a workspace there)")
    start = start.resolve()
    for folder in (start, *start.parents):
        if (folder / FILE).is_file():
            return folder
    raise WorkspaceError(f"no {FILE} in {start} or above it", "koma init   (makes a workspace here), or --workspace DIR")


def load(workspace: Path, env: Mapping[str, str] | None = None, *, parsed: Any = None) -> Config:
    """Read the settings of a workspace; `env` is the process environment where left out. Raises ConfigError with every mistake.

    `parsed` is the value of an unchanged koma.yaml from a cache; with it, nothing is read and no YAML library is imported.
    """
    env = os.environ if env is None else env
    if parsed is not None:
        return config_from_mapping(parsed, {}, workspace, env)
    data, positions = _read(workspace / FILE)
    return config_from_mapping(data, positions, workspace, env)


def _read(file: Path) -> tuple[Any, Mapping[KeyPath, tuple[int, int]]]:
    from koma.core.yamltext import read_yaml  # noqa: PLC0415 - start-up time: not imported while koma.yaml is unchanged

    try:
        text = file.read_bytes()
    except OSError as error:
        raise WorkspaceError(f"{file} can't be read: {error.strerror}", "koma init   (makes a workspace)") from error
    read = read_yaml(text, FILE)
    problems = [problem for problem in read.problems if problem.code != "empty-document"]  # all defaults is a fine choice
    if problems:
        raise ConfigError(problems)
    if len(read.documents) > 1:
        from koma.core.problem import Problem  # noqa: PLC0415 - start-up time

        raise ConfigError([Problem(read.documents[1].place(), "several-documents", "settings are one document", hint="remove the `---`")])
    return next(((doc.data, {**doc.values, **doc.keys}) for doc in read.documents), ({}, {}))


def config_from_mapping(data: Any, positions: Mapping[KeyPath, tuple[int, int]], workspace: Path, env: Mapping[str, str]) -> Config:
    """Check parsed settings and fill in defaults; `positions` maps key paths to line and column from 1. Raises ConfigError."""
    report = Report(FILE, positions, env, PREFIX)
    root = Fields(data, report)
    config = Config(
        workspace=workspace,
        rendition=Rendition(root.text("rendition", Rendition.ANIMATIC, [str(name) for name in Rendition])),
        watch=root.texts("watch", ("projects/*",)),
        source=_source(root.section("source")),
        paths=_paths(root.section("paths"), workspace),
        backends=_backends(root),
        safety=_safety(root.section("safety")),
        measure=_measure(root.section("measure")),
        http=_http(root.section("http")),
        log=_log(root.section("log")),
        store=root.text("store", "sqlite", ["sqlite"]),
    )
    root.done()
    report.strays()
    if report.problems:
        raise ConfigError(sorted(report.problems))
    return config


def _source(fields: Fields) -> SourceConfig:
    source = SourceConfig(
        mode=fields.text("mode", "directory", ["directory", "git"]),
        ref=fields.text("ref", "HEAD"),
        repository=fields.text("repository", "."),
        debounce_seconds=fields.number("debounce_seconds", 0.5, 0.0, 60.0),
        debounce_max_seconds=fields.number("debounce_max_seconds", 10.0, 0.0, 600.0),
        rescan_seconds=fields.number("rescan_seconds", 30.0, 1.0, 86400.0),
        references_settle=fields.number("references_settle", 30.0, 0.0, 3600.0),
    )
    if source.debounce_max_seconds < source.debounce_seconds:
        expected = f"at least debounce_seconds, {source.debounce_seconds:g}"
        fields.wrong("debounce_max_seconds", "the longest wait is shorter than the shortest", expected=expected)
    fields.done()
    return source


def _paths(fields: Fields, workspace: Path) -> Paths:
    outputs = workspace / fields.text("outputs", "outputs")
    paths = Paths(
        outputs=outputs,
        objects=workspace / fields.text("objects", str(outputs / ".koma/objects")),
        state=workspace / fields.text("state", str(outputs / ".koma/state.db")),
        cache=workspace / fields.text("cache", str(outputs / ".koma/cache.db")),
        templates=workspace / fields.text("templates", "templates"),
        models=workspace / fields.text("models", "models"),
    )
    fields.done()
    return paths


def _backends(root: Fields) -> tuple[BackendConfig, ...]:
    found: list[BackendConfig] = []
    for fields in root.sections("backends"):
        backend = _backend(fields)
        if backend.name in {other.name for other in found}:
            fields.wrong("name", f"two backends are called `{backend.name}`", expected="a name of its own for each")
        found.append(backend)
    return tuple(found)


def _backend(fields: Fields) -> BackendConfig:
    backend = BackendConfig(
        name=fields.text("name", "comfyui"),
        kind=fields.text("kind", "comfyui", ["comfyui"]),
        url=fields.text("url", "").rstrip("/"),
        yield_to_people=fields.flag("yield_to_people", default=False),
        deadline_factor=fields.number("deadline_factor", 10.0, 1.0, 1000.0),
        vram_limit=fields.number("vram_limit", 0.8, 0.0, 1.0),
        free=fields.text("free", "family", ["family", "always"]),
        restart=fields.texts("restart", ()),
    )
    scheme, _, rest = backend.url.partition("://")
    if scheme not in {"http", "https"} or not rest:
        fields.wrong("url", f"`{backend.url}` is not the address of a server", expected="http://127.0.0.1:8188, or where ComfyUI listens")
    fields.done()
    return backend


def _safety(fields: Fields) -> SafetyConfig:
    safety = SafetyConfig(
        max_gpu_minutes=fields.limit("max_gpu_minutes", 0.0),
        retire_share=fields.number("retire_share", 0.5, 0.0, 1.0),
        retire_at_least=fields.whole("retire_at_least", 10, 1, 1_000_000),
    )
    fields.done()
    return safety


def _measure(fields: Fields) -> MeasureConfig:
    measure = MeasureConfig(device=fields.text("device", "auto", ["auto", "cpu", "cuda"]))
    fields.done()
    return measure


def _http(fields: Fields) -> HttpConfig:
    http = HttpConfig(
        enabled=fields.flag("enabled", default=True),
        host=fields.text("host", "127.0.0.1"),
        port=fields.whole("port", 8377, 0, 65535),
    )
    if http.host not in LOOPBACK:
        hint = "put a proxy that asks for a password in front of it"
        fields.wrong("host", f"`{http.host}` can be reached by others", expected=" or ".join(LOOPBACK), hint=hint)
    fields.done()
    return http


def _log(fields: Fields) -> LogConfig:
    log = LogConfig(
        format=fields.text("format", "auto", ["auto", "json", "console"]),
        level=fields.text("level", "info", ["debug", "info", "warning", "error"]),
    )
    fields.done()
    return log
