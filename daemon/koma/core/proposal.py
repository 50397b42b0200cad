"""What calibrations say, in words, and the tuning document that is proposed from them. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from koma.core.calibration import ADVISED_LABELS, Calibration, Interval, at_false_accepts
from koma.core.gate import Op, op_of
from koma.core.labels import Series
from koma.core.metrics import METRICS
from koma.core.spec.standard import LEAST_LABELS
from koma.core.yamlscalar import scalar

POINTS = (0.05, 0.1, 0.2, 0.5)  # shares of false accepts at which a ROC is told
_WORDS = {Op.AT_LEAST: ("min", "at least"), Op.AT_MOST: ("max", "at most")}


class Terms(NamedTuple):
    """What a proposal was made for: false accepts aimed at (0..1), and the day (`2026-11-20`)."""

    target: float
    date: str


def heading(series: Series) -> str:
    """Name a series: metric, phase, and whom it is about."""
    who = f", {series.character}" if series.character else ", the worst character of each take" if _compares(series) else ""
    return f"{series.metric} of {series.phase}s{who}"


def _compares(series: Series) -> bool:
    return METRICS[series.metric].reads == "characters"


def percent(share: float) -> str:
    """Write a share as per cent."""
    return f"{share:.0%}".replace("%", " %")


def counted(series: Series) -> str:
    """Say how many takes of each kind there are, and which are missing."""
    good, bad = (len(values) for values in series.values)
    said = f"{good} good and {bad} bad takes"
    lacking = [f"{LEAST_LABELS - found} more {kind}" for kind, found in (("good", good), ("bad", bad)) if found < LEAST_LABELS]
    if lacking:
        return f"{said}; {' and '.join(lacking)} are needed, {ADVISED_LABELS} of each are advised"
    return f"{said}; {ADVISED_LABELS} of each are advised" if min(good, bad) < ADVISED_LABELS else said


def left_out(counts: Mapping[str, int]) -> str:
    """Say how many were left out and why, "" for none."""
    return "; ".join(f"{number} {why}" for why, number in counts.items())


def told(series: Series) -> list[str]:
    """Tell everything about one series, in lines of which the first names it."""
    lines = [f"{heading(series)}: {counted(series)}"]
    lines += [f"  left out: {left_out(series.left_out)}"] if series.left_out else []
    if series.calibration is not None:
        lines += [f"  {line}" for line in _calibration(series, series.calibration)]
    return lines


def _calibration(series: Series, found: Calibration) -> Iterator[str]:
    yield f"AUC {_range(found.auc)}" + ("" if found.tells else ": no more than chance says; nothing is proposed")
    unit, word = METRICS[series.metric].unit, _WORDS[op_of(series.metric)][1]
    if found.threshold is None:
        yield "no threshold keeps the false accepts that low, but one that refuses every take; nothing is proposed"
        return
    at = " ".join(filter(None, [f"{word} {found.threshold.value:.6g}", unit]))
    yield f"{at} ({found.threshold.low:.4g} to {found.threshold.high:.4g})"
    yield f"false accepts: {_shares(found.false_accept, found.bad)}; in takes held out: {_share_range(found.held_out_accept)}"
    yield f"false rejects: {_shares(found.false_reject, found.good)}; in takes held out: {_share_range(found.held_out_reject)}"
    points = ", ".join(f"{percent(at_false_accepts(found.roc, share))} at {percent(share)}" for share in POINTS)
    yield f"ROC: of the good takes pass, by false accepts: {points}"
    if series.now:
        yield "by now: " + ", ".join(f"{_WORDS[op][1]} {threshold:.6g}" for op, threshold in series.now.items() if op in _WORDS)


def _range(found: Interval) -> str:
    return f"{found.value:.2f} ({found.low:.2f} to {found.high:.2f})"


def _share_range(found: Interval) -> str:
    return f"{percent(found.value)} ({percent(found.low)} to {percent(found.high)})"


def _shares(found: Interval, whole: int) -> str:
    return f"{round(found.value * whole)} of {whole}, {_share_range(found)}"


def is_proposed(series: Series) -> bool:
    """Whether a threshold can be proposed: there is one, and the metric tells good takes from bad ones."""
    return series.calibration is not None and series.calibration.threshold is not None and series.calibration.tells


def threshold_of(series: Series, terms: Terms) -> dict[str, Any]:
    """Give one entry of a tuning document. Raises ValueError for a series of which none can be proposed."""
    found = series.calibration
    if found is None or found.threshold is None:
        raise ValueError(f"there is no threshold of {heading(series)}")
    return {
        "metric": series.metric,
        "phase": series.phase,
        **({"character": series.character} if series.character else {}),
        _WORDS[op_of(series.metric)][0]: found.threshold.value,
        "basis": {
            "n": found.good + found.bad,
            "good": found.good,
            "bad": found.bad,
            "date": terms.date,
            "version": METRICS[series.metric].version,
            "definition": METRICS[series.metric].digest,
            **({"weights": dict(series.weights)} if series.weights else {}),
            "labels": series.digest,
            "auc": round(found.auc.value, 4),
            "low": _rounded(found.threshold.low),
            "high": _rounded(found.threshold.high),
            "target_false_accept": terms.target,
        },
    }


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")


def document(doc_id: str, about: Sequence[str], series: Sequence[Series], terms: Terms, own: Iterable[str] = ()) -> str:
    """Write a tuning document: `about` as comments at its head, what is known of each threshold above it.

    `own` are metrics for which the project has rules of its own, which count more.
    """
    lines = [*(_comment(line) for line in about), "kind: tuning", f"id: {scalar(doc_id)}"]
    entries = [line for one in series if is_proposed(one) for line in _entry(one, terms, own)]
    return "\n".join([*lines, "thresholds:" if entries else "thresholds: []", *entries, ""])


def _entry(series: Series, terms: Terms, own: Iterable[str]) -> Iterator[str]:
    yield from (f"  {_comment(line)}" for line in told(series))
    if series.metric in own:
        yield f"  # The project's own `gates.rules` name {series.metric}, and count more than this."
    for name, value in threshold_of(series, terms).items():
        yield from _field(name, value, "  - " if name == "metric" else "    ")
    if op_of(series.metric) not in series.now:
        yield "    # required: true # the profile demands nothing of the kind: without this line, neither does this threshold"


def _field(name: str, value: Any, indent: str) -> Iterator[str]:
    if not isinstance(value, Mapping):
        yield f"{indent}{name}: {scalar(value)}"
        return
    yield f"{indent}{name}:"
    for inner, part in value.items():
        yield from _field(inner, part, f"{' ' * len(indent)}  ")


def _comment(line: str) -> str:
    return f"# {line}".rstrip()
