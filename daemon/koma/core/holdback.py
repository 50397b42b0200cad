"""What of a plan waits for now, though nothing is wrong with it: for its template, or for its server. Pure.

It is done after planning, because it says nothing about what is wanted: phases count these targets as on their way.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from koma.core.action import Action, Plan
from koma.core.circuit import Circuit, Position, digest_of
from koma.core.job import Job, JobState
from koma.core.words import ActionKind, Reason

_BEFORE_FILES = frozenset({JobState.QUEUED, JobState.SUBMITTING, JobState.SUBMITTED})


class Signs(NamedTuple):
    """What was seen over many jobs: circuits by template, why a backend is stuck, by its kind. `server` is its digest, `now` the time."""

    circuits: Mapping[str, Circuit]
    stuck: Mapping[str, str]
    server: str
    now: float

    def position(self, action: Action) -> Position:
        """Whether the template of a render lets it through."""
        circuit = self.circuits.get(action.target.template) if action.target is not None else None
        if circuit is None or action.target is None or action.action is not ActionKind.RENDER or action.reason is Reason.FORCED:
            return Position.CLOSED
        return circuit.position(digest_of(action.target.template_digest, self.server), self.now)


def hold_back(plan: Plan, signs: Signs, jobs: Sequence[Job], counted: Callable[[str], bool]) -> Plan:
    """Hold renders of templates whose circuits are open, and say of those at a stuck backend that they are.

    A circuit that is half open lets one through: one that has begun, else one that is queued, else the first that could be and that is
    `counted`. One that is queued and held says why in its message, and is taken out of the queue for that.
    """
    mine = {job.work.target: job for job in jobs}
    probes = dict(_probes(plan.actions, signs, mine, counted))
    return plan._replace(actions=[_held(action, signs, mine.get(action.target_id), probes) for action in plan.actions])


def _probes(actions: Sequence[Action], signs: Signs, jobs: Mapping[str, Job], counted: Callable[[str], bool]) -> Iterator[tuple[str, str]]:
    """Which target each half-open circuit lets through, by template; of several, the last one counts."""
    half = [action for action in actions if signs.position(action) is Position.HALF]
    for rank in (0, 1, 2):
        for action in reversed(half):
            if _rank(action, jobs.get(action.target_id), counted) == rank:
                yield action.target.template if action.target is not None else "", action.target_id


def _rank(action: Action, job: Job | None, counted: Callable[[str], bool]) -> int:
    """Tell how near a render is to being tried, from -1 for not at all."""
    if job is not None:
        return 2 if _goes_on(job) else 1
    ready = action.certain and not action.waits_for and counted(action.target_id)
    return 0 if ready else -1


def _goes_on(job: Job) -> bool:
    """Whether a job has begun, or begins whatever its circuit says, since a person asked for it."""
    return job.state is not JobState.QUEUED or job.attempt > 0 or job.work.asked


def _held(action: Action, signs: Signs, job: Job | None, probes: Mapping[str, str]) -> Action:
    stuck = signs.stuck.get(action.target.backend, "") if action.target is not None else ""
    if stuck and action.reason is Reason.RUNNING and job is not None and job.state in _BEFORE_FILES:
        return action._replace(action=ActionKind.HOLD, reason=Reason.BACKEND_STUCK, message=stuck)
    position = signs.position(action)
    if position is Position.CLOSED or action.target is None or probes.get(action.target.template) == action.target_id:
        return action
    circuit = signs.circuits[action.target.template]
    why = f"{len(circuit.failed)} targets of {action.target.template} failed in a row, the last one of: {circuit.why}"
    if action.reason is Reason.RUNNING:
        return action._replace(message=why) if job is not None and not _goes_on(job) else action
    return action._replace(action=ActionKind.HOLD, reason=Reason.CIRCUIT_OPEN, message=why, until=max(circuit.until, signs.now))
