"""How often and how soon something is tried again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koma.core import retry
from koma.core.request import FailureClass
from koma.core.words import BackendKind


def test_every_class_of_failure_has_its_numbers():
    assert set(retry.RETRY) == set(FailureClass)
    assert set(retry.ABSENT_GRACE_SECONDS) == set(BackendKind)


@pytest.mark.parametrize(
    ("kind", "attempts"),
    [
        pytest.param(FailureClass.VALIDATION, 1, id="validation is never tried again"),
        pytest.param(FailureClass.MISSING_MODEL, 3, id="a missing model may appear within two more attempts"),
        pytest.param(FailureClass.MISSING_NODE, 3, id="so may a missing node pack"),
        pytest.param(FailureClass.TIMEOUT, 1, id="a deadline is never tried again"),
        pytest.param(FailureClass.NODE, 2, id="a node exception gets one more attempt"),
        pytest.param(FailureClass.OUT_OF_MEMORY, 2, id="out of memory gets one more attempt"),
        pytest.param(FailureClass.BAD_OUTPUT, 2, id="a bad output gets one more attempt"),
    ],
)
def test_attempts(kind, attempts):
    policy = retry.RETRY[kind]
    given_again = [retry.after(policy, failed) is not None for failed in range(attempts + 1)]
    assert given_again == [True] * (attempts - 1) + [False, False]


@pytest.mark.parametrize(
    ("before", "left", "restarts", "relief"),
    [
        pytest.param(0, 0, 0, retry.Relief.FREE, id="first the same once more, with memory freed"),
        pytest.param(0, 2, 0, retry.Relief.FREE, id="also where something could be given up"),
        pytest.param(1, 2, 0, retry.Relief.REDUCE, id="then the first thing is given up"),
        pytest.param(2, 1, 0, retry.Relief.REDUCE, id="then the next"),
        pytest.param(1, 0, 0, retry.Relief.RESTART, id="then, or where nothing may be given up, the backend is restarted"),
        pytest.param(9, 0, 1, None, id="after the restart that is the end"),
    ],
)
def test_what_is_done_about_memory(before, left, restarts, relief):
    assert retry.relief(before, left, restarts) is relief


@given(st.sampled_from([*retry.RETRY.values(), retry.VANISHED]), st.integers(0, 60))
def test_delays_grow_and_are_bounded_and_attempts_end(policy, failed):
    again, sooner = retry.after(policy, failed), retry.after(policy, failed - 1) if failed else None
    if again is not None:
        assert 0 <= again <= retry.MAX_DELAY_SECONDS
        assert sooner is None or again >= sooner
    assert retry.after(policy, policy.attempts) is None


@given(st.integers(1, 200))
def test_steps_wait_ever_longer_up_to_a_bound(failed):
    assert retry.step_delay(1) == retry.STEP_SECONDS
    assert retry.step_delay(failed) <= retry.step_delay(failed + 1) <= retry.MAX_DELAY_SECONDS
