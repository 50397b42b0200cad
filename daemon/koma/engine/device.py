"""Where learned metrics run next: the CPU while anything renders, a graphics card that has been asked to make room when nothing does."""

from collections.abc import Sequence
from urllib.parse import urlsplit

from koma.core.device import device_for
from koma.core.job import TERMINAL, JobState
from koma.core.metrics import METRICS
from koma.core.words import BackendKind
from koma.ports import Backend, Store

_ON_THE_CPU_LANE = frozenset({JobState.MEASURING, JobState.JUDGING, JobState.PUBLISHING})


class MeasuringDevice:
    """Chooses a device before each measuring. `url` is that of the server whose card this machine may share, "" for none.

    A server on another machine says nothing about the card here, so `auto` then stays with the CPU.
    """

    def __init__(self, wanted: str, store: Store, backend: Backend | None, url: str, loopback: Sequence[str]) -> None:
        self.current: str = "cuda" if wanted == "cuda" else "cpu"
        self._wanted = wanted
        self._store = store
        self._backend = backend if urlsplit(url).hostname in loopback else None

    async def prepare(self, metrics: Sequence[str]) -> None:
        """Choose for these metrics. Memory of the server is freed only where nothing renders and something learned is to be measured."""
        if self._wanted == "auto" and any(METRICS[metric].weights for metric in metrics if metric in METRICS):
            self.current = await self._chosen()

    async def _chosen(self) -> str:
        if self._backend is None or not self._is_idle():
            return "cpu"
        await self._backend.free()
        status = await self._backend.probe()
        return device_for("auto", status.up and self._is_idle(), status.vram_free)

    def _is_idle(self) -> bool:
        """Whether nothing renders at the server and nothing is about to."""
        busy = (job for job in self._store.jobs() if job.state not in TERMINAL and job.state not in _ON_THE_CPU_LANE)
        return not any(job.work.backend is BackendKind.COMFYUI for job in busy)
