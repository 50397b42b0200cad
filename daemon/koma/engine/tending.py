"""Looking after a backend between jobs: how much memory is in use, and the restart command of whoever has one."""

from collections.abc import Awaitable, Callable

from koma.core.step import MemorySeen, Restarted
from koma.ports import Backend

Restarter = Callable[[], Awaitable[str]]
"""Restarts a backend and waits until it answers; "" when it does, else what went wrong. Never raises."""


async def look(backend: Backend) -> MemorySeen:
    """Ask how much graphics memory is in use, by anyone."""
    status = await backend.probe()
    if status.vram_total is None or status.vram_free is None:
        return MemorySeen(None, status.vram_total)
    return MemorySeen(status.vram_total - status.vram_free, status.vram_total)


async def restart(restarter: Restarter | None) -> Restarted:
    """Run the restart command, where there is one."""
    if restarter is None:
        return Restarted(done=False)
    said = await restarter()
    return Restarted(not said, said)
