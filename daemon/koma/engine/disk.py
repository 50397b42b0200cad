"""The guard of the disk: looks before a job begins, and tells everyone when there is too little room and when there is enough again."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from koma.core.job import TERMINAL, Job, JobState
from koma.core.room import Reserve, Room, Space, again_at, reserved, room, words
from koma.ports import Events

_RENDERS = frozenset({JobState.QUEUED, JobState.SUBMITTING, JobState.SUBMITTED})


class Known(NamedTuple):
    """What outlives the daemon: the bytes that the largest take keeps, and what there was room for last."""

    largest: int = 0
    room: Room = Room.RENDERS


class DiskGuard:
    """Knows what there is room for. `look` gives the file systems as they are, `remember` keeps what is to outlive the daemon."""

    def __init__(
        self,
        look: Callable[[], Sequence[Space]],
        reserve: Reserve,
        events: Events,
        known: Known,
        remember: Callable[[Known], None],
    ) -> None:
        self._look = look
        self._reserve = reserve
        self._events = events
        self._known = known
        self._remember = remember
        self._told = Room.RENDERS

    @property
    def message(self) -> str:
        """What lacks, in words; "" while there is enough."""
        return words(self._look(), self._reserve, self._known.largest, self._known.room)

    def room(self) -> Room:
        """Look now; a change is told once, with figures."""
        spaces = self._look()
        found = room(spaces, self._reserve, self._known.largest, self._known.room)
        if found is not self._known.room:
            self._keep(self._known._replace(room=found))
        before, self._told = self._told, found
        self._tell(spaces, before, found)
        return found

    def may_begin(self, job: Job) -> bool:
        """Whether there is room for a job that has its turn now: one that renders needs more than one that only measures and publishes."""
        return self.room() >= (Room.RENDERS if job.state in _RENDERS else Room.FILES)

    def note(self, job: Job) -> None:
        """Take note of how much the take of a finished job keeps."""
        size = sum(artifact.size for artifact in job.artifacts)
        if job.state in TERMINAL and size > self._known.largest:
            self._keep(self._known._replace(largest=size))

    def _keep(self, known: Known) -> None:
        self._known = known
        self._remember(known)

    def _tell(self, spaces: Sequence[Space], before: Room, found: Room) -> None:
        if found is Room.RENDERS and before is not found:
            self._events.emit("disk_ok", spaces=self._facts(spaces))
        elif found < before:
            message = words(spaces, self._reserve, self._known.largest, found)
            self._events.emit("disk_low", spaces=self._facts(spaces), message=f"{message}. koma gc shows what may go")

    def _facts(self, spaces: Sequence[Space]) -> list[dict[str, Any]]:
        return [facts(space, self._reserve, self._known.largest) for space in spaces]


def facts(space: Space, reserve: Reserve, largest: int) -> dict[str, Any]:
    """Tell of a file system as JSON values, in bytes: `again` must be free before renders begin once more."""
    limit = reserved(space, reserve, largest)
    return {"places": list(space.places), "free": space.free, "total": space.total, "reserve": limit, "again": again_at(limit, space.total)}
