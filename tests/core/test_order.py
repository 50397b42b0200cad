"""Which job is next."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koma.core.order import FAMILY_WINDOW_SECONDS, may_lookahead, next_due, pick
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
        pytest.param(job("b", family="y", queued_at=9.0), job("a", family="x"), "y", id="the loaded model family is stayed with"),
        pytest.param(job("b", depth=1, family="y"), job("a", family="x"), "y", id="the loaded model family counts more than depth"),
        pytest.param(job("b", phase="video", family="y"), job("a", family="x"), "y", id="the loaded family counts more than the phase"),
        pytest.param(job("b", priority=1, family="x"), job("a", family="y"), "y", id="a higher priority counts more than what is loaded"),
        pytest.param(
            job("b", family="x", queued_at=1.0),
            job("a", family="y", queued_at=1.0 + FAMILY_WINDOW_SECONDS + 1),
            "y",
            id="a job that was queued more than an hour earlier goes first, whatever is loaded",
        ),
        pytest.param(
            job("b", phase="video", queued_at=1.0),
            job("a", queued_at=1.0 + FAMILY_WINDOW_SECONDS + 1),
            "",
            id="a video that waits is not put off for ever by ever new stills",
        ),
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
    st.floats(0, 9) | st.floats(0, 3 * FAMILY_WINDOW_SECONDS),
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


@given(st.lists(jobs, min_size=1, max_size=12, unique_by=lambda one: one.job_id), st.sampled_from(["", "x", "y"]))
def test_nothing_overtakes_what_was_queued_more_than_the_window_before_it(some, running):
    picked = pick(some, running, NOW)
    rivals = [one for one in some if picked is not None and one.not_before <= NOW and one.work.priority == picked.work.priority]
    assert all(picked.queued_at <= rival.queued_at + FAMILY_WINDOW_SECONDS for rival in rivals)


def drained(waiting, step=60.0):
    """Start every job, one after the other; the families in the order in which they were loaded."""
    order, family, now = [], "", NOW
    while waiting:
        picked = pick(waiting, family, now)
        family = picked.work.family
        order.append(family)
        waiting = [one for one in waiting if one is not picked]
        now += step
    return order


def switches(families):
    return sum(a != b for a, b in pairwise(families))


@given(st.lists(st.sampled_from(["w", "x", "y", "z"]), min_size=1, max_size=40))
def test_what_is_queued_together_loads_each_family_once(families):
    waiting = [job(f"sh{n}", family=family, queued_at=1.0 + n / 1000) for n, family in enumerate(families)]
    assert switches(drained(waiting)) == len(set(families)) - 1 <= switches(families)


@given(st.lists(st.tuples(st.sampled_from(["x", "y"]), st.integers(0, 2)), min_size=1, max_size=30))
def test_a_family_is_never_loaded_more_often_than_once_for_each_priority(given_jobs):
    waiting = [job(f"sh{n}", family=family, priority=priority) for n, (family, priority) in enumerate(given_jobs)]
    assert switches(drained(waiting)) < sum(len({f for f, p in given_jobs if p == priority}) for priority in range(3))


def test_a_job_starts_after_finitely_many_others_however_many_keep_coming():
    """A new job of the loaded family comes with every start, for ever; the one of the other family has its turn all the same."""
    odd = job("odd", family="x", queued_at=0.0)
    waiting, now, started = [odd, job("sh0", family="y", queued_at=0.0)], 0.0, 0
    while (picked := pick(waiting, "y", now)) is not odd:
        now, started = now + 60.0, started + 1
        waiting = [one for one in waiting if one is not picked] + [job(f"sh{started}", family="y", queued_at=now)]
    assert started == FAMILY_WINDOW_SECONDS / 60.0 + 1
