"""Values that are made in a thread before they are asked for: the same ones, few at a time, and nobody is left behind."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koma.measures.ahead import ahead

PATIENCE = 30.0  # seconds after which a thread that does not come is a failure


class Made:
    """Counts values as they are made; the one that is `broken` raises."""

    def __init__(self, count, broken=None):
        self.count = 0
        self.second = threading.Event()
        self.values = self._make(count, broken)

    def _make(self, count, broken):
        for number in range(count):
            if number == broken:
                raise ValueError(f"{number} is damaged")
            self.count += 1
            if self.count > 1:
                self.second.set()
            yield number


def threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("koma-ahead")]


@given(st.lists(st.none() | st.integers()), st.integers(1, 5))
def test_the_same_values_come_in_the_same_order(values, most):
    with ahead(iter(values), most) as taken:
        assert list(taken) == values


@pytest.mark.parametrize("broken", [0, 1, 5], ids=lambda number: f"value {number}")
def test_an_error_comes_where_its_value_would_have_come(broken):
    with ahead(Made(8, broken).values, 3) as taken:
        assert [next(taken) for _ in range(broken)] == list(range(broken))
        with pytest.raises(ValueError, match=f"{broken} is damaged"):
            next(taken)
    assert not threads()


def test_the_next_value_is_made_while_the_one_before_is_worked_on():
    made = Made(8)
    with ahead(made.values) as taken:
        assert next(taken) == 0
        assert made.second.wait(PATIENCE)


def test_only_a_few_wait():
    made = Made(50)
    with ahead(made.values, 2) as taken:
        for number in taken:
            assert made.count <= number + 1 + 2


def test_who_stops_early_leaves_no_thread_behind():
    made = Made(50)
    with ahead(made.values) as taken:
        next(taken)
    assert not threads()
    assert made.count <= 3
    made.values.close()  # which it could not, were it still at work
