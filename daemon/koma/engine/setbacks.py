"""Setbacks: work besides rendering that failed (a full disk, a bug in a metric) rests, longer each time, and is tried again."""

from collections.abc import Collection, Iterator
from typing import NamedTuple

from koma.ports import Clock

FIRST_REST = 15.0  # seconds before a publish or measurement that failed is tried again; doubled each time
LONGEST_REST = 3600.0


class _Setback(NamedTuple):
    """How often in a row a target's work failed, and until when (epoch seconds) it rests."""

    times: int
    until: float


class Setbacks:
    """Setbacks by target id."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._known: dict[str, _Setback] = {}

    def __len__(self) -> int:
        return len(self._known)

    def note(self, target_id: str, *, failed: bool) -> None:
        """Take note of how a target's work ended."""
        before = self._known.pop(target_id, None)
        if failed:
            times = before.times + 1 if before is not None else 1
            self._known[target_id] = _Setback(times, self._clock.now() + min(LONGEST_REST, FIRST_REST * 2.0 ** min(times - 1, 16)))

    def rests(self, target_id: str) -> bool:
        """Whether a target's work is to rest for now."""
        return target_id in self._known and self._clock.now() < self._known[target_id].until

    def ends(self) -> Iterator[float]:
        """Give the times (epoch seconds) at which something may be tried again."""
        return (setback.until for setback in self._known.values() if setback.until > self._clock.now())

    def forget_others(self, planned: Collection[str]) -> None:
        """Forget setbacks in what nobody plans to do any more."""
        self._known = {target_id: setback for target_id, setback in self._known.items() if target_id in planned}
