"""The full story of one target: how it stands and why, what it is made from and where that is written, and every take of it."""

from collections.abc import Mapping
from typing import Any

from koma.core.action import Action
from koma.core.document import Doc
from koma.core.draft import Draft
from koma.core.failure_kind import failing
from koma.core.gate import Check
from koma.core.job import Job
from koma.core.preflight import once
from koma.core.problem import Place, Problem
from koma.core.retakes import retake_facts, retake_from_json
from koma.core.rows import Published, TakeRow
from koma.core.take import Take
from koma.core.target import Target
from koma.core.words import ActionKind, Reason
from koma.core.world import World
from koma.engine.drafting import Drafting
from koma.engine.effective import effective
from koma.engine.locating import Located, locate
from koma.engine.reasons import Reasons, facts_now
from koma.engine.standing import state_of
from koma.engine.survey import Survey
from koma.engine.wanted import Desires
from koma.ports import Store

_NOTHING: tuple[Any, ...] = (None, "", [], {})


class Teller:
    """Tells about the targets of one survey. What it gives are JSON values; times are epoch seconds."""

    def __init__(self, survey: Survey, desires: Desires, drafting: Drafting, store: Store) -> None:
        self._survey = survey
        self._desires = desires
        self._drafting = drafting
        self._store = store
        self._targets = {target.id: target for target in survey.wanted.targets}
        self._actions = {action.target_id: action for action in survey.plan.actions}

    def ids(self) -> list[str]:
        """Every target that there is something to tell of: wanted or published."""
        return list(dict.fromkeys([*self._targets, *self._survey.observed.published]))

    def takes(self, target_id: str) -> list[Take]:
        """Every take of a target in this rendition, by render_key and number."""
        rows = [row for row in self._store.take_rows() if row.target == target_id and row.rendition == self._survey.rendition]
        return [take for row in sorted(rows, key=_by_number) if (take := self._store.take(row.take_key)) is not None]

    def document(self, target_id: str) -> Mapping[str, Any] | None:
        """Graph or panel of a target's first take as it is wanted now; None if it can't be drawn."""
        target = self._targets.get(target_id)
        found = self._found(target) if target is not None else None
        if target is None or found is None:
            return None
        drawn = self._drafting.one(found, target, 1, self._desires.documents.place)
        return drawn[1] if drawn is not None else None

    def story(self, target_id: str) -> dict[str, Any]:
        """Tell everything about one target."""
        target = self._targets.get(target_id)
        action = self._action(target_id, target)
        takes = self.takes(target_id)
        row = self._survey.observed.published.get(target_id)
        return {
            "target": target_id,
            "rendition": self._survey.rendition,
            **self._standing(action),
            "published": {"path": row.path, "verdict": row.verdict, "missing": row.path in self._survey.observed.missing} if row else None,
            "problems": self._problems(target),
            "keys": _keys(target, action),
            "inputs": self._inputs(target),
            "fields": self._fields(target),
            "upstream": [self._neighbour(name) for name in _upstream(target)],
            "downstream": [self._neighbour(other.id) for other in self._targets.values() if target_id in _upstream(other)],
            "job": next((_job(job) for job in self._survey.jobs if job.work.target == target_id), None),
            "takes": [_take(take, action, row.take_key if row else "") for take in takes],
        }

    def _action(self, target_id: str, target: Target | None) -> Action:
        row = self._survey.observed.published.get(target_id)
        key = row.render_key if row else ""
        action = self._actions.get(target_id) or Action(target_id, ActionKind.KEEP, Reason.CURRENT, target, key)
        reasons = Reasons(self._survey, self._desires, self._drafting, self._store)
        return reasons.explained([action])[0] if target is not None else action

    def _standing(self, action: Action) -> dict[str, Any]:
        return {
            "state": state_of(action),
            "action": action.action,
            "reason": action.reason,
            "certain": action.certain,
            "cause": action.cause,
            "waits_for": list(action.waits_for),
            "message": action.message,
            "until": action.until or None,
            "retake": retake_facts(action.retake, action.target.takes_limit) if action.target is not None else None,
            "changed": [change._asdict() for change in action.changed],
            "estimated_gpu_seconds": {"p50": round(action.p50_seconds, 3), "p90": round(action.p90_seconds, 3)},
        }

    def _neighbour(self, target_id: str) -> dict[str, Any]:
        action = self._action(target_id, None)
        return {"target": target_id, "state": state_of(action), "reason": action.reason}

    def _found(self, target: Target) -> Located | None:
        return locate(self._survey.wanted, self._desires, target.id)

    def _fields(self, target: Target | None) -> list[dict[str, Any]]:
        """Every field that has a value, with its place; an empty place for a default that nobody wrote."""
        found = self._found(target) if target is not None else None
        draft = self._drafting.draft(found, target, self._desires.documents.place) if target is not None and found else None
        if found is None or draft is None or not draft.values:
            return []
        return self._placed(found.world, found.doc, draft)

    def _placed(self, world: World, scene: Doc, draft: Draft) -> list[dict[str, Any]]:
        traced = effective(world, scene, draft)
        rows = []
        for field, value in facts_now(world, draft).items():
            if value in _NOTHING or field.startswith("inputs."):
                continue
            spot = traced.spot(field)
            place = self._desires.documents.place(*spot) if spot is not None else _manifest(draft, field)
            where = {"file": place.file, "line": place.line, "column": place.column}
            rows.append({"field": field, "value": value, **where})
        return rows

    def _inputs(self, target: Target | None) -> list[dict[str, Any]]:
        if target is None:
            return []
        published = self._survey.observed.published
        paths = {file.digest: path for path, file in sorted(self._survey.snapshot.images.items(), reverse=True)}
        read = [
            {
                "name": name,
                "from": f"{upstream} ({part} frame)" if part else upstream,
                "content_digest": _part_of(published.get(upstream), part),
            }
            for name, upstream, part in target.reads
        ]
        return read + [{"name": name, "from": paths.get(file, ""), "content_digest": content} for name, content, file, _ in target.inputs]

    def _problems(self, target: Target | None) -> list[Problem]:
        """Problems of what a held target reads: scene, shared documents of the project, pictures, templates; or what the server lacks."""
        if target is not None and target.hold == Reason.MISSING:
            return self._missing(target)
        if target is None or target.hold != Reason.BLOCKED:
            return []
        folder = self._survey.wanted.projects.get(target.project)
        scenes = {head.path for head in folder.heads.get("scene", {}).values()} - {target.scene_file} if folder else set()
        return [problem for problem in sorted(self._survey.wanted.problems) if problem.place.file not in scenes]

    def _missing(self, target: Target) -> list[Problem]:
        """Tell what the server lacks for exactly this target."""
        found = self._found(target)
        draft = self._drafting.draft(found, target, self._desires.documents.place) if found else None
        drawn = self._drafting.graphs.drawn([draft]).get(draft.id) if draft is not None else None
        return once([problem for problem in drawn.problems if problem.missing]) if drawn is not None else []


def _manifest(draft: Draft, field: str) -> Place:
    """Place of a value that no document gives: the template's manifest for a parameter of its own, nowhere for a default of Koma's."""
    return Place(draft.template.manifest.file if draft.template is not None and field.startswith("parameters.") else "")


def _by_number(row: TakeRow) -> tuple[str, int]:
    return row.render_key, row.number


def _upstream(target: Target | None) -> list[str]:
    return list(dict.fromkeys([*(read[1] for read in target.reads), *target.needs])) if target is not None else []


def _part_of(row: Published | None, part: str) -> str:
    """Content digest of what is read of a published target, "" while there is none."""
    return "" if row is None else row.last_digest if part else row.content_digest


def _keys(target: Target | None, action: Action) -> dict[str, Any]:
    if target is None:
        return {"render_key": action.key}
    return {
        "render_key": action.key,
        "base_key": target.base_key,
        "measure_key": target.measure_key,
        "rules_digest": target.rules_digest,
        "backend": target.backend,
        "template": target.template,
        "template_digest": target.template_digest,
        "output": f"{target.stem}{target.suffix}",
    }


def _job(job: Job) -> dict[str, Any]:
    return {
        "state": job.state,
        "action": job.action,
        "take": job.work.number,
        "attempt": job.attempt,
        "retry": job.work.origin.get("retry"),
        "prompt_id": job.prompt_id,
        "queued_at": job.queued_at,
        "submitted_at": job.submitted_at,
        "running_since": job.running_since,
    }


def _take(take: Take, action: Action, published: str) -> dict[str, Any]:
    checks = take.gate.checks if take.gate is not None else ()
    return {
        "take_key": take.take_key,
        "number": take.number,
        "seed": take.seed,
        "wanted": take.render_key == action.key,
        "published": take.take_key == published,
        "verdict": take.verdict,
        "approved": take.approved,
        "kind": _kind(take),
        "retry": take.receipt.get("retry"),
        "made_with": _made_with(take),
        "render_seconds": take.render_seconds,
        "finished_at": take.finished_at,
        "failure": {"kind": take.failure.kind, "message": take.failure.message} if take.failure else None,
        "checks": [_check(check) for check in checks],
    }


def _kind(take: Take) -> str:
    """Failure kind of a take, "" for one that did not fail its gate."""
    found = failing(take.number, take.gate)
    return str(found.kind) if found is not None and not take.approved else ""


def _made_with(take: Take) -> str:
    """Say in words what a take changed, "" for one that learned nothing."""
    retake = retake_from_json(take.number, take.receipt.get("retry"))
    return retake.words if retake is not None else ""


def _check(check: Check) -> dict[str, Any]:
    rule = check.rule
    said = {"metric": rule.metric, "verdict": check.verdict, "message": check.message, "required": rule.required}
    return {**said, "source": rule.source, "basis": rule.basis}
