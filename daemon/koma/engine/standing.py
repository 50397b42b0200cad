"""How things stand after a look: counts, Problems by project, what waits for a person, which jobs nobody wants any more. Pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from koma.core.action import Action
from koma.core.job import Job, JobState
from koma.core.problem import Severity
from koma.core.target import Target, phase_of
from koma.core.wish import Request
from koma.core.words import ActionKind, Reason, TargetState
from koma.engine.survey import Survey

# A target in one of these states stays there until a person does something.
FOR_A_PERSON = frozenset(
    {
        Reason.GATE_FAILED,
        Reason.UNMEASURED,
        Reason.MEASURE_FAILED,
        Reason.GATE_CHANGED,
        Reason.RENDER_FAILED,
        Reason.BACKEND_STUCK,
        Reason.CANCELLED,
        Reason.REVIEW,
        Reason.PHASE_CLOSED,
        Reason.MISSING,
        Reason.MISSING_OBJECT,
        Reason.NO_TAKE,
    }
)

# A target in one of these states goes on by itself after a time, but it is not what was asked for until then.
LATER = frozenset({Reason.RESTING, Reason.CIRCUIT_OPEN})


@dataclass(slots=True)
class Standing:
    """What the last pass found, for whoever shows it: `/status.json`, metrics, progress. `collect` are wishes for what follows the pass."""

    survey: Survey | None = None
    held: list[str] = field(default_factory=list)
    digest: str = ""
    states: Mapping[tuple[str, str, str], int] = field(default_factory=dict)
    collect: list[Request] = field(default_factory=list)
    error: str = ""


def superseded(survey: Survey) -> list[str]:
    """Ids of jobs whose picture nobody wants any more, or not now: the target is gone, wants another picture, or its phase closed."""
    if not survey.jobs:
        return []
    actions, rows = survey.plan.actions, survey.observed.published
    wanted = {target.id: target for target in survey.wanted.targets}
    keys = {action.target_id: action.key for action in actions}
    keys |= {target_id: rows[target_id].render_key for target_id in survey.plan.kept if target_id in rows}
    closed = {a.target_id for a in actions if a.reason is Reason.PHASE_CLOSED or (a.action is ActionKind.RENDER and a.message)}
    unsure = [*survey.wanted.blocked, *(target.id for target in wanted.values() if target.hold == Reason.BLOCKED)]
    mine = (job for job in survey.jobs if job.work.rendition == survey.rendition and job.state is not JobState.PUBLISHING)
    return [job.job_id for job in mine if _is_superseded(job, survey, wanted.get(job.work.target), keys, closed, unsure)]


def _is_superseded(
    job: Job, survey: Survey, target: Target | None, keys: Mapping[str, str], closed: Collection[str], unsure: Collection[str]
) -> bool:
    """Whether to stop a job; one whose phase is `closed`, or whose project is gone as a whole, only if it has not begun.

    What may only be unreadable for now, below an id that is `unsure`, is left alone.
    """
    if target is None:
        gone = job.work.target.partition("/")[0] not in survey.wanted.projects
        if gone and ("*" in unsure or job.state is not JobState.QUEUED):
            return False
        return not any(job.work.target.startswith(f"{prefix}/") for prefix in unsure)
    if job.state is JobState.QUEUED and (target.hold == Reason.MISSING or target.id in closed):
        return True
    return target.hold != Reason.BLOCKED and keys.get(target.id, "") not in ("", job.work.render_key)


def is_lacking(survey: Survey | None) -> bool:
    """Whether a target waits for something that the server does not have."""
    return survey is not None and any(action.reason is Reason.MISSING for action in survey.plan.actions)


def errors_by_project(survey: Survey) -> dict[str, int]:
    """Count Problems that hold something, by project; under "" those that belong to none."""
    counts = dict.fromkeys(survey.wanted.projects, 0)
    folders = {folder.path: name for name, folder in survey.wanted.projects.items()}
    for problem in survey.wanted.problems:
        name = next((name for path, name in folders.items() if problem.place.file.startswith(f"{path}/")), "")
        if problem.severity is Severity.ERROR:
            counts[name] = counts.get(name, 0) + 1
    return counts


def state_of(action: Action) -> TargetState:
    """How a target stands, given what is planned for it."""
    if action.action is ActionKind.KEEP:
        return TargetState.READY
    return TargetState.STALLED if action.action is ActionKind.HOLD else TargetState.RECONCILING


def states(survey: Survey) -> dict[tuple[str, str, str], int]:
    """Count targets by (project, phase, state)."""
    counts: dict[tuple[str, str, str], int] = {}
    named = [(target_id, TargetState.READY) for target_id in survey.plan.kept]
    named += [(action.target_id, state_of(action)) for action in survey.plan.actions if action.target is not None]
    for target_id, state in named:
        key = (target_id.partition("/")[0], phase_of(target_id), str(state))
        counts[key] = counts.get(key, 0) + 1
    return counts
