"""The work behind `koma review`: finds what a decision is about, writes a new document, and lists what was decided so far."""

import getpass
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from koma.app.workspace import App
from koma.cli.printing import count, daemon_of, named, print_json, print_lines, say, table
from koma.core.catalog import Folder
from koma.core.errors import KomaError
from koma.core.hints import did_you_mean
from koma.core.phases import GateSettings
from koma.core.review import HOLD, REJECT, RETAKE, Reviewed, Said
from koma.core.rows import TakeRow
from koma.core.target import Target
from koma.core.words import BackendKind, Phase
from koma.core.yamlscalar import scalar
from koma.engine.reviews import KIND, RETAKEN, all_sayings
from koma.engine.survey import Survey

_MOST = 10
FOLLOWS = {
    "approve": "they count as passed and are chosen; what waited for them goes on",
    "reject": "they count as failed; another take of each follows while its limit allows",
    RETAKE: "one more take of each follows; those there are count until then",
    HOLD: "nothing more of them is rendered until a later decision",
}
FOLLOWS_PHASE = {"approve": "what comes after the phase opens", "reject": "what comes after the phase stays closed"}


@dataclass(frozen=True, slots=True)
class Wanted:
    """One command line. `take` 0 is the published take or the newest; with `phase`, `targets` are PROJECT or PROJECT/SCENE."""

    decision: str
    targets: Sequence[str]
    take: int
    phase: str
    comment: str
    by: str


class Decided(NamedTuple):
    """One entry of a document to be written, its project, and what it is about in words."""

    project: str
    entry: dict[str, Any]
    about: str


def decide(workspace: Path | None, wanted: Wanted) -> int:
    """Write one document for each project. Raises KomaError for what can't be decided on."""
    with App.open(workspace) as app:
        survey = app.surveyor.survey(app.config.rendition)
        decided = _phases(app, survey, wanted) if wanted.phase else _targets(app, survey, wanted)
        for project in dict.fromkeys(one.project for one in decided):
            mine = [one for one in decided if one.project == project]
            print_lines(_said(app, _write(app, survey.wanted.projects[project], mine, wanted.by), mine, wanted))
    return 0


def _phases(app: App, survey: Survey, wanted: Wanted) -> list[Decided]:
    if wanted.phase not in list(Phase):
        raise KomaError(f"there is no phase `{wanted.phase}`", did_you_mean(wanted.phase, list(Phase)) or ", ".join(Phase), exit_code=2)
    if wanted.take:
        raise KomaError("--take belongs to a target, and --phase is about all of its shots", "leave one of them out", exit_code=2)
    return [_phase(app, survey, wanted, scope) for scope in wanted.targets]


def _phase(app: App, survey: Survey, wanted: Wanted, scope: str) -> Decided:
    project, _, scene = scope.strip("/").partition("/")
    folder = survey.wanted.projects.get(project)
    if folder is None or folder.project is None:
        hint = did_you_mean(project, survey.wanted.projects) or ", ".join(survey.wanted.projects)
        raise KomaError(f"there is no project `{project}`", hint, exit_code=2)
    scenes = folder.heads.get("scene", {})
    if scene and scene not in scenes:
        raise KomaError(f"{project} has no scene `{scene}`", did_you_mean(scene, scenes) or ", ".join(scenes), exit_code=2)
    settings = GateSettings.from_spec(app.desires.documents.doc(folder.project).data)
    if scene and settings.scope == "project":
        hint = (
            f"koma review {wanted.decision} --phase {wanted.phase} {project}   (or `phase_gate: {{scope: scene}}` in {folder.project.path})"
        )
        raise KomaError(f"{project} counts its phases for the whole project, not by scene", hint, exit_code=2)
    entry = {"phase": wanted.phase, **({"scope": scene} if scene else {})}
    return Decided(project, _entry(entry, wanted), f"phase {wanted.phase} of {scope}")


def _targets(app: App, survey: Survey, wanted: Wanted) -> list[Decided]:
    ids = _ids(wanted.targets, [target.id for target in survey.wanted.targets])
    if wanted.decision == HOLD:
        return [_of_target(target_id, {}, wanted) for target_id in ids]
    asked = dict.fromkeys(ids, wanted.take)
    if wanted.decision in (REJECT, RETAKE):
        asked = _made_again(asked, {target.id: target for target in survey.wanted.targets}, keep=wanted.decision == REJECT)
    ids, rows = list(asked), _rows(app, survey, asked)
    found = {i: row for i in ids if (row := _row(survey, i, rows.get(i, []), asked[i])) is not None}
    left = [target_id for target_id in ids if target_id not in found]
    if not found:
        what = f"take {wanted.take}" if wanted.take else "take with a picture"
        raise KomaError(f"{left[0]} has no {what} of what is wanted now", f"koma explain {left[0]}   (lists its takes)")
    if left:
        say(f"left out, without such a take: {', '.join(left[:_MOST])}{' and more' if len(left) > _MOST else ''}")
    return [_of_target(target_id, {"take": row.number, "content": row.content_digest}, wanted) for target_id, row in found.items()]


def _made_again(asked: Mapping[str, int], targets: Mapping[str, Target], *, keep: bool) -> dict[str, int]:
    """Name what is to be made again: the CPU makes the same of the same, so for a join that is its first segment, which the others follow.

    `asked` are take numbers by target id, 0 for the published take; with `keep` the decision is about the join as well.
    """
    found: dict[str, int] = {}
    for target_id, take in asked.items():
        source = target_id
        while targets[source].backend == BackendKind.CPU:
            source = targets[source].reads[0][1]
        if keep or source == target_id:
            found[target_id] = take
        found.setdefault(source, 0)
    return found


def _of_target(target_id: str, take: Mapping[str, Any], wanted: Wanted) -> Decided:
    about = f"{target_id} take {take['take']}" if take else target_id
    return Decided(target_id.partition("/")[0], _entry({"target": target_id, **take}, wanted), about)


def _entry(subject: Mapping[str, Any], wanted: Wanted) -> dict[str, Any]:
    return {**subject, "decision": wanted.decision, **({"comment": wanted.comment} if wanted.comment else {})}


def _ids(patterns: Sequence[str], known: Sequence[str]) -> list[str]:
    """Ids that patterns name; one that is an id of its own names nothing below it."""
    whole = {name: {i for i in known if name in (i, i.partition("/")[2])} for name in (pattern.rstrip("/") for pattern in patterns)}
    wider = [name for name, exact in whole.items() if not exact]
    chosen = set().union(*whole.values(), named(wider, known) if wider else ())
    return [target_id for target_id in known if target_id in chosen]


def _rows(app: App, survey: Survey, ids: Iterable[str]) -> dict[str, list[TakeRow]]:
    """Find takes with a picture, by target as it is called now."""
    names = {survey.wanted.moved.get(target_id, target_id): target_id for target_id in ids}
    names |= {target_id: target_id for target_id in names.values()}
    found: dict[str, list[TakeRow]] = {}
    for row in app.store.take_rows():
        if row.target in names and row.rendition == survey.rendition and row.content_digest:
            found.setdefault(names[row.target], []).append(row)
    return found


def _row(survey: Survey, target_id: str, rows: Sequence[TakeRow], number: int) -> TakeRow | None:
    """Take of what is wanted now: that of this number, else the published one, else the newest."""
    published = survey.observed.published.get(target_id)
    key = next((action.key for action in survey.plan.actions if action.target_id == target_id and action.key), "")
    key = key or (published.render_key if published is not None else "")
    mine = [row for row in rows if row.render_key == key and number in (0, row.number)]
    lying = published.take_key if published is not None else ""
    return max(mine, key=lambda row: (row.take_key == lying, row.number), default=None)


def _write(app: App, folder: Folder, decided: Sequence[Decided], by: str) -> Path:
    """Write a new document; one that is there is never touched."""
    now = time.gmtime(app.clock.now())
    place = app.config.workspace / folder.path / "reviews"
    place.mkdir(parents=True, exist_ok=True)
    taken = folder.heads.get(KIND, {}).keys() | {name for kind, name in folder.held if kind == KIND}
    number = 0
    while True:
        number += 1
        name = time.strftime(f"%Y-%m-%d-{number:03}", now)
        file = place / f"{name}.yaml"
        if name in taken or file.exists():
            continue
        try:
            with file.open("x", encoding="utf-8") as stream:
                stream.write(_text(app.config.workspace, file, name, by or _account(), now, decided))
        except FileExistsError:
            continue
        return file


def _text(workspace: Path, file: Path, name: str, by: str, now: time.struct_time, decided: Sequence[Decided]) -> str:
    schema = workspace / "specs" / "review.schema.json"
    lines = [f"# yaml-language-server: $schema={os.path.relpath(schema, file.parent)}"] if schema.is_file() else []
    lines += ["kind: review", f"id: {name}", *([f"by: {scalar(by)}"] if by else [])]
    lines += [f"at: {scalar(time.strftime('%Y-%m-%dT%H:%M:%SZ', now))}", "decisions:"]
    for one in decided:
        fields = [f"{key}: {scalar(value)}" for key, value in one.entry.items()]
        lines += [f"  {'-' if field == fields[0] else ' '} {field}" for field in fields]
    return "\n".join([*lines, ""])


def _account() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return ""


def _said(app: App, file: Path, decided: Sequence[Decided], wanted: Wanted) -> list[str]:
    daemon = daemon_of(app.config.paths.lock)
    follows = (FOLLOWS_PHASE if wanted.phase else FOLLOWS)[wanted.decision]
    when = f"{daemon} takes it up by itself" if daemon else "the next `koma run` takes it up"
    return [
        f"wrote {file.relative_to(app.config.workspace).as_posix()}",
        *(f"  {wanted.decision} {one.about}" for one in decided[:_MOST]),
        *([f"  and {len(decided) - _MOST} more"] if len(decided) > _MOST else []),
        f"then: {follows}. {when[0].upper()}{when[1:]}.",
        "to take it back: remove the decision, or the file. Commit it, so that everybody has it.",
    ]


def show(workspace: Path | None, *, as_json: bool) -> int:
    """Print every decision with whether it counts."""
    with App.open(workspace) as app:
        survey = app.surveyor.survey(app.config.rendition)
        found = _decisions(app, survey)
    if as_json:
        print_json({"decisions": found})
        return 0
    rows = [(one["at"], one["decision"], one["about"], one["state"], one["by"], one["comment"]) for one in found]
    print_lines(table(rows, ["at", "decision", "about", "state", "by", "comment"]) if rows else ["nothing was decided yet"])
    print_lines([count(len(found), "decision")] if rows else [])
    return 0


def _decisions(app: App, survey: Survey) -> list[dict[str, Any]]:
    by = app.desires.reviewed(survey.wanted)
    said = list(all_sayings(app.desires.documents, survey.wanted.projects))
    contents = {row.content_digest for row in app.store.take_rows()} if any(one.content for one in said) else set()
    return [_decision(one, _state(one, by, contents, survey.observed.flags)) for one in sorted(said)]


def _state(one: Said, by: Reviewed, contents: set[str], flags: Mapping[str, str]) -> str:
    last = (by.phases.get((one.scope, one.phase)), by.held.get(by.now(one.target)), by.word(one.target, one.content))
    if one not in last:
        return "replaced or disputed"
    if one.content and one.content not in contents:
        return "no such take"
    if one.decision == RETAKE:
        return "done" if RETAKEN + one.digest in flags else "waits"
    return "counts"


def _decision(one: Said, state: str) -> dict[str, Any]:
    take = f" take {one.take}" if one.take else ""
    about = f"phase {one.phase} of {one.scope}" if one.phase else f"{one.target}{take}"
    facts = {"at": one.at, "by": one.by, "decision": one.decision, "about": about, "state": state, "comment": one.comment}
    return {
        **facts,
        "file": one.file,
        "target": one.target,
        "take": one.take,
        "content": one.content,
        "phase": one.phase,
        "scope": one.scope,
    }
