"""Servers that die, hang, draw black or fill up, over many jobs, in virtual time: what is restarted, and what becomes of the rest."""

import asyncio
from dataclasses import replace

import pytest

from koma.core.flags import HEALTH
from koma.core.gate import Op, Rule
from koma.core.job import JobState
from koma.core.request import Failure, FailureClass
from koma.core.supervision import Rules
from koma.core.words import BackendKind
from koma.engine.lanes import Lanes
from support.scripted import Rig, make_job
from support.virtual import run

KIND = BackendKind.COMFYUI
BLACK = Rule("black", Op.AT_MOST, 0.5)
BOOM = Failure(FailureClass.NODE, "the sampler stopped")


def shot(number):
    return f"p/s01/sh{number:03}/still"


def shots(count, **changes):
    return [make_job(shot(n), queued_at=n, **changes) for n in range(1, count + 1)]


class Command:
    """A restart command: `works` says of each run whether it helps; `at` is when it ran."""

    def __init__(self, rig, *works):
        self.rig, self.works, self.at = rig, list(works), []

    async def __call__(self):
        self.at.append(round(self.rig.clock.elapsed))
        await asyncio.sleep(20.0)
        if self.works and not self.works.pop(0):
            return "the restart command ended with 1"
        self.rig.server.restart()
        return ""


def night(rig, jobs, *, command=None, rules=None, during=None, seconds=0.0):
    """Let all jobs run to their ends, or for so many seconds; how each ended, by its shot."""
    ended = {}

    async def main():
        worker = rig.worker(restarters={KIND: command} if command else {}, rules={KIND: rules} if rules else {})
        lanes = Lanes(worker)
        crashes = []
        lanes.on_finished = lambda job: ended.update({int(job.work.target[8:11]): job})
        lanes.on_crash = crashes.append
        rig.store.enqueue(jobs)
        await lanes.open()
        lanes.add(jobs)
        if during is not None:
            await during(lanes)
        while len(ended) < len(jobs) and not crashes and (not seconds or rig.clock.elapsed < seconds):
            await asyncio.sleep(1.0)
        await lanes.close()
        assert crashes == []

    run(rig.clock, main)
    return ended


def states(ended):
    return [str(ended[number].state) for number in sorted(ended)]


# -- a server that works on nothing ---------------------------------------------------------------------------------------


def die(rig, at):
    async def later(_lanes):
        await asyncio.sleep(at)
        rig.server.dead = True

    return later


def test_a_dead_worker_behind_a_healthy_server_is_restarted_and_everything_is_rendered_once():
    rig = Rig()
    command = Command(rig)
    ended = night(rig, shots(5), command=command, during=die(rig, 15.0))
    assert states(ended) == ["done"] * 5
    assert len(command.at) == 1
    assert 20 + 60 <= command.at[0] <= 20 + 60 + 4, "a minute after the last prompt that ended"
    assert sorted(label for label, _ in rig.server.starts) == [f"{shot(n)} take 1" for n in range(1, 6)], "nothing is rendered twice"
    assert all(job.failed_attempts == 0 for job in ended.values())
    (told,) = rig.heard.of("backend_restarted")
    assert (told["backend"], told["why"], told["message"]) == ("comfyui", "dead-worker", "")


def test_without_a_restart_command_a_person_is_told_and_it_goes_on_when_the_server_is_back():
    rig = Rig()

    async def mended(_lanes):
        await die(rig, 15.0)(_lanes)
        await asyncio.sleep(1000.0)
        assert [told["backend"] for told in rig.heard.of("backend_stuck")] == ["comfyui"]
        assert "works on none of them" in rig.store.flags()[f"{HEALTH}comfyui"]
        rig.server.restart()

    ended = night(rig, shots(3), during=mended)
    assert states(ended) == ["done"] * 3
    assert rig.heard.names().count("backend_unstuck") == 1
    assert f"{HEALTH}comfyui" not in rig.store.flags()


def test_a_restart_command_that_does_not_work_is_tried_ever_more_rarely():
    rig = Rig()
    command = Command(rig, *[False] * 6, True)
    ended = night(rig, shots(2), command=command, during=die(rig, 5.0))
    waits = [later - before for before, later in zip(command.at, command.at[1:], strict=False)]
    assert states(ended) == ["done"] * 2
    assert [round(wait, -2) for wait in waits] == [300, 600, 1200, 2400, 4800, 9600]
    assert len(rig.heard.of("backend_restart_failed")) == 6


def test_a_restart_command_that_says_it_worked_and_did_not_is_told_and_run_again_later():
    rig = Rig()
    command = Command(rig)
    rig.server.restart = lambda: None
    rig.server.dead = True
    assert night(rig, shots(1), command=command, seconds=1500.0) == {}
    assert len(command.at) == 3, "at once, after five minutes, after ten more"
    assert "helped nothing" in rig.heard.of("backend_stuck")[0]["message"]


def test_a_server_that_was_out_of_reach_for_long_has_its_time_to_show_progress_again():
    rig = Rig(seconds=1000.0)
    command = Command(rig)

    async def cable(lanes):
        await asyncio.sleep(50.0)
        rig.server.reachable = False
        await asyncio.sleep(400.0)
        rig.server.reachable = True
        for _ in range(12):
            await asyncio.sleep(60.0)
            for prompt in rig.server.queue:
                lanes._worker.moved(prompt.request.prompt_id)

    ended = night(rig, shots(1, no_progress_seconds=120.0), command=command, during=cable)
    assert states(ended) == ["done"]
    assert command.at == []


def test_a_prompt_that_hangs_and_ignores_its_interrupt_costs_one_restart_and_itself():
    rig = Rig()
    command = Command(rig)
    rig.server.hangs.add(f"{shot(2)} take 1")
    ended = night(rig, shots(4, no_progress_seconds=120.0), command=command)
    assert states(ended) == ["done", "failed", "done", "done"]
    assert command.at == [pytest.approx(10 + 120 + 30, abs=8)]
    failure = ended[2].failure
    assert failure.kind is FailureClass.TIMEOUT
    assert failure.message.startswith("no sign of progress for 12")
    assert failure.message.endswith("it went on for 30 s after it was interrupted")


def test_a_prompt_that_stops_when_it_is_interrupted_costs_no_restart():
    rig = Rig(seconds=500.0)
    command = Command(rig)
    ended = night(rig, shots(2, no_progress_seconds=120.0), command=command)
    assert states(ended) == ["failed", "failed"]
    assert command.at == []
    assert rig.clock.elapsed < 300.0


def test_a_slow_prompt_that_shows_progress_is_left_alone():
    rig = Rig(seconds=1000.0)

    async def progress(lanes):
        for _ in range(10):
            await asyncio.sleep(100.0)
            for prompt in rig.server.queue:
                lanes._worker.moved(prompt.request.prompt_id)

    ended = night(rig, shots(1, no_progress_seconds=120.0), during=progress)
    assert states(ended) == ["done"]


def test_a_hang_without_a_restart_command_is_told_and_those_behind_it_wait():
    rig = Rig()
    rig.server.hangs.add(f"{shot(1)} take 1")
    ended = night(rig, shots(2, no_progress_seconds=60.0), seconds=600.0)
    assert states(ended) == ["failed"]
    (told,) = rig.heard.of("backend_stuck")
    assert "does not stop when it is interrupted" in told["message"]
    assert "backends[].restart" in told["message"]


# -- one bad shot among many ----------------------------------------------------------------------------------------------


def test_one_poison_among_a_hundred_costs_only_itself():
    rig = Rig()
    command = Command(rig)
    rig.server.hangs.add(f"{shot(50)} take 1")
    rig.server.failures[f"{shot(51)} take 1"] = [BOOM]
    ended = night(rig, shots(100, no_progress_seconds=120.0), command=command)
    assert states(ended).count("done") == 99
    assert ended[50].state is JobState.FAILED
    assert len(command.at) == 1
    assert ended[51].failed_attempts == 1


# -- a server that does its work badly ------------------------------------------------------------------------------------


def black_takes(rig, numbers):
    """Jobs of eight shots; the takes of these are black."""
    rig.measure.scores |= {f"{shot(n)} take 1": 1.0 if n in numbers else 0.0 for n in range(1, 9)}
    return [make_job(shot(n), queued_at=n, measures=("black",), rules=(BLACK,)) for n in range(1, 9)]


@pytest.mark.parametrize(
    ("black", "restarts"),
    [
        pytest.param({2, 3, 4, 5, 6}, 1, id="three takes in a row are, with those that were at the server meanwhile"),
        pytest.param({2, 3, 4}, 0, id="those that were at the server meanwhile were good"),
        pytest.param({2, 3, 5, 6}, 0, id="never three in a row"),
        pytest.param({1, 2, 3, 4, 5, 6}, 1, id="all of them, and it helps nothing"),
    ],
)
def test_black_takes_in_a_row_restart_the_server_between_jobs(black, restarts):
    rig = Rig()
    command = Command(rig)
    ended = night(rig, black_takes(rig, black), command=command)
    assert states(ended) == ["done"] * 8
    assert len(command.at) == restarts
    assert [told["why"] for told in rig.heard.of("backend_restarted")] == ["black-frames"] * restarts
    assert set(rig.server.runs.values()) == {1}, "no prompt was there when it was restarted"


def test_faults_in_a_row_over_several_jobs_restart_the_server():
    rig = Rig()
    command = Command(rig)
    rig.server.failures = {f"{shot(n)} take 1": [BOOM] * 2 for n in (1, 2, 3)}
    assert states(night(rig, shots(8), command=command))[3:] == ["done"] * 5
    assert [told["why"] for told in rig.heard.of("backend_restarted")] == ["faults"]


def test_answers_that_come_far_too_fast_are_told_and_three_of_them_restart_the_server():
    rig = Rig(seconds=1.0)
    command = Command(rig)
    ended = night(rig, shots(5, quick_seconds=60.0), command=command)
    assert states(ended) == ["done"] * 5
    said = "it took 1.00 s, and a quick one of its template takes 60.0 s"
    assert [told["suspicious"] for told in rig.heard.of("job_complete")] == [said] * 5
    assert rig.store.take(ended[1].work.take_key).receipt["suspicious"] == said
    assert [told["why"] for told in rig.heard.of("backend_restarted")] == ["faults"]


def test_after_so_many_renders_the_server_is_restarted_if_that_is_asked_for():
    rig = Rig(seconds=100.0)
    command = Command(rig)
    assert states(night(rig, shots(14), command=command, rules=Rules(renders=4))) == ["done"] * 14
    assert [told["why"] for told in rig.heard.of("backend_restarted")] == ["renders"] * 2
    assert set(rig.server.runs.values()) == {1}


@pytest.mark.parametrize(
    ("memory", "ram", "frees_to", "restarts"),
    [
        pytest.param((10, 100), (90, 100), 0, 0, id="no memory is full"),
        pytest.param((10, 100), (96, 100), 0, 1, id="the machine's is: a leak"),
        pytest.param((96, 100), (10, 100), 20, 0, id="the graphics card's is, and models can be let go of"),
        pytest.param((96, 100), (10, 100), 96, 1, id="the graphics card's is, and stays so"),
        pytest.param(None, None, 0, 0, id="nobody says"),
    ],
)
def test_memory_above_the_mark(memory, ram, frees_to, restarts):
    rig = Rig()
    command = Command(rig)
    rig.server.memory, rig.server.ram, rig.server.frees_to = memory, ram, frees_to
    assert states(night(rig, shots(3), command=command)) == ["done"] * 3
    assert [told["why"] for told in rig.heard.of("backend_restarted")] == ["memory-mark"] * restarts
    assert set(rig.server.runs.values()) == {1}


@pytest.mark.parametrize("whose", ["others", "others_running"], ids=["wait there", "run there"])
def test_the_server_is_not_restarted_under_prompts_of_other_people(whose):
    rig = Rig()
    command = Command(rig)
    setattr(rig.server, whose, 1)

    async def they_leave(_lanes):
        await asyncio.sleep(200.0)
        assert command.at == []
        setattr(rig.server, whose, 0)

    ended = night(rig, black_takes(rig, {1, 2, 3, 4, 5, 6, 7, 8}) + shots(60)[8:], command=command, during=they_leave)
    assert states(ended) == ["done"] * 60
    assert command.at == []  # those that came after were not black


def test_a_job_waits_with_its_own_restart_until_other_people_are_through():
    rig = Rig()
    command = Command(rig)
    rig.server.others = 1

    async def they_leave(_lanes):
        await asyncio.sleep(300.0)
        assert (command.at, rig.server.starts) == ([], [])
        rig.server.others = 0

    job = replace(make_job(shot(1)), restarting=True)
    assert states(night(rig, [job], command=command, during=they_leave)) == ["done"]
    assert len(command.at) == 1


def test_a_job_goes_on_without_its_restart_where_other_people_never_leave():
    rig = Rig()
    rig.server.others = 1
    ended = night(rig, [replace(make_job(shot(1)), restarting=True)], command=Command(rig))
    assert states(ended) == ["done"]
    assert rig.store.take(ended[1].work.take_key).receipt["restart_failed"] == "no restart: prompts of other people are at the server"


def test_what_was_counted_outlives_the_daemon():
    rig = Rig()
    command = Command(rig)
    assert states(night(rig, black_takes(rig, {1, 2})[:2], command=command)) == ["done"] * 2
    assert command.at == []
    assert states(night(rig, black_takes(rig, {3, 4, 5})[2:], command=command)) == ["done"] * 6
    assert len(command.at) == 1, "one of this daemon and two of the one before it are three"


# -- pause ----------------------------------------------------------------------------------------------------------------


def pause(rig, *, after_current):
    async def during(lanes):
        await asyncio.sleep(5.0)
        lanes.pause(paused=True, after_current=after_current)
        await asyncio.sleep(100.0)
        assert not lanes.running
        rig.paused = [label for label, _ in rig.server.ends]
        lanes.pause(paused=False)

    return during


@pytest.mark.parametrize(
    ("after_current", "finished"),
    [
        pytest.param(False, [1, 2], id="a pause lets what waits at the server be rendered"),
        pytest.param(True, [1], id="after the current one nothing is"),
    ],
)
def test_pauses(after_current, finished):
    rig = Rig()
    ended = night(rig, shots(4), during=pause(rig, after_current=after_current))
    assert rig.paused == [f"{shot(n)} take 1" for n in finished]
    assert states(ended) == ["done"] * 4
    assert set(rig.server.runs.values()) == {1}
    assert all(job.failed_attempts == job.lost_attempts == 0 for job in ended.values())


def test_a_job_that_was_taken_back_is_told_as_queued():
    rig = Rig()
    night(rig, shots(2), during=pause(rig, after_current=True))
    assert [told["target"] for told in rig.heard.of("job_queued")] == [shot(2)]
