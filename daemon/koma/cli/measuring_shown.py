"""How `koma measure` tells what it found: a table for people, facts for programs."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from koma.cli.printing import table
from koma.core.gate import Check, Measurement, Op, Rule
from koma.core.words import Verdict

if TYPE_CHECKING:
    from koma.cli.measuring import Measured
    from koma.cli.measuring_against import Comparison

_COLUMNS = ("file", "metric", "value", "unit", "rule", "says", "")


def lines_of(found: Sequence["Measured"], left_out: Mapping[str, str], compared: "Comparison") -> list[str]:
    """Lines of the table, then what was not measured and why, each reason once, and what the rules say of each file."""
    rows = [_row(one, m) for one in found for m in _told(one)]
    lines = table(rows, _COLUMNS)
    missing = [*_missing(found, left_out), *(f"{_and(metrics)}: {why}" for why, metrics in _by_reason(left_out.items()).items())]
    lines += ["", "not measured:", *(f"  {line}" for line in missing)] if missing else []
    return [*lines, "", *(_verdict(one, compared.whose) for one in found)]


def _told(one: "Measured") -> list[Measurement]:
    """Measurements with a line of their own: values and errors; of a file that does not decode, just that."""
    if not one.decodes:
        return [m for m in one.measurements if m.metric == "decodes"]
    return [m for m in one.measurements if m.value is not None or m.failed]


def _row(one: "Measured", found: Measurement) -> list[str]:
    checks = _checks(one.gate.checks, found)
    value = "" if found.value is None else f"{found.value:.6g}"
    says = _says(checks) or ("error" if found.failed else "")
    name = f"{found.metric} of {found.subject}" if found.subject else found.metric
    return [one.name, name, value, found.unit, ", ".join(demand(check.rule) for check in checks), says, found.why]


def _checks(checks: Iterable[Check], found: Measurement) -> list[Check]:
    return [check for check in checks if (check.rule.metric, check.rule.subject) == (found.metric, found.subject)]


def demand(rule: Rule) -> str:
    """Say what a rule demands: `>= 15`."""
    return f"{rule.op if rule.op is not Op.EQUALS else '='} {rule.threshold:.6g}"


_WORST = (Verdict.ERROR, Verdict.FAILED, Verdict.UNMEASURED, Verdict.PASSED)


def _says(checks: Sequence[Check]) -> str:
    if not checks:
        return ""
    worst = min(checks, key=lambda check: (not check.rule.required, _WORST.index(check.verdict)))
    return str(worst.verdict) if worst.rule.required else f"{worst.verdict}, shown only"


def _missing(found: Sequence["Measured"], left_out: Collection[str]) -> list[str]:
    """Say what single files have no value for, files with the same lack together."""
    alike: dict[str, list[str]] = {}
    for one in filter(lambda one: one.decodes, found):
        lacking = [(m.metric, m.why) for m in one.measurements if m.value is None and not m.failed and m.metric not in left_out]
        for why, metrics in _by_reason(lacking).items():
            alike.setdefault(f"{_and(metrics)}: {why}", []).append(one.name)
    return [f"{_and(files)}: {what}" for what, files in alike.items()]


def _by_reason(lacking: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for metric, why in lacking:
        known = found.setdefault(why, [])
        if metric not in known:
            known.append(metric)
    return found


def _and(metrics: Sequence[str]) -> str:
    return ", ".join(metrics)


def _verdict(one: "Measured", whose: str) -> str:
    gate = one.gate
    why = f" at {gate.stage}: {gate.reason}" if gate.stage else ""
    return f"{one.name}: as a {one.phase}, by the rules of {whose}: {gate.verdict}{why}"


def facts_of(found: Sequence["Measured"], compared: "Comparison") -> dict[str, Any]:
    """Give everything as JSON values."""
    files = [
        {
            "file": str(one.file),
            "judged_as": str(one.phase),
            "verdict": str(one.gate.verdict),
            "stage": one.gate.stage,
            "reason": one.gate.reason,
            "measurements": [_fact(one, m) for m in one.measurements],
        }
        for one in found
    ]
    return {"rules": compared.whose, "against": [f"{s.id}:{s.version}".rstrip(":") for s in compared.against.subjects], "files": files}


def _fact(one: "Measured", found: Measurement) -> dict[str, Any]:
    return {
        "metric": found.metric,
        "subject": found.subject,
        "value": found.value,
        "unit": found.unit,
        "version": found.version,
        "why": found.why,
        "failed": found.failed,
        "rules": [_rule_fact(check) for check in _checks(one.gate.checks, found)],
        "details": found.details,
        "record": found.record,
    }


def _rule_fact(check: Check) -> dict[str, Any]:
    rule = check.rule
    return {
        "op": str(rule.op),
        "threshold": rule.threshold,
        "required": rule.required,
        "source": rule.source,
        "basis": rule.basis,
        "verdict": str(check.verdict),
    }
