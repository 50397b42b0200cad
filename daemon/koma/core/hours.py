"""Quiet hours: times of the day at which no job starts, as people write them, by the clock on their wall. Pure.

Whether it is quiet follows from the local time of each moment alone. So an hour that a change of the clocks skips is never quiet, and one
that comes twice is quiet twice.
"""

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from koma.core.words import DAYS

if TYPE_CHECKING:
    from datetime import tzinfo

DAY = 24 * 60  # minutes
MINUTE = 60.0  # seconds
FOR_EVER = float("inf")
_FURTHEST = 9 * DAY  # minutes that are looked ahead: every pattern repeats after a week
_TIME = "([01]?[0-9]|2[0-3]):([0-5][0-9])|(24):(00)"


class Window(NamedTuple):
    """From one minute of the day up to another, not included; over midnight where it does not end later. `days` are those it begins on."""

    start: int
    end: int
    days: frozenset[int]  # 0 is Monday

    def holds(self, day: int, minute: int) -> bool:
        """Whether it is quiet at a minute of a day of the week."""
        if self.start < self.end:
            return day in self.days and self.start <= minute < self.end
        before = (day - 1) % len(DAYS)
        return (day in self.days and minute >= self.start) or (before in self.days and minute < self.end)


def read_window(text: str, days: Iterable[int]) -> Window | None:
    """Read `HH:MM-HH:MM`, 24:00 at the end included; None for anything else, and for all day."""
    first, dash, last = text.replace(" ", "").partition("-")
    start, end = _minute(first), _minute(last)
    if not dash or start is None or end is None or start in (end, DAY):
        return None
    return Window(start, end, frozenset(days))


def _minute(text: str) -> int | None:
    found = re.fullmatch(_TIME, text)
    return int(found[1] or found[3]) * 60 + int(found[2] or found[4]) if found else None


class Hours(NamedTuple):
    """When it is quiet; `zone` is where the clock hangs, None for this machine's."""

    windows: tuple[Window, ...] = ()
    zone: "tzinfo | None" = None

    def quiet(self, now: float) -> bool:
        """Whether no job starts now (epoch seconds)."""
        if not self.windows:
            return False
        from datetime import UTC, datetime  # noqa: PLC0415  # start-up time where nobody asks for quiet hours

        local = datetime.fromtimestamp(now, UTC).astimezone(self.zone)
        return any(window.holds(local.weekday(), local.hour * 60 + local.minute) for window in self.windows)

    def until(self, now: float) -> float | None:
        """When quiet hours end in which we are now; None where it is not quiet. Infinite where they never end."""
        return next((moment for moment in _minutes_after(now) if not self.quiet(moment)), FOR_EVER) if self.quiet(now) else None


def _minutes_after(now: float) -> Iterator[float]:
    """Whole minutes after now: clocks change by whole minutes, so between two of them nothing happens."""
    return (now - now % MINUTE + MINUTE * count for count in range(1, _FURTHEST + 1))


NEVER = Hours()
