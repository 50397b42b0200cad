"""What runs at the backends: asked at start and now and then, written into receipts, and kept for checking graphs and for strict keys."""

import asyncio
import itertools
import json
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from koma import __version__
from koma.app.workspace import App
from koma.core.preflight import ServerMemory, memory_to_json
from koma.core.request import BackendStatus
from koma.core.words import BackendKind
from koma.engine.worker import Worker
from koma.ports import Backend
from koma.templating.signatures import dump_signatures

PROBE_SECONDS = 15.0
LOOK_AGAIN = 4  # probes after which node signatures and model files are read again; where something is missing, at every probe


class Versions:
    """Knows which versions answer. `known` goes into receipts, each backend's into what it made; a worker is told which of them answer.

    `lacking` says whether something waits for what the server did not have.
    """

    def __init__(self, app: App, lacking: Callable[[], bool] = lambda: False) -> None:
        self._app = app
        self._lacking = lacking
        self.known: dict[BackendKind, dict[str, str]] = {kind: {"koma": __version__} for kind in BackendKind}
        self._up: dict[str, bool] = {}

    @property
    def down(self) -> list[str]:
        """Names of backends that did not answer when they were asked last."""
        return sorted(name for name, up in self._up.items() if not up)

    async def ask(self, worker: Worker, backends: Iterable[Backend], *, again: bool = False) -> bool:
        """Probe every backend; whether anything that plans read has changed. With `again`, also those whose nodes and files are known."""
        changed = False
        for backend in backends:
            status = await backend.probe()
            worker.reached(backend.kind, status.message, up=status.up, first=backend.name not in self._up)
            if status.up and (again or not self._up.get(backend.name)):
                self.known[backend.kind] |= {**status.versions, **({str(backend.kind): status.version} if status.version else {})}
                changed = await self._signatures(backend) or changed
            if status.up and status.device:
                changed = self._memory(status) or changed
            self._up[backend.name] = status.up
        everything = {name: version for versions in self.known.values() for name, version in versions.items()}
        return _write(self._app.server.versions_file, json.dumps(everything, sort_keys=True)) or changed

    async def _signatures(self, backend: Backend) -> bool:
        live = await backend.signatures()
        changed = live is not None and _write(self._app.server.signatures_file, dump_signatures(dict(live), files=True))
        if changed:
            self._app.server.forget()
        return changed

    def _memory(self, status: BackendStatus) -> bool:
        memory = ServerMemory(status.vram_total, status.device)
        changed = _write(self._app.server.memory_file, json.dumps(memory_to_json(memory), sort_keys=True))
        if changed:
            self._app.server.forget()
        return changed

    async def keep_asking(self, worker: Worker, backends: Iterable[Backend], changed: Callable[[], None]) -> None:
        """Probe for as long as the daemon runs; what has changed may change the plan."""
        for probe in itertools.count(1):
            await asyncio.sleep(PROBE_SECONDS)
            if await self.ask(worker, backends, again=self._lacking() or probe % LOOK_AGAIN == 0):
                changed()


def _write(file: Path, text: str) -> bool:
    """Put a text into a file at once; whether it was another one before."""
    with suppress(OSError):
        if file.read_text(encoding="utf-8") == text:
            return False
    temporary = file.with_name(f"{file.name}.new")
    temporary.write_text(text, encoding="utf-8")
    temporary.rename(file)
    return True
