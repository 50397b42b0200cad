"""What a daemon sees of a folder: the real watcher, loop, source and clock, with nothing to render."""

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

from koma.core.faults import SourceError
from koma.core.snapshot import Snapshot
from koma.engine.loop import Daemon, ReconcileResult, Timing
from koma.sources.cache import Cache
from koma.sources.directory import DirectorySource
from koma.sources.watch import Watch
from koma.telemetry.clock import SystemClock

PATIENCE = 30.0  # seconds
NEVER = 3600.0  # seconds between looks without an event: longer than any test


class Seer:
    """Looks at what is watched, and at the templates, whenever a daemon would; times in seconds. Use as an async context manager."""

    def __init__(self, root: Path, *, rescan: float = NEVER, quiet: float = 0.05, watch: str = "projects/*") -> None:
        self.root = root
        self._patterns = [watch]
        self.snapshots: list[Snapshot] = []
        self.said: list[str] = []
        self.refused: list[str] = []
        self._rescan, self._quiet = rescan, quiet

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._cache = Cache(self.root / "outputs/cache.db", version="1")
        self._source = DirectorySource(self.root, self._patterns, "templates", self._cache, quiet_seconds=self._quiet)
        self._looked = asyncio.Condition()
        timing = Timing(self._quiet, 10.0, self._rescan)
        self._daemon = Daemon(_no_lanes(), self._look, lambda: (), SystemClock(), timing=timing)
        self.watch = Watch(self._folders, lambda: loop.call_soon_threadsafe(self._daemon.wake))
        self.said += self.watch.start()
        self._task = asyncio.create_task(self._daemon.run())
        await self.sees(lambda _snapshot: True)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.watch.stop()
        self._daemon.stop()
        await self._task
        self._cache.close()

    def write(self, path: str, text: str = "kind: scene\n") -> Path:
        """Write a file below the one project."""
        file = self.root / "projects/demo" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    async def sees(self, holds: Callable[[Snapshot], Any]) -> Snapshot:
        """Wait for a snapshot of which it is so."""
        async with asyncio.timeout(PATIENCE), self._looked:
            await self._looked.wait_for(lambda: any(map(holds, self.snapshots[-1:])))
        return self.snapshots[-1]

    async def refuses(self) -> str:
        """Wait until no snapshot is to be had; why."""
        async with asyncio.timeout(PATIENCE), self._looked:
            await self._looked.wait_for(lambda: self.refused)
        return self.refused[-1]

    def look_only_at_events(self) -> None:
        """From the next look on, look only where an event asks for it."""
        self._daemon._timing = Timing(self._quiet, 10.0, NEVER)

    async def looks_again(self) -> Snapshot:
        """Wait for the next snapshot, whatever it shows."""
        before = len(self.snapshots)
        return await self.sees(lambda _snapshot: len(self.snapshots) > before)

    def _folders(self) -> list[Path]:
        return [*(self.root / pattern.removesuffix("/*") for pattern in self._patterns), self.root / "templates"]

    async def _look(self) -> ReconcileResult:
        self.said += self.watch.refresh()
        again = None
        try:
            self.snapshots.append(self._source.snapshot())
        except SourceError as error:
            self.refused.append(str(error))
            again = SystemClock().now() + self._quiet
        async with self._looked:
            self._looked.notify_all()
        return ReconcileResult(next_wake=again)


def seen(root: Path, **more: Any) -> Seer:
    """A workspace with one project of one scene, and who looks at it."""
    shutil.rmtree(root / "projects", ignore_errors=True)
    (root / "templates/still").mkdir(parents=True)
    (root / "templates/still/template.yaml").write_text("kind: template\n")
    seer = Seer(root, **more)
    seer.write("project.yaml", "kind: project\n")
    seer.write("s01.yaml")
    return seer


def _no_lanes() -> Any:
    async def nothing() -> None:
        return None

    def ignore(*_args: object, **_named: object) -> None:
        return None

    return SimpleNamespace(open=nothing, close=nothing, recover=ignore, add=ignore, cancel=ignore, pause=ignore)
