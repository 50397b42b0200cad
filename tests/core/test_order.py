"""Which job is next."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koma.core.order import may_lookahead, next_due, pick
from support.scripted import make_job

NOW = 100.0


def job(name="a", *, phase="still", queued_at=1.0, not_before=0.0, **work):
    return replace(make_job(f"p/s/{name}/{phase}", queued_at=queued_at, **work), not_before=not_before)


@pytest.mark.parametrize(
    ("first", "second", "running"),
    [
        pytest.param(job("b", priority=1, phase="video"), job("a"), "", id="a higher priority goes before an earlier phase"),
        pytest.param(job("b", queued_at=9.0), job("a", phase="loop"), "", id="a still goes before a loop"),
        pytest.param(job("b", phase="loop", queued_at=9.0), job("a", phase="video"), "", id="a loop goes before a video"),
        pytest.param(job("b", depth=0, queued_at=9.0), job("a", depth=1), "", id="what depends on less goes first"),
        pytest.param(job("b", depth=0, family="x"), job("a", depth=1, family="y"), "y", id="depth counts more than the model family"),
        pytest.param(job("b", family="y", queued_at=9.0), job("a", family="x"), "y", id="the loaded model family is stayed with"),
        pytest.param(job("b", queued_at=1.0), job("a", queued_at=2.0), "", id="else what was queued first goes first"),
        pytest.param(job("b"), job("a", priority=9, not_before=NOW + 1), "", id="what has to wait is passed over"),
    ],
)
def test_order(first, second, running):
    assert pick([second, first], running, NOW) is first
    assert pick([first, second], running, NOW) is first


def test_nothing_is_picked_where_everything_waits():
    waiting = [job(not_before=NOW + 5), job("b", not_before=NOW + 3)]
    assert pick(waiting, "", NOW) is None
    assert next_due(waiting, NOW) == 3.0
    assert next_due([job()], NOW) is None


def test_a_look_ahead_stays_within_one_model_family():
    assert may_lookahead(job(family="svd"), job(family="svd"))
    assert not may_lookahead(job(family="sd15"), job(family="svd"))


jobs = st.builds(
    lambda n, phase, queued, later, priority, depth, family: job(
        f"sh{n}", phase=phase, queued_at=queued, not_before=later, priority=priority, depth=depth, family=family
    ),
    st.integers(0, 99),
    st.sampled_from(["still", "loop", "video"]),
    st.floats(0, 9),
    st.sampled_from([0.0, NOW - 1, NOW + 1]),
    st.integers(-1, 1),
    st.integers(0, 2),
    st.sampled_from(["x", "y"]),
)


@given(st.lists(jobs, max_size=12, unique_by=lambda one: one.job_id), st.sampled_from(["", "x", "y"]), st.randoms())
def test_the_pick_does_not_depend_on_the_order_in_which_jobs_are_read(some, running, random):
    picked = pick(some, running, NOW)
    random.shuffle(some)
    assert pick(some, running, NOW) is picked
    assert (picked is None) == all(one.not_before > NOW for one in some)
    if picked is not None:
        assert picked.work.priority == max(one.work.priority for one in some if one.not_before <= NOW)
