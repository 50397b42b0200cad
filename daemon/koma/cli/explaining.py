"""The work behind `koma explain`: one story as text, as JSON, or packed for somebody else to look at."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from koma.app.room import WorkspaceRoom
from koma.app.workspace import App
from koma.cli.advice import meaning, what_to_do
from koma.cli.planning import problem_json
from koma.cli.printing import count, moment, named, print_json, print_lines, say, table
from koma.cli.rates import HEADINGS, rate_json, rate_row
from koma.core.errors import UsageError
from koma.core.phases import PhaseRate
from koma.core.words import ActionKind, Reason, Rendition
from koma.engine.story import Teller

_LONGEST = 70  # characters of a value in the text
_NAMED = 5  # targets named where one was wanted


def run(workspace: Path | None, pattern: str, rendition: str, bundle: Path | None, *, as_json: bool) -> int:
    """Tell the story of the one target that a pattern names."""
    with App.open(workspace) as app:
        chosen = _rendition(rendition) if rendition else app.config.rendition
        survey = app.surveyor.survey(chosen)
        teller = Teller(survey, app.desires, app.drafting, app.store)
        target_id = _one(pattern, teller.ids())
        rates = [rate_json(rate) for rate in app.surveyor.phases(survey).values() if _counts_for(rate, target_id)]
        facts = {**_facts(teller, target_id), "phases": rates}
        facts["disk"] = WorkspaceRoom(app.config).message() if facts["action"] == ActionKind.RENDER else ""
        if bundle is not None:
            from koma.cli.bundling import pack

            say(f"{count(pack(bundle, app, teller, facts), 'file')} in {bundle}; secrets were taken out, but look before you share it")
        elif as_json:
            print_json(facts)
        else:
            print_lines(lines_of(facts))
    return 0


def _counts_for(rate: PhaseRate, target_id: str) -> bool:
    """Whether a rate is of a scope that a target counts in: its project or scene, or the sheet that it is a pose of."""
    return target_id.startswith(f"{rate.scope}/")


def _rendition(name: str) -> Rendition:
    try:
        return Rendition(name)
    except ValueError:
        raise UsageError(f"there is no rendition {name!r}", f"one of {', '.join(Rendition)}") from None


def _one(pattern: str, ids: list[str]) -> str:
    whole = [target_id for target_id in ids if pattern in (target_id, target_id.partition("/")[2])]
    found = whole or named([pattern], ids)  # the id of a chained video is the beginning of its segments' ids, too
    if len(found) > 1:
        names = ", ".join(found[:_NAMED]) + (", ..." if len(found) > _NAMED else "")
        raise UsageError(f"{pattern!r} names {len(found)} targets: {names}", f"koma explain {found[0]}")
    return found[0]


def _facts(teller: Teller, target_id: str) -> dict[str, Any]:
    """Give the story with what its reason means, and what to do."""
    story = teller.story(target_id)
    reason = Reason(story["reason"])
    said = {"meaning": meaning(reason), "do": what_to_do(reason, target_id, story["cause"])}
    return {**story, **said, "problems": [problem_json(problem) for problem in story["problems"]]}


def lines_of(facts: Mapping[str, Any]) -> Iterator[str]:
    """Tell a story in lines."""
    yield from _standing(facts)
    yield from _section("errors in what it reads", [line for p in facts["problems"] if p["severity"] == "error" for line in _error(p)])
    changes = [f"{c['field']}: {_short(c['old'])} -> {_short(c['new'])}  ({_place(c)})" for c in facts["changed"]]
    yield from _section("changed since it was made", changes)
    yield from _section("made from", table([(i["name"], i["from"], i["content_digest"][:12]) for i in facts["inputs"]]))
    yield from _section("needs", table([(n["target"], n["state"], n["reason"]) for n in facts["upstream"]]))
    yield from _section("is needed by", table([(n["target"], n["state"], n["reason"]) for n in facts["downstream"]]))
    yield from _section("phases", table([rate_row(rate) for rate in facts["phases"]], HEADINGS) if facts["phases"] else [])
    yield from _section("takes", [line for take in facts["takes"] for line in _take(take)])
    yield from _section("values", table([(f["field"], _short(f["value"]), _place(f) or "default") for f in facts["fields"]]))
    yield from _section("keys", table([(name.replace("_", " "), value) for name, value in facts["keys"].items() if value]))


def _standing(facts: Mapping[str, Any]) -> Iterator[str]:
    yield f"{facts['target']}  {facts['rendition']}"
    yield f"{facts['state']}: {facts['action']}, because {facts['meaning']} ({facts['reason']})"
    until = f"until {moment(facts['until'])}" if facts["until"] else ""
    cause = f"it follows from {facts['cause']}" if facts["cause"] else ""
    do = f"do: {facts['do']}" if facts["do"] else ""
    yield from filter(None, (facts["message"], until, facts["disk"], cause, do))
    if facts["retake"]:
        yield from [facts["retake"]["words"], *facts["retake"]["notes"]]
    if facts["action"] == ActionKind.RENDER:
        yield f"a render takes about {facts['estimated_gpu_seconds']['p50']:.1f} s"
    published, job = facts["published"], facts["job"]
    if published:
        yield f"published: {published['path']} ({'the file is gone or was changed' if published['missing'] else published['verdict']})"
    if job:
        since = moment(job["running_since"] or job["submitted_at"] or job["queued_at"])
        yield f"in the queue: take {job['take']}, {job['state']}, since {since}"


def _section(title: str, lines: list[str]) -> Iterator[str]:
    if lines:
        yield ""
        yield f"{title}:"
        yield from (f"  {line}" for line in lines)


def _error(problem: Mapping[str, Any]) -> Iterator[str]:
    yield f"{_place(problem)}: {problem['message']}"
    if problem["hint"]:
        yield f"  do: {problem['hint']}"


def _take(take: Mapping[str, Any]) -> Iterator[str]:
    notes = {"published": take["published"], "approved": take["approved"], "of an earlier version": not take["wanted"]}
    verdict = f"{take['verdict']} ({take['kind']})" if take["kind"] else take["verdict"]
    said = [verdict, f"seed {take['seed']}", f"{take['render_seconds']:.1f} s", moment(take["finished_at"])]
    yield f"take {take['number']}: {', '.join([*said, *(note for note, there in notes.items() if there)])}"
    if take["made_with"]:
        yield from [f"  made with {take['made_with']}", *(f"  {note}" for note in take["retry"]["notes"])]
    if take["failure"]:
        yield f"  {take['failure']['kind']}: {take['failure']['message']}"
    yield from (f"  {check['verdict']}: {check['message']}  ({_rests_on(check)})" for check in take["checks"])


def _rests_on(check: Mapping[str, Any]) -> str:
    return "; ".join(filter(None, (check["source"], check["basis"])))


def _place(entry: Mapping[str, Any]) -> str:
    return ":".join(str(entry[part]) for part in ("file", "line", "column") if entry[part])


def _short(value: Any) -> str:
    text = "nothing" if value is None else str(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
