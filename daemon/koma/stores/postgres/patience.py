"""Waiting out an outage: a database that restarts is back within seconds, and nothing is lost by waiting for it."""

import time
from collections.abc import Callable
from typing import TypeVar

from koma.ports import Clock
from koma.stores.postgres.connecting import Outage

T = TypeVar("T")
_FIRST, _LONGEST = 0.05, 2.0  # seconds between two tries
_DOUBLED = 10  # times at most: then it is the longest long since


class Patience:
    """How long an outage is waited out, in seconds, with growing pauses between the tries.

    `on_away` is called with what was said once the second try failed too, `on_back` when such an outage is over.
    """

    def __init__(self, clock: Clock, seconds: float, pause: Callable[[float], None] = time.sleep) -> None:
        self._clock = clock
        self._seconds = seconds
        self._pause = pause
        self.on_away: Callable[[str], None] = lambda _message: None
        self.on_back: Callable[[], None] = lambda: None

    def through(self, attempt: Callable[[], T]) -> T:
        """Call `attempt` until it raises no Outage; the last Outage once patience is over. Other errors go through."""
        began, tries = self._clock.monotonic(), 0
        while True:
            try:
                answer = attempt()
            except Outage as outage:
                left = began + self._seconds - self._clock.monotonic()
                if left <= 0:
                    raise
                if tries == 1:
                    self.on_away(str(outage))
                self._pause(min(_FIRST * 2 ** min(tries, _DOUBLED), _LONGEST, left))
                tries += 1
            else:
                if tries > 1:
                    self.on_back()
                return answer
