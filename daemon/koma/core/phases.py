"""When a phase opens: how many shots of the phase before have passed in a scope, and what a person said about it. Pure.

A scope is a project or one of its scenes, by its address (`lantern-street`, `lantern-street/s01`). Shots that declare a phase and were
never measured count as not passed.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from koma.core.spec import standard
from koma.core.words import PHASE_RANK

SHEET = "sheet"  # what the rate of a character's sheet is called, beside the phases
_MILLION = 1_000_000
_NAMED = 3  # missing ones that a sentence names; the value has all of them
Key = tuple[str, str]  # scope, phase


class Tally(NamedTuple):
    """Of the shots in a scope that declare a phase: how many passed there, how many there are, and the ids of targets that did not pass."""

    passed: int
    wanted: int
    missing: tuple[str, ...]


class PhaseRate(NamedTuple):
    """How a phase stands in one scope.

    `passed` of `wanted` shots, at `threshold` (0..1) of which what follows opens; `low` and `high` bound the pass rate (see `wilson`).
    `is_open` says whether the phase's own targets may be rendered, and `why` in words why not ("" where they may).
    """

    scope: str
    phase: str
    passed: int
    wanted: int
    threshold: float
    low: float
    high: float
    is_open: bool
    why: str
    missing: tuple[str, ...]


class GateSettings(NamedTuple):
    """What a project says about its phases: scope (`project`, `scene`), pass rate 0..1, sheet poses needed, whether a rate is enough."""

    scope: str = standard.PHASE_SCOPE
    pass_rate: float = standard.PASS_RATE
    sheet_poses: int = standard.SHEET_POSES_NEEDED
    auto_advance: bool = True

    @classmethod
    def from_spec(cls, data: Mapping[str, Any]) -> "GateSettings":
        """Read `phase_gate` of a project document; what it does not say has its usual value."""
        return cls(**data.get("phase_gate") or {})

    def scope_of(self, target_id: str) -> str:
        """Address of the scope that a shot's target (`p/s/sh/still`) counts in."""
        return "/".join(target_id.split("/")[: 2 if self.scope == "scene" else 1])


def wilson(passed: int, total: int, z: float = 1.96) -> tuple[float, float]:
    """Lower and upper bound, 0..1, of the rate that `passed` of `total` speak for; 0 and 1 for none at all.

    Score interval of E. B. Wilson, "Probable inference, the law of succession, and statistical inference", Journal of the American
    Statistical Association 22 (1927), 209-212; z = 1.96 covers 95 %.
    """
    if not total:
        return 0.0, 1.0
    rate, square = passed / total, z * z / total
    spread: float = z * (rate * (1 - rate) / total + square / (4 * total)) ** 0.5
    low, high = ((rate + square / 2 + side) / (1 + square) for side in (-spread, spread))
    return (max(0.0, low) if passed else 0.0), (min(1.0, high) if passed < total else 1.0)


def needed(pass_rate: float, wanted: int) -> int:
    """How many of `wanted` a rate (0..1, to six digits) asks for, rounded up: 8 of 10 at 0.8, 9 of 11."""
    return -(-round(pass_rate * _MILLION) * wanted // _MILLION)


def rates(
    tallies: Mapping[Key, Tally], settings: GateSettings, approved_phases: Collection[Key] = (), rejected_phases: Collection[Key] = ()
) -> dict[Key, PhaseRate]:
    """Rate of every (scope, phase) that some shot declares, in the order in which phases are made.

    The first phase of a scope is open. Another is open where the phase before it is open and enough of its shots passed, or where a person
    approved the phase before, whatever the rate; without `auto_advance` the rate and the approval are both needed. A phase that a person
    rejected opens nothing. What was said about a project holds in its scenes, unless something was said there.
    """
    found: dict[Key, PhaseRate] = {}
    for scope in dict.fromkeys(scope for scope, _ in tallies):
        before: PhaseRate | None = None
        for phase in PHASE_RANK:
            tally = tallies.get((scope, phase))
            if tally is not None and tally.wanted:
                said = None if before is None else said_of((scope, before.phase), approved_phases, rejected_phases)
                why = "" if before is None else _closed(before, settings, approved=said is True, rejected=said is False)
                before = found[scope, str(phase)] = _rate(scope, str(phase), tally, settings.pass_rate, why)
    return found


def said_of(key: Key, approved: Collection[Key], rejected: Collection[Key]) -> bool | None:
    """Whether a person approved (True) or rejected (False) a phase in a scope, or in the project around it; None if nobody said."""
    for near in (key, (key[0].partition("/")[0], key[1])):
        if near in approved or near in rejected:
            return near in approved
    return None


def sheet_rate(scope: str, tally: Tally, settings: GateSettings) -> PhaseRate:
    """Rate of the sheet of one character's version; `is_open` says whether enough of its poses passed for the stills that read it."""
    wanted = min(settings.sheet_poses, tally.wanted)
    threshold = wanted / tally.wanted if tally.wanted else 0.0
    why = "" if tally.passed >= wanted else _short("sheet poses", tally, wanted)
    return _rate(scope, SHEET, tally, threshold, why)


def _rate(scope: str, phase: str, tally: Tally, threshold: float, why: str) -> PhaseRate:
    return PhaseRate(scope, phase, tally.passed, tally.wanted, threshold, *wilson(tally.passed, tally.wanted), not why, why, tally.missing)


def _closed(before: PhaseRate, settings: GateSettings, *, approved: bool, rejected: bool) -> str:
    """Why what follows a phase is closed, "" where it is open."""
    if rejected:
        return f"a review rejected {before.phase}; {_approve(before)}"
    if approved and settings.auto_advance:
        return ""
    wanted = needed(settings.pass_rate, before.wanted)
    if before.passed < wanted:
        return _short(f"{before.phase}s", before, wanted, f" (95 % interval of the rate: {before.low:.0%} to {before.high:.0%})")
    if not before.is_open:
        return f"{before.phase} is closed: {before.why}"
    return "" if approved or settings.auto_advance else f"waits for a review: {_approve(before)}"


def _short(what: str, tally: Tally | PhaseRate, wanted: int, between: str = "") -> str:
    verb = "is" if wanted == 1 else "are"
    return f"{tally.passed} of {tally.wanted} {what} passed, {wanted} {verb} needed{between}{_missing(tally.missing)}"


def _missing(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"; missing: {', '.join(names[:_NAMED])}{more}" if names else ""


def _approve(rate: PhaseRate) -> str:
    return f"koma review approve --phase {rate.phase} {rate.scope}"
