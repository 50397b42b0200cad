"""The daemon of one workspace, put together and run: lanes, passes, watcher, HTTP, telemetry."""

import asyncio
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from pathlib import Path

from koma import __version__
from koma.app.workspace import App
from koma.core.job import Job
from koma.core.safety import Limits
from koma.core.words import BackendKind
from koma.engine.lanes import Lanes
from koma.engine.loop import Daemon, ReconcileResult, Timing
from koma.engine.queueing import Queueing
from koma.engine.reconcile import Reconciler
from koma.engine.worker import Worker
from koma.measures.measure import FileMeasure
from koma.ports import Backend, Store
from koma.publish.publisher import FolderPublisher
from koma.sources.inbox import Inbox
from koma.sources.watch import Watch
from koma.telemetry.http import Server, serve, standard_routes
from koma.telemetry.outlet import Outlet, open_outlet
from koma.templating.signatures import dump_signatures

PROBE_SECONDS = 15.0


async def run(app: App, *, once: bool, allow: str = "", selects: Callable[[str], bool] | None = None) -> int:
    """Run until stopped, or with `once` until nothing is left; the exit status. The caller holds the state's lock."""
    config = app.config
    async with AsyncExitStack() as stack:
        outlet = _outlet(app, once=once)
        stack.callback(outlet.hub.close)
        recall(app.store, app.publisher)
        backends = app.backends(config.rendition)
        versions = Versions(app, outlet)
        worker = Worker(
            app.store,
            backends,
            objects=app.objects,
            media=app.media,
            measure=FileMeasure(),
            publisher=app.publisher,
            clock=app.clock,
            events=outlet.hub,
            versions=versions.known,
            scratch=app.scratch,
        )
        lanes = Lanes(worker, yield_to=[BackendKind.COMFYUI] if any(b.yield_to_people for b in config.backends) else [])
        reconcile = _reconciler(app, outlet, allow, selects)
        watch: Watch | None = None

        async def look() -> ReconcileResult:
            if watch is not None:
                watch.refresh()
            if not versions.asked:
                await versions.ask(*backends.values())
            return await reconcile()

        def unfinished() -> list[Job]:
            return [job for job in app.store.jobs() if job.work.backend in backends]

        times = Timing(quiet=config.source.debounce_seconds, cap=config.source.debounce_max_seconds, rescan=config.source.rescan_seconds)
        daemon = Daemon(lanes, look, unfinished, app.clock, once=once, timing=times)
        if not once:
            loop = asyncio.get_running_loop()
            config.paths.inbox.mkdir(parents=True, exist_ok=True)  # so that the first wish is heard at once
            watch = Watch(_watched(app), _waker(loop, daemon))
            stack.callback(watch.stop)
            watch.start()
            if config.http.enabled:
                stack.callback(_http(app, outlet).close)
            probing = asyncio.create_task(versions.keep_asking(daemon, *backends.values()))
            stack.callback(probing.cancel)
        outlet.hub.emit("daemon_started", version=__version__, workspace=str(config.workspace), rendition=str(config.rendition))
        try:
            return await daemon.run_with_signals()
        finally:
            outlet.hub.emit("daemon_stopped", version=__version__, workspace=str(config.workspace))


def _waker(loop: asyncio.AbstractEventLoop, daemon: Daemon) -> Callable[[], None]:
    def wake() -> None:
        loop.call_soon_threadsafe(daemon.wake)

    return wake


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


def _reconciler(app: App, outlet: Outlet, allow: str, selects: Callable[[str], bool] | None) -> Reconciler:
    config = app.config
    safety = config.safety
    return Reconciler(
        app.surveyor,
        Queueing(app.source, app.desires, app.drafting, app.store, app.objects, app.clock),
        app.store,
        app.publisher,
        Inbox(config.paths.inbox),
        app.clock,
        outlet.hub,
        rendition=config.rendition,
        limits=Limits(safety.max_gpu_minutes, safety.retire_share, safety.retire_at_least),
        allow=allow,
        selects=selects or (lambda _target_id: True),
    )


def _watched(app: App) -> list[Path]:
    config = app.config
    roots = {config.workspace / pattern.removesuffix("/*") for pattern in config.watch}
    return [*sorted(roots), config.paths.templates, config.paths.inbox]


def _http(app: App, outlet: Outlet) -> Server:
    http = app.config.http
    return serve(http.host, http.port, standard_routes(outlet.metrics, outlet.board, app.clock.now))


def recall(store: Store, publisher: FolderPublisher) -> int:
    """Rebuild a lost store from the receipts in outputs/; how many takes were found. Nothing happens to a store that knows any take."""
    if store.take_rows():
        return 0
    count = 0
    for take, published in publisher.recall():
        store.put_take(take)
        if published is not None:
            store.put_published(published)
        count += 1
    return count


class Versions:
    """What runs at the backends: asked at start and now and then, written into receipts, and kept for checking graphs."""

    def __init__(self, app: App, outlet: Outlet) -> None:
        self._app = app
        self._outlet = outlet
        self.known: dict[str, str] = {"koma": __version__}
        self._up: dict[str, bool] = {}

    @property
    def asked(self) -> bool:
        """Whether any backend was probed yet."""
        return bool(self._up)

    async def ask(self, *backends: Backend) -> bool:
        """Probe every backend; whether the node signatures changed."""
        changed = False
        for backend in backends:
            status = await backend.probe()
            if status.up:
                self.known.update(status.versions)
                self.known |= {str(backend.kind): status.version} if status.version else {}
                changed = await self._signatures(backend) or changed if not self._up.get(backend.name) else changed
            if self._up.get(backend.name) is not status.up:
                self._outlet.hub.emit("backend_up" if status.up else "backend_down", backend=backend.name, message=status.message)
            self._up[backend.name] = status.up
        return changed

    async def _signatures(self, backend: Backend) -> bool:
        live = await backend.signatures()
        if live is None:
            return False
        text, file = dump_signatures(dict(live)), self._app.live_signatures
        with suppress(OSError):
            if file.read_text(encoding="utf-8") == text:
                return False
        temporary = file.with_suffix(".new")
        temporary.write_text(text, encoding="utf-8")
        temporary.rename(file)
        self._app.forget_signatures()
        return True

    async def keep_asking(self, daemon: Daemon, *backends: Backend) -> None:
        """Probe for as long as the daemon runs; new signatures make a new plan."""
        while True:
            await asyncio.sleep(PROBE_SECONDS)
            if await self.ask(*backends):
                daemon.wake_now()
