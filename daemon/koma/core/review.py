"""What people decided, out of all review documents: which takes are approved or rejected, phases, held targets, retakes. Pure.

Decisions about a take are bound to its content digest, so they never reach another picture. Nothing here is remembered: a decision that is
taken out of its document no longer counts.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from koma.core.document import Doc
from koma.core.gate import Check, GateResult, Op, Rule, decided
from koma.core.keys import text_digest
from koma.core.problem import Place, Problem, Severity
from koma.core.rows import TakeRow
from koma.core.words import Verdict

APPROVE, REJECT, RETAKE, HOLD = "approve", "reject", "retake", "hold"
METRIC = "review"  # what a gate result calls a person's word
Key = tuple[str, str]
Placed = Callable[[str, int, str], Place]


class Said(NamedTuple):
    """One decision. `at`, `review` (id of its document) and `number` (in its list) order it; `target`, `scope` begin with the project."""

    at: str
    review: str
    number: int
    file: str
    part: int
    decision: str
    target: str = ""
    take: int = 0
    content: str = ""
    scope: str = ""
    phase: str = ""
    by: str = ""
    comment: str = ""

    @property
    def digest(self) -> str:
        """Names this very decision: a retake is made once for each."""
        return text_digest(self.at, self.review, str(self.number), self.target, self.content)


@dataclass(frozen=True, slots=True)
class Reviewed:
    """The last word about everything that people decided on.

    `takes` by (target under its first id, content digest): approve, reject or retake. `phases` by (scope, phase), `held` by target. `moved`
    maps addresses, or the beginnings of them, to those of before a rename. In `unsure` projects a review may be unreadable for now: nothing
    is taken back there. `digest` is the same while all of this is.
    """

    digest: str = ""
    takes: Mapping[Key, Said] = field(default_factory=dict)
    phases: Mapping[Key, Said] = field(default_factory=dict)
    held: Mapping[str, Said] = field(default_factory=dict)
    moved: Mapping[str, str] = field(default_factory=dict)
    unsure: frozenset[str] = frozenset()
    problems: tuple[Problem, ...] = ()

    @property
    def approved_phases(self) -> frozenset[Key]:
        """(scope, phase) that a person approved."""
        return frozenset(key for key, said in self.phases.items() if said.decision == APPROVE)

    @property
    def rejected_phases(self) -> frozenset[Key]:
        """(scope, phase) that a person rejected."""
        return frozenset(key for key, said in self.phases.items() if said.decision == REJECT)

    @property
    def retakes(self) -> tuple[Said, ...]:
        """Retakes that are asked for."""
        return tuple(said for said in self.takes.values() if said.decision == RETAKE)

    def word(self, target: str, content: str) -> Said | None:
        """Last word about a take, under whichever id of its target."""
        return self.takes.get((renamed(target, self.moved), content))

    def now(self, target: str) -> str:
        """Id of a target as it is called now."""
        return renamed(target, {old: new for new, old in self.moved.items()})


def renamed(address: str, names: Mapping[str, str]) -> str:
    """Address with its beginning as `names` says."""
    for before, after in names.items():
        if address == before or address.startswith(f"{before}/"):
            return after + address[len(before) :]
    return address


def sayings(project: str, doc: Doc) -> list[Said]:
    """Decisions of one review document."""
    data = doc.data
    return [
        Said(
            at=data.get("at", ""),
            review=doc.id,
            number=number,
            file=doc.file,
            part=doc.part,
            decision=said["decision"],
            target=whole(project, said["target"]) if "target" in said else "",
            take=said.get("take", 0),
            content=said.get("content", ""),
            scope="/".join([project, *([said["scope"]] if "scope" in said else [])]) if "phase" in said else "",
            phase=said.get("phase", ""),
            by=data.get("by", ""),
            comment=said.get("comment", ""),
        )
        for number, said in enumerate(data.get("decisions") or ())
    ]


def whole(project: str, address: str) -> str:
    """Address with its project, which a document may leave out."""
    return address if address.startswith(f"{project}/") else f"{project}/{address}"


def reviewed(said: Iterable[Said], place: Placed, *, moved: Mapping[str, str], unsure: frozenset[str], digest: str) -> Reviewed:
    """Find the last word about everything. Where two disagree and nobody knows which is later, neither counts, and a Problem says so."""
    in_order = sorted(said, key=lambda one: one[:3])
    words = _Words(place)
    takes = words.last(((renamed(one.target, moved), one.content), one) for one in in_order if one.content and one.decision != HOLD)
    phases = words.last(((one.scope, one.phase), one) for one in in_order if one.phase)
    targets = words.last((((renamed(one.target, moved), ""), one) for one in in_order if one.target), lambda one: one.decision == HOLD)
    found = Reviewed(digest, takes, _with_wider(phases), {}, moved, unsure, tuple(dict.fromkeys(words.problems)))
    return replace(found, held={found.now(target): one for (target, _), one in targets.items() if one.decision == HOLD})


def _with_wider(phases: Mapping[Key, Said]) -> dict[Key, Said]:
    """Drop what was said about a phase in a scene before something was said about it in the whole project."""
    return {
        (scope, phase): said
        for (scope, phase), said in phases.items()
        if (wider := phases.get((scope.partition("/")[0], phase))) is None or wider[:3] <= said[:3]
    }


class _Words:
    """Finds last words; what can't be ordered is left out and noted."""

    def __init__(self, place: Placed) -> None:
        self._place = place
        self.problems: list[Problem] = []

    def last(self, pairs: Iterable[tuple[Key, Said]], means: Callable[[Said], object] = lambda one: one.decision) -> dict[Key, Said]:
        """Give the last one of each key, from decisions in order; two that mean the same do not disagree."""
        found: dict[Key, list[Said]] = {}
        for key, one in pairs:
            found.setdefault(key, []).append(one)
        return {key: several[-1] for key, several in found.items() if not self._disputed(several, means)}

    def _disputed(self, several: Sequence[Said], means: Callable[[Said], object]) -> bool:
        last = several[-1]
        others = [one for one in several if one.review != last.review and means(one) != means(last) and not (one.at and last.at)]
        for one in others:
            self._note(one, last)
            self._note(last, one)
        return bool(others)

    def _note(self, one: Said, other: Said) -> None:
        there = self._place(other.file, other.part, f"decisions.{other.number}")
        message = f"`{one.decision}` here and `{other.decision}` at {there} are about {_subject(one)}, and one does not say when"
        here = self._place(one.file, one.part, f"decisions.{one.number}")
        self.problems.append(Problem(here, "disagreement", message, "`at` in both documents", "until then neither counts"))


def _subject(said: Said) -> str:
    if said.phase:
        return f"the phase {said.phase} of {said.scope}"
    return f"take {said.take} of {said.target}" if said.take and said.decision != HOLD else said.target


def judged(rows: Sequence[TakeRow], by: Reviewed) -> list[TakeRow]:
    """Rows of takes as people decided: the take that was approved last of a render_key is approved, rejected ones have failed.

    A row that nobody decided on loses an approval, whose verdict its store has to find again.
    """
    words = [by.word(row.target, row.content_digest) if row.content_digest else None for row in rows]
    chosen = _chosen(rows, words)
    return [_judged(row, word, by, chosen=row.take_key in chosen) for row, word in zip(rows, words, strict=True)]


def _chosen(rows: Sequence[TakeRow], words: Sequence[Said | None]) -> set[str]:
    """Take keys of those that were approved last of their render_key."""
    last: dict[tuple[str, str, str], tuple[Said, str]] = {}
    for row, word in zip(rows, words, strict=True):
        key = (row.target, row.rendition, row.render_key)
        if word is not None and word.decision == APPROVE and (key not in last or last[key][0][:3] < word[:3]):
            last[key] = word, row.take_key
    return {take_key for _, take_key in last.values()}


def _judged(row: TakeRow, word: Said | None, by: Reviewed, *, chosen: bool) -> TakeRow:
    if word is None and row.target.partition("/")[0] in by.unsure:
        return row
    if word is not None and word.decision == REJECT:
        return row._replace(approved=False, verdict=str(Verdict.FAILED))
    if chosen:
        return row._replace(approved=True, verdict=str(Verdict.PASSED), decided=True)
    return row._replace(approved=False) if row.approved else row


def as_planned(rows: Sequence[TakeRow], by: Reviewed) -> list[TakeRow]:
    """Rows of takes as planning is to see them: as people decided; and where a rejected take had decided its key, it has not."""
    if not by.takes:
        return [*rows]
    found = judged(rows, by)
    rejected = {_key(row) for row in found if (word := by.word(row.target, row.content_digest)) and word.decision == REJECT}
    open_again = rejected - {_key(row) for row in found if row.approved or row.verdict == Verdict.PASSED}
    return [row._replace(decided=False) if _key(row) in open_again else row for row in found] if open_again else found


def _key(row: TakeRow) -> tuple[str, str, str]:
    return row.target, row.rendition, row.render_key


def with_word(gate: GateResult | None, said: Said | None) -> GateResult | None:
    """Give a gate result as a person's word leaves it: a rejection is one more check, which failed; without one there is none."""
    checks = tuple(check for check in (gate.checks if gate else ()) if check.rule.metric != METRIC)
    if said is not None and said.decision == REJECT:
        return _rejected(checks, (_rejection(said),))
    if not checks:
        return gate if gate is not None and not gate.checks else None
    return decided(checks)


def kept_word(gate: GateResult | None, before: GateResult | None) -> GateResult | None:
    """Give a new gate result with the rejection that the one before it had."""
    words = tuple(check for check in (before.checks if before else ()) if check.rule.metric == METRIC)
    return gate if gate is None or not words else _rejected(gate.checks, words)


def _rejected(checks: Sequence[Check], words: Sequence[Check]) -> GateResult:
    """Give the result of a take that was rejected: it has failed, also where a metric could not say so."""
    gate = decided((*checks, *words))
    return gate if gate.verdict is Verdict.FAILED else replace(gate, verdict=Verdict.FAILED, stage=METRIC, reason=words[0].message)


def _rejection(said: Said) -> Check:
    who = f" by {said.by}" if said.by else ""
    message = f"rejected{who}: {said.comment}" if said.comment else f"rejected{who}"
    return Check(Rule(METRIC, Op.EQUALS, 1, source=f"{said.file} decisions.{said.number}"), 0.0, Verdict.FAILED, message)


def missing_takes(rows: Iterable[TakeRow], by: Reviewed, place: Placed) -> list[Problem]:
    """Warn of decisions about takes that are not there."""
    there = {(renamed(row.target, by.moved), row.content_digest) for row in rows}
    return [_missing(said, place) for key, said in by.takes.items() if key not in there]


def _missing(said: Said, place: Placed) -> Problem:
    return Problem(
        place(said.file, said.part, f"decisions.{said.number}.content"),
        "missing-take",
        f"{said.target} has no take with the content digest {said.content[:12]}…",
        "the content digest of a take, as its receipt names it",
        f"koma explain {said.target}   (lists its takes); take the decision out if the take is gone",
        f"decisions.{said.number}.content",
        Severity.WARNING,
    )
