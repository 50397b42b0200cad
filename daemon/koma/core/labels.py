"""Takes that people decided on, with what was measured of them: labelled values by metric, phase and character. Pure.

What can't be compared with the other values of its metric is left out and counted in words.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import NamedTuple

from koma.core.calibration import Calibration, Labelled
from koma.core.gate import Measurement, Op
from koma.core.keys import digest
from koma.core.metrics import METRICS, OVERALL, Direction, MetricSpec, Stage
from koma.core.take import Take
from koma.core.words import PHASE_RANK, Phase

TUNABLE = tuple(
    spec.id
    for spec in METRICS.values()
    if spec.direction is not Direction.EXACT and spec.stage is not Stage.VALIDITY and spec is not OVERALL
)
"""Metrics that a threshold can be found for; `overall` is made of the others and follows them."""


class Label(NamedTuple):
    """One take that a person decided on. `target` is its first id; `passed` says what its gate found, without anybody's word."""

    target: str
    content: str
    phase: str
    good: bool
    passed: bool
    take: Take


class Labels(NamedTuple):
    """Every take that a person decided on; how many takes with a picture there are of the same kind; and what was left out, in words."""

    labels: tuple[Label, ...]
    takes: int
    left_out: Mapping[str, int]

    def number(self, *, good: bool, passed: bool) -> int:
        """Count good or bad takes that passed or did not pass their gate."""
        return sum(label.good is good and label.passed is passed for label in self.labels)


@dataclass(frozen=True, slots=True)
class Series:
    """Values of one metric in one phase with their labels; of one character, or with "" of the whole or the worst character of each take.

    `weights` are digests of the models that all of them were measured with, by name. `now` are the thresholds that the newest of the
    takes was judged by. `calibration` is None where there are too few labels.
    """

    metric: str
    phase: str
    character: str
    labels: tuple[tuple[Label, float], ...]
    left_out: Mapping[str, int]
    weights: Mapping[str, str]
    now: Mapping[Op, float]
    calibration: Calibration | None = None

    @property
    def values(self) -> Labelled:
        """The values alone."""
        good, bad = ([value for label, value in self.labels if label.good is wanted] for wanted in (True, False))
        return Labelled(good, bad)

    @property
    def digest(self) -> str:
        """Digest over takes and what was decided about them."""
        return digest(sorted([label.target, label.content, label.good] for label, _ in self.labels))


MUCH = 0.5  # share from which on a one-sided choice of takes is worth a warning


def careful(labels: Labels) -> list[str]:
    """Say how the choice of the takes that people decided on may mislead, as far as their numbers show it."""
    good_failed, bad_failed = labels.number(good=True, passed=False), labels.number(good=False, passed=False)
    good, bad = good_failed + labels.number(good=True, passed=True), bad_failed + labels.number(good=False, passed=True)
    said = []
    if good and good_failed >= MUCH * good:
        said.append(
            f"{good_failed} of {good} good takes were approved although their gate stopped them. Nobody needs to approve what passes, so "
            "good takes measure worse here than in general: AUC and false rejects look worse than they are. Approve some that passed."
        )
    if bad and bad_failed >= MUCH * bad:
        said.append(
            f"{bad_failed} of {bad} bad takes had not passed their gate anyhow. Little is known of bad takes that it lets through, and for "
            "those the thresholds come out too loose. Look at takes that passed, and reject those that are bad."
        )
    reviewed = len(labels.labels)
    if reviewed and reviewed < MUCH * labels.takes:
        said.append(
            f"{reviewed} of {labels.takes} takes were decided on. Unless they were picked by chance, thresholds fit those and not the rest."
        )
    return said


def series_of(labels: Iterable[Label], metrics: Collection[str] = TUNABLE) -> list[Series]:
    """Sort the values of labelled takes by metric, phase and character, without finding thresholds."""
    by_phase: dict[str, list[Label]] = {}
    for label in labels:
        by_phase.setdefault(label.phase, []).append(label)
    return [
        series
        for phase in sorted(by_phase, key=_order)
        for metric in METRICS
        if metric in metrics
        for series in _of_metric(METRICS[metric], phase, by_phase[phase])
    ]


def _order(phase: str) -> int:
    return PHASE_RANK[Phase(phase)]


def _of_metric(spec: MetricSpec, phase: str, labels: Sequence[Label]) -> Iterator[Series]:
    """Values of one metric: of the worst character of each take, and then of each character, where it is about characters."""
    if not any(found.metric == spec.id for label in labels for found in label.take.measurements):
        return
    newest = max(labels, key=lambda label: label.take.finished_at)
    weights = _newest_weights(spec, labels)
    now = {
        check.rule.op: check.rule.threshold
        for check in (newest.take.gate.checks if newest.take.gate else ())
        if check.rule.metric == spec.id
    }
    left: Counter[str] = Counter()
    values: list[tuple[Label, Mapping[str, float]]] = []
    for label in labels:
        mine, why = _values(spec, label.take.measurements, weights)
        values += [(label, mine)] if mine else []
        left[why] += not mine
    worst = min if spec.direction is Direction.HIGHER else max
    pooled = tuple((label, worst(mine.values())) for label, mine in values)
    yield Series(spec.id, phase, "", pooled, +left, weights, now)
    for who in sorted({who for _, mine in values for who in mine if who}):
        alone = tuple((label, mine[who]) for label, mine in values if who in mine)
        yield Series(spec.id, phase, who, alone, {}, weights, now)


def _values(spec: MetricSpec, measurements: Iterable[Measurement], weights: Mapping[str, str]) -> tuple[dict[str, float], str]:
    """Values of a take by character, and why there is none."""
    found = [m for m in measurements if m.metric == spec.id]
    whys = [_unusable(m, spec, weights) for m in found]
    values = {m.subject: m.value for m, why in zip(found, whys, strict=True) if not why and m.value is not None}
    return values, next(filter(None, whys), "not measured") if not values else ""


def _unusable(found: Measurement, spec: MetricSpec, weights: Mapping[str, str]) -> str:
    """Say why a value can't be compared with others, "" where it can."""
    if found.version != spec.version:
        return "measured by another version"
    if found.record.get("definition", spec.digest) != spec.digest:
        return "measured by another definition"
    if found.value is None or not isfinite(found.value):
        return "without a value"
    return "" if _weights(found) == weights else "measured with other weights"


def _weights(found: Measurement) -> dict[str, str]:
    return {str(used["name"]): str(used["sha256"]) for used in found.record.get("weights") or ()}


def _newest_weights(spec: MetricSpec, labels: Iterable[Label]) -> dict[str, str]:
    """Weights that the newest take was measured with."""
    by_time = sorted(labels, key=lambda label: label.take.finished_at, reverse=True)
    valued = (m for label in by_time for m in label.take.measurements if m.metric == spec.id and m.value is not None)
    return next((_weights(m) for m in valued if m.version == spec.version), {})
