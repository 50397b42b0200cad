"""From the decisions and takes in a store to thresholds: gathers what people said of which take, and finds a threshold of a series.

A decision is about the pixels of a take, and so is a measurement. A decision that gives no label is left out and counted in words. Changes
nothing.
"""

from collections import Counter
from collections.abc import Collection
from dataclasses import replace
from random import Random

from koma.core.calibration import calibrate
from koma.core.gate import decided
from koma.core.labels import Label, Labels, Series
from koma.core.metrics import METRICS
from koma.core.review import APPROVE, METRIC, Reviewed, renamed
from koma.core.rows import TakeRow
from koma.core.take import Take
from koma.core.target import is_of_sheet
from koma.core.words import Phase, Verdict
from koma.ports import Store

_WHOLE, _OF_SHEET = 4, 5  # parts of the id of a shot's target and of a sheet's pose: more are segments and finishing steps
_DIGITS = 16  # of a digest, that chance begins with


def gather(store: Store, by: Reviewed, project: str, rendition: str, phase: str = "") -> Labels:
    """Find the takes of a project that people approved, rejected or asked to take again; of one phase if it is named."""
    rows = [row for row in store.take_rows() if row.content_digest and row.target.partition("/")[0] == project]
    mine = [row for row in rows if row.rendition == rendition and phase in ("", _phase(row.target))]
    found = {(renamed(row.target, by.moved), row.content_digest): row for row in mine}
    there = {(renamed(row.target, by.moved), row.content_digest) for row in rows}
    left: Counter[str] = Counter()
    labels = []
    for key, said in by.takes.items():
        if key[0].partition("/")[0] != project:
            continue
        row = found.get(key)
        take = store.take(row.take_key) if row is not None else None
        why = _why_not(key, there, row, take, phase)
        if why:
            left[why] += 1
        if take is not None and not why:
            labels.append(Label(*key, _phase(take.target), said.decision == APPROVE, _passed(take), take))
    return Labels(tuple(labels), sum(not _is_part(row.target) for row in mine), left)


def _why_not(key: tuple[str, str], there: Collection[tuple[str, str]], row: TakeRow | None, take: Take | None, phase: str) -> str:
    """Say why a decision gives no label, "" where it does."""
    if key not in there:
        return "about takes that are gone"
    if row is None or take is None:
        return "about another phase" if phase and _phase(key[0]) != phase else "about another rendition"
    if _is_part(take.target):
        return "about segments and finishing steps"
    if _phase(take.target) == Phase.ANIMATIC:
        return "about animatics, which are judged by the file contract only"
    return "" if take.measurements else "about takes that were never measured"


def _phase(target: str) -> str:
    return str(Phase.STILL) if is_of_sheet(target) else target.split("/")[3]


def _is_part(target: str) -> bool:
    return len(target.split("/")) > (_OF_SHEET if is_of_sheet(target) else _WHOLE)


def _passed(take: Take) -> bool:
    checks = tuple(check for check in (take.gate.checks if take.gate else ()) if check.rule.metric != METRIC)
    return decided(checks).verdict is Verdict.PASSED


def calibrated(series: Series, target: float) -> Series:
    """Find the threshold of a series; one with too few labels stays as it is. The same labels give the same numbers."""
    if not series.values.enough:
        return series
    lots = Random(int(series.digest[:_DIGITS], 16))  # noqa: S311  # labels drawn anew, no secret
    return replace(series, calibration=calibrate(series.values, METRICS[series.metric].direction, target, lots))
