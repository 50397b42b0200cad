"""Settings of one workspace: what `koma.yaml` says, what `KOMA_*` variables say instead, and the defaults.

A variable is named after the setting, with two underscores for each step inwards: `KOMA_RENDITION=draft`, `KOMA_HTTP__PORT=9000`.
The folder that holds `koma.yaml` is the workspace. `values` has the settings, `sections` reads them.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from koma.config.sections import (
    read_backends,
    read_disk,
    read_gc,
    read_hours,
    read_http,
    read_log,
    read_measure,
    read_paths,
    read_safety,
    read_source,
    read_store,
)
from koma.config.values import (
    LOOPBACK,
    BackendConfig,
    Config,
    DiskConfig,
    GcConfig,
    HttpConfig,
    LogConfig,
    MeasureConfig,
    Paths,
    SafetyConfig,
    SourceConfig,
)
from koma.core.errors import ConfigError, WorkspaceError
from koma.core.fields import Fields, Report
from koma.core.words import Rendition

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from koma.core.fields import KeyPath

FILE = "koma.yaml"
PREFIX = "KOMA_"


__all__ = [
    "LOOPBACK",
    "BackendConfig",
    "Config",
    "DiskConfig",
    "GcConfig",
    "HttpConfig",
    "LogConfig",
    "MeasureConfig",
    "Paths",
    "SafetyConfig",
    "SourceConfig",
]


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
        source=read_source(root.section("source")),
        paths=read_paths(root.section("paths"), workspace),
        backends=read_backends(root, workspace),
        safety=read_safety(root.section("safety")),
        measure=read_measure(root.section("measure")),
        http=read_http(root.section("http"), workspace),
        log=read_log(root.section("log")),
        disk=read_disk(root.section("disk")),
        gc=read_gc(root.section("gc")),
        hours=read_hours(root.section("hours")),
        store=read_store(root),
    )
    root.done()
    report.strays()
    if report.problems:
        raise ConfigError(sorted(report.problems))
    return config
