"""Time zones by name, as this machine knows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo


def zone_of(name: str) -> ZoneInfo | None:
    """Find a time zone (`Europe/Berlin`); None for "" and for one that is not known here."""
    from zoneinfo import ZoneInfo  # noqa: PLC0415  # start-up time where nobody names one

    try:
        return ZoneInfo(name) if name else None
    except (OSError, ValueError, LookupError):
        return None
