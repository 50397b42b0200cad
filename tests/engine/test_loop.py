"""When the daemon reconciles, and when it ends; in virtual time."""

import asyncio
import os
import signal

import pytest

from koma.core.job import JobState
from koma.engine.lanes import Lanes
from koma.engine.loop import Daemon, ReconcileResult, Timing
from support.scripted import Rig, make_job
from support.virtual import START, run


class Passes:
    """A reconcile that gives what it was told to, pass by pass, and remembers when it was asked."""

    def __init__(self, rig, *results):
        self.rig = rig
        self.results = list(results)
        self.times = []

    async def __call__(self):
        self.times.append(round(self.rig.clock.elapsed, 6))
        result = self.results.pop(0) if self.results else ReconcileResult()
        self.rig.store.enqueue(result.queued)
        return result


def daemon_of(rig, passes, **options):
    return Daemon(Lanes(rig.worker()), passes, rig.store.jobs, rig.clock, **options)


def once(rig, *results):
    passes = Passes(rig, *results)

    async def main():
        return await daemon_of(rig, passes, once=True).run()

    return run(rig.clock, main), passes


@pytest.mark.parametrize(
    ("last", "status"),
    [
        pytest.param(ReconcileResult(), 0, id="all ready"),
        pytest.param(ReconcileResult(errors=2, waiting=1), 1, id="errors"),
        pytest.param(ReconcileResult(waiting=1), 3, id="something waits for a person"),
    ],
)
def test_the_exit_status_is_that_of_the_last_pass(last, status):
    rig = Rig()
    assert once(rig, ReconcileResult(queued=(make_job(),), errors=9), last)[0] == status
    assert rig.published()


def test_once_goes_on_until_nothing_follows():
    rig = Rig()
    still, video = make_job(), make_job("p/s01/sh010/video")
    status, passes = once(rig, ReconcileResult(queued=(still,)), ReconcileResult(queued=(video,)))
    assert status == 0
    assert rig.published("p/s01/sh010/video")
    assert passes.times == [0.0, 10.0, 20.0]


def test_what_follows_from_a_finished_job_is_submitted_at_once():
    rig = Rig()
    once(rig, ReconcileResult(queued=(make_job(),)), ReconcileResult(queued=(make_job("p/s01/sh010/video"),)))
    assert rig.server.idle() == [pytest.approx(0.0, abs=0.05)]


def test_once_waits_for_what_has_not_settled():
    rig = Rig()
    status, passes = once(rig, ReconcileResult(unsettled=True, next_wake=START + 30.0))
    assert (status, passes.times) == (0, [0.0, 30.0])


def test_once_does_not_wait_for_a_pause_to_end():
    rig = Rig()
    status, _ = once(rig, ReconcileResult(queued=(make_job(),), paused=True, waiting=1))
    assert (status, rig.server.posts) == (3, {})


def test_a_finished_job_of_an_earlier_daemon_is_taken_up_first():
    rig = Rig()
    rig.store.enqueue([make_job()])
    status, _ = once(rig)
    assert (status, rig.published() != "") == (0, True)


def watched(rig, changes, until, timing=None):
    """Run the daemon and wake it at these times; times of its passes."""
    passes = Passes(rig)

    async def main():
        daemon = daemon_of(rig, passes, timing=timing)
        task = asyncio.create_task(daemon.run())
        for at in changes:
            await asyncio.sleep(at - rig.clock.elapsed)
            daemon.wake()
        await asyncio.sleep(until - rig.clock.elapsed)
        daemon.stop()
        return await task

    assert run(rig.clock, main) == 0
    return passes.times


def test_a_change_is_waited_out_until_it_is_quiet():
    assert watched(Rig(), [5.0, 5.2, 5.6], 20.0) == [0.0, 6.1]


def test_changes_that_never_end_are_looked_at_after_the_cap():
    times = watched(Rig(), [5.0 + 0.25 * n for n in range(60)], 30.0)
    assert times == [0.0, 15.0, pytest.approx(20.25)]


def test_a_regular_look_needs_no_event():
    assert watched(Rig(), [], 150.0, Timing(rescan=60.0)) == [0.0, 60.0, 120.0]


def test_a_job_that_ends_while_files_change_makes_its_pass_at_once_and_the_files_theirs_when_quiet():
    rig = Rig()
    passes = Passes(rig, ReconcileResult(queued=(make_job(),)))

    async def main():
        daemon = daemon_of(rig, passes)
        task = asyncio.create_task(daemon.run())
        await asyncio.sleep(9.8)
        daemon.wake()
        await asyncio.sleep(5.0)
        daemon.stop()
        await task

    run(rig.clock, main)
    assert passes.times == [0.0, 10.0, 10.3]


def test_a_job_is_cancelled_when_a_pass_says_so():
    rig = Rig()
    job = make_job()
    passes = Passes(rig, ReconcileResult(queued=(job,)), ReconcileResult(cancel=(job.job_id,)))

    async def main():
        daemon = daemon_of(rig, passes, once=True)
        task = asyncio.create_task(daemon.run())
        await asyncio.sleep(2.0)
        daemon.wake_now()
        return await task

    run(rig.clock, main)
    assert rig.clock.elapsed == 2.0
    assert rig.heard.names().count("job_cancelled") == 1


def test_a_pass_that_raises_ends_the_daemon_with_its_backends_closed():
    rig = Rig()

    async def broken():
        raise RuntimeError("as told")

    async def main():
        await daemon_of(rig, broken).run()

    with pytest.raises(RuntimeError, match="as told"):
        run(rig.clock, main)
    assert rig.backend.opened == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_a_signal_stops_it_and_the_render_stays_with_the_backend(number):
    rig = Rig()
    passes = Passes(rig, ReconcileResult(queued=(make_job(),)))

    async def main():
        daemon = daemon_of(rig, passes)
        task = asyncio.create_task(daemon.run_with_signals())
        await asyncio.sleep(3.0)
        os.kill(os.getpid(), number)
        return await task

    assert run(rig.clock, main) == 0
    assert [job.state for job in rig.store.jobs()] == [JobState.SUBMITTED]
    assert len(rig.server.queue) == 1
