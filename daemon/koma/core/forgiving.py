"""When a take that ended in an error is tried again by itself, as the same take with the same seed. Pure.

A failed attempt is repeated within its job (koma.core.retry). When the job has failed, its target is set aside, longer each time, while the
others go on. What may pass by itself is tried again for as long as it takes. What is likely the document's fault is tried a few times.
What is certainly its fault is tried again when the server has changed; a changed document asks for another picture anyway.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from koma.core.request import FailureClass
from koma.core.rows import TakeRow
from koma.core.words import Verdict

FIRST_REST = 900.0  # seconds, four times as long with each try: 15 minutes, 1 hour, 4 hours, 16 hours
LONGEST_REST = 86400.0
UNSURE_TRIES = 3  # after the first one, of what is likely the document's fault
SERVER, TRIES = "server", "tries"  # names in a take's origin

NEVER = frozenset({FailureClass.VALIDATION, FailureClass.INPUT, FailureClass.MISSING_MODEL, FailureClass.MISSING_NODE})
UNSURE = frozenset({FailureClass.NODE, FailureClass.NO_OUTPUT, FailureClass.BAD_OUTPUT, FailureClass.INTERNAL})


class Errored(NamedTuple):
    """A take that ended in an error: of which class, when (epoch seconds), after how many tries before, at which server (a digest)."""

    kind: str
    at: float
    tries: int = 0
    server: str = ""


def errored(failure: FailureClass, finished_at: float, receipt: Mapping[str, Any]) -> Errored:
    """Read what is known of a failed take, from its failure and its receipt."""
    return Errored(str(failure), finished_at, tries_of(receipt), str((receipt.get("origin") or {}).get(SERVER, "")))


def tries_of(receipt: Mapping[str, Any]) -> int:
    """Say how often a take was tried before, by its receipt."""
    return int((receipt.get("origin") or {}).get(TRIES, 0))


def tried_again_at(take: Errored, server: str) -> float | None:
    """Say from when on a take is tried again (epoch seconds); None while that is left to a person. `server` is the one of now, or ""."""
    kind = FailureClass(take.kind) if take.kind in set(FailureClass) else FailureClass.INTERNAL
    if kind in NEVER or (kind in UNSURE and take.tries >= UNSURE_TRIES):
        return take.at if server and take.server and server != take.server else None
    return take.at + rest_after(take.tries)


def rest_after(tries: int) -> float:
    """Seconds for which a target is set aside whose take was tried so many times before."""
    return min(LONGEST_REST, FIRST_REST * 4.0 ** min(tries, 16))


class Again(NamedTuple):
    """A take that ended in an error and is tried again, from when on (epoch seconds)."""

    row: TakeRow
    until: float


def tried_again(takes: Sequence[TakeRow], again: Callable[[TakeRow], float | None]) -> Again | None:
    """Give the newest take if it ended in an error, has no picture, and is tried again, by what `again` says of it."""
    newest = max(takes, key=lambda row: row.number, default=None)
    if newest is None or newest.verdict != Verdict.ERROR or newest.object_digest:
        return None
    until = again(newest)
    return Again(newest, until) if until is not None else None
