"""Lanes in virtual time: what runs beside what, and how long the backend stands idle."""

import asyncio
import threading
from dataclasses import replace

import pytest

from koma.core.faults import StoreError
from koma.core.job import JobState
from koma.core.memory import Care, FreeRule
from koma.core.request import Failure, FailureClass, SubmitOutcome, Submitted
from koma.core.words import ActionKind, BackendKind
from koma.engine.lanes import Lanes
from support.scripted import Rig, again, make_job
from support.virtual import run


def shot(number):
    return f"p/s01/sh{number:03}/still"


def drive(rig, jobs=(), *, during=None, lanes_of=Lanes, recover=(), worker=None):
    """Open lanes, queue jobs, and wait until nothing is left; jobs that finished, in order."""
    finished = []

    async def main():
        lanes = lanes_of(rig.worker(**(worker or {})))
        over = asyncio.Event()

        def note(job):
            finished.append(job)
            over.set()

        crashed = []
        lanes.on_finished = note
        lanes.on_crash = lambda error: (crashed.append(error), over.set())
        rig.store.enqueue(jobs)
        await lanes.open()
        lanes.recover(recover)
        lanes.add(jobs)
        if during is not None:
            await during(lanes)
        while lanes.busy and not crashed:
            over.clear()
            await over.wait()
        await lanes.close()
        if crashed:
            raise crashed[0]

    run(rig.clock, main)
    return finished


def test_the_backend_never_stands_idle_between_ready_jobs():
    rig = Rig()
    jobs = [make_job(shot(n), queued_at=n) for n in range(1, 8)]
    finished = drive(rig, jobs)
    assert [job.state for job in finished] == [JobState.DONE] * 7
    assert rig.server.idle() == [0.0] * 6
    assert rig.clock.elapsed == pytest.approx(70.0)


def test_without_hints_polling_finds_the_end_and_nothing_stands_idle():
    rig = Rig(hints=False)
    drive(rig, [make_job(shot(n), queued_at=n) for n in range(1, 5)])
    assert max(rig.server.idle()) == 0.0
    assert rig.clock.elapsed < 43.0


def test_at_most_one_job_waits_at_the_backend():
    rig = Rig()
    seen = []
    post = rig.server.post

    def counting(request):
        answer = post(request)
        seen.append(len(rig.server.queue))
        return answer

    rig.server.post = counting
    drive(rig, [make_job(shot(n), queued_at=n) for n in range(1, 6)])
    assert max(seen) == 2


def test_a_job_of_another_model_family_is_not_submitted_ahead():
    rig = Rig()
    first, second = make_job(shot(1), family="sd15"), make_job(shot(2), family="svd", queued_at=2.0)
    posted = []
    post = rig.server.post
    rig.server.post = lambda request: posted.append((request.label, rig.clock.elapsed)) or post(request)
    drive(rig, [first, second])
    assert [at for _, at in posted] == [0.0, pytest.approx(10.0)]


def cared(limit=0.8, rule=FreeRule.FAMILY):
    return lambda worker: Lanes(worker, care={BackendKind.COMFYUI: Care(limit, rule)})


def receipts(rig, jobs):
    return [rig.store.take(job.work.take_key).receipt for job in jobs]


@pytest.mark.parametrize(
    ("used", "freed"),
    [pytest.param(50, 0, id="not while there is room"), pytest.param(90, 1, id="only the first time, since memory is free then")],
)
def test_memory_is_freed_before_another_family(used, freed):
    rig = Rig()
    rig.server.memory = (used, 100)
    jobs = [make_job(shot(n), family=family, queued_at=n) for n, family in enumerate(["sd15", "sd15", "svd"])]
    drive(rig, jobs, lanes_of=cared())
    assert rig.server.freed == freed
    assert [receipt.get("freed") for receipt in receipts(rig, jobs)] == [
        {"before": 90, "after": 0, "waited": 2.0} if freed else None,
        None,
        None,
    ]


def test_memory_is_freed_when_the_family_changes_and_the_server_is_full_by_then():
    rig = Rig()
    rig.server.memory = (10, 100)
    jobs = [make_job(shot(1), family="sd15"), make_job(shot(2), family="svd", queued_at=2.0)]

    async def fill(_lanes):
        await asyncio.sleep(5.0)
        rig.server.memory = (95, 100)

    drive(rig, jobs, during=fill, lanes_of=cared())
    assert [receipt.get("freed") for receipt in receipts(rig, jobs)] == [None, {"before": 95, "after": 0, "waited": 2.0}]


def test_memory_that_stays_full_is_waited_for_a_minute_and_no_job_overtakes():
    rig = Rig()
    rig.server.memory, rig.server.frees_to = (95, 100), 95
    jobs = [make_job(shot(n), family="svd", queued_at=n) for n in range(1, 4)]
    drive(rig, jobs, lanes_of=cared())
    assert [(label.split(" ")[0], start) for label, start in rig.server.starts] == [(shot(1), 60.0), (shot(2), 70.0), (shot(3), 80.0)]
    assert rig.server.freed == 1
    assert receipts(rig, jobs)[0]["freed"] == {"before": 95, "after": 95, "waited": 60.0}


def test_always_frees_before_every_job_and_none_waits_at_the_backend():
    rig = Rig()
    rig.server.memory = (10, 100)
    posted = []
    post = rig.server.post
    rig.server.post = lambda request: posted.append(len(rig.server.queue)) or post(request)
    drive(rig, [make_job(shot(n), family="svd", queued_at=n) for n in range(3)], lanes_of=cared(rule=FreeRule.ALWAYS))
    assert (rig.server.freed, posted) == (3, [0, 0, 0])


def test_a_machine_without_graphics_memory_is_never_asked_for_any():
    rig = Rig()
    drive(rig, [make_job(shot(n), family=str(n), queued_at=n) for n in range(3)], lanes_of=cared(0.0))
    assert rig.server.freed == 0
    assert len(rig.server.starts) == 3


def test_a_restart_of_the_backend_keeps_the_lane_until_it_answers_again():
    rig = Rig()
    full = Failure(FailureClass.OUT_OF_MEMORY, "out of memory")
    jobs = [make_job(shot(n), queued_at=n) for n in range(1, 3)]
    rig.server.failures[jobs[0].work.request.label] = [full, full]
    posted = []
    post = rig.server.post
    rig.server.post = lambda request: posted.append(request.label.split(" ")[0]) or post(request)
    during = []

    async def restart():
        rig.server.restart()
        await asyncio.sleep(30.0)
        during.extend(posted)
        return ""

    finished = drive(rig, jobs, worker={"restarters": {BackendKind.COMFYUI: restart}})
    assert sorted(job.state for job in finished) == [JobState.DONE] * 2
    assert posted[len(during)] == shot(1), "the next prompt after the restart is that of the job that needed it"
    assert receipts(rig, jobs)[0]["restarts"] == 1


def test_lanes_say_when_something_is_missing():
    rig = Rig()
    lacks = Failure(FailureClass.MISSING_MODEL, "ink.safetensors is not on the server")
    refuse = iter([Submitted(SubmitOutcome.REJECTED, lacks)])
    post = rig.server.post
    rig.server.post = lambda request: next(refuse, None) or post(request)
    seen = []

    async def watch(lanes):
        await asyncio.sleep(1.0)
        seen.append(lanes.lacking)

    finished = drive(rig, [make_job()], during=watch)
    assert seen == [True]
    assert [job.state for job in finished] == [JobState.DONE]


def test_jobs_start_in_order():
    rig = Rig()
    jobs = [
        make_job("p/s01/sh001/video", queued_at=1.0),
        make_job(shot(2), queued_at=3.0),
        make_job(shot(1), queued_at=2.0),
        make_job("p/s01/sh009/video", queued_at=9.0, priority=5),
    ]
    drive(rig, jobs)
    assert [label.split(" ")[0] for label, _ in rig.server.starts] == [
        "p/s01/sh009/video",
        shot(1),
        shot(2),
        "p/s01/sh001/video",
    ]


def test_prompts_of_other_people_go_first():
    rig = Rig()
    rig.server.others = 2

    async def they_finish(_lanes):
        await asyncio.sleep(60.0)
        assert rig.server.posts == {}
        rig.server.others = 0

    drive(rig, [make_job()], during=they_finish, lanes_of=lambda worker: Lanes(worker, yield_to={BackendKind.COMFYUI}))
    assert 60.0 <= rig.server.starts[0][1] <= 62.0


def test_a_busy_backend_is_left_alone_for_a_while_by_every_job():
    rig = Rig()
    rig.server.answers = ["busy"]
    posted = []
    post = rig.server.post
    rig.server.post = lambda request: posted.append(rig.clock.elapsed) or post(request)
    finished = drive(rig, [make_job(shot(1)), make_job(shot(2), queued_at=2.0)])
    assert [job.state for job in finished] == [JobState.DONE] * 2
    assert posted == [0.0, 5.0, 5.0]


def test_a_failing_shot_stops_no_other():
    rig = Rig()
    rig.measure.broken.add(shot(2))
    finished = drive(rig, [make_job(shot(n), queued_at=n) for n in range(1, 5)])
    assert sorted(job.state for job in finished) == [JobState.DONE] * 3 + [JobState.FAILED]


def test_judging_needs_no_backend():
    rig = Rig()
    drive(rig, [make_job()])
    rig.server.reachable = False
    finished = drive(rig, [again(make_job(), ActionKind.GATE, JobState.JUDGING)])
    assert [job.state for job in finished] == [JobState.DONE]


@pytest.mark.parametrize("after", [0.0, 3.0, 12.0], ids=["waiting to be submitted", "rendering", "waiting at the backend"])
def test_a_cancelled_job_ends_and_the_others_go_on(after):
    rig = Rig()
    jobs = [make_job(shot(n), queued_at=n) for n in range(1, 4)]
    victim = jobs[2] if after in {0.0, 12.0} else jobs[0]

    async def cancel(lanes):
        await asyncio.sleep(after)
        lanes.cancel(victim.job_id)

    finished = drive(rig, jobs, during=cancel)
    assert {job.work.target: job.state for job in finished} == {
        job.work.target: JobState.CANCELLED if job is victim else JobState.DONE for job in jobs
    }


def test_a_pause_starts_nothing_and_what_runs_goes_on():
    rig = Rig()
    jobs = [make_job(shot(n), queued_at=n) for n in range(1, 6)]

    async def pause(lanes):
        await asyncio.sleep(1.0)
        lanes.pause(paused=True)
        await asyncio.sleep(100.0)
        assert len(rig.server.starts) == 2
        lanes.pause(paused=False)

    finished = drive(rig, jobs, during=pause)
    assert len(finished) == 5


def test_a_stop_leaves_the_render_with_the_backend_and_the_next_start_adopts_it():
    rig = Rig()
    jobs = [make_job(shot(n), queued_at=n) for n in range(1, 4)]

    async def first_life():
        lanes = Lanes(rig.worker())
        rig.store.enqueue(jobs)
        await lanes.open()
        lanes.add(jobs)
        await asyncio.sleep(5.0)
        await lanes.close()

    run(rig.clock, first_life)
    assert rig.clock.elapsed == 5.0
    assert rig.backend.opened == 0
    assert [job.state for job in rig.store.jobs()] == [JobState.SUBMITTED, JobState.SUBMITTED, JobState.QUEUED]
    finished = drive(rig, recover=rig.store.jobs())
    assert [job.state for job in finished] == [JobState.DONE] * 3
    assert sorted(rig.server.runs.values()) == [1, 1, 1]
    assert rig.server.idle() == [0.0, 0.0]
    assert rig.heard.names().count("job_adopted") == 2


def test_a_job_for_a_backend_that_is_gone_is_cancelled():
    rig = Rig()
    orphan = make_job(backend=BackendKind.ANIMATIC)
    finished = drive(rig, [orphan])
    assert [job.state for job in finished] == [JobState.CANCELLED]


def test_a_job_that_somebody_else_moved_is_left_alone():
    rig = Rig()
    job = make_job()
    stolen = replace(job, state=JobState.CANCELLED)

    async def steal(_lanes):
        rig.store.advance(stolen, JobState.QUEUED)

    drive(rig, [job], during=steal)
    assert "job_fenced" in rig.heard.names()
    assert rig.server.posts == {}


def test_a_store_that_can_not_write_ends_everything():
    rig = Rig()

    def full(*_):
        raise StoreError("state.db: no space left")

    rig.store.advance = full
    with pytest.raises(StoreError, match="no space"):
        drive(rig, [make_job()])


def test_progress_is_passed_on_with_the_job_it_belongs_to():
    rig = Rig()
    drive(rig, [make_job()])
    assert [(one["target"], one["fraction"]) for one in rig.heard.of("progress")] == [("p/s01/sh010/still", 1.0)]


async def test_on_a_real_loop_files_are_worked_on_in_threads():
    rig = Rig(seconds=0.0)
    jobs = [make_job(shot(n), queued_at=n) for n in range(1, 6)]
    threads = set()
    note = rig.measure.measure
    rig.measure.measure = lambda *args: threads.add(threading.current_thread()) or note(*args)
    lanes = Lanes(rig.worker(offload=asyncio.to_thread))
    over = asyncio.Queue()
    lanes.on_finished = over.put_nowait
    rig.store.enqueue(jobs)
    await lanes.open()
    lanes.add(jobs)
    finished = [await over.get() for _ in jobs]
    await lanes.close()
    assert [job.state for job in finished] == [JobState.DONE] * 5
    assert threading.main_thread() not in threads


def test_a_job_that_may_not_begin_keeps_no_other_one_waiting():
    rig = Rig()
    jobs = [make_job(shot(n), queued_at=n) for n in range(1, 4)]

    async def hold(lanes):
        lanes.may_begin = lambda job: job.work.target != shot(1)
        await asyncio.sleep(100.0)
        assert not lanes.running
        assert lanes.held_back
        lanes.may_begin = lambda _job: True

    finished = drive(rig, jobs, during=hold)
    assert [job.work.target for job in finished] == [shot(2), shot(3), shot(1)]
