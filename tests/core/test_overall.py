"""The overall value: what its terms are worth, and what they come to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koma.core.metrics import METRICS
from koma.core.metrics.spec import Direction
from koma.core.overall import LIKENESS, TERMS, Term, in_words, overall_of, worth

AESTHETIC, FLICKER, FACE = "aesthetic", "flicker", "face-similarity"
positive = st.floats(0.01, 100)


@pytest.mark.parametrize(
    ("metric", "value", "threshold", "expected"),
    [
        pytest.param(AESTHETIC, 5.5, 5.5, 0.8, id="just at a floor"),
        pytest.param(AESTHETIC, 6.875, 5.5, 1.0, id="a quarter above it is all that counts"),
        pytest.param(AESTHETIC, 9, 5.5, 1.0, id="more is not more"),
        pytest.param(AESTHETIC, 2.75, 5.5, 0.4, id="half of it"),
        pytest.param(FLICKER, 2, 2, 0.8, id="just at a ceiling"),
        pytest.param(FLICKER, 0, 2, 1.0, id="none at all"),
        pytest.param(FLICKER, 10, 2, 0.0, id="five times too much"),
        pytest.param(FLICKER, 0, 0, 1.0, id="none allowed, none there"),
        pytest.param(FLICKER, 0.1, 0, 0.0, id="none allowed, some there"),
        pytest.param(AESTHETIC, 3, 0, 1.0, id="a floor that everything reaches"),
        pytest.param(FACE, 0.86, 0.7, 1.0, id="nobody doubts this face"),
        pytest.param(FACE, 0.85, 0.7, 0.85, id="a face between counts as it is"),
        pytest.param(FACE, 0.70, 0.7, 0.0, id="at the threshold it is somebody else"),
    ],
)
def test_what_a_term_is_worth(metric, value, threshold, expected):
    assert worth(Term(metric, value, threshold)) == pytest.approx(expected)


def test_of_several_characters_the_worst_counts():
    value, worths = overall_of([Term(FACE, 0.9, 0.7, "aki"), Term(FACE, 0.75, 0.7, "mei")])
    assert (value, worths) == (pytest.approx(0.75), {FACE: pytest.approx(0.75)})


def test_nothing_measured_is_no_value():
    with pytest.raises(ValueError, match="nothing was measured"):
        overall_of([])


def test_the_weakest_is_named_first():
    assert in_words({"a": 0.9, "b": 0.2}) == "b 0.20, a 0.90"


def test_every_term_is_a_metric():
    assert {*TERMS} <= METRICS.keys()
    assert {*TERMS} >= LIKENESS


@given(st.lists(st.builds(Term, st.sampled_from([AESTHETIC, FLICKER, "melt"]), positive, positive), min_size=1))
def test_it_lies_between_its_worst_and_its_best_term(terms):
    value, worths = overall_of(terms)
    assert min(worths.values()) - 1e-9 <= value <= max(worths.values()) + 1e-9


@given(st.sampled_from(TERMS), positive, positive, positive)
def test_a_better_value_is_never_worth_less(metric, one, other, threshold):
    better, worse = (max, min) if METRICS[metric].direction is Direction.HIGHER else (min, max)
    assert worth(Term(metric, better(one, other), threshold)) >= worth(Term(metric, worse(one, other), threshold))


@given(st.lists(st.sampled_from([AESTHETIC, FLICKER, "melt"]), min_size=1), positive)
def test_everything_just_at_its_threshold_is_four_fifths(metrics, threshold):
    assert overall_of([Term(metric, threshold, threshold) for metric in metrics])[0] == pytest.approx(0.8)
