"""Measurements and rules give a verdict. Pure: a changed rule is judged again from stored measurements and costs nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from koma.core.words import Verdict


class Op(StrEnum):
    """How a value is compared with its threshold."""

    AT_LEAST = ">="
    AT_MOST = "<="
    EQUALS = "=="


@dataclass(frozen=True, slots=True)
class Measurement:
    """A fact about one content digest and one metric version.

    `value` is None where it could not be measured; then `why` says so in words and `failed` tells an error (True) from
    something that does not apply (False). `details` holds per-frame values and the like, JSON values only.
    """

    metric: str
    version: str
    unit: str
    value: float | None
    why: str = ""
    failed: bool = False
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rule:
    """One requirement.

    `source` says where the threshold comes from (`koma basic`, or `projects/x/project.yaml:12:5`); `when` repeats what a project said:
    `pre`, `post` or `final`. Neither changes what is demanded of a file.
    """

    metric: str
    op: Op
    threshold: float
    required: bool = True
    source: str = "koma basic"
    when: str = "post"


@dataclass(frozen=True, slots=True)
class Check:
    """One rule applied to one measurement, with its outcome in words."""

    rule: Rule
    value: float | None
    verdict: Verdict
    message: str


@dataclass(frozen=True, slots=True)
class GateResult:
    """The verdict over all rules, and every check that led to it."""

    verdict: Verdict
    checks: tuple[Check, ...]


def judge(measurements: Sequence[Measurement], rules: Sequence[Rule]) -> GateResult:
    """Apply every rule and give the verdict over all checks."""
    found = {m.metric: m for m in measurements}
    checks = tuple(_check(rule, found.get(rule.metric)) for rule in rules)
    return GateResult(overall(checks), checks)


_SEVERITY = (Verdict.ERROR, Verdict.FAILED, Verdict.UNMEASURED)


def overall(checks: Sequence[Check]) -> Verdict:
    """Verdict over checks: error > failed > unmeasured > passed over the required ones."""
    seen = {check.verdict for check in checks if check.rule.required}
    return next((verdict for verdict in _SEVERITY if verdict in seen), Verdict.PASSED)


def _check(rule: Rule, found: Measurement | None) -> Check:
    if found is None:
        return Check(rule, None, Verdict.UNMEASURED, f"{rule.metric} was not measured")
    if found.value is None or found.value != found.value:  # NaN is no number to judge
        verdict = Verdict.ERROR if found.failed else Verdict.UNMEASURED
        return Check(rule, None, verdict, found.why or f"{rule.metric} has no value")
    passed = _holds(rule, found.value)
    word = "is" if passed else "is not"
    message = f"{rule.metric} {found.value:.6g} {found.unit} {word} {rule.op} {rule.threshold:.6g}".replace("  ", " ")
    return Check(rule, found.value, Verdict.PASSED if passed else Verdict.FAILED, message)


def _holds(rule: Rule, value: float) -> bool:
    match rule.op:
        case Op.AT_LEAST:
            return value >= rule.threshold
        case Op.AT_MOST:
            return value <= rule.threshold
        case Op.EQUALS:
            return abs(value - rule.threshold) <= 1e-6 * max(1.0, abs(rule.threshold))
