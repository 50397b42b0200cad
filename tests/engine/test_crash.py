"""The daemon is killed at every touch of the world, just before and just after; the next one converges without a wasted render."""

import asyncio
import errno

import pytest

from koma.core.faults import FlushError
from koma.core.job import JobState
from koma.core.request import Failure, FailureClass
from koma.core.step import CancelAsked, Recovered, Start
from koma.core.words import ActionKind
from support.scripted import Fuse, Killed, Rig, again, make_job
from support.virtual import run


def live(rig, fuse=None):
    """One life of a daemon: take up what the store holds, until nothing is left. True if it was killed."""

    async def main():
        worker = rig.worker(fuse)
        jobs = rig.store.jobs()
        for found in jobs:
            job = await worker.run(found, Start() if found.state is JobState.QUEUED else Recovered())
            while job.state is JobState.QUEUED:
                await asyncio.sleep(max(0.0, job.not_before - rig.clock.now()))
                job = await worker.run(job, Start())

    try:
        run(rig.clock, main)
    except Killed:
        return True
    return False


def rendering():
    rig = Rig()
    rig.store.enqueue([make_job()])
    return rig


def failing():
    rig = rendering()
    rig.server.failures["p/s01/sh010/still take 1"] = [Failure(FailureClass.NODE, "as told")] * 2
    return rig


def out_of_memory():
    rig = rendering()
    rig.server.failures["p/s01/sh010/still take 1"] = [Failure(FailureClass.OUT_OF_MEMORY, "as told")] * 2
    return rig


def judged_again():
    rig = rendering()
    live(rig)
    rig.store.enqueue([again(make_job(), ActionKind.GATE, JobState.JUDGING, rules_digest="rules-2")])
    return rig


def restored():
    rig = rendering()
    live(rig)
    rig.shelf.shown.clear()
    rig.store.enqueue([again(make_job(), ActionKind.RESTORE, JobState.PUBLISHING)])
    return rig


def touches_of(build):
    fuse = Fuse()
    live(build(), fuse)
    return fuse.touches


@pytest.mark.parametrize(
    ("build", "runs"),
    [
        pytest.param(rendering, 1, id="a render"),
        pytest.param(judged_again, 1, id="a take that is judged again"),
        pytest.param(restored, 1, id="a take that comes back"),
    ],
)
def test_a_kill_anywhere_converges_without_a_second_render(build, runs):
    total = touches_of(build)
    assert total > 5
    for at in range(total):
        rig = build()
        assert live(rig, Fuse(at)), f"the fuse at touch {at} of {total} never blew"
        live(rig)
        assert rig.store.jobs() == [], f"touch {at}: a job is left over"
        assert rig.published() == make_job().work.take_key, f"touch {at}: nothing is published"
        assert list(rig.shelf.shown) == ["p/s01/sh010/still"], f"touch {at}: nothing lies in the outputs"
        assert sum(rig.server.runs.values()) == runs, f"touch {at}: rendered more than once"
        assert max(rig.server.posts.values()) == 1, f"touch {at}: a prompt id was posted twice"


def test_a_kill_anywhere_in_a_failing_render_counts_the_take_once_and_tries_no_more_often():
    total = touches_of(failing)
    for at in range(total):
        rig = failing()
        assert live(rig, Fuse(at)), f"the fuse at touch {at} of {total} never blew"
        live(rig)
        rows = rig.store.take_rows()
        assert [(row.verdict, row.object_digest) for row in rows] == [("error", "")], f"touch {at}"
        assert rig.store.jobs() == [], f"touch {at}"
        assert sum(rig.server.runs.values()) == 2, f"touch {at}"


def test_a_kill_anywhere_in_a_render_that_runs_out_of_memory_tries_no_more_often():
    total = touches_of(out_of_memory)
    for at in range(total):
        rig = out_of_memory()
        assert live(rig, Fuse(at)), f"the fuse at touch {at} of {total} never blew"
        live(rig)
        assert rig.store.jobs() == [], f"touch {at}"
        assert sum(rig.server.runs.values()) == 2, f"touch {at}"
        assert rig.server.freed >= 1, f"touch {at}"


def test_killed_twice_in_a_row_at_any_two_touches():
    total = touches_of(rendering)
    for first in range(0, total, 3):
        for second in range(0, total, 2):
            rig = rendering()
            live(rig, Fuse(first))
            live(rig, Fuse(second))
            live(rig)
            assert rig.published() == make_job().work.take_key, (first, second)
            assert sum(rig.server.runs.values()) == 1, (first, second)


class Stubborn:
    """A port that fails so many times before it works."""

    def __init__(self, inner, times, error):
        self._inner, self.left, self._error = inner, times, error

    def __getattr__(self, name):
        def call(*arguments, **options):
            if self.left:
                self.left -= 1
                raise self._error
            return getattr(self._inner, name)(*arguments, **options)

        return call


@pytest.mark.parametrize("part", ["measure", "shelf"], ids=["measuring", "recording and publishing"])
@pytest.mark.parametrize("times", [1, 5])
def test_a_disk_that_fails_for_a_while_costs_no_render(part, times):
    rig = rendering()
    setattr(rig, part, Stubborn(getattr(rig, part), times, OSError(errno.EIO, "Input/output error")))
    live(rig)
    assert rig.published() == make_job().work.take_key
    assert sum(rig.server.runs.values()) == 1


def test_a_disk_that_can_not_be_read_for_half_an_hour_costs_no_render():
    rig = rendering()
    rig.measure = Stubborn(rig.measure, 14, OSError(errno.EIO, "Input/output error"))
    live(rig)
    assert rig.clock.elapsed > 1800
    assert rig.published() == make_job().work.take_key
    assert sum(rig.server.runs.values()) == 1


@pytest.mark.parametrize("part", ["measure", "shelf"])
def test_a_flush_that_failed_ends_this_life_and_the_next_one_goes_on(part):
    rig = rendering()
    inner = getattr(rig, part)
    setattr(rig, part, Stubborn(inner, 1, FlushError("it could not be flushed")))
    with pytest.raises(FlushError):
        live(rig)
    assert rig.published() == ""
    setattr(rig, part, inner)
    live(rig)
    assert rig.published() == make_job().work.take_key
    assert sum(rig.server.runs.values()) == 1


def test_a_cancel_that_was_cut_short_is_carried_on():
    rig = rendering()

    async def begin_to_cancel():
        worker = rig.worker()
        job, _ = await worker.step(rig.store.jobs()[0], Start())
        rig.server.stuck = True
        await worker.step(job, CancelAsked())

    run(rig.clock, begin_to_cancel)
    rig.server.stuck = False
    live(rig)
    assert rig.store.jobs() == []
    assert rig.server.queue == []
    assert rig.published() == ""
    assert rig.heard.names()[-1] == "job_cancelled"
