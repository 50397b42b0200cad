"""The work behind `koma plan`: survey, reasons, and the plan as text or JSON."""

import gc
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from koma.app.workspace import App
from koma.core.action import EVERYTHING, Action, Plan, Selection
from koma.core.errors import KomaError, UsageError
from koma.core.faults import SourceError
from koma.core.patterns import any_of
from koma.core.problem import Problem, Severity
from koma.core.safety import Limits, gpu_seconds, objections, plan_digest
from koma.core.shown import json_text, printable_text
from koma.core.words import ActionKind, Reason, Rendition

if TYPE_CHECKING:
    from koma.cli.plan import Options
    from koma.engine.survey import Survey

FORMAT_VERSION = 1
MINUTE = 60.0  # seconds
LONGEST_VALUE = 60  # characters of an old or new value in the text
SYMBOLS = {
    ActionKind.RENDER: "+", ActionKind.RESTORE: "<", ActionKind.MEASURE: "?", ActionKind.GATE: "=",
    ActionKind.PUBLISH: ">", ActionKind.RETIRE: "-", ActionKind.HOLD: "!", ActionKind.KEEP: " ",
}  # fmt: skip


def run(options: "Options", workspace: Path | None) -> int:
    """Plan and print; exit 0, with --detailed-exitcode 2 where something would be done, 1 for Problems."""
    gc.disable()  # tens of thousands of small values, all needed until the end
    with App.open(workspace) as app:
        rendition = _rendition(options.rendition) if options.rendition else app.config.rendition
        selection = Selection(any_of(options.targets), any_of(options.excluded)) if options.targets or options.excluded else EVERYTHING
        survey = _survey(app, rendition, selection)
        actions = _explained(app, survey)
        safety = app.config.safety
        limits = Limits(safety.max_gpu_minutes, safety.retire_share, safety.retire_at_least)
        held = objections(survey.plan, len(survey.observed.published), limits, survey.wanted.projects)
        disk = _disk(app, actions)
        if options.json:
            _print_json(survey, actions, held, disk, everything=options.all)
        else:
            _print_text(survey, actions, held, disk, everything=options.all)
    sys.stdout.flush()
    doing = any(action.action not in (ActionKind.KEEP, ActionKind.HOLD) for action in actions)
    errors = any(problem.severity is Severity.ERROR for problem in survey.wanted.problems)
    return 2 if options.detailed and doing else 1 if errors else 0


def _rendition(name: str) -> Rendition:
    try:
        return Rendition(name)
    except ValueError:
        raise UsageError(f"there is no rendition {name!r}", f"one of {', '.join(Rendition)}") from None


def _survey(app: App, rendition: Rendition, selection: Selection) -> "Survey":
    try:
        return app.surveyor.survey(rendition, selection)
    except SourceError as error:
        raise KomaError(str(error), "try again in a moment") from error


def _explained(app: App, survey: "Survey") -> list[Action]:
    if not any(action.reason is Reason.CHANGED for action in survey.plan.actions):
        return survey.plan.actions
    from koma.engine.reasons import Reasons

    return Reasons(survey, app.desires, app.drafting, app.store).explained(survey.plan.actions)


def _disk(app: App, actions: Sequence[Action]) -> str:
    """Say why no render would begin, where there is one; "" while there is room."""
    if not any(action.action is ActionKind.RENDER for action in actions):
        return ""
    from koma.app.room import WorkspaceRoom

    return WorkspaceRoom(app.config).message()


def as_json(action: Action) -> dict[str, Any]:
    """One action as `koma plan --json` gives it."""
    return {
        "target": action.target_id,
        "action": action.action,
        "reason": action.reason,
        "certain": action.certain,
        "root_cause": not action.cause,
        "cause": action.cause,
        "waits_for": action.waits_for,
        "message": action.message,
        "until": action.until or None,
        "take": action.take_number,
        "retake": _retake_json(action),
        "render_key": action.key,
        "changed": [
            {"field": c.field, "old": c.old, "new": c.new, "file": c.file, "line": c.line, "column": c.column} for c in action.changed
        ],
        "estimated_gpu_seconds": {"p50": round(action.p50_seconds, 3), "p90": round(action.p90_seconds, 3)},
    }


def _retake_json(action: Action) -> dict[str, Any] | None:
    if action.retake is None or action.target is None:
        return None
    from koma.core.retakes import retake_facts

    return retake_facts(action.retake, action.target.takes_limit)


def problem_json(problem: Problem) -> dict[str, Any]:
    """One Problem for programs."""
    place = {"file": problem.place.file, "line": problem.place.line, "column": problem.place.column, "path": problem.path}
    said = {"message": problem.message, "expected": problem.expected, "hint": problem.hint}
    lacks = {"missing": problem.missing} if problem.missing else {}
    return {**place, "severity": problem.severity, "code": problem.code, **said, **lacks}


def _print_json(survey: "Survey", actions: Sequence[Action], held: Sequence[str], disk: str, *, everything: bool) -> None:
    p50, p90 = gpu_seconds(survey.plan)
    kept = [Action(name, ActionKind.KEEP, Reason.CURRENT) for name in survey.plan.kept] if everything else []
    document = {
        "format_version": FORMAT_VERSION,
        "rendition": survey.rendition,
        "plan": plan_digest(survey.plan),
        "held": list(held),
        "disk": disk,
        "summary": survey.plan.summary(),
        "estimated_gpu_seconds": {"p50": round(p50, 3), "p90": round(p90, 3)},
        "actions": [as_json(action) for action in [*actions, *kept]],
        "phases": _phases(survey),
        "problems": [problem_json(problem) for problem in survey.wanted.problems],
    }
    sys.stdout.write(json_text(document, indent=1) + "\n")


def _phases(survey: "Survey") -> list[dict[str, Any]]:
    """How far each phase is; nothing where nothing is to be done."""
    if not survey.plan.phases:
        return []
    from koma.cli.rates import rate_json

    return [rate_json(rate) for rate in survey.plan.phases.values()]


def _print_text(survey: "Survey", actions: Sequence[Action], held: Sequence[str], disk: str, *, everything: bool) -> None:
    out = [str(problem) for problem in survey.wanted.problems]
    out += [line for action in actions for line in lines_of(action)]
    if everything:
        out += [f"  {name}  keep (current)" for name in survey.plan.kept]
    out.append(summary_line(survey.plan, survey.rendition))
    out += [disk] if disk else []
    if held:
        out += [f"held: {reason}" for reason in held]
        out.append(f"to go ahead with exactly this plan: koma run --allow {plan_digest(survey.plan)}")
    sys.stdout.write("".join(f"{printable_text(line)}\n" for line in out))


def lines_of(action: Action) -> list[str]:
    """One action as text: what, why, how long, and what changed where."""
    notes = [str(action.reason)]
    notes += [f"follows from {action.cause}"] if action.cause else []
    notes += [f"after {', '.join(action.waits_for)}"] if action.waits_for and not action.cause else []
    notes += ["not certain yet"] if not action.certain else []
    notes += [f"about {action.p50_seconds:.0f} s, at most {action.p90_seconds:.0f} s"] if action.p50_seconds >= 1 else []
    lines = [f"{SYMBOLS[action.action]} {action.target_id}  {action.action} ({'; '.join(notes)})"]
    lines += [f"    {action.message}"] if action.message and action.action is ActionKind.HOLD else []
    lines += [f"    until {_moment(action.until)}"] if action.until else []
    if action.retake is not None and action.target is not None:
        lines += [f"    {said}" for said in (action.retake.sentence(action.target.takes_limit), *action.retake.notes)]
    for change in action.changed:
        where = ":".join(str(part) for part in (change.file, change.line, change.column) if part)
        lines.append(f"    {change.field}: {_short(change.old)} -> {_short(change.new)}  ({where})")
    return lines


def _moment(at: float) -> str:
    from koma.cli.printing import moment  # start-up time where nothing is set aside

    return moment(at)


def _short(value: Any) -> str:
    text = "nothing" if value is None else str(value)
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 3]}..."


def _spent(seconds: float, where: str) -> str:
    return f"{seconds / 60:.1f} {where}minutes" if seconds >= MINUTE else f"{max(1, round(seconds))} {where}s"


def summary_line(plan: Plan, rendition: Rendition) -> str:
    """Say in one line what a plan does."""
    counts = plan.summary()
    said = [f"{count} to {name}" for name, count in counts.items() if count and name != ActionKind.KEEP]
    p50, p90 = gpu_seconds(plan)
    where = "" if rendition is Rendition.ANIMATIC else "GPU "
    time = f" in about {_spent(p50, where)} (at most {_spent(p90, where)})" if p50 else ""
    kept = counts[ActionKind.KEEP]
    return f"{', '.join(said)}{time}; {kept} as wanted" if said else f"nothing to do: {kept} as wanted"
