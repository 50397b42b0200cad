"""The one place that reads the clock."""

import time


class SystemClock:
    """The clock of this machine, which is shown and written down, and which people, suspends and time servers may set."""

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds that only grow."""
        return time.monotonic()


class SteadyClock(SystemClock):
    """A clock that decisions may rest on: it begins with the machine's time, and goes on evenly whatever that is set to.

    So no deadline passes and no wait lasts for ever because somebody set the clock, or the machine slept.
    """

    def __init__(self) -> None:
        self._ahead = super().now() - self.monotonic()

    def now(self) -> float:
        """Seconds since the epoch, as the machine's time was at the start or when it was last caught up with."""
        return self._ahead + self.monotonic()

    def catch_up(self) -> None:
        """Go forward to the machine's time, never back. Call it while nothing is under way: what waits until then is over at once."""
        self._ahead = max(self._ahead, super().now() - self.monotonic())
