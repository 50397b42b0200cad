"""The daemon of one workspace, put together and run: lanes, passes, watcher, HTTP, telemetry."""

import asyncio
import shutil
import sys
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from koma import __version__
from koma.app.memory import share_one_heap
from koma.app.passes import Passes
from koma.app.recalling import recall
from koma.app.room import WorkspaceRoom
from koma.app.secrets import read_secret
from koma.app.storing import tell_of_outages
from koma.app.tended import care_of, hours_of, patience_of, rules_of
from koma.app.versions import Versions
from koma.app.workspace import App
from koma.backends.comfyui.restart import RestartCommand
from koma.config import LOOPBACK, Config
from koma.core.errors import KomaError
from koma.core.job import Job
from koma.core.login import NO_SECRET
from koma.core.resuming import resumed
from koma.core.safety import Limits
from koma.core.words import ActionKind, BackendKind
from koma.engine.cpulane import CpuLane
from koma.engine.device import MeasuringDevice
from koma.engine.disk import DiskGuard
from koma.engine.lanes import Lanes
from koma.engine.loop import Daemon, ReconcileResult, Timing
from koma.engine.mending import forget_answered, restock
from koma.engine.queueing import Queueing
from koma.engine.quiet import QuietHours
from koma.engine.reconcile import Reconciler
from koma.engine.reviews import Reviewer
from koma.engine.standing import is_lacking
from koma.engine.worker import Worker
from koma.measures.learned.runtime import runtime_fault
from koma.ports import Backend
from koma.sources.inbox import Inbox
from koma.sources.watch import Watch
from koma.telemetry.eventlog import Rotation
from koma.telemetry.http import Server, serve, standard_routes
from koma.telemetry.outlet import Outlet, open_outlet


class Orders(NamedTuple):
    """What a person asked for on the command line: one go or for ever, a plan digest to let go ahead, which targets.

    `check` raises StoreError where this process does not hold the state's lock any more.
    """

    once: bool = False
    allow: str = ""
    selects: Callable[[str], bool] | None = None
    check: Callable[[], None] = lambda: None


async def run(app: App, orders: Orders) -> tuple[int, Reconciler]:
    """Run until stopped, or with `once` until nothing is left; the exit status, and who knows how things stand.

    The caller holds the state's lock. Raises KomaError where a backend that is needed does not answer and nobody would wait for it.
    """
    config = app.config
    _one_runtime()
    share_one_heap()
    async with AsyncExitStack() as stack:
        outlet = _outlet(app, once=orders.once)
        stack.callback(outlet.hub.close)
        tell_of_outages(config, app.store, outlet.hub)
        _pick_up(app)
        backends = app.backends(config.rendition)
        reconciler = _reconciler(app, outlet, orders)
        versions = Versions(app, lambda: lanes.lacking or is_lacking(reconciler.standing.survey))
        worker = _worker(app, outlet, backends, versions)
        yield_to = [BackendKind.COMFYUI] if any(b.yield_to_people for b in config.backends) else []
        lanes = Lanes(worker, yield_to=yield_to, care=care_of(config))
        quiet = QuietHours(hours_of(config), app.wall, outlet.hub)
        guard = _guard(config, outlet)
        lanes.may_begin = lambda job: quiet.may_begin(job) and worker.breakers.may_begin(job) and guard.may_begin(job)
        passes = Passes(app, reconciler, guard, outlet.hub, lambda: versions.ask(worker, backends.values()))

        async def look() -> ReconcileResult:
            _before_a_look(app, orders, lanes)
            result = await passes()
            if orders.once:
                _must_answer(versions.down, result)
            waits = quiet.last() and (lanes.busy or bool(result.queued))
            return replace(result, waiting=result.waiting + waits)

        daemon = Daemon(lanes, look, lambda: _unfinished(app, backends), app.clock, once=orders.once, timing=_timing(app))
        lanes.on_finished = _after(guard.note, _after(reconciler.note, lanes.on_finished))
        if not orders.once:
            stack.callback(_watch(app, passes, daemon).stop)
            if config.http.enabled:
                stack.callback(_http(app, outlet).close)
            probing = asyncio.create_task(versions.keep_asking(worker, backends.values(), daemon.wake_now))
            stack.callback(probing.cancel)
        outlet.hub.emit("daemon_started", version=__version__, workspace=str(config.workspace), rendition=str(config.rendition))
        worker.breakers.tell(daemon.wake_now)
        try:
            return await daemon.run_with_signals(), reconciler
        finally:
            outlet.hub.emit("daemon_stopped", version=__version__, workspace=str(config.workspace))


def _before_a_look(app: App, orders: Orders, lanes: Lanes) -> None:
    orders.check()
    if not lanes.busy:
        app.clock.catch_up()


def _watch(app: App, passes: Passes, daemon: Daemon) -> Watch:
    """Begin to watch what people write."""
    watch = Watch(lambda: _watched(app), _later(daemon.wake))
    passes.watching.append(watch)
    passes.tell_unwatched(watch.start())
    return watch


def _guard(config: Config, outlet: Outlet) -> DiskGuard:
    place = WorkspaceRoom(config)
    return DiskGuard(place.spaces, place.reserve, outlet.hub, place.known(), place.remember)


def _pick_up(app: App) -> None:
    """Put right what a daemon that was killed, or whatever happened since, left behind."""
    recall(app.store, app.publisher)
    restock(app.store, app.objects, app.publisher)
    forget_answered(app.store)
    for left in app.scratch.iterdir():
        shutil.rmtree(left, ignore_errors=True)
    for left in app.config.paths.private.glob("*.new"):
        left.unlink(missing_ok=True)


def _restarters(app: App, backends: Mapping[BackendKind, Backend]) -> dict[BackendKind, RestartCommand]:
    """Restart commands of the backends that have one."""
    named, backend = next(iter(app.config.backends), None), backends.get(BackendKind.COMFYUI)
    if named is None or backend is None or not named.restart:
        return {}
    return {BackendKind.COMFYUI: RestartCommand(named.restart, backend.probe, app.config.workspace)}


def _after(first: Callable[[Job], None], then: Callable[[Job], None]) -> Callable[[Job], None]:
    def both(job: Job) -> None:
        first(job)
        then(job)

    return both


def _later(call: Callable[[], None]) -> Callable[[], None]:
    """Make a function that another thread may call; it runs on the loop."""
    loop = asyncio.get_running_loop()

    def wake() -> None:
        loop.call_soon_threadsafe(call)

    return wake


def _must_answer(down: list[str], result: ReconcileResult) -> None:
    if down and any(job.action is ActionKind.RENDER for job in result.queued):
        hint = "start it, or correct its url in koma.yaml; what was queued goes on with the next `koma run`"
        raise KomaError(f"backend {', '.join(down)} does not answer", hint)


def _unfinished(app: App, backends: Mapping[BackendKind, Backend]) -> list[Job]:
    return [resumed(job, app.clock.now()) for job in app.store.jobs() if job.work.backend in backends]


def _timing(app: App) -> Timing:
    source = app.config.source
    return Timing(quiet=source.debounce_seconds, cap=source.debounce_max_seconds, rescan=source.rescan_seconds)


def _one_runtime() -> None:
    """Refuse to start with two ONNX runtimes: which one would measure is chance. Raises KomaError."""
    fault = runtime_fault()
    if fault is not None:
        raise KomaError(fault.why, fault.hint)


def _outlet(app: App, *, once: bool) -> Outlet:
    config = app.config
    config.paths.events.parent.mkdir(parents=True, exist_ok=True)
    progress = once or (sys.stderr.isatty() and config.log.format == "auto")
    return open_outlet(
        app.wall,
        __version__,
        config.paths.outputs,
        config.paths.events,
        sys.stderr,
        progress=progress,
        form=config.log.format,
        level=config.log.level,
        rotation=Rotation(round(config.log.rotate_megabytes * 1e6), config.log.keep),
        folders=WorkspaceRoom(config).folders,
    )


def _worker(app: App, outlet: Outlet, backends: Mapping[BackendKind, Backend], versions: Versions) -> Worker:
    device = _measuring_device(app, backends.get(BackendKind.COMFYUI))
    cpu = CpuLane(
        app.store,
        objects=app.objects,
        media=app.media,
        measure=app.measure(lambda: device.current),
        publisher=app.publisher,
        clock=app.clock,
        versions=versions.known,
        scratch=app.scratch,
        prepare=device.prepare,
    )
    restarters = _restarters(app, backends)
    return Worker(
        app.store, backends, cpu, objects=app.objects, clock=app.clock, events=outlet.hub, restarters=restarters, rules=rules_of(app.config)
    )


def _measuring_device(app: App, server: Backend | None) -> MeasuringDevice:
    url = app.config.backends[0].url if app.config.backends else ""
    return MeasuringDevice(app.config.measure.device, app.store, server, url, LOOPBACK)


def _reconciler(app: App, outlet: Outlet, orders: Orders) -> Reconciler:
    config, safety = app.config, app.config.safety
    return Reconciler(
        app.surveyor,
        Queueing(
            app.source,
            app.desires,
            app.drafting,
            app.store,
            app.objects,
            app.clock,
            outputs=config.paths.outputs,
            patience=patience_of(config),
        ),
        app.store,
        app.publisher,
        Reviewer(app.store, app.publisher, app.desires.documents),
        Inbox(config.paths.inbox),
        app.clock,
        outlet.hub,
        rendition=config.rendition,
        limits=Limits(safety.max_gpu_minutes, safety.retire_share, safety.retire_at_least),
        allow=orders.allow,
        selects=orders.selects,
    )


def _watched(app: App) -> list[Path]:
    config = app.config
    roots = {config.workspace / pattern.removesuffix("/*") for pattern in config.watch}
    return [*sorted(roots), config.paths.templates, config.paths.inbox]


def _http(app: App, outlet: Outlet) -> Server:
    http = app.config.http
    token = read_secret(http.token_file, "a long random word") if http.token_file is not None else NO_SECRET
    return serve(http.host, http.port, standard_routes(outlet.metrics, outlet.board, app.wall.now), token)
