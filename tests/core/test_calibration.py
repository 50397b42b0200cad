"""From labelled values to a threshold: right on known distributions, honest about how certain it is, refused where there are too few."""

from itertools import pairwise
from math import erf, sqrt
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koma.core import calibration
from koma.core.calibration import Interval, Labelled, at_false_accepts, auc, between, calibrate, cut, passing, roc
from koma.core.metrics import Direction
from koma.core.phases import wilson

HIGHER, LOWER = Direction.HIGHER, Direction.LOWER


def by_rank(good, bad) -> Labelled:
    return Labelled(sorted(good), sorted(bad))


def lots(seed: int) -> Random:
    return Random(seed)  # noqa: S311  # draws labels, no secret


def normal(seed: int, good: int, bad: int, apart: float = 1.0) -> Labelled:
    """Values of two normal distributions, `apart` standard deviations from each other."""
    drawn = lots(seed).gauss
    return Labelled([drawn(apart, 1) for _ in range(good)], [drawn(0, 1) for _ in range(bad)])


def above(threshold: float) -> float:
    """Share of bad takes of `normal` that truly lie above a threshold."""
    return 0.5 * (1 - erf(threshold / sqrt(2)))


@pytest.fixture
def brief(monkeypatch):
    """Fewer draws, for tests that calibrate often."""
    monkeypatch.setattr(calibration, "RESAMPLES", 200)
    monkeypatch.setattr(calibration, "SPLITS", 20)


@pytest.mark.parametrize(
    ("good", "bad", "area"),
    [
        pytest.param([3, 4], [1, 2], 1.0, id="every good one is better"),
        pytest.param([1, 2], [3, 4], 0.0, id="every good one is worse"),
        pytest.param([1, 2], [1, 2], 0.5, id="the same values"),
        pytest.param([5, 5, 5], [5], 0.5, id="ties count half"),
        pytest.param([1, 3], [2], 0.5, id="one of two pairs"),
        pytest.param([2, 3, 4], [1, 3], 4.5 / 6, id="four pairs of six, and a tie"),
    ],
)
def test_the_area_is_how_often_a_good_one_is_better(good, bad, area):
    assert auc(by_rank(good, bad)) == pytest.approx(area)


@pytest.mark.parametrize("apart", [0.0, 0.5, 1.0, 2.0])
def test_the_area_is_that_of_the_distributions(apart):
    values = normal(7, 3000, 3000, apart)
    assert auc(by_rank(*values)) == pytest.approx(0.5 * (1 + erf(apart / 2)), abs=0.02)


@pytest.mark.parametrize(
    ("good", "bad", "target", "gap"),
    [
        pytest.param(range(50, 150), range(100), 0.1, (89, 90), id="10 of 100 may pass"),
        pytest.param(range(50, 150), range(100), 0.099, (90, 91), id="9.9 of 100 are 9"),
        pytest.param(range(50, 150), range(100), 0.001, (99, 100), id="less than one of them is none"),
        pytest.param([10, 20], [1, 2, 3], 0.1, (3, 10), id="the gap reaches to the next good one"),
        pytest.param([10], [1, 5, 5, 5], 0.25, (5, 10), id="of equal ones none passes, if not all may"),
        pytest.param([1, 2], [1, 2, 3], 0.1, None, id="a bad one is the best of all"),
    ],
)
def test_the_threshold_lies_in_the_gap_above_the_bad_ones_that_must_not_pass(good, bad, target, gap):
    assert cut(by_rank(good, bad), target) == gap


@pytest.mark.parametrize(
    ("low", "high", "number"),
    [
        pytest.param(30.81, 32.4, 32.0, id="two digits are enough"),
        pytest.param(0.8123, 0.8321, 0.82, id="for small numbers, too"),
        pytest.param(-3.2, -2.9, -3.0, id="and for negative ones"),
        pytest.param(1.0, 1.0 + 2**-52, 1.0 + 2**-52, id="neighbours leave only the upper one"),
        pytest.param(89, 90, 90, id="the upper end itself passes"),
    ],
)
def test_a_threshold_has_as_few_digits_as_it_can(low, high, number):
    assert between(low, high) == number


values = st.floats(-1e6, 1e6, allow_nan=False)
several = st.lists(values, min_size=1, max_size=40)
target_shares = st.floats(0.01, 0.5)


@given(values, values)
def test_it_lies_above_the_one_and_not_above_the_other(one, other):
    low, high = sorted((one, other))
    if low < high:
        assert low < between(low, high) <= high


@given(several, several)
def test_the_area_is_a_share_and_that_of_the_others_is_the_rest(good, bad):
    there, back = auc(by_rank(good, bad)), auc(by_rank(bad, good))
    assert 0 <= there <= 1
    assert there + back == pytest.approx(1)


@given(several, several, target_shares)
def test_no_more_of_the_bad_ones_pass_than_asked_for(good, bad, target):
    scores = by_rank(good, bad)
    found = cut(scores, target)
    at = between(*found) if found is not None else None
    assert passing(scores.bad, at) <= target * len(bad) + 1e-6


@given(several, several, target_shares, target_shares)
def test_who_may_accept_more_never_asks_for_more(good, bad, one, other):
    scores = by_rank(good, bad)
    strict, loose = (cut(scores, target) for target in sorted((one, other)))
    assert strict is None or (loose is not None and loose[0] <= strict[0])


@given(several, several, values, target_shares)
def test_one_more_bad_take_below_the_threshold_lets_none_of_them_in(good, bad, worse, target):
    before = cut(by_rank(good, bad), target)
    if before is not None and worse <= before[0]:
        scores = by_rank(good, [*bad, worse])
        after = cut(scores, target)
        assert after is not None
        assert passing(scores.bad, between(*after)) <= target * len(scores.bad) + 1e-6
        assert after[0] <= before[0]  # there may be one more of them, and never one less


@given(several, several)
def test_a_roc_falls_from_all_that_pass_and_never_rises(good, bad):
    points = roc(by_rank(good, bad))
    assert (points[0].false_accept, points[0].true_accept) == (1, 1)
    for before, after in pairwise(points):
        assert before.threshold < after.threshold
        assert after.false_accept <= before.false_accept
        assert after.true_accept <= before.true_accept


def test_a_roc_is_told_by_its_false_accepts():
    points = roc(by_rank([2, 4, 6, 8], [1, 3, 5, 7]))
    assert [at_false_accepts(points, share) for share in (0, 0.25, 0.5, 1)] == [0.25, 0.5, 0.75, 1]


@pytest.mark.parametrize(
    ("good", "bad"),
    [pytest.param(29, 200, id="29 good ones"), pytest.param(200, 29, id="29 bad ones"), pytest.param(0, 0, id="nothing at all")],
)
def test_too_few_of_a_kind_give_no_threshold(good, bad):
    with pytest.raises(ValueError, match=f"{good} good and {bad} bad values"):
        calibrate(normal(1, good, bad), HIGHER, 0.1, lots(1))


def test_thirty_of_each_are_enough(brief):
    found = calibrate(normal(1, 30, 30), HIGHER, 0.1, lots(1))
    assert (found.good, found.bad) == (30, 30)


def test_what_is_exact_has_no_threshold():
    with pytest.raises(ValueError, match="direction exact"):
        calibrate(normal(1, 30, 30), Direction.EXACT, 0.1, lots(1))


def test_the_same_labels_give_the_same_numbers(brief):
    labels = normal(3, 60, 40)
    assert calibrate(labels, HIGHER, 0.1, lots(5)) == calibrate(labels, HIGHER, 0.1, lots(5))


def test_of_less_is_better_it_is_the_mirror_image(brief):
    labels = normal(3, 60, 40)
    up = calibrate(labels, HIGHER, 0.1, lots(5))
    down = calibrate(Labelled(*([-value for value in some] for some in labels)), LOWER, 0.1, lots(5))
    assert down.threshold == Interval(-up.threshold.value, -up.threshold.high, -up.threshold.low)
    assert (down.auc, down.false_accept, down.held_out_accept) == (up.auc, up.false_accept, up.held_out_accept)
    assert down.roc[0].threshold == -up.roc[0].threshold


def test_shares_are_counted_at_the_threshold_that_is_given(brief):
    labels = normal(3, 150, 62)
    found = calibrate(labels, HIGHER, 0.1, lots(5))
    accepted = sum(value >= found.threshold.value for value in labels.bad)
    refused = sum(value < found.threshold.value for value in labels.good)
    assert accepted == 6
    assert found.false_accept == Interval(6 / 62, *wilson(6, 62))
    assert found.false_reject == Interval(refused / 150, *wilson(refused, 150))


def test_what_is_told_apart_surely_is_told_apart_in_takes_held_out(brief):
    found = calibrate(Labelled([*range(100, 140)], [*range(40)]), HIGHER, 0.1, lots(5))
    assert found.auc == Interval(1, 1, 1)
    assert found.tells
    assert found.held_out_reject.value == 0
    assert found.held_out_accept.value < 0.15


def test_chance_is_said_to_be_chance(brief):
    found = calibrate(normal(11, 60, 60, apart=0), HIGHER, 0.1, lots(5))
    assert not found.tells
    assert found.auc.low < 0.5 < found.auc.high


def test_where_bad_takes_are_the_best_of_all_there_is_no_threshold(brief):
    found = calibrate(Labelled([*range(30)], [*range(26), 60, 60, 60, 60]), HIGHER, 0.1, lots(5))
    assert found.threshold is None
    assert (found.false_accept.value, found.false_reject.value) == (0, 1)


def test_the_interval_of_the_area_covers_the_true_one(brief):
    true = 0.5 * (1 + erf(0.5))
    found = [calibrate(normal(seed, 50, 50), HIGHER, 0.1, lots(seed)).auc for seed in range(100)]
    assert sum(one.low <= true <= one.high for one in found) >= 88


def test_the_interval_of_the_threshold_covers_the_true_one(brief):
    true = 1.2816  # of the bad ones, a tenth lies above
    found = [calibrate(normal(seed, 100, 100), HIGHER, 0.1, lots(seed)).threshold for seed in range(100)]
    assert sum(one.low <= true <= one.high for one in found) >= 80


@pytest.mark.parametrize(
    ("bad", "least", "most"), [pytest.param(30, 0.01, 0.3, id="with 30 of them widely"), pytest.param(200, 0.05, 0.16, id="with 200 less")]
)
def test_the_true_share_of_false_accepts_is_not_the_one_aimed_at(bad, least, most):
    shares = sorted(above(sum(cut(by_rank(*normal(seed, 200, bad)), 0.1)) / 2) for seed in range(400))
    low, high = shares[10], shares[389]
    assert least <= low <= 0.08
    assert 0.12 <= high <= most
    assert most / 2 < high


def test_takes_held_out_show_what_the_threshold_is_worth():
    found = calibrate(normal(3, 100, 60), HIGHER, 0.1, lots(5))
    assert found.held_out_accept.low <= found.held_out_accept.value <= found.held_out_accept.high
    assert found.held_out_accept.value == pytest.approx(0.1, abs=0.05)
    assert found.held_out_accept.high > found.false_accept.value
