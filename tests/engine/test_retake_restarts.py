"""A take that begins with a restart of its backend: the lane is empty then, and one restart serves all that asked for it."""

import asyncio
from dataclasses import replace

import pytest

from koma.core.decide import decide
from koma.core.job import JobState
from koma.core.step import CancelAsked, Restart, Restarted, Start, Submit
from koma.core.supervision import Why
from koma.core.words import BackendKind
from koma.engine.lanes import Lanes
from koma.engine.tending import Restarts
from support.scripted import Rig, make_job
from support.virtual import run

NOW = 1_000.0


def waiting(number=1, **fields):
    """A job whose take is to follow black frames."""
    return replace(make_job(f"p/s01/sh{number:03}/still", queued_at=number), restarting=True, **fields)


@pytest.mark.parametrize(
    ("event", "state", "effects", "restarts", "failed"),
    [
        pytest.param(Start(), JobState.QUEUED, [Restart], 0, "", id="its turn begins with the restart"),
        pytest.param(Restarted(done=True), JobState.SUBMITTING, [Submit], 1, "", id="then it is submitted"),
        pytest.param(
            Restarted(done=False, message="no"), JobState.SUBMITTING, [Submit], 1, "no", id="it is submitted after a restart that failed"
        ),
        pytest.param(
            Restarted(done=False), JobState.SUBMITTING, [Submit], 0, "no restart command is configured", id="and after none, and says so"
        ),
    ],
)
def test_a_take_that_begins_with_a_restart(event, state, effects, restarts, failed):
    job, done = decide(waiting(), event, NOW)
    assert (job.state, [type(effect) for effect in done], job.restarts, job.restart_failed) == (state, effects, restarts, failed)


def test_a_take_that_waits_for_its_restart_can_be_cancelled():
    assert decide(waiting(), CancelAsked(), NOW)[0].state is JobState.CANCELLED


def restarts_of(rig, command):
    return Restarts({BackendKind.COMFYUI: command}, {BackendKind.COMFYUI: rig.backend}, rig.store, rig.clock, rig.heard)


def asked(times, queued_at):
    """Ask for restarts at these times, each by a job queued at its time; how often the command ran."""
    rig, ran = Rig(), []
    clock = rig.clock

    async def command():
        ran.append(clock.now())
        return ""

    restarts = restarts_of(rig, command)
    begun = clock.now()

    async def main():
        for at, queued in zip(times, queued_at, strict=True):
            clock.elapsed = at
            assert (await restarts.restart(replace(waiting(), queued_at=begun + queued), Why.BLACK)).done

    run(clock, main)
    return len(ran)


def test_one_restart_serves_every_job_that_asked_before_it():
    assert asked(times=(10.0, 20.0, 30.0), queued_at=(1.0, 2.0, 3.0)) == 1
    assert asked(times=(10.0, 900.0), queued_at=(1.0, 15.0)) == 2, "what went wrong after a restart needs another"


def test_a_restart_that_failed_serves_nobody_and_is_tried_again_after_a_rest():
    rig, ran = Rig(), []

    async def command():
        ran.append(1)
        return "the restart command false ended with 1"

    async def main():
        restarts, said = restarts_of(rig, command), []
        for number in (1, 2, 3):
            said.append(await restarts.restart(waiting(number), Why.BLACK))
            rig.clock.elapsed += 150.0
        return said

    first, second, third = run(rig.clock, main)
    assert [one.done for one in (first, second, third)] == [False] * 3
    assert first.message == third.message == "the restart command false ended with 1"
    assert second.message == "the restart command ran already and helped nothing; it may run again in 150 s"
    assert len(ran) == 2
    assert rig.heard.names() == ["backend_restart_failed"] * 2


def test_the_backend_is_not_restarted_under_another_render():
    rig, finished, seen = Rig(), [], []
    jobs = [make_job("p/s01/sh000/still", queued_at=0), waiting(1), make_job("p/s01/sh002/still", queued_at=2)]

    async def restart():
        seen.append((len(rig.server.starts), len(finished)))
        await asyncio.sleep(30.0)
        seen.append((len(rig.server.starts), len(finished)))
        return ""

    async def main():
        lanes = Lanes(rig.worker(restarters={BackendKind.COMFYUI: restart}))
        lanes.on_finished = finished.append
        rig.store.enqueue(jobs)
        await lanes.open()
        lanes.add(jobs)
        while len(finished) < len(jobs):
            await asyncio.sleep(1.0)
        await lanes.close()

    run(rig.clock, main)
    assert [count for count, _ in seen] == [1, 1], "nothing begins while it is restarted, and what had begun is over"
    assert [job.state for job in finished] == [JobState.DONE] * 3
    receipts = {job.work.target[-9:-6]: rig.store.take(job.work.take_key).receipt for job in finished}
    assert {shot: receipt.get("restarts", 0) for shot, receipt in receipts.items()} == {"000": 0, "001": 1, "002": 0}
    assert all(receipt["attempts"] == 1 for receipt in receipts.values())
