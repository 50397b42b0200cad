"""One job against scripted ports, in virtual time."""

from dataclasses import replace

import pytest

from koma.core.job import Fallback, JobState
from koma.core.request import Failure, FailureClass
from koma.core.step import Recovered, Start
from koma.core.words import ActionKind, BackendKind, Verdict
from support.scripted import Rig, again, an_input, make_job
from support.virtual import run

TARGET = "p/s01/sh010/still"


def until_over(rig, job, event=None, **options):
    """Run a job, and start it again when its time comes, as a lane does."""

    async def main():
        worker = rig.worker(**options)
        current = await worker.run(job, event or Start())
        while current.state is JobState.QUEUED:
            rig.clock.elapsed = max(rig.clock.elapsed, current.not_before - rig.clock.now() + rig.clock.elapsed)
            current = await worker.run(current, Start())
        return current

    return run(rig.clock, main)


def queued(rig, *jobs):
    rig.store.enqueue(jobs)
    return jobs[0]


def test_a_render_ends_published_with_take_receipt_and_events():
    rig = Rig()
    rig.versions |= {BackendKind.COMFYUI: {"comfyui": "1.0"}, BackendKind.CPU: {"cpu": "2.0"}}
    job = until_over(rig, queued(rig, make_job()))
    take = rig.store.take(job.work.take_key)
    assert job.state is JobState.DONE
    assert rig.store.jobs() == []
    assert rig.published() == take.take_key
    assert rig.shelf.shown[TARGET].verdict is Verdict.PASSED
    assert take.decided
    assert take.receipt["versions"] == {"comfyui": "1.0"}
    assert take.render_seconds == 10.0
    assert rig.heard.names() == ["job_submitted", "quality_evaluation", "published", "job_complete"]
    assert rig.heard.of("job_complete")[0]["stages"]["render"] == pytest.approx(10.0)


def test_the_prompt_id_is_stored_before_the_post():
    rig = Rig()
    job = queued(rig, make_job())
    stored = []
    post = rig.server.post
    rig.server.post = lambda request: stored.append((rig.store.jobs()[0].prompt_id, request.prompt_id)) or post(request)
    until_over(rig, job)
    assert stored == [(stored[0][1], stored[0][1])]


def test_inputs_go_to_the_backend_as_files():
    rig = Rig()
    job = make_job()
    job = replace(job, work=replace(job.work, request=replace(job.work.request, inputs=(an_input(),))))
    until_over(rig, queued(rig, job))
    assert rig.backend.seen_inputs == [{"koma-input:image": rig.objects.path("ref", ".png")}]


def test_an_input_that_is_gone_fails_the_job_and_is_never_submitted():
    rig = Rig()
    rig.objects.gone.add("ref")
    job = make_job()
    job = replace(job, work=replace(job.work, request=replace(job.work.request, inputs=(an_input(),))))
    done = until_over(rig, queued(rig, job))
    assert (done.state, done.failure.kind, sum(rig.server.posts.values())) == (JobState.FAILED, FailureClass.INPUT, 0)


@pytest.mark.parametrize(
    ("script", "runs"),
    [
        pytest.param(["reply-lost"], 1, id="a lost reply is asked after and adopted"),
        pytest.param(["request-lost"], 1, id="a lost request is made again after the grace"),
        pytest.param(["busy", "busy"], 1, id="a busy server is tried again"),
        pytest.param(["request-lost", "reply-lost", "busy"], 1, id="all of it, one after the other"),
    ],
)
def test_trouble_at_submission_wastes_no_render(script, runs):
    rig = Rig()
    rig.server.answers = script
    job = until_over(rig, queued(rig, make_job()))
    assert job.state is JobState.DONE
    assert sum(rig.server.runs.values()) == runs
    assert max(rig.server.posts.values()) == 1


@pytest.mark.parametrize(
    ("kinds", "state", "runs", "freed"),
    [
        pytest.param([FailureClass.NODE], JobState.DONE, 2, 0, id="one node exception is tried again"),
        pytest.param([FailureClass.NODE] * 2, JobState.FAILED, 2, 0, id="two node exceptions are a failure"),
        pytest.param([FailureClass.OUT_OF_MEMORY], JobState.DONE, 2, 1, id="out of memory frees and tries again"),
        pytest.param([FailureClass.INTERRUPTED] * 4, JobState.DONE, 5, 0, id="interrupts by others are tried again"),
        pytest.param([FailureClass.VALIDATION], JobState.FAILED, 1, 0, id="validation is never tried again"),
    ],
)
def test_failures_at_the_backend(kinds, state, runs, freed):
    rig = Rig()
    job = queued(rig, make_job())
    rig.server.failures[job.work.request.label] = [Failure(kind, "as told", "Traceback") for kind in kinds]
    done = until_over(rig, job)
    assert (done.state, sum(rig.server.runs.values()), rig.server.freed) == (state, runs, freed)


FULL = Failure(FailureClass.OUT_OF_MEMORY, "out of memory")


def with_ladder(job):
    graph = job.work.request.document
    tiled = {"9": {**graph["9"], "inputs": {**graph["9"]["inputs"], "tiled": True}}}
    small = {"9": {**graph["9"], "inputs": {**graph["9"]["inputs"], "width": 48}}}
    rungs = (Fallback("tiled_decode: true", tiled), Fallback("width, height: 0.75", small, {"width": 48}))
    return replace(job, work=replace(job.work, fallbacks=rungs, expect={"width": 64, "frames": 1}))


@pytest.mark.parametrize(
    ("failures", "reduced", "width"),
    [
        pytest.param(1, None, 64, id="once: memory is freed, and the same again"),
        pytest.param(2, {"steps": 1, "name": "tiled_decode: true"}, 64, id="twice: the first thing is given up"),
        pytest.param(3, {"steps": 2, "name": "width, height: 0.75"}, 48, id="three times: the next, which makes a smaller picture"),
    ],
)
def test_what_is_given_up_when_memory_runs_out(failures, reduced, width):
    rig = Rig()
    job = queued(rig, with_ladder(make_job()))
    rig.server.failures[job.work.request.label] = [FULL] * failures
    done = until_over(rig, job)
    receipt = rig.store.take(job.work.take_key).receipt
    assert (done.state, sum(rig.server.runs.values()), rig.server.freed) == (JobState.DONE, failures + 1, failures)
    assert receipt.get("reduced") == reduced
    inputs = receipt["request"]["document"]["9"]["inputs"]
    assert ("tiled" in inputs, "width" in inputs) == (failures == 2, failures == 3)
    assert done.expect["width"] == width


def restarting(rig, job, failures, said=""):
    rig.server.failures[job.work.request.label] = [FULL] * failures
    calls = []

    async def restart():
        calls.append(rig.clock.elapsed)
        return said

    done = until_over(rig, queued(rig, job), restarters={BackendKind.COMFYUI: restart})
    return done, len(calls)


@pytest.mark.parametrize(
    ("failures", "ladder", "state", "restarts"),
    [
        pytest.param(2, False, JobState.DONE, 1, id="without a ladder after the second time"),
        pytest.param(4, True, JobState.DONE, 1, id="with one after all of it was given up"),
        pytest.param(9, True, JobState.FAILED, 1, id="only once, and then the take has failed"),
    ],
)
def test_the_backend_is_restarted(failures, ladder, state, restarts):
    rig = Rig()
    job = with_ladder(make_job()) if ladder else make_job()
    done, calls = restarting(rig, job, failures)
    assert (done.state, calls) == (state, restarts)
    assert rig.store.take(job.work.take_key).receipt["restarts"] == 1


def test_a_restart_command_that_fails_is_told_with_the_failure():
    rig = Rig()
    done, calls = restarting(rig, make_job(), 2, "the restart command false ended with 1")
    assert (done.state, calls) == (JobState.FAILED, 1)
    assert done.failure.message == "out of memory; the restart command false ended with 1"


def test_without_a_restart_command_nothing_is_said_of_one():
    rig = Rig()
    job = queued(rig, make_job())
    rig.server.failures[job.work.request.label] = [FULL] * 2
    done = until_over(rig, job)
    assert (done.state, done.failure.message) == (JobState.FAILED, "out of memory")
    assert "restarts" not in rig.store.take(job.work.take_key).receipt


def test_a_failed_job_leaves_a_take_that_counts():
    rig = Rig()
    job = queued(rig, make_job())
    rig.server.failures[job.work.request.label] = [Failure(FailureClass.VALIDATION, "no such model", "Traceback: gone")]
    until_over(rig, job)
    take = rig.store.take(job.work.take_key)
    assert (take.verdict, take.artifacts, take.failure.message) == (Verdict.ERROR, (), "no such model")
    assert rig.shelf.logs[take.take_key] == "Traceback: gone"
    assert rig.published() == ""
    assert rig.heard.of("job_failed")[0]["error_class"] == "validation"


def test_broken_files_are_fetched_again_and_then_rendered_again_under_another_prefix():
    rig = Rig()
    rig.backend.broken_files = 3
    job = until_over(rig, queued(rig, make_job()))
    assert (job.state, job.attempt, sum(rig.server.runs.values())) == (JobState.DONE, 2, 2)


def test_files_that_stay_broken_are_a_bad_output():
    rig = Rig()
    rig.backend.broken_files = 100
    job = until_over(rig, queued(rig, make_job()))
    assert (job.state, job.failure.kind) == (JobState.FAILED, FailureClass.BAD_OUTPUT)


def test_a_prompt_beyond_its_deadline_is_interrupted_and_fails():
    rig = Rig(seconds=1000.0)
    job = until_over(rig, queued(rig, make_job(deadline_seconds=60.0)))
    assert (job.state, job.failure.kind, rig.server.queue) == (JobState.FAILED, FailureClass.TIMEOUT, [])
    assert rig.clock.elapsed < 70.0


def test_a_prompt_that_ignores_the_interrupt_is_given_up():
    rig = Rig()
    rig.server.stuck = True
    job = until_over(rig, queued(rig, make_job(deadline_seconds=60.0)))
    assert (job.state, job.failure.kind) == (JobState.FAILED, FailureClass.TIMEOUT)


def test_a_full_disk_for_a_while_costs_no_second_render():
    rig = Rig()
    rig.shelf.errors = [OSError(28, "No space left on device")] * 3
    job = until_over(rig, queued(rig, make_job()))
    assert (job.state, sum(rig.server.runs.values())) == (JobState.DONE, 1)


def test_a_bug_in_a_metric_fails_that_job_alone_and_says_where():
    rig = Rig()
    rig.measure.broken.add("p/s01/sh010/still take 1")
    job = until_over(rig, queued(rig, make_job()))
    assert (job.state, job.failure.kind) == (JobState.FAILED, FailureClass.INTERNAL)
    assert "in measure" in job.failure.excerpt


def with_takes(rig, *scores, limit=3, wanted=1):
    """Render one take per score; return the jobs."""
    done = []
    for number, score in enumerate(scores, 1):
        job = make_job(number=number, takes_limit=limit, takes_wanted=wanted)
        rig.measure.scores[job.work.request.label] = score
        done.append(until_over(rig, queued(rig, job)))
    return done


@pytest.mark.parametrize(
    ("scores", "limit", "wanted", "shown"),
    [
        pytest.param([0.2], 3, 1, "", id="a failed take is not shown while others may follow"),
        pytest.param([0.2, 0.9], 3, 1, "key of p/s01/sh010/still take 2", id="the take that passed is shown"),
        pytest.param(
            [0.2, 0.4, 0.3], 3, 1, "key of p/s01/sh010/still take 2", id="the best failed take is shown when the limit is reached"
        ),
        pytest.param([0.7, 0.9], 3, 3, "", id="nothing is shown before all takes that were asked for exist"),
        pytest.param([0.7, 0.9, 0.8], 3, 3, "key of p/s01/sh010/still take 2", id="of several takes the best is shown"),
    ],
)
def test_what_is_published(scores, limit, wanted, shown):
    rig = Rig()
    with_takes(rig, *scores, limit=limit, wanted=wanted)
    assert rig.published() == shown
    assert len(rig.shelf.kept) == len(scores)


def test_a_failed_take_of_a_new_key_never_replaces_a_published_one_that_passed():
    rig = Rig()
    (first,) = with_takes(rig, 0.9)
    other = make_job(render_key="another key", takes_limit=1)
    rig.measure.scores[other.work.request.label] = 0.1
    until_over(rig, queued(rig, replace(other, job_id="other")))
    assert rig.published() == first.work.take_key


def test_a_stricter_rule_judges_again_and_leaves_the_published_take():
    rig = Rig()
    (first,) = with_takes(rig, 0.7)
    strict = (replace(first.work.rules[0], threshold=0.9),)
    judged = until_over(rig, queued(rig, again(first, ActionKind.GATE, JobState.JUDGING, rules=strict, rules_digest="rules-2")))
    take = rig.store.take(first.work.take_key)
    assert judged.state is JobState.DONE
    assert (take.verdict, take.decided, take.rules_digest) == (Verdict.FAILED, True, "rules-2")
    assert [(row.take_key, row.verdict, row.rules_digest) for row in rig.store.published()] == [(take.take_key, "failed", "rules-2")]
    assert sum(rig.server.runs.values()) == 1
    assert len(rig.measure.calls) == 1


def test_a_looser_rule_promotes_a_take_that_is_there():
    rig = Rig()
    (first,) = with_takes(rig, 0.4)
    assert rig.published() == ""
    loose = (replace(first.work.rules[0], threshold=0.3),)
    until_over(rig, queued(rig, again(first, ActionKind.GATE, JobState.JUDGING, rules=loose, rules_digest="rules-2")))
    assert rig.published() == first.work.take_key
    assert sum(rig.server.runs.values()) == 1


def test_other_metrics_measure_again_without_a_render():
    rig = Rig()
    (first,) = with_takes(rig, 0.9)
    until_over(rig, queued(rig, again(first, ActionKind.MEASURE, JobState.MEASURING, measure_key="measures-2")))
    assert rig.store.take(first.work.take_key).measure_key == "measures-2"
    assert rig.store.published()[0].measure_key == "measures-2"
    assert len(rig.measure.calls) == 2
    assert sum(rig.server.runs.values()) == 1


def test_only_what_another_score_key_asks_for_is_measured_again():
    rig = Rig()
    first = make_job(measures=("sharpness", "flicker", "noise"), score_keys={"sharpness": "s1", "flicker": "f1", "noise": "n1"})
    until_over(rig, queued(rig, first))
    keys = {"sharpness": "s1", "flicker": "f2", "noise": "n1"}
    until_over(rig, queued(rig, again(first, ActionKind.MEASURE, JobState.MEASURING, score_keys=keys, measure_key="measures-2")))
    assert rig.measure.asked == [("sharpness", "flicker", "noise"), ("flicker",)]
    measured = rig.store.take(first.work.take_key).measurements
    assert {one.metric: one.key for one in measured} == keys
    assert [one.metric for one in measured] == ["sharpness", "flicker", "noise"]
    assert all(one.record["content"] for one in measured)


def test_a_take_comes_back_without_a_render():
    rig = Rig()
    (first,) = with_takes(rig, 0.9)
    changed = queued(rig, replace(make_job(render_key="changed"), job_id="changed"))
    until_over(rig, changed)
    assert rig.published() == changed.work.take_key
    until_over(rig, queued(rig, again(first, ActionKind.RESTORE, JobState.PUBLISHING)))
    assert rig.published() == first.work.take_key
    assert sum(rig.server.runs.values()) == 2


def test_a_moved_target_takes_its_take_along():
    rig = Rig()
    (first,) = with_takes(rig, 0.9)
    moved = again(first, ActionKind.PUBLISH, JobState.PUBLISHING, target="p/s02/sh010/still", stem="p/s02/sh010/still")
    until_over(rig, queued(rig, moved))
    assert rig.published("p/s02/sh010/still") == first.work.take_key
    assert {row.target for row in rig.store.take_rows([first.work.render_key])} == {TARGET, "p/s02/sh010/still"}


def test_a_job_about_a_take_that_is_gone_fails_and_says_so():
    rig = Rig()
    job = queued(rig, again(make_job(), ActionKind.MEASURE, JobState.MEASURING))
    done = until_over(rig, job)
    assert (done.state, done.failure.kind) == (JobState.FAILED, FailureClass.INPUT)
    assert rig.store.take(job.work.take_key) is None


def test_a_cancel_while_rendering_interrupts_the_backend():
    rig = Rig()
    job = queued(rig, make_job())

    async def main():
        import asyncio

        worker = rig.worker()
        task = asyncio.create_task(worker.run(job, Start()))
        await asyncio.sleep(3.0)
        assert worker.cancel(job.job_id)
        return await task

    done = run(rig.clock, main)
    assert (done.state, rig.server.queue, rig.clock.elapsed) == (JobState.CANCELLED, [], 3.0)
    assert rig.store.jobs() == []
    assert rig.store.take(job.work.take_key) is None


def test_a_restarted_server_gets_the_prompt_again():
    rig = Rig()
    job = queued(rig, make_job())

    async def main():
        import asyncio

        worker = rig.worker()
        task = asyncio.create_task(worker.run(job, Start()))
        await asyncio.sleep(5.0)
        rig.server.restart()
        current = await task
        assert (current.state, current.failure.kind) == (JobState.QUEUED, FailureClass.LOST)
        await asyncio.sleep(current.not_before - rig.clock.now())
        return await worker.run(current, Start())

    assert run(rig.clock, main).state is JobState.DONE
    assert max(rig.server.posts.values()) == 1


def test_a_backend_that_does_not_answer_for_an_hour_costs_nothing():
    rig = Rig()
    job = queued(rig, make_job())

    async def main():
        import asyncio

        worker = rig.worker()
        task = asyncio.create_task(worker.run(job, Start()))
        await asyncio.sleep(5.0)
        rig.server.reachable = False
        await asyncio.sleep(3600.0)
        rig.server.reachable = True
        return await task

    done = run(rig.clock, main)
    assert (done.state, done.attempt) == (JobState.DONE, 1)
    assert [n for n in rig.heard.names() if n.startswith("backend")] == ["backend_down", "backend_up"]


def test_a_new_daemon_adopts_a_render_in_progress():
    rig = Rig()
    job = queued(rig, make_job())

    async def first_life():
        import asyncio

        worker = rig.worker()
        task = asyncio.create_task(worker.run(job, Start()))
        await asyncio.sleep(5.0)
        worker.stop()
        return await task

    left = run(rig.clock, first_life)
    assert left.state is JobState.SUBMITTED
    done = until_over(rig, rig.store.jobs()[0], Recovered())
    assert (done.state, sum(rig.server.runs.values())) == (JobState.DONE, 1)
    assert rig.heard.names().count("job_adopted") == 1
