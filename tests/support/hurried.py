"""Virtual time for code that uses real sockets and real threads: the clock jumps only once nothing of them is on its way.

Client and server must live on the one loop; then what was sent over the loopback device is there when it is looked for.
"""

import asyncio
import selectors
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from typing import Any

from support.virtual import StuckError, VirtualClock

_LOOK = 0.001  # seconds of real time in which bytes that were just sent arrive
_THREAD = 0.05
_STUCK = 10.0


class _Hurried(selectors.DefaultSelector):
    def __init__(self, clock: VirtualClock) -> None:
        super().__init__()
        self.clock = clock
        self.threads = 0

    def select(self, timeout: float | None = None) -> list[Any]:
        """Wait for sockets and threads in real time, for timers in virtual time."""
        found = super().select(0)
        if found or (timeout is not None and timeout <= 0):
            return found
        if self.threads:
            return super().select(_THREAD)
        found = super().select(_STUCK if timeout is None else _LOOK)
        if not found and timeout is None:
            raise StuckError("every task waits, no thread runs, no timer is set, and no byte came")
        if not found and timeout is not None:
            self.clock.elapsed += timeout
        return found


class HurriedLoop(asyncio.SelectorEventLoop):
    """An event loop whose time is that of a virtual clock."""

    def __init__(self, clock: VirtualClock) -> None:
        self._hurried = _Hurried(clock)
        super().__init__(self._hurried)

    def time(self) -> float:
        return self._hurried.clock.elapsed

    def run_in_executor(self, executor: Executor | None, func: Callable[..., Any], *args: Any) -> "asyncio.Future[Any]":  # type: ignore[override]  # the stub's type variables say no more
        future = super().run_in_executor(executor, func, *args)
        self._hurried.threads += 1
        future.add_done_callback(self._thread_ended)
        return future

    def _thread_ended(self, _: object) -> None:
        self._hurried.threads -= 1


def hurry(clock: VirtualClock, main: Callable[[], Awaitable[Any]]) -> Any:
    """Run `main()` in virtual time and cancel what it leaves behind."""

    async def whole() -> Any:
        return await main()

    with asyncio.Runner(loop_factory=lambda: HurriedLoop(clock)) as runner:
        return runner.run(whole())
