"""The work behind `koma status`: facts from one survey and the store, then text or JSON."""

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from koma.app.room import WorkspaceRoom
from koma.app.tended import hours_of
from koma.app.workspace import App
from koma.cli.advice import meaning, what_to_do
from koma.cli.printing import count, daemon_of, moment, print_json, print_lines, table
from koma.cli.rates import HEADINGS, rate_json, rate_row
from koma.core.action import Action
from koma.core.flags import HEALTH, PAUSED, kept
from koma.core.hours import FOR_EVER
from koma.core.job import Job
from koma.core.problem import Severity
from koma.core.retakes import retake_from_json
from koma.core.safety import Limits, gpu_seconds, objections, plan_digest
from koma.core.supervision import Health
from koma.core.take import Take
from koma.core.target import phase_of
from koma.core.words import ActionKind, Reason, TargetState, Verdict
from koma.engine.standing import FOR_A_PERSON, LATER, states
from koma.engine.survey import Survey
from koma.ports import Store

WATCH_SECONDS = 2.0
_CLEAR = "\x1b[H\x1b[2J"
_MOST = 20
_EACH = FOR_A_PERSON - {Reason.PHASE_CLOSED}  # why a phase is closed is told once, with its rate


def run(workspace: Path | None, *, watch: bool, as_json: bool) -> int:
    """Print how things stand, once or again and again."""
    while True:
        with App.open(workspace) as app:
            facts = facts_of(app)
        if watch and sys.stdout.isatty():
            sys.stdout.write(_CLEAR)
        if as_json:
            print_json(facts)
        else:
            print_lines(_lines(facts))
        if not watch:
            return 0
        sys.stdout.flush()
        time.sleep(WATCH_SECONDS)


def facts_of(app: App) -> dict[str, Any]:
    """Everything that status shows, as JSON values; times are epoch seconds."""
    config = app.config
    survey = app.surveyor.survey(config.rendition)
    safety, plan = config.safety, survey.plan
    limits = Limits(safety.max_gpu_minutes, safety.retire_share, safety.retire_at_least)
    p50, p90 = gpu_seconds(plan)
    errors = sum(problem.severity is Severity.ERROR for problem in survey.wanted.problems)
    return {
        "workspace": str(config.workspace),
        "rendition": config.rendition,
        "daemon": daemon_of(config.paths.lock),
        "paused": PAUSED in survey.observed.flags,
        **_supervised(app, survey),
        "disk": WorkspaceRoom(config).message(),
        "plan": plan_digest(plan),
        "held": objections(plan, len(survey.observed.published), limits, survey.wanted.projects),
        "estimated_gpu_seconds": {"p50": round(p50, 3), "p90": round(p90, 3)},
        "targets": _targets(survey, app.store),
        "phases": [rate_json(rate) for rate in app.surveyor.phases(survey).values()],
        "queue": [_job(job) for job in survey.jobs],
        "waiting": [_waiting(action, app.store) for action in plan.actions if action.reason in _EACH],
        "on_hold": _on_hold(plan.actions),
        "later": [_later(action) for action in plan.actions if action.reason in LATER],
        "problems": {"errors": errors, "warnings": len(survey.wanted.problems) - errors},
    }


def _targets(survey: Survey, store: Store) -> list[dict[str, Any]]:
    """Count by project and phase: states, and how many takes were judged and passed."""
    counted = states(survey)
    judged: dict[tuple[str, str], list[int]] = {}
    for row in store.take_rows():
        if row.rendition == survey.rendition and row.verdict != Verdict.UNMEASURED:
            tally = judged.setdefault((row.target.partition("/")[0], phase_of(row.target)), [0, 0])
            tally[0] += 1
            tally[1] += row.verdict == Verdict.PASSED
    rows = []
    for project, phase in sorted({key[:2] for key in counted}):
        by_state = {state.lower(): counted.get((project, phase, str(state)), 0) for state in TargetState}
        takes, passed = judged.get((project, phase), [0, 0])
        rows.append({"project": project, "phase": phase, **by_state, "takes_judged": takes, "takes_passed": passed})
    return rows


def _job(job: Job) -> dict[str, Any]:
    since = job.running_since or job.submitted_at or job.queued_at
    work = job.work
    said = {"target": work.target, "take": work.number, "action": job.action, "state": job.state, "attempt": job.attempt, "since": since}
    retake = retake_from_json(work.number, work.origin.get("retry"))
    return {**said, "made_with": retake.words if retake is not None else ""}


def _waiting(action: Action, store: Store) -> dict[str, Any]:
    take = newest(store, action)
    return {
        "target": action.target_id,
        "reason": action.reason,
        "why": "; ".join([meaning(action.reason), *filter(None, [action.message]), *(why_not(take) if take else [])]),
        "do": what_to_do(action.reason, action.target_id, action.cause),
    }


def newest(store: Store, action: Action) -> Take | None:
    """Newest take of what is wanted of a target."""
    rows = [row for row in store.take_rows([action.key]) if row.target == action.target_id] if action.key else []
    return store.take(max(rows, key=lambda row: row.number).take_key) if rows else None


def why_not(take: Take) -> list[str]:
    """Say why a take did not pass: its error, or the checks that it failed."""
    if take.failure is not None:
        return [" ".join(take.failure.message.split())]
    checks = take.gate.checks if take.gate is not None else ()
    return [check.message for check in checks if check.rule.required and check.verdict is not Verdict.PASSED]


def _supervised(app: App, survey: Survey) -> dict[str, Any]:
    """Tell what keeps jobs from beginning, for all of a server or of the day; `quiet_until` is null where it is not quiet, or for ever."""
    hours, now, flags = hours_of(app.config), app.clock.now(), survey.observed.flags
    until = hours.until(now)
    return {
        "quiet": until is not None,
        "quiet_until": None if until is None or until == FOR_EVER else until,
        "stuck": {kind: health.stuck for kind, health in kept(Health, flags, HEALTH).items() if health.stuck},
    }


def _later(action: Action) -> dict[str, Any]:
    why = "; ".join(filter(None, [meaning(action.reason), action.message]))
    return {"target": action.target_id, "reason": action.reason, "why": why, "until": action.until or None}


def _on_hold(actions: Sequence[Action]) -> dict[str, int]:
    """Count held targets by reason, where nobody is asked to decide about each."""
    held = [action.reason for action in actions if action.action is ActionKind.HOLD and action.reason not in _EACH | LATER]
    return {reason: held.count(reason) for reason in Reason if reason in held}


def _lines(facts: Mapping[str, Any]) -> Iterator[str]:
    yield f"{facts['workspace']}  {facts['rendition']}  daemon: {facts['daemon'] or 'not running'}"
    if facts["paused"]:
        yield "paused: nothing new is started   do: koma resume"
    if facts["quiet"]:
        yield f"quiet hours{_until(facts['quiet_until'])}: nothing new is started   settings: hours in koma.yaml"
    for kind, why in facts["stuck"].items():
        yield f"{kind} is stuck: {why}"
    if facts["disk"]:
        yield f"{facts['disk']}   do: koma gc"
    yield ""
    rows = [_row(row) for row in facts["targets"]]
    yield from table(rows, ["project", "phase", *TargetState, "takes passed"]) if rows else ["no targets: koma check says what is read"]
    yield from _phases(facts["phases"])
    p50, p90 = facts["estimated_gpu_seconds"].values()
    if p50:
        yield f"about {p50 / 60:.1f} minutes of rendering left, at most {p90 / 60:.1f}"
    yield from _queue(facts["queue"])
    yield from _person(facts)


def _until(at: float | None) -> str:
    return f" until {moment(at)}" if at else ""


def _row(row: Mapping[str, Any]) -> list[object]:
    passed = f"{row['takes_passed']} of {row['takes_judged']}" if row["takes_judged"] else ""
    return [row["project"], row["phase"], *(row[state.lower()] for state in TargetState), passed]


def _phases(phases: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Lines about the phases: how many passed, what that says of the rate, what it takes, and why one is closed."""
    if not phases:
        return
    yield from ["", *table([rate_row(one) for one in phases], HEADINGS)]
    for one in phases:
        if not one["open"]:
            yield f"  {one['scope']} {one['phase']}: {one['why']}"


def _queue(jobs: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    if jobs:
        yield from ["", f"queue: {count(len(jobs), 'job')}"]
        yield from table(
            [
                (f"  {job['target']}", f"take {job['take']}", job["state"], f"since {moment(job['since'])}", job["made_with"])
                for job in jobs[:_MOST]
            ]
        )
    if len(jobs) > _MOST:
        yield f"  and {len(jobs) - _MOST} more"


def _person(facts: Mapping[str, Any]) -> Iterator[str]:
    """Lines about everything that a person has to do."""
    for reason in facts["held"]:
        yield from [
            "",
            f"the plan is held: {reason}",
            f"  do: koma plan; to go ahead with exactly this plan: koma run --allow {facts['plan']}",
        ]
    if facts["problems"]["errors"]:
        yield from ["", f"{count(facts['problems']['errors'], 'error')} in documents, references or templates   do: koma check"]
    for reason, number in facts["on_hold"].items():
        yield f"{count(number, 'target')} on hold: {meaning(Reason(reason))}"
    yield from _going_on_later(facts["later"])
    waiting, nothing = facts["waiting"], "nothing else" if Reason.PHASE_CLOSED in facts["on_hold"] else "nothing"
    yield from ["", f"{count(len(waiting), 'target')} waiting for a person:" if waiting else f"{nothing} waits for a person"]
    for item in waiting[:_MOST]:
        yield from [f"  {item['target']}: {item['reason']}: {item['why']}", f"    do: {item['do']}"]
    if len(waiting) > _MOST:
        yield f"  and {len(waiting) - _MOST} more (koma status --json has all of them)"


def _going_on_later(items: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Lines about what was set aside for a time."""
    if items:
        yield from ["", f"{count(len(items), 'target')} set aside for a time:"]
    for item in items[:_MOST]:
        yield f"  {item['target']}: {item['reason']}{_until(item['until'])}: {item['why']}"
    if len(items) > _MOST:
        yield f"  and {len(items) - _MOST} more (koma status --json has all of them)"
