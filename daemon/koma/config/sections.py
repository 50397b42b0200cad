"""Reading each section of koma.yaml into its value, with defaults; every mistake is noted where it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from koma.config.values import LOOPBACK, BackendConfig, HttpConfig, LogConfig, MeasureConfig, Paths, SafetyConfig, SourceConfig

if TYPE_CHECKING:
    from pathlib import Path

    from koma.core.fields import Fields


def read_source(fields: Fields) -> SourceConfig:
    """Read `source`: where documents come from."""
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


def read_paths(fields: Fields, workspace: Path) -> Paths:
    """Read `paths`; relative ones are taken from the workspace."""
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


def read_backends(root: Fields) -> tuple[BackendConfig, ...]:
    """Read `backends`, each with a name of its own."""
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


def read_safety(fields: Fields) -> SafetyConfig:
    """Read `safety`: when a plan is held."""
    safety = SafetyConfig(
        max_gpu_minutes=fields.limit("max_gpu_minutes", 0.0),
        retire_share=fields.number("retire_share", 0.5, 0.0, 1.0),
        retire_at_least=fields.whole("retire_at_least", 10, 1, 1_000_000),
    )
    fields.done()
    return safety


def read_measure(fields: Fields) -> MeasureConfig:
    """Read `measure`: where learned metrics run."""
    measure = MeasureConfig(device=fields.text("device", "auto", ["auto", "cpu", "cuda"]))
    fields.done()
    return measure


def read_http(fields: Fields) -> HttpConfig:
    """Read `http`; only loopback is allowed."""
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


def read_log(fields: Fields) -> LogConfig:
    """Read `log`: how log lines look."""
    log = LogConfig(
        format=fields.text("format", "auto", ["auto", "json", "console"]),
        level=fields.text("level", "info", ["debug", "info", "warning", "error"]),
    )
    fields.done()
    return log
