"""Measurements and rules give a verdict. Pure: a changed rule is judged again from stored measurements and costs nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from math import isfinite
from typing import Any

from koma.core.metrics import METRICS, OVERALL
from koma.core.metrics.spec import Direction, Stage
from koma.core.overall import TERMS, Term, in_words, overall_of
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
    something that does not apply (False). `details` holds per-frame values and the like, JSON values only. `subject` is the character
    that it is about, "" for the whole file; `key` the score key under which it was asked for: while that stays, it is not measured again.
    `record` says what measured it: `definition` (digest), `content` (digest), and of learned metrics `weights`, `runtime`, `provider`,
    `libraries`.
    """

    metric: str
    version: str
    unit: str
    value: float | None
    why: str = ""
    failed: bool = False
    details: Mapping[str, Any] = field(default_factory=dict)
    subject: str = ""
    key: str = ""
    record: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rule:
    """One requirement, of the whole file or of one character in it (`subject`).

    `source` says where the threshold comes from (`koma basic`, or `projects/x/project.yaml:12:5`), `basis` what it rests on
    (`placeholder`, `calibrated n=212 2026-11-20`, "" for the file contract); `when` repeats what a project said: `pre`, `post` or
    `final`; `audit` keeps it out of choosing among takes. None of these changes what is demanded of a file.
    """

    metric: str
    op: Op
    threshold: float
    required: bool = True
    source: str = "koma basic"
    when: str = "post"
    subject: str = ""
    basis: str = ""
    audit: bool = False


@dataclass(frozen=True, slots=True)
class Check:
    """One rule applied to one measurement, with its outcome in words."""

    rule: Rule
    value: float | None
    verdict: Verdict
    message: str


@dataclass(frozen=True, slots=True)
class GateResult:
    """The verdict over all rules, every check that led to it, and the stage that decided with its reason in words."""

    verdict: Verdict
    checks: tuple[Check, ...]
    stage: str = ""
    reason: str = ""


def judge(measurements: Sequence[Measurement], rules: Sequence[Rule]) -> GateResult:
    """Apply every rule, and go through the stages: the first whose required checks did not all pass gives the verdict.

    Within a stage, error counts before failed, and failed before unmeasured. What comes after it is shown and decides nothing. Nothing is
    ever filled in: what has no value is unmeasured, or an error.
    """
    found = {(m.metric, m.subject): m for m in measurements}
    checks = [_check(rule, _found(found, rule)) for rule in rules if rule.metric != OVERALL.id]
    checks += [_overall(rule, checks) for rule in rules if rule.metric == OVERALL.id]
    return decided(tuple(checks))


def decided(checks: tuple[Check, ...]) -> GateResult:
    """Give the verdict over checks, with the stage that decided and why."""
    for stage in Stage:
        required = [check for check in checks if check.rule.required and stage_of(check.rule) is stage]
        worst = next((verdict for verdict in _SEVERITY if any(check.verdict is verdict for check in required)), None)
        if worst is not None:
            reason = "; ".join(check.message for check in required if check.verdict is worst)
            return GateResult(worst, checks, str(stage), reason)
    return GateResult(Verdict.PASSED, checks)


_SEVERITY = (Verdict.ERROR, Verdict.FAILED, Verdict.UNMEASURED)


def stage_of(rule: Rule) -> Stage:
    """Stage in which a rule counts; rules of metrics that this Koma does not know are floors."""
    spec = METRICS.get(rule.metric)
    return spec.stage if spec is not None else Stage.FLOOR


def _found(found: Mapping[tuple[str, str], Measurement], rule: Rule) -> Measurement | None:
    """Find what a rule is about. What could not be measured at all says so once, for every character."""
    return found.get((rule.metric, rule.subject)) or found.get((rule.metric, ""))


def _check(rule: Rule, found: Measurement | None) -> Check:
    name = f"{rule.subject}: {rule.metric}" if rule.subject else rule.metric
    if found is None:
        return Check(rule, None, Verdict.UNMEASURED, f"{name} was not measured")
    if found.value is None or not isfinite(found.value):
        verdict = Verdict.ERROR if found.failed else Verdict.UNMEASURED
        return Check(rule, None, verdict, f"{name}: {found.why}" if found.why else f"{name} has no value")
    return _compared(rule, name, found.value, found.unit)


def _compared(rule: Rule, name: str, value: float, unit: str, why: str = "") -> Check:
    passed = _holds(rule, value)
    word = "is" if passed else "is not"
    message = f"{name} {value:.6g} {unit} {word} {rule.op} {rule.threshold:.6g}".replace("  ", " ")
    return Check(rule, value, Verdict.PASSED if passed else Verdict.FAILED, f"{message} ({why})" if why else message)


def _overall(rule: Rule, checks: Sequence[Check]) -> Check:
    """Judge the overall value, which is made of the terms that are required, and has none where one of them has none."""
    terms = [check for check in checks if _is_term(check.rule)]
    lacking = [check.rule.metric for check in terms if check.value is None]
    values = [Term(check.rule.metric, check.value, check.rule.threshold, check.rule.subject) for check in terms if check.value is not None]
    if lacking or not values:
        names = list(dict.fromkeys(lacking)) or ["everything that it is made of"]
        told = f"{', '.join(names)} {'has' if len(names) == 1 else 'have'} none"
        return Check(rule, None, Verdict.UNMEASURED, f"{rule.metric} has no value: {told}")
    value, worths = overall_of(values)
    return _compared(rule, rule.metric, value, "", in_words(worths))


def _is_term(rule: Rule) -> bool:
    """Whether a rule counts in the overall value: a required bound against the worse values of one of its metrics."""
    return rule.required and rule.metric in TERMS and rule.op is op_of(rule.metric)


def op_of(metric: str) -> Op:
    """How a threshold of a metric is meant: against its worse values. Raises KeyError for an unknown id."""
    return {Direction.HIGHER: Op.AT_LEAST, Direction.LOWER: Op.AT_MOST, Direction.EXACT: Op.EQUALS}[METRICS[metric].direction]


def _holds(rule: Rule, value: float) -> bool:
    match rule.op:
        case Op.AT_LEAST:
            return value >= rule.threshold
        case Op.AT_MOST:
            return value <= rule.threshold
        case Op.EQUALS:
            return abs(value - rule.threshold) <= 1e-6 * max(1.0, abs(rule.threshold))
