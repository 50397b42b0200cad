"""Reading each section of koma.yaml into its value, with defaults; every mistake is noted where it stands."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from koma.config.values import (
    LOOPBACK,
    BackendConfig,
    DiskConfig,
    GcConfig,
    HoursConfig,
    HttpConfig,
    LogConfig,
    MeasureConfig,
    Paths,
    RestartAfter,
    SafetyConfig,
    SourceConfig,
)
from koma.core.login import Secret, split_login
from koma.core.store_address import SQLITE, fault, has_password
from koma.core.words import DAYS

_ADDRESS = re.compile(r"https?://(\[[0-9a-fA-F:.]+\]|[\w.-]+)(:[0-9]{1,5})?(/[^\s?#@\\]*)?")

if TYPE_CHECKING:
    from collections.abc import Sequence
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
    if _has_login(source.repository) and not fields.from_env("repository"):
        hint = "let git know it (`git config credential.helper`), or put the whole address into KOMA_SOURCE__REPOSITORY"
        fields.wrong("repository", "koma.yaml is no place for a login", expected="the address alone", hint=hint)
    if source.debounce_max_seconds < source.debounce_seconds:
        expected = f"at least debounce_seconds, {source.debounce_seconds:g}"
        fields.wrong("debounce_max_seconds", "the longest wait is shorter than the shortest", expected=expected)
    fields.done()
    return source


def _has_login(repository: str) -> bool:
    """Whether a secret stands in an address; the user of `ssh://git@host/...` is none."""
    login = split_login(repository)[1].reveal()
    return bool(login) and (":" in login or not repository.startswith("ssh://"))


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


def read_backends(root: Fields, workspace: Path) -> tuple[BackendConfig, ...]:
    """Read `backends`, each with a name of its own."""
    found: list[BackendConfig] = []
    for fields in root.sections("backends"):
        backend = _backend(fields, workspace)
        same = _namesake(backend.name, [other.name for other in found]) if found else ""
        if same:
            fields.wrong("name", f"two backends are called `{same}`", expected="a name of its own for each, whatever its case")
        found.append(backend)
    return tuple(found)


def _backend(fields: Fields, workspace: Path) -> BackendConfig:
    url, login = _login(fields)
    if _ADDRESS.fullmatch(url) is None:
        fields.wrong("url", f"`{url}` is not the address of a server", expected="http://127.0.0.1:8188, or where ComfyUI listens")
    backend = BackendConfig(
        name=fields.text("name", "comfyui"),
        kind=fields.text("kind", "comfyui", ["comfyui"]),
        url=url,
        yield_to_people=fields.flag("yield_to_people", default=False),
        deadline_factor=fields.number("deadline_factor", 10.0, 1.0, 1000.0),
        no_progress_seconds=fields.number("no_progress_seconds", 600.0, 1.0, 604_800.0),
        idle_seconds=fields.number("idle_seconds", 60.0, 1.0, 86_400.0),
        vram_limit=fields.number("vram_limit", 0.8, 0.0, 1.0),
        free=fields.text("free", "family", ["family", "always"]),
        restart=fields.texts("restart", ()),
        restart_after=_restart_after(fields.section("restart_after")),
        login=login,
        login_file=_file(fields, "login_file", workspace),
    )
    fields.done()
    return backend


def _restart_after(fields: Fields) -> RestartAfter:
    after = RestartAfter(
        faults=fields.whole("faults", 3, 0, 1000),
        black=fields.whole("black", 3, 0, 1000),
        renders=fields.whole("renders", 0, 0, 1_000_000),
        memory=fields.number("memory", 0.95, 0.0, 1.0),
    )
    fields.done()
    return after


def _namesake(name: str, others: Sequence[str]) -> str:
    """Give the name that can't be told from this one but by case or Unicode form, "" for none."""
    from koma.core.alike import folded  # noqa: PLC0415  # start-up time: nearly everybody has one backend

    return next((other for other in others if folded(other) == folded(name)), "")


def _login(fields: Fields) -> tuple[str, Secret]:
    """Read the address of a server and what it asks for, which may stand in the address as well, but never in koma.yaml."""
    (url, written), login = split_login(fields.text("url", "").rstrip("/")), Secret(fields.text("login", ""))
    for key, found in (("url", written), ("login", login)):
        if found and not fields.from_env(key):
            hint = "name a file that holds it in `login_file`, or put it into a variable: KOMA_BACKENDS__0__LOGIN"
            fields.wrong(key, "koma.yaml is no place for a login", expected="the address alone", hint=hint)
    return url, login or written


def _file(fields: Fields, key: str, workspace: Path) -> Path | None:
    name = fields.text(key, "")
    return workspace / name if name else None


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


def read_http(fields: Fields, workspace: Path) -> HttpConfig:
    """Read `http`; another address than loopback needs a token."""
    http = HttpConfig(
        enabled=fields.flag("enabled", default=True),
        host=fields.text("host", "127.0.0.1"),
        port=fields.whole("port", 8377, 0, 65535),
        token_file=_file(fields, "token_file", workspace),
    )
    if http.host not in LOOPBACK and http.token_file is None:
        hint = "name a file that holds a token in `token_file`: whoever asks must say it"
        fields.wrong("host", f"`{http.host}` can be reached by others", expected=" or ".join(LOOPBACK), hint=hint)
    fields.done()
    return http


def read_log(fields: Fields) -> LogConfig:
    """Read `log`: how log lines look."""
    log = LogConfig(
        format=fields.text("format", "auto", ["auto", "json", "console"]),
        level=fields.text("level", "info", ["debug", "info", "warning", "error"]),
        rotate_megabytes=fields.number("rotate_megabytes", 20.0, 0.1, 10_000.0),
        keep=fields.whole("keep", 5, 1, 1000),
    )
    fields.done()
    return log


def read_disk(fields: Fields) -> DiskConfig:
    """Read `disk`: what stays free."""
    disk = DiskConfig(
        reserve_percent=fields.number("reserve_percent", 5.0, 0.0, 90.0),
        reserve_bytes=fields.limit("reserve_bytes", 0.0),
    )
    fields.done()
    return disk


def read_gc(fields: Fields) -> GcConfig:
    """Read `gc`: what stays of what nothing shows any more."""
    gc = GcConfig(
        keep_commits=fields.whole("keep_commits", 50, 0, 1_000_000),
        keep_days=fields.number("keep_days", 30.0, 0.0, 100_000.0),
        retired_days=fields.number("retired_days", 30.0, 0.0, 100_000.0),
    )
    fields.done()
    return gc


def read_hours(fields: Fields) -> HoursConfig:
    """Read `hours`: when no job starts."""
    hours = HoursConfig(
        quiet=fields.texts("quiet", ()),
        days=fields.texts("days", DAYS),
        zone=fields.text("zone", ""),
    )
    for text in (text for text in hours.quiet if not _is_window(text)):
        fields.wrong("quiet", f"`{text}` is no time of the day", expected="from and to, such as 08:00-18:00 or 22:00-06:00")
    for day in (day for day in hours.days if day not in DAYS):
        fields.wrong("days", f"`{day}` is no day", expected=", ".join(DAYS))
    if hours.zone and not _is_zone(hours.zone):
        fields.wrong("zone", f"`{hours.zone}` is no time zone that this machine knows", expected="a name such as Europe/Berlin")
    fields.done()
    return hours


def _is_window(text: str) -> bool:
    from koma.core.hours import read_window  # noqa: PLC0415  # start-up time where no hours are quiet

    return read_window(text, ()) is not None


def _is_zone(name: str) -> bool:
    from koma.config.zones import zone_of  # noqa: PLC0415  # start-up time where none is named

    return zone_of(name) is not None


def read_store(root: Fields) -> str:
    """Read `store`: sqlite, or the address of a database, whose password stands in no file that is shared."""
    store = root.text("store", SQLITE)
    wrong = fault(store)
    if wrong:
        root.wrong("store", wrong, expected="sqlite, or postgresql://host:5432/database?user=koma with special characters as %XX")
    elif has_password(store) and not root.from_env("store"):
        root.wrong(
            "store", "koma.yaml is no place for a password", hint="leave it out here; it may stand in KOMA_STORE, PGPASSWORD or ~/.pgpass"
        )
    return store
