"""The work behind `koma doctor`: findings of the workspace, then of the machine."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from koma.app.secrets import login_of
from koma.app.workspace import App
from koma.backends.comfyui.backend import ComfyUIBackend
from koma.cli.database import database
from koma.cli.equipment import models, packages
from koma.cli.machine import Finding, Level, codecs, disk, fail, git, inotify, ok, python, sqlite, warn
from koma.cli.printing import count, daemon_of, print_json, print_lines, table
from koma.cli.upkeep import clock, rotten
from koma.config import BackendConfig, find_workspace
from koma.core.errors import KomaError
from koma.core.problem import Severity
from koma.core.request import BackendStatus
from koma.core.words import Rendition
from koma.engine.checking import check_all
from koma.sources.directory import expand

PROBE_SECONDS = 10.0


def run(workspace: Path | None, *, objects: bool, as_json: bool) -> int:
    """Examine and print; 1 if something fails."""
    findings = list(examine(workspace, objects=objects))
    if as_json:
        print_json({"findings": [{"item": f.item, "level": f.level, "message": f.message, "fix": f.fix} for f in findings]})
    else:
        print_lines(_lines(findings))
    return int(any(finding.level is Level.FAIL for finding in findings))


def _lines(findings: Sequence[Finding]) -> Iterator[str]:
    rows = table([(finding.level, finding.item, finding.message) for finding in findings])
    for finding, row in zip(findings, rows, strict=True):
        yield row
        if finding.fix:
            yield f"      do: {finding.fix}"


def examine(workspace: Path | None, *, objects: bool = False) -> Iterator[Finding]:
    """Everything that is looked at, with `objects` every object read again; what an earlier finding makes impossible is left out."""
    yield from (python(), sqlite(), codecs())
    try:
        root = find_workspace(workspace, Path.cwd())
        app = App.open(root)
    except KomaError as error:
        yield fail("koma.yaml", error.message, error.hint)
        return
    with app:
        yield ok("koma.yaml", str(root))
        for look in (_folders, _templates, database, _store, _daemon, _backends, packages, models, clock, *([rotten] if objects else [])):
            yield from _safely(look, app)
        config = app.config
        yield from (disk(config.paths.outputs), inotify([root / pattern.removesuffix("/*") for pattern in config.watch]))
        if config.source.mode == "git":
            yield git(root, config.source.repository, config.source.ref)


def _safely(look: Callable[[App], Iterator[Finding]], app: App) -> Iterator[Finding]:
    """Turn an error that would end the command into a finding, so that the others are still made."""
    try:
        yield from look(app)
    except KomaError as error:
        yield fail(look.__name__.strip("_"), error.message, error.hint)


def _folders(app: App) -> Iterator[Finding]:
    config = app.config
    found = expand(config.workspace, config.watch)
    if not found:
        yield fail("projects", f"no folder matches {', '.join(config.watch)}", "make one, or correct `watch` in koma.yaml")
    else:
        yield ok("projects", ", ".join(found))
    checked = check_all(app.source, app.desires, app.templates, app.renderer, app.server.signatures, config.rendition)
    errors = sum(problem.severity is Severity.ERROR for problem in checked.problems)
    said = ", ".join(count(number, kind.removesuffix("s")) for kind, number in checked.counts.items())
    yield fail("specs", f"{count(errors, 'error')} in {said}", "koma check") if errors else ok("specs", said)


def _templates(app: App) -> Iterator[Finding]:
    folder = app.config.paths.templates
    names = sorted(file.parent.name for file in folder.glob("*/template.yaml"))
    if names:
        yield ok("templates", ", ".join(names))
    elif app.config.rendition is Rendition.ANIMATIC:
        yield warn("templates", f"there is none in {folder}; the animatic needs none", "koma template add still svd-video")
    else:
        yield fail("templates", f"there is none in {folder}", "koma template add still svd-video")


def _store(app: App) -> Iterator[Finding]:
    problems = app.store.check()
    if problems:
        yield from (fail("store", problem, "stop Koma and move the file away: receipts and objects rebuild it") for problem in problems)
        return
    takes = app.store.take_rows()
    lost = sum(
        not any(app.config.paths.objects.glob(f"{row.object_digest[:2]}/{row.object_digest[2:]}.*")) for row in takes if row.object_digest
    )
    said = f"{count(len(takes), 'take')}, {count(len(app.store.published()), 'output')}, {count(len(app.store.jobs()), 'job')} in the queue"
    if lost:
        yield warn(
            "store", f"{said}; the objects of {count(lost, 'take')} are gone", "they are rendered again when they are wanted: koma plan"
        )
    else:
        yield ok("store", said)


def _daemon(app: App) -> Iterator[Finding]:
    holder = daemon_of(app.config.paths.lock)
    paused = "; it is paused" if "paused" in app.store.flags() else ""
    yield warn("daemon", f"{holder or 'not running'}{paused}", "koma resume") if paused else ok("daemon", holder or "not running")


def _backends(app: App) -> Iterator[Finding]:
    config = app.config
    if not config.backends:
        needed = config.rendition is not Rendition.ANIMATIC
        hint = "name one in koma.yaml:  backends: [{name: local, kind: comfyui, url: 'http://127.0.0.1:8188'}]"
        message = f"none is named; {config.rendition} needs one" if needed else "none is named; the animatic needs none"
        yield fail("backends", message, hint) if needed else ok("backends", message)
    for backend, status in zip(config.backends, asyncio.run(_probe(config.backends)), strict=True):
        yield _backend(backend, status, needed=config.rendition is not Rendition.ANIMATIC)


def _backend(backend: BackendConfig, status: BackendStatus, *, needed: bool) -> Finding:
    item = f"backend {backend.name}"
    if not status.up:
        message, hint = status.message or f"{backend.url} does not answer", "start ComfyUI, or correct `backends` in koma.yaml"
        return fail(item, message, hint) if needed else warn(item, message, hint)
    memory = f", {(status.vram_free or 0) / 1e9:.1f} of {status.vram_total / 1e9:.1f} GB free" if status.vram_total else ""
    return ok(item, f"ComfyUI {status.version}{memory}, {count(status.others_waiting, 'prompt')} of others")


async def _probe(backends: Sequence[BackendConfig]) -> list[BackendStatus]:
    return list(await asyncio.gather(*(_probe_one(backend) for backend in backends)))


async def _probe_one(config: BackendConfig) -> BackendStatus:
    try:
        backend = ComfyUIBackend(config.name, config.url, login=login_of(config), http_timeout=PROBE_SECONDS)
    except KomaError as error:
        return BackendStatus(up=False, message=error.message)
    try:
        return await backend.probe()
    finally:
        await backend.close()
