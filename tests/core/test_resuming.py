"""Jobs as a daemon finds them: whatever their times say, they go on."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koma.core.circuit import LONGEST_REST as LONGEST_CIRCUIT
from koma.core.circuit import Circuit, Position
from koma.core.job import JobState
from koma.core.order import next_due, pick
from koma.core.resuming import resumed
from koma.core.retry import MAX_DELAY_SECONDS
from support.scripted import make_job

NOW = 1_800_000_000.0
YEAR = 365 * 86400.0
DEADLINE = make_job().work.deadline_seconds

CASES = {
    "a wait that ends soon": ({"not_before": NOW + 5}, {"not_before": NOW + 5}),
    "the longest wait that there is": ({"not_before": NOW + MAX_DELAY_SECONDS}, {"not_before": NOW + MAX_DELAY_SECONDS}),
    "a wait until next year": ({"not_before": NOW + YEAR}, {"not_before": NOW}),
    "a wait that is over": ({"not_before": NOW - YEAR}, {"not_before": NOW - YEAR}),
    "a render that runs well": ({"running_since": NOW - 60}, {"running_since": NOW - 60}),
    "a render that began next year": ({"running_since": NOW + YEAR}, {"running_since": NOW}),
    "a render that began last year": ({"running_since": NOW - YEAR}, {"running_since": NOW}),
    "a render that did not begin": ({"running_since": 0.0}, {"running_since": 0.0}),
    "a prompt from the future": ({"submitted_at": NOW + 3600}, {"submitted_at": NOW}),
    "a doubt from the future": ({"doubt_since": NOW + 3600}, {"doubt_since": NOW}),
    "a server that was idle before nobody looked": ({"idle_since": NOW - 3600}, {"idle_since": 0.0}),
    "no doubt": ({"doubt_since": 0.0}, {"doubt_since": 0.0}),
}


@pytest.mark.parametrize(("times", "expected"), CASES.values(), ids=CASES.keys())
def test_it_is_taken_up_with_times_that_can_be_true(times, expected):
    job = replace(make_job(), **times)
    assert resumed(job, NOW) == replace(job, **expected)


times = st.floats(0.0, 2 * NOW)


@given(not_before=times, running_since=times, submitted_at=times, doubt_since=times, now=st.floats(1.0, 2 * NOW))
def test_whatever_the_clocks_said_it_starts_within_the_longest_wait(not_before, running_since, submitted_at, doubt_since, now):
    job = replace(make_job(), not_before=not_before, running_since=running_since, submitted_at=submitted_at, doubt_since=doubt_since)
    found = resumed(replace(job, state=JobState.QUEUED), now)
    wait = next_due([found], now) or 0.0
    assert 0.0 <= wait <= MAX_DELAY_SECONDS
    assert pick([found], "", now + wait + 1.0) == found
    assert max(found.running_since, found.submitted_at, found.doubt_since) <= now
    assert found.running_since == 0.0 or now - found.running_since <= DEADLINE
    assert resumed(found, now) == found


@pytest.mark.parametrize(
    ("until", "position"),
    [
        pytest.param(NOW + 60, Position.OPEN, id="in a minute"),
        pytest.param(NOW + LONGEST_CIRCUIT, Position.OPEN, id="as late as can be"),
        pytest.param(NOW + YEAR, Position.HALF, id="next year"),
        pytest.param(NOW - 1, Position.HALF, id="a moment ago"),
    ],
)
def test_a_circuit_lets_one_through_again(until, position):
    assert Circuit(of="it", until=until, times=1).position("it", NOW) is position
