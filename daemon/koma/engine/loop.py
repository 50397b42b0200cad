"""The daemon: when to reconcile. Wake-ups are hints; every pass looks at everything.

File events are waited out until it is quiet; a finished job makes a pass at once, because what follows from it may start now; a timer makes
one in any case, because events can be missed.
"""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass

from koma.core.job import Job
from koma.engine.lanes import Lanes
from koma.ports import Clock

EXIT_READY = 0
EXIT_ERRORS = 1
EXIT_WAITING = 3


@dataclass(frozen=True, slots=True)
class ReconcileResult:
    """What one pass found. `queued` are jobs that it put into the store; `cancel` are ids of jobs that are to stop.

    `errors` counts Problems that hold something, `waiting` targets that wait for a person. `next_wake` (epoch seconds) is when something
    that is known already becomes due; `unsettled` says that `once` must wait for that (references that are still being copied). While
    `paused` no job starts; with `after_current`, what only waits at a backend comes back.
    """

    queued: tuple[Job, ...] = ()
    cancel: tuple[str, ...] = ()
    waiting: int = 0
    errors: int = 0
    next_wake: float | None = None
    unsettled: bool = False
    paused: bool = False
    after_current: bool = False


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds: `quiet` without a file event before a pass, `cap` at most after the first event, `rescan` between passes in any case."""

    quiet: float = 0.5
    cap: float = 10.0
    rescan: float = 60.0


Reconcile = Callable[[], Awaitable[ReconcileResult]]


class Daemon:
    """Reconciles on every wake-up and runs what comes of it.

    `unfinished` gives the jobs that a daemon before this one left in the store. With `once`, `run` ends as soon as nothing is queued,
    running or unsettled. `wake` and `stop` must be called on the event loop (`loop.call_soon_threadsafe` from a thread).
    """

    def __init__(
        self,
        lanes: Lanes,
        reconcile: Reconcile,
        unfinished: Callable[[], Iterable[Job]],
        clock: Clock,
        *,
        once: bool = False,
        timing: Timing | None = None,
    ) -> None:
        self._lanes = lanes
        self._reconcile = reconcile
        self._unfinished = unfinished
        self._clock = clock
        self._once = once
        self._timing = timing or Timing()
        self._poke = asyncio.Event()
        self._urgent = False
        self._stopping = False
        self._crash: BaseException | None = None
        self._first_change: float | None = None
        self._last_change: float | None = None
        lanes.on_finished = lambda _job: self.wake_now()
        lanes.on_crash = self._crashed

    def wake(self) -> None:
        """Say that files may have changed: a pass follows once it is quiet."""
        self._last_change = self._clock.monotonic()
        self._first_change = self._last_change if self._first_change is None else self._first_change
        self._poke.set()

    def wake_now(self) -> None:
        """Ask for a pass at once: a job is over, or a person left a request."""
        self._urgent = True
        self._poke.set()

    def stop(self) -> None:
        """End after the present step of every job; what the backend has stays there."""
        self._stopping = True
        self._poke.set()

    async def run(self) -> int:
        """Run until stopped, or with `once` until nothing is left; the exit status. Raises what the store or a reconcile pass raised."""
        status = EXIT_READY
        await self._lanes.open()
        try:
            self._lanes.recover(self._unfinished())
            while not self._stopping and self._crash is None:
                result = await self._pass()
                status = _status(result)
                if self._once and not self._left(result):
                    break
                await self._rest(result)
        finally:
            await self._lanes.close()
        if self._crash is not None:
            raise self._crash
        return status if self._once else EXIT_READY

    async def run_with_signals(self) -> int:
        """Run; SIGTERM and SIGINT stop it."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop)
        try:
            return await self.run()
        finally:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)

    async def _pass(self) -> ReconcileResult:
        self._urgent = False
        if self._is_quiet():
            self._first_change = self._last_change = None
        result = await self._reconcile()
        self._lanes.pause(paused=result.paused, after_current=result.after_current)
        self._lanes.add(result.queued)
        for job_id in result.cancel:
            self._lanes.cancel(job_id)
        return result

    def _left(self, result: ReconcileResult) -> bool:
        stuck = (result.paused or self._lanes.held_back) and not self._lanes.running
        return self._urgent or result.unsettled or (self._lanes.busy and not stuck)

    async def _rest(self, result: ReconcileResult) -> None:
        """Wait until the next pass is due."""
        scan = self._clock.monotonic() + self._timing.rescan
        if result.next_wake is not None:
            scan = min(scan, self._clock.monotonic() + max(0.0, result.next_wake - self._clock.now()))
        while not self._stopping and self._crash is None and not self._urgent:
            left = min(scan, self._quiet_at()) - self._clock.monotonic()
            if left <= 0:
                return
            self._poke.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._poke.wait()

    def _is_quiet(self) -> bool:
        return self._quiet_at() <= self._clock.monotonic()

    def _quiet_at(self) -> float:
        """Monotonic time at which the changes seen so far have been waited out; infinite without any."""
        if self._last_change is None or self._first_change is None:
            return float("inf")
        return min(self._last_change + self._timing.quiet, self._first_change + self._timing.cap)

    def _crashed(self, error: BaseException) -> None:
        self._crash = self._crash or error
        self._poke.set()


def _status(result: ReconcileResult) -> int:
    if result.errors:
        return EXIT_ERRORS
    return EXIT_WAITING if result.waiting else EXIT_READY
