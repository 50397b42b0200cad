"""Which take of a render_key is to lie in the outputs folder, and whether a person has to decide.

The order of takes, the best first:

1. approved by a person
2. passed; of several that were asked for up front the one with the larger mean distance from its thresholds
3. failed, and only ever one that has a picture: the later the stage whose required checks did not all pass; the fewer of those that did
   not pass in all; the larger mean distance
4. the later one

A distance is that of a value from its threshold, in parts of the threshold, from -1 to 1; above 0 is the good side, and what has no value
counts -1. Rules that are not required count for the distance alone, and a metric that is audited counts for nothing: it is to say how good
the chosen ones are, and of many takes the best always looks better than it is by what chose it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from koma.core.gate import Check, GateResult, Op, decided
from koma.core.metrics.spec import Stage
from koma.core.rows import Published
from koma.core.words import Reason, Verdict

Merit = tuple[int, int, float]  # stages passed, minus the number of required checks that did not pass, mean distance in -1..1
NO_MERIT: Merit = (-1, 0, -1.0)
_STAGES = tuple(Stage)


class Row(Protocol):
    """What choosing reads of a take; `TakeRow` has it."""

    @property
    def take_key(self) -> str:
        """Identity of the take."""

    @property
    def number(self) -> int:
        """Take number from 1."""

    @property
    def verdict(self) -> str:
        """A `Verdict`."""

    @property
    def approved(self) -> bool:
        """Whether a person approved it."""

    @property
    def decided(self) -> bool:
        """Whether its key has had a passed or approved take."""

    @property
    def object_digest(self) -> str:
        """Digest of its lossless object, "" without one."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What follows from the takes of one render_key.

    `take_key` is to lie in the outputs folder; "" leaves what lies there. `stalled` is why a person has to decide, if one has to. Without
    both another take is to be made: `up_front` because the spec wants several, else because the newest failed its gate.
    """

    take_key: str = ""
    stalled: Reason | None = None
    up_front: bool = False


def choose(
    takes: Sequence[Row],
    wanted: int,
    limit: int,
    published: Published | None,
    *,
    published_passed: bool,
    merits: Mapping[str, Merit] | None = None,
) -> Choice:
    """Choose among the takes of one render_key, in any order.

    `wanted` (1 or more) takes must exist before one is published. Up to `limit` are made while they fail their gate. `published` is what
    lies in the outputs folder for this target and rendition, of whatever render_key; `published_passed` says whether that take has ever
    passed or been approved. Without `merits` nothing new is known, and what is published stays while it is as good as the others.
    """
    published_key = published.take_key if published is not None else ""
    if len(takes) < wanted:
        return Choice(up_front=True)
    good = [row for row in takes if is_good(row)]
    if good:
        return Choice(_best(good, published_key, merits, several=wanted > 1))
    if any(row.decided for row in takes):
        there = next((row for row in takes if row.take_key == published_key), None)
        return Choice(there.take_key if there is not None else "", _why(there, Reason.GATE_CHANGED))
    if _may_retake(takes, limit):
        return Choice()
    return _nothing_passed(takes, published_key, merits, protected=published_passed)


def is_good(row: Row) -> bool:
    """Whether a take may be published as it is, and read by what follows."""
    return row.approved or row.verdict == Verdict.PASSED


def merit(gate: GateResult | None) -> Merit:
    """How well a take did against its rules; higher is better."""
    if gate is None:
        return NO_MERIT
    checks = tuple(check for check in gate.checks if not check.rule.audit)
    stage = decided(checks).stage
    failed = sum(check.rule.required and check.verdict is not Verdict.PASSED for check in checks)
    distances = [_distance(check) for check in checks]
    passed = _STAGES.index(Stage(stage)) if stage else len(_STAGES)
    return passed, -failed, sum(distances) / len(distances) if distances else 0.0


def _may_retake(takes: Sequence[Row], limit: int) -> bool:
    """Whether the newest take failed its gate. One that could not be rendered or measured would not do better with another seed."""
    return len(takes) < limit and max(takes, key=lambda row: row.number).verdict == Verdict.FAILED


def _nothing_passed(takes: Sequence[Row], published_key: str, merits: Mapping[str, Merit] | None, *, protected: bool) -> Choice:
    seen = [row for row in takes if row.object_digest]
    stalled = _why(max(seen, key=lambda row: row.number), Reason.GATE_FAILED) if seen else Reason.RENDER_FAILED
    return Choice(_best(seen, published_key, merits, several=True) if seen and not protected else "", stalled)


def _why(row: Row | None, failed: Reason) -> Reason:
    """Say what a person has to decide about a take that is not good: `failed`, unless it has no verdict on its picture."""
    match row.verdict if row is not None else "":
        case Verdict.UNMEASURED:
            return Reason.UNMEASURED
        case Verdict.ERROR:
            return Reason.MEASURE_FAILED
        case _:
            return failed


def _best(rows: Sequence[Row], published_key: str, merits: Mapping[str, Merit] | None, *, several: bool) -> str:
    def rank(row: Row) -> tuple[bool, bool, Merit, int]:
        stays = merits is None and row.take_key == published_key
        return row.approved, stays, (merits or {}).get(row.take_key, NO_MERIT) if several else NO_MERIT, row.number

    return max(rows, key=rank).take_key


def _distance(check: Check) -> float:
    if check.value is None or check.value != check.value:  # NaN
        return -1.0
    scale = max(abs(check.rule.threshold), 1e-9)
    above = (check.value - check.rule.threshold) / scale
    signed = {Op.AT_LEAST: above, Op.AT_MOST: -above, Op.EQUALS: -abs(above)}[check.rule.op]
    return max(-1.0, min(1.0, signed))
