"""When a take that ended in an error is tried again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koma.core.forgiving import LONGEST_REST, NEVER, UNSURE, Errored, errored, rest_after, tried_again, tried_again_at
from koma.core.request import FailureClass
from koma.core.rows import TakeRow

ENDED = 10_000.0
HOUR = 3600.0


def take(kind, tries=0, server="one"):
    return Errored(str(kind), ENDED, tries, server)


@pytest.mark.parametrize(
    ("found", "server", "after"),
    [
        pytest.param(take(FailureClass.TIMEOUT), "one", 900.0, id="what may pass is tried again after 15 minutes"),
        pytest.param(take(FailureClass.TIMEOUT, 1), "one", HOUR, id="then after an hour"),
        pytest.param(take(FailureClass.OUT_OF_MEMORY, 2), "one", 4 * HOUR, id="then after four"),
        pytest.param(take(FailureClass.LOST, 3), "one", 16 * HOUR, id="then after sixteen"),
        pytest.param(take(FailureClass.LOST, 50), "one", 24 * HOUR, id="and once a day, for as long as it takes"),
        pytest.param(take(FailureClass.NODE, 2), "one", 4 * HOUR, id="what is likely the document's fault is tried three times"),
        pytest.param(take(FailureClass.NODE, 3), "one", None, id="and then left to a person"),
        pytest.param(take(FailureClass.NODE, 3), "two", 0.0, id="unless the server has changed"),
        pytest.param(take(FailureClass.VALIDATION), "one", None, id="what is wrong in the document stays wrong"),
        pytest.param(take(FailureClass.MISSING_MODEL), "two", 0.0, id="a model that was missing may be there at another server"),
        pytest.param(take(FailureClass.VALIDATION, server=""), "two", None, id="nothing is known of the server that it was tried at"),
        pytest.param(take(FailureClass.VALIDATION), "", None, id="nothing is known of the server that is there now"),
        pytest.param(take("made-up"), "one", 900.0, id="a class that another version knows"),
    ],
)
def test_when_it_is_tried_again(found, server, after):
    assert tried_again_at(found, server) == (None if after is None else ENDED + after)


@given(st.sampled_from(FailureClass), st.integers(0, 1000))
def test_rests_grow_and_nothing_is_tried_at_once(kind, tries):
    again = tried_again_at(take(kind, tries), "one")
    assert again is None or ENDED + 900.0 <= again <= ENDED + LONGEST_REST
    assert rest_after(tries) <= rest_after(tries + 1)
    if kind not in NEVER | UNSURE:
        assert again is not None


def test_it_is_read_from_failure_and_receipt():
    receipt = {"origin": {"tries": 2, "server": "one"}}
    assert errored(FailureClass.NODE, ENDED, receipt) == Errored("node", ENDED, 2, "one")
    assert errored(FailureClass.NODE, ENDED, {}) == Errored("node", ENDED)


def row(number, verdict, made=""):
    return TakeRow(f"take {number}", "t", "final", "key", number, verdict, False, False, "", "", made, "")


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        pytest.param([row(1, "error")], "take 1", id="the only one"),
        pytest.param([row(1, "failed", "x"), row(2, "error")], "take 2", id="the newest one"),
        pytest.param([row(1, "error"), row(2, "failed", "x")], None, id="one that was followed by another"),
        pytest.param([row(1, "error", "x")], None, id="one with a picture, which only could not be measured"),
        pytest.param([], None, id="none at all"),
    ],
)
def test_which_take_is_tried_again(rows, found):
    again = tried_again(rows, lambda _row: 5.0)
    assert (again.row.take_key if again else None) == found
    assert tried_again(rows, lambda _row: None) is None
