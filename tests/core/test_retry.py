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
        pytest.param(FailureClass.MISSING_MODEL, 1, id="a missing model is never tried again"),
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


def test_only_out_of_memory_frees_memory():
    assert [kind for kind, policy in retry.RETRY.items() if policy.free] == [FailureClass.OUT_OF_MEMORY]


@given(st.sampled_from([*retry.RETRY.values(), retry.VANISHED]), st.integers(0, 60))
def test_delays_grow_and_are_bounded_and_attempts_end(policy, failed):
    again, sooner = retry.after(policy, failed), retry.after(policy, failed - 1) if failed else None
    if again is not None:
        assert 0 <= again.delay <= retry.MAX_DELAY_SECONDS
        assert sooner is None or again.delay >= sooner.delay
    assert retry.after(policy, policy.attempts) is None


@given(st.integers(1, 200))
def test_steps_wait_ever_longer_up_to_a_bound(failed):
    assert retry.step_delay(1) == retry.STEP_SECONDS
    assert retry.step_delay(failed) <= retry.step_delay(failed + 1) <= retry.MAX_DELAY_SECONDS
