"""From what people decided to a threshold: ROC, AUC, the threshold for a share of false accepts, and how far to trust each. Pure.

Good takes are those that people approved, bad ones those that they rejected or asked to take again. A false accept is a bad take that
passes, a false reject a good one that does not. Chance comes in as an argument, so that the same labels give the same numbers.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from koma.core.metrics import Direction
from koma.core.phases import wilson
from koma.core.spec.standard import LEAST_LABELS

ADVISED_LABELS = 100  # of each kind: below it the share that was aimed at and the true one differ widely
RESAMPLES = 1000
SPLITS = 200
_TAIL = 0.025  # left out at either end of a 95 % interval
_DIGITS = 17  # of a number, with which it can be written exactly
_EXACT = 1e-9


class Lots(Protocol):
    """Where chance comes from; `random.Random` is one."""

    def choices(self, population: Sequence[float], *, k: int) -> list[float]:
        """Draw `k` with putting back."""
        ...

    def sample(self, population: Sequence[float], k: int) -> list[float]:
        """Draw `k` without putting back."""
        ...


class Interval(NamedTuple):
    """A number, and the ends of its 95 % interval."""

    value: float
    low: float
    high: float


class Point(NamedTuple):
    """One point of a ROC: with this threshold, these shares (0..1) of the bad and of the good takes pass."""

    threshold: float
    false_accept: float
    true_accept: float


class Labelled(NamedTuple):
    """Values of one metric, of good takes and of bad ones. All are finite."""

    good: Sequence[float]
    bad: Sequence[float]

    @property
    def enough(self) -> bool:
        """Whether there are enough of each to say anything."""
        return min(len(self.good), len(self.bad)) >= LEAST_LABELS


@dataclass(frozen=True, slots=True)
class Calibration:
    """What labelled values say of a metric.

    `threshold` is None where nothing keeps the false accepts low enough but refusing every take. `false_accept` and `false_reject` are
    shares of the labelled takes (Wilson intervals), `held_out_…` those of takes that took no part in finding the threshold: mean and
    range over splits in half. `roc` begins with the threshold that lets everything pass.
    """

    good: int
    bad: int
    auc: Interval
    threshold: Interval | None
    false_accept: Interval
    false_reject: Interval
    held_out_accept: Interval
    held_out_reject: Interval
    roc: tuple[Point, ...]

    @property
    def tells(self) -> bool:
        """Whether good takes measure better than bad ones by more than chance."""
        return self.auc.low > 0.5  # noqa: PLR2004  # chance


def calibrate(values: Labelled, direction: Direction, target: float, lots: Lots) -> Calibration:
    """Find the threshold that lets at most `target` (0..1, below 1) of the bad takes pass, and how certain it is.

    Raises ValueError for fewer than LEAST_LABELS of a kind, or a metric of which neither more nor less is better.
    """
    if not values.enough or direction is Direction.EXACT:
        raise ValueError(f"{len(values.good)} good and {len(values.bad)} bad values of direction {direction} give no threshold")
    sign = 1.0 if direction is Direction.HIGHER else -1.0
    scores = Labelled(sorted(sign * v for v in values.good), sorted(sign * v for v in values.bad))
    found = cut(scores, target)
    at = between(*found) if found is not None else None
    areas, cuts = _resampled(scores, target, lots)
    accepts, rejects = _held_out(scores, target, lots)
    return Calibration(
        len(values.good),
        len(values.bad),
        _interval(auc(scores), areas),
        None if at is None else _signed(_interval(at, cuts), sign),
        _share(passing(scores.bad, at), len(scores.bad)),
        _share(len(scores.good) - passing(scores.good, at), len(scores.good)),
        _interval(sum(accepts) / SPLITS, accepts),
        _interval(sum(rejects) / SPLITS, rejects),
        tuple(point._replace(threshold=sign * point.threshold + 0.0) for point in roc(scores)),
    )


def auc(scores: Labelled) -> float:
    """Area under the ROC, 0..1: how often a good score is larger than a bad one, ties counted half (the Mann-Whitney statistic).

    `scores.bad` is sorted.
    """
    bad = scores.bad
    wins = sum(bisect_left(bad, score) + bisect_right(bad, score) for score in scores.good)
    return wins / (2 * len(scores.good) * len(bad))


def cut(scores: Labelled, target: float) -> tuple[float, float] | None:
    """Find the gap for the lowest threshold that at most `target` of the bad scores reach.

    Gives the score that must not pass any more, and the next one above it, which may; None if none lies above. Scores are sorted.
    """
    allowed = int(target * len(scores.bad) + _EXACT)
    last = scores.bad[len(scores.bad) - 1 - allowed]
    above = [some[at] for some in scores if (at := bisect_right(some, last)) < len(some)]
    return (last, min(above)) if above else None


def between(low: float, high: float) -> float:
    """Give the number with the fewest digits that lies above `low` and is at most `high`, near their middle."""
    middle = low + (high - low) / 2
    short = (float(f"{middle:.{digits}g}") for digits in range(1, _DIGITS + 1))
    return next((number for number in short if low < number <= high), high)


def passing(scores: Sequence[float], threshold: float | None) -> int:
    """Count the scores, sorted, that reach a threshold; none without one."""
    return 0 if threshold is None else len(scores) - bisect_left(scores, threshold)


def roc(scores: Labelled) -> list[Point]:
    """Give the points of the ROC from the threshold that all reach to the highest score, one for each value. Scores are sorted."""
    good, bad = len(scores.good), len(scores.bad)
    values = sorted({*scores.good, *scores.bad})
    return [Point(value, passing(scores.bad, value) / bad, passing(scores.good, value) / good) for value in values]


def _resampled(scores: Labelled, target: float, lots: Lots) -> tuple[list[float], list[float]]:
    """AUC and threshold of labels drawn anew, good and bad apart (bootstrap); the highest score stands for no threshold."""
    areas, cuts = [], []
    for _ in range(RESAMPLES):
        drawn = Labelled(*(sorted(lots.choices(some, k=len(some))) for some in scores))
        areas.append(auc(drawn))
        found = cut(drawn, target)
        cuts.append(sum(found) / 2 if found is not None else drawn.bad[-1])
    return areas, cuts


def _held_out(scores: Labelled, target: float, lots: Lots) -> tuple[list[float], list[float]]:
    """Shares of false accepts and false rejects in one half of the takes, by the threshold that the other half gives, again and again."""
    accepts, rejects = [], []
    for _ in range(SPLITS):
        halves = [_halved(some, lots) for some in scores]
        seen, unseen = (Labelled(*(sorted(pair[side]) for pair in halves)) for side in (0, 1))
        found = cut(seen, target)
        at = sum(found) / 2 if found is not None else None
        accepts.append(passing(unseen.bad, at) / len(unseen.bad))
        rejects.append(1 - passing(unseen.good, at) / len(unseen.good))
    return accepts, rejects


def _halved(scores: Sequence[float], lots: Lots) -> tuple[list[float], list[float]]:
    mixed = lots.sample(scores, len(scores))
    return mixed[: len(mixed) // 2], mixed[len(mixed) // 2 :]


def _interval(value: float, found: Sequence[float]) -> Interval:
    """Give a value with the ends between which 95 % of the found values lie (percentile bootstrap)."""
    ranked = sorted(found)
    low, high = (ranked[round(share * (len(ranked) - 1))] for share in (_TAIL, 1 - _TAIL))
    return Interval(value, min(value, low), max(value, high))


def _signed(found: Interval, sign: float) -> Interval:
    """Give an interval of scores as one of the metric's own values."""
    value, *ends = (sign * number + 0.0 for number in found)
    return Interval(value, *sorted(ends))


def _share(part: int, whole: int) -> Interval:
    return Interval(part / whole, *wilson(part, whole))


def at_false_accepts(points: Sequence[Point], share: float) -> float:
    """Tell which share of the good takes (0..1) passes at most, where `share` of the bad ones may."""
    return max((point.true_accept for point in points if point.false_accept <= share + _EXACT), default=0.0)
