"""Virtual time: an event loop whose clock jumps to the next timer instead of waiting for it."""

import asyncio
import selectors
from collections.abc import Awaitable, Callable
from typing import Any

START = 1_800_000_000.0


class VirtualClock:
    """`koma.ports.Clock` that stands still until the loop has nothing else to do."""

    def __init__(self) -> None:
        self.elapsed = 0.0

    def now(self) -> float:
        return START + self.elapsed

    def monotonic(self) -> float:
        return self.elapsed


class StuckError(Exception):
    """Nothing is ready, no timer is set: real code would wait for ever."""


class _Jumping(selectors.SelectSelector):
    def __init__(self, clock: VirtualClock) -> None:
        super().__init__()
        self._clock = clock

    def select(self, timeout: float | None = None) -> list[Any]:
        found = super().select(0)
        if found or timeout == 0:
            return found
        if timeout is None:
            raise StuckError("every task waits, and nothing will ever wake one")
        self._clock.elapsed += timeout
        return found


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self, clock: VirtualClock) -> None:
        super().__init__(_Jumping(clock))
        self._virtual = clock

    def time(self) -> float:
        return self._virtual.elapsed


def run(clock: VirtualClock, main: Callable[[], Awaitable[Any]]) -> Any:
    """Run `main()` in virtual time and cancel what it leaves behind."""

    async def whole() -> Any:
        return await main()

    with asyncio.Runner(loop_factory=lambda: VirtualLoop(clock)) as runner:
        return runner.run(whole())
