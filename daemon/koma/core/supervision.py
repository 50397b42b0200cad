"""Looking after a server over many jobs: what counts against it, when it is restarted, and how often at most. Pure.

One job knows only its own attempts. A server that leaks, hangs or draws black shows over several, so that is counted here, in a row.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum, StrEnum, auto
from typing import NamedTuple

from koma.core.failure_kind import FailureKind, failing
from koma.core.request import FailureClass, Sighting

TYPE_CHECKING = False  # a job knows of restarts, and restarts of jobs
if TYPE_CHECKING:
    from koma.core.job import Job

FIRST_REST = 300.0  # seconds from one restart to the next; doubled with each that brought no good picture
LONGEST_REST = 4 * 3600.0
TOO_FAST = 0.05  # times what a quarter of the renders of a template stay below, below which another one is suspicious
KNOWN_RENDERS = 5  # of a template, before anything is too fast


class Why(StrEnum):
    """Why a backend is restarted (and a bounded label)."""

    MEMORY = "out-of-memory"  # a job ran out of memory again and again
    BLACK = "black-frames"  # takes came out black
    FAULTS = "faults"  # attempts failed, or answers were suspicious, in a row
    RENDERS = "renders"  # it made as many pictures as it may between two restarts
    MARK = "memory-mark"  # more memory is in use than it may between jobs
    DEAD = "dead-worker"  # it answers, holds prompts and works on none
    HUNG = "hung"  # a prompt does not stop when it is interrupted


STUCK = frozenset({Why.DEAD, Why.HUNG})
"""A server that works on nothing: nobody's prompt is lost by a restart that was not lost before."""


class Rules(NamedTuple):
    """When a backend is restarted between jobs: after so many in a row, after so many renders, above this share (0..1); 0 is never."""

    faults: int = 3
    black: int = 3
    renders: int = 0
    memory: float = 0.95


class Outcome(Enum):
    """What one step of a job says of its backend."""

    MOVED = auto()  # a prompt began, or ended well
    FAULT = auto()  # an attempt failed
    BROKEN = auto()  # an attempt failed because its files are broken
    SUSPICIOUS = auto()  # files came that may be no new ones
    RENDERED = auto()  # files came
    BLACK = auto()  # a take is black
    SEEN = auto()  # a take was judged and is not black


@dataclass(frozen=True, slots=True)
class Health:
    """What is remembered of one backend. Counts are in a row, `renders` since the last restart.

    `restarts` counts restarts since it last gave a good picture, `restarted_at` is when the command last ended (epoch seconds). `stuck`
    says in words that it works on nothing and nothing is done about that, "" while it works.
    """

    faults: int = 0
    suspicious: int = 0
    black: int = 0
    renders: int = 0
    restarts: int = 0
    restarted_at: float = 0.0
    stuck: str = ""


# What a server can't be blamed for: the document, what it was never given, what people did, and the disk of this machine.
_NOT_ITS_FAULT = frozenset(
    {
        FailureClass.VALIDATION,
        FailureClass.INPUT,
        FailureClass.MISSING_MODEL,
        FailureClass.MISSING_NODE,
        FailureClass.INTERRUPTED,
        FailureClass.DISK,
    }
)


def outcomes(before: "Job", after: "Job") -> Iterator[Outcome]:
    """Say what the step of a job from `before` to `after` tells of its backend."""
    if (after.running_since > 0 and before.running_since <= 0) or (after.outputs and not before.outputs):
        yield Outcome.MOVED
    if attempt_ended_badly(before, after) and after.failure is not None and after.failure.kind not in _NOT_ITS_FAULT:
        yield Outcome.BROKEN if after.failure.kind is FailureClass.BAD_OUTPUT else Outcome.FAULT
    if after.action == "render" and after.artifacts and not before.artifacts:
        yield Outcome.SUSPICIOUS if after.suspicious else Outcome.RENDERED
    if after.action == "render" and after.gate is not None and before.gate is None:
        found = failing(after.work.number, after.gate)
        yield Outcome.BLACK if found is not None and found.kind is FailureKind.BLACK else Outcome.SEEN


def attempt_ended_badly(before: "Job", after: "Job") -> bool:
    """Whether an attempt at the backend failed in this step, whatever follows. Once its files are here it has not."""
    if before.action != "render" or before.artifacts:
        return False
    more = after.failed_attempts > before.failed_attempts or after.out_of_memory > before.out_of_memory
    return more or (after.finished_at > 0 and before.finished_at <= 0 and after.failure is not None)


def after(health: Health, outcome: Outcome, now: float) -> Health:
    """Count one outcome."""
    faults, suspicious, black, renders = health.faults, health.suspicious, health.black, health.renders
    calm = outcome is Outcome.SEEN and now >= may_restart_at(health)
    match outcome:
        case Outcome.FAULT | Outcome.BROKEN:
            faults, black = faults + 1, black + (outcome is Outcome.BROKEN)
        case Outcome.SUSPICIOUS:
            suspicious, renders = suspicious + 1, renders + 1
        case Outcome.RENDERED:
            faults, suspicious, renders = 0, 0, renders + 1
        case Outcome.BLACK | Outcome.SEEN:
            black = black + 1 if outcome is Outcome.BLACK else 0
        case Outcome.MOVED:
            return replace(health, stuck="")
    return replace(health, faults=faults, suspicious=suspicious, black=black, renders=renders, restarts=0 if calm else health.restarts)


def due(health: Health, rules: Rules) -> Why | None:
    """Say why the backend is to be restarted between jobs; None while there is no reason in what was counted."""
    if _reached(health.faults, rules.faults) or _reached(health.suspicious, rules.faults):
        return Why.FAULTS
    if _reached(health.black, rules.black):
        return Why.BLACK
    return Why.RENDERS if _reached(health.renders, rules.renders) else None


def _reached(count: int, limit: int) -> bool:
    return 0 < limit <= count


def rest_after(restarts: int) -> float:
    """Seconds that must pass after so many restarts without a good picture before the next one."""
    return 0.0 if restarts <= 0 else min(LONGEST_REST, FIRST_REST * 2.0 ** min(restarts - 1, 16))


def may_restart_at(health: Health) -> float:
    """When the restart command may run again (epoch seconds), whatever the reason."""
    return health.restarted_at + rest_after(health.restarts)


def tried(health: Health, now: float, *, done: bool) -> Health:
    """Take note of a run of the restart command. One that failed leaves everything as it was, but for the time of the next."""
    again = replace(health, restarts=health.restarts + 1, restarted_at=now)
    return replace(again, faults=0, suspicious=0, black=0, renders=0, stuck="") if done else again


def above(share: float, free: int | None, total: int | None) -> bool:
    """Whether more than this share of a memory is in use; not where nobody says, and never for a share of 0."""
    return bool(share and total) and free is not None and total is not None and total - free > share * total


def quick_seconds(past: Sequence[float]) -> float:
    """Say what a quick render takes, from past render times of a template in seconds; 0 where too few are known."""
    return sorted(past)[len(past) // 4] if len(past) >= KNOWN_RENDERS else 0.0


def suspicion(sighting: Sighting, quick_seconds: float) -> str:
    """Say why a success may not be a new picture; "" where there is no reason to think so.

    `quick_seconds` is what a quick render of the template takes, 0 where too few are known. What is adopted comes without its time.
    """
    seconds = sighting.render_seconds
    if sighting.cached:
        return "the server computed nothing for it: every node came from its cache"
    if seconds is None or not 0 < seconds < TOO_FAST * quick_seconds:
        return ""
    return f"it took {seconds:.2f} s, and a quick one of its template takes {quick_seconds:.1f} s"
