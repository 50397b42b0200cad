"""The daemon of one workspace, put together and run: lanes, passes, watcher, HTTP, telemetry."""

import asyncio
import sys
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from koma import __version__
from koma.app.recalling import recall
from koma.app.versions import Versions
from koma.app.workspace import App
from koma.backends.comfyui.restart import RestartCommand
from koma.config import LOOPBACK, Config
from koma.core.errors import KomaError
from koma.core.job import Job
from koma.core.memory import Care, FreeRule
from koma.core.retry import DEADLINE_FACTOR
from koma.core.safety import Limits
from koma.core.words import ActionKind, BackendKind
from koma.engine.cpulane import CpuLane
from koma.engine.device import MeasuringDevice
from koma.engine.lanes import Lanes
from koma.engine.loop import Daemon, ReconcileResult, Timing
from koma.engine.queueing import Queueing
from koma.engine.reconcile import Reconciler
from koma.engine.reviews import Reviewer
from koma.engine.standing import is_lacking
from koma.engine.worker import Worker
from koma.measures.learned.runtime import runtime_fault
from koma.ports import Backend, Store
from koma.sources.inbox import Inbox
from koma.sources.watch import Watch
from koma.telemetry.http import Server, serve, standard_routes
from koma.telemetry.outlet import Outlet, open_outlet


class Orders(NamedTuple):
    """What a person asked for on the command line: one go or for ever, a plan digest to let go ahead, which targets."""

    once: bool = False
    allow: str = ""
    selects: Callable[[str], bool] | None = None


async def run(app: App, orders: Orders) -> tuple[int, Reconciler]:
    """Run until stopped, or with `once` until nothing is left; the exit status, and who knows how things stand.

    The caller holds the state's lock. Raises KomaError where a backend that is needed does not answer and nobody would wait for it.
    """
    config = app.config
    _one_runtime()
    async with AsyncExitStack() as stack:
        outlet = _outlet(app, once=orders.once)
        stack.callback(outlet.hub.close)
        recall(app.store, app.publisher)
        backends = app.backends(config.rendition)
        reconciler = _reconciler(app, outlet, orders)
        versions = Versions(app, lambda: lanes.lacking or is_lacking(reconciler.standing.survey))
        worker = _worker(app, outlet, backends, versions)
        yield_to = [BackendKind.COMFYUI] if any(b.yield_to_people for b in config.backends) else []
        lanes = Lanes(worker, yield_to=yield_to, care=_care(config))
        asked = False
        watching: list[Watch] = []

        async def look() -> ReconcileResult:
            nonlocal asked
            if not asked:
                asked = True
                await versions.ask(worker, backends.values())
            _tell_unwatched(outlet, [trouble for watch in watching for trouble in watch.refresh()])
            result = await _with_pages(app, reconciler, await reconciler())
            if orders.once:
                _must_answer(versions.down, result)
            return result

        daemon = Daemon(lanes, look, lambda: _unfinished(app.store, backends), app.clock, once=orders.once, timing=_timing(app))
        lanes.on_finished = _after(reconciler.note, lanes.on_finished)
        if not orders.once:
            watching.append(Watch(_watched(app), _later(daemon.wake)))
            _tell_unwatched(outlet, watching[0].start())
            stack.callback(watching[0].stop)
            if config.http.enabled:
                stack.callback(_http(app, outlet).close)
            probing = asyncio.create_task(versions.keep_asking(worker, backends.values(), daemon.wake_now))
            stack.callback(probing.cancel)
        outlet.hub.emit("daemon_started", version=__version__, workspace=str(config.workspace), rendition=str(config.rendition))
        try:
            return await daemon.run_with_signals(), reconciler
        finally:
            outlet.hub.emit("daemon_stopped", version=__version__, workspace=str(config.workspace))


def _care(config: Config) -> dict[BackendKind, Care]:
    """Say how the memory of each backend is looked after."""
    named = next(iter(config.backends), None)
    return {BackendKind.COMFYUI: Care(named.vram_limit, FreeRule(named.free))} if named is not None else {}


def _restarters(app: App, backends: Mapping[BackendKind, Backend]) -> dict[BackendKind, RestartCommand]:
    """Restart commands of the backends that have one."""
    named, backend = next(iter(app.config.backends), None), backends.get(BackendKind.COMFYUI)
    if named is None or backend is None or not named.restart:
        return {}
    return {BackendKind.COMFYUI: RestartCommand(named.restart, backend.probe, app.config.workspace)}


async def _with_pages(app: App, reconciler: Reconciler, result: ReconcileResult) -> ReconcileResult:
    """Bring records and pages of characters up to date after a pass; where pictures are left to be measured, look again soon."""
    survey = reconciler.standing.survey
    if survey is None or not await asyncio.to_thread(app.studio.refresh, survey):
        return result
    return replace(result, next_wake=app.clock.now(), unsettled=True)


def _after(first: Callable[[Job], None], then: Callable[[Job], None]) -> Callable[[Job], None]:
    def both(job: Job) -> None:
        first(job)
        then(job)

    return both


def _tell_unwatched(outlet: Outlet, troubles: list[str]) -> None:
    """Say which folders can't be watched: their changes are seen at the next rescan only."""
    for trouble in troubles:
        outlet.hub.emit("watch_failed", message=trouble)


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


def _unfinished(store: Store, backends: Mapping[BackendKind, Backend]) -> list[Job]:
    return [job for job in store.jobs() if job.work.backend in backends]


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
        app.clock,
        __version__,
        config.paths.outputs,
        config.paths.events,
        sys.stderr,
        progress=progress,
        form=config.log.format,
        level=config.log.level,
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
    return Worker(app.store, backends, cpu, objects=app.objects, clock=app.clock, events=outlet.hub, restarters=restarters)


def _measuring_device(app: App, server: Backend | None) -> MeasuringDevice:
    url = app.config.backends[0].url if app.config.backends else ""
    return MeasuringDevice(app.config.measure.device, app.store, server, url, LOOPBACK)


def _reconciler(app: App, outlet: Outlet, orders: Orders) -> Reconciler:
    config, safety = app.config, app.config.safety
    factor = config.backends[0].deadline_factor if config.backends else DEADLINE_FACTOR
    return Reconciler(
        app.surveyor,
        Queueing(
            app.source, app.desires, app.drafting, app.store, app.objects, app.clock, outputs=config.paths.outputs, deadline_factor=factor
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
    return serve(http.host, http.port, standard_routes(outlet.metrics, outlet.board, app.clock.now))
