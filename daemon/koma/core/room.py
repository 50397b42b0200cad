"""Room on disk: how much stays free where Koma writes, and what may begin with what there is. Pure.

A render needs room for its files on their way and for what is kept of them, twice, since the next one waits at the backend already. So
below a reserve no render begins. What is made already is measured and published for as long as the database has its headroom. To begin
again takes more room than to go on, so that a disk at its limit does not make the daemon start and stop.
"""

from collections.abc import Sequence
from enum import IntEnum
from typing import NamedTuple

AT_ONCE = 2  # renders whose files may be on their way at the same time
HEADROOM_BYTES = 64 << 20  # room for the database and what is published, where the reserve is not smaller still
HEADROOM_SHARE = 4  # parts of the reserve, of which the headroom is at most one
MORE = 1.25  # times a limit that must be free before what it stopped goes on


class Room(IntEnum):
    """What there is room for. Lower is less."""

    NONE = 0  # nothing may begin
    FILES = 1  # measuring and publishing of what is made already
    RENDERS = 2  # everything


class Reserve(NamedTuple):
    """What people ask for: a share of each file system (0..100 %), or bytes in its place."""

    percent: float = 5.0
    bytes: float | None = None


class Space(NamedTuple):
    """One file system, by the places of Koma's that lie on it (`outputs`, `objects`, `state`, `scratch`); bytes."""

    places: tuple[str, ...]
    free: int
    total: int


def reserved(space: Space, reserve: Reserve, largest: int) -> int:
    """Bytes of a file system that no render may take; `largest` are the bytes that the largest take so far keeps."""
    share = space.total * reserve.percent / 100 if reserve.bytes is None else reserve.bytes
    return min(space.total, max(round(share), AT_ONCE * largest))


def headroom(limit: int) -> int:
    """Bytes below which nothing begins, where `limit` bytes are kept from renders."""
    return min(HEADROOM_BYTES, limit // HEADROOM_SHARE)


def again_at(limit: int, total: int) -> int:
    """Bytes that must be free again where less than `limit` were; never more than there can be."""
    return min(round(limit * MORE), (limit + total + 1) // 2)


def room(spaces: Sequence[Space], reserve: Reserve, largest: int, before: Room = Room.RENDERS) -> Room:
    """Say what there is room for, on all file systems; `before` is what was said last."""
    return min((_room(space, reserved(space, reserve, largest), before) for space in spaces), default=Room.RENDERS)


def _room(space: Space, limit: int, before: Room) -> Room:
    least = headroom(limit)
    if space.free < (least if before > Room.NONE else again_at(least, space.total)):
        return Room.NONE
    return Room.FILES if space.free < (limit if before is Room.RENDERS else again_at(limit, space.total)) else Room.RENDERS


def words(spaces: Sequence[Space], reserve: Reserve, largest: int, found: Room) -> str:
    """Say for people where room lacks, with figures; "" where there is enough."""
    if found is Room.RENDERS:
        return ""
    lines = [_figures(space, reserved(space, reserve, largest)) for space in spaces]
    short = [said for said, lacks in lines if lacks] or [said for said, _ in lines]
    what = "nothing begins" if found is Room.NONE else "no render begins"
    return f"{what} until there is more room: {'; '.join(short)}"


def _figures(space: Space, limit: int) -> tuple[str, bool]:
    enough = again_at(limit, space.total)
    said = f"{_size(space.free)} of {_size(space.total)} are free for {', '.join(space.places)}, and it takes {_size(enough)}"
    return said, space.free < enough


def _size(count: float) -> str:
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count:.0f} bytes"
