"""Tuning documents over the rules of a profile: which threshold counts where, and what it rests on. Pure.

A threshold that was calibrated for another version, definition or weights of its metric than those of now still counts, as a placeholder.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from koma.core.document import Doc
from koma.core.gate import Op, Rule
from koma.core.hints import did_you_mean
from koma.core.metrics import METRICS, Stage
from koma.core.problem import Place, Problem, Severity
from koma.core.profiles import OF_CLIPS, OF_THE_WHOLE, Asked, comparable
from koma.core.words import Phase, Reason, Rendition
from koma.core.world import World

KIND = "tuning"
_OPS = {"min": Op.AT_LEAST, "max": Op.AT_MOST}
Placed = Callable[[str, int, str], Place]


class _Entry(NamedTuple):
    """One threshold as it is written, with its document and number in it."""

    doc: Doc
    number: int
    data: Mapping[str, Any]

    @property
    def metric(self) -> str:
        return str(self.data["metric"])

    @property
    def path(self) -> str:
        return f"thresholds.{self.number}"

    @property
    def narrowness(self) -> tuple[bool, bool]:
        """The larger, the narrower: what is about one character before what is about one phase, and that before the rest."""
        return "character" in self.data, "phase" in self.data

    def is_about(self, phase: str, subject: str) -> bool:
        return bool(self.data.get("phase", phase) == phase and self.data.get("character", subject) == subject)


def tuned(rules: Sequence[Rule], docs: Sequence[Doc], asked: Asked, weights: Mapping[str, str]) -> tuple[Rule, ...]:
    """Put the thresholds of tuning documents in place of those of a profile.

    Of several about the same the narrowest counts, and of those the last; the likeness that a character's own document asks for gives way
    only to what names the character. A metric that has no such rule gets one only where
    `required: true` is written, and only where it says something about this part. `weights` are digests of the models that are there.
    """
    entries = _entries(docs)
    if not entries or asked.on_paper:
        return tuple(rules)
    replaced = [_replaced(rule, entries, asked, weights) for rule in rules]
    there = {(rule.metric, rule.op, rule.subject) for rule in replaced}
    wanted = [rule for entry in entries if entry.data.get("required") for rule in _new_rules(entry, asked)]
    added = {(rule.metric, rule.op, rule.subject): rule for rule in wanted if (rule.metric, rule.op, rule.subject) not in there}
    new = [_replaced(rule, entries, asked, weights) for rule in added.values()]
    return (*replaced, *(rule for rule in new if rule.required))


def thresholds(doc: Doc) -> Sequence[Mapping[str, Any]]:
    """Entries of a tuning document, in their order."""
    return doc.data.get("thresholds") or ()


def _entries(docs: Sequence[Doc]) -> list[_Entry]:
    return [_Entry(doc, number, data) for doc in docs for number, data in enumerate(thresholds(doc))]


def _replaced(rule: Rule, entries: Sequence[_Entry], asked: Asked, weights: Mapping[str, str]) -> Rule:
    """Give a rule with the threshold that counts for it, or as it is."""
    word = next((word for word, op in _OPS.items() if op is rule.op), "")
    mine = [e for e in entries if e.metric == rule.metric and word in e.data and e.is_about(asked.phase, rule.subject)]
    if rule.subject and (asked.thresholds or {}).get(rule.subject) == rule.threshold:
        mine = [e for e in mine if "character" in e.data]
    if not mine:
        return rule
    entry = max(enumerate(mine), key=lambda item: (item[1].narrowness, item[0]))[1]
    unknown = any(subject.id == rule.subject and not comparable(rule.metric, subject) for subject in asked.against.subjects)
    return replace(
        rule,
        threshold=float(entry.data[word]),
        required=not unknown and entry.data.get("required", rule.required),
        source=f"{entry.doc.file} {entry.path}",
        basis=basis_of(entry.data, weights),
    )


def _new_rules(entry: _Entry, asked: Asked) -> Iterator[Rule]:
    """Rules that an entry asks for where the profile has none; their thresholds are those of whichever entry counts."""
    spec = METRICS[entry.metric]
    silent = (asked.part == "segment" and spec.id in OF_THE_WHOLE) or (spec.stage is Stage.MOTION and not asked.moves)
    silent = silent or (asked.phase is Phase.STILL and spec.id in OF_CLIPS)
    of_characters = [subject.id for subject in asked.against.subjects if comparable(spec.id, subject)]
    subjects = of_characters if spec.reads == "characters" else [""]
    for subject in subjects if not silent else ():
        if entry.is_about(asked.phase, subject):
            yield from (Rule(spec.id, op, float(entry.data[word]), subject=subject) for word, op in _OPS.items() if word in entry.data)


def basis_of(threshold: Mapping[str, Any], weights: Mapping[str, str]) -> str:
    """Say what a threshold rests on: `placeholder`, with the reason where it was calibrated once, or `calibrated` with n and date."""
    basis = threshold.get("basis")
    if basis is None:
        return "placeholder"
    why = stale(str(threshold["metric"]), basis, weights)
    return f"placeholder: {why}" if why else f"calibrated n={basis['n']} {basis['date']}"


def stale(metric: str, basis: Mapping[str, Any], weights: Mapping[str, str]) -> str:
    """Say why a calibration no longer holds, "" where it does. Models that are not there say nothing."""
    spec = METRICS[metric]
    if basis["version"] != spec.version:
        return f"calibrated for version {basis['version']}, this is {spec.version}"
    if basis.get("definition", spec.digest) != spec.digest:
        return "calibrated for another definition"
    others = [name for name, digest in (basis.get("weights") or {}).items() if weights.get(name) not in (None, "", digest)]
    return f"calibrated with other weights of {', '.join(others)}" if others else ""


def unsure(world: World, phase: str, rendition: Rendition) -> str:
    """Hold what would be judged while a tuning document can't be used, so that nobody knows by which thresholds; else "".

    An animatic is judged by the file contract only.
    """
    paper = rendition is Rendition.ANIMATIC or phase == Phase.ANIMATIC
    if "tuning held" not in world.memo:
        world.memo["tuning held"] = any(kind == KIND for kind, _ in world.held)
    return str(Reason.BLOCKED) if not paper and world.memo["tuning held"] else ""


def tuning_problems(world: World, place: Placed) -> list[Problem]:
    """Warn of thresholds that are no longer calibrated, that another one hides, or whose character is not there."""
    entries = _entries(world.tunings)
    found = [_stale_problem(entry, world, place) for entry in entries]
    found += [_stranger(entry, world, place) for entry in entries]
    last = {scope: entry for entry in entries for scope in _scopes(entry)}
    found += [_hidden(entry, [last[scope] for scope in _scopes(entry)], place) for entry in entries]
    return [problem for problem in found if problem is not None]


def _scopes(entry: _Entry) -> list[tuple[Any, ...]]:
    """Give what an entry is about, once for each of its bounds."""
    return [(entry.metric, word, *(entry.data.get(name) for name in ("phase", "character"))) for word in _OPS if word in entry.data]


def _warning(entry: _Entry, place: Placed, field: str, code: str, message: str, expected: str, hint: str) -> Problem:
    path = f"{entry.path}.{field}" if field else entry.path
    there = place(entry.doc.file, entry.doc.part, path)
    return Problem(there, code, message, expected, hint, path, Severity.WARNING)


def _stale_problem(entry: _Entry, world: World, place: Placed) -> Problem | None:
    basis = entry.data.get("basis")
    why = stale(entry.metric, basis, world.weights) if basis is not None else ""
    if not why:
        return None
    message = f"the threshold of {entry.metric} was {why}: it counts as a placeholder"
    expected = f"a basis of version {METRICS[entry.metric].version} of {entry.metric}, as it is now"
    return _warning(entry, place, "basis", "stale-calibration", message, expected, f"koma calibrate {world.id}")


def _stranger(entry: _Entry, world: World, place: Placed) -> Problem | None:
    who = entry.data.get("character")
    if who is None or who in world.characters or world.perhaps("character", who):
        return None
    hint = did_you_mean(who, world.characters) or "correct the name, or take the threshold out"
    message = f"there is no character called {who!r}, so nothing reads this threshold"
    return _warning(entry, place, "character", "missing-character", message, "the id of a character of the project", hint)


def _hidden(entry: _Entry, lasts: Sequence[_Entry], place: Placed) -> Problem | None:
    """Warn of an entry of which another, which stands later, says the same otherwise."""
    other = next((last for last in lasts if last is not entry), None)
    if other is None:
        return None
    message = f"{place(other.doc.file, other.doc.part, other.path)} has a threshold of {entry.metric} for the same, and that one counts"
    return _warning(entry, place, "", "duplicate-threshold", message, "one threshold for each metric, phase and character", "take one out")
