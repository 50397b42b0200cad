"""Circuits over whole passes, and failed takes that are tried again: a workspace on disk, a clock that is set, jobs that end as told."""

from dataclasses import replace

import pytest

from koma.core.circuit import FIRST_REST
from koma.core.flags import CIRCUIT
from koma.core.job import JobState
from koma.core.request import Failure, FailureClass
from koma.core.wish import Wish
from koma.core.words import Verdict
from koma.engine.breakers import Breakers
from support.studio import Studio
from support.workspaces import REN

SCENE = "projects/demo/s01.yaml"
MORE = "".join(f"  - id: sh{n}0\n    characters: [ren]\n    phases: [still]\n" for n in range(4, 10))
NOISE = f"{CIRCUIT}noise"


@pytest.fixture
def studio(tmp_path):
    with Studio(tmp_path) as made:
        yield made


def fail(studio, job, kind=FailureClass.NODE):
    """End a render as failed, as a worker does."""
    breakers = Breakers(studio.app.store, studio.clock, studio.events)
    studio.finish(job, Verdict.ERROR, kind=kind)
    over = replace(job, state=JobState.FAILED, failure=Failure(kind, "the sampler stopped"), finished_at=studio.clock.now())
    breakers.saw(job, over)


def succeed(studio, job):
    breakers = Breakers(studio.app.store, studio.clock, studio.events)
    studio.finish(job)
    breakers.saw(job, replace(job, state=JobState.MEASURING, artifacts=(studio._artifact(job, ""),)))


def cancel(studio, result):
    """Do as lanes do with jobs that are not wanted any more."""
    for job in studio.app.store.jobs():
        if job.job_id in result.cancel:
            studio.drop(job)


def jobs_of(result):
    return {job.work.target.split("/", 1)[1]: job for job in result.queued}


# -- errors that are forgiven ---------------------------------------------------------------------------------------------


def test_a_failed_take_rests_and_is_tried_again_with_its_seed_longer_each_time(studio):
    (job,) = [job for job in studio.look().queued if job.work.target == REN]
    waits = []
    for _ in range(3):
        fail(studio, job, FailureClass.LOST)
        result = studio.look()
        assert studio.said()[REN] == "hold resting"
        assert REN not in {job.work.target for job in result.queued}
        waits.append(result.next_wake - studio.clock.now())
        studio.clock.elapsed += waits[-1]
        assert studio.said()[REN] == "render forgiven"
        (again,) = [job for job in studio.look().queued if job.work.target == REN]
        assert (again.work.take_key, again.work.seed, again.work.number) == (job.work.take_key, job.work.seed, 1)
        job = again
    assert waits == [900.0, 3600.0, 4 * 3600.0]
    succeed(studio, job)
    assert REN not in studio.said()


def test_what_was_forgiven_is_remembered_by_the_receipt_and_outlives_the_store(studio):
    (job,) = [job for job in studio.look().queued if job.work.target == REN]
    fail(studio, job, FailureClass.LOST)
    studio.clock.elapsed += 900.0
    (job,) = [job for job in studio.look().queued if job.work.target == REN]
    assert job.work.origin["tries"] == 1
    fail(studio, job, FailureClass.LOST)
    assert studio.app.store.take(job.work.take_key).receipt["origin"]["tries"] == 1
    assert studio.look().next_wake - studio.clock.now() == 3600.0


def test_a_wrong_document_waits_for_another_server_or_a_person(studio):
    (job,) = [job for job in studio.look().queued if job.work.target == REN]
    fail(studio, job, FailureClass.VALIDATION)
    studio.clock.elapsed += 1e6
    assert studio.said()[REN] == "hold render-failed"
    studio.app.server.versions_file.parent.mkdir(parents=True, exist_ok=True)
    studio.app.server.versions_file.write_text('{"comfyui": "99"}')
    assert studio.said()[REN] == "render forgiven"


def test_a_changed_document_is_tried_at_once(studio):
    (job,) = [job for job in studio.look().queued if job.work.target == REN]
    fail(studio, job)
    studio.files.edit(SCENE, "characters: [ren]", "characters: [ren]\n    action: waits")
    assert studio.said()[REN] == "render new"


def test_koma_retry_tries_at_once(studio):
    (job,) = [job for job in studio.look().queued if job.work.target == REN]
    fail(studio, job)
    studio.wish(Wish.RETRY, REN)
    studio.look()
    assert studio.said()[REN] == "render running"


# -- circuits -------------------------------------------------------------------------------------------------------------


def test_three_failed_stills_open_the_circuit_of_their_template_and_the_others_wait(studio):
    studio.files.append(SCENE, MORE)
    queued = jobs_of(studio.look())
    assert len(queued) == 9
    for name in ("s01/sh010/still", "s01/sh020/still", "s01/sh030/still"):
        fail(studio, queued[name])
    cancel(studio, studio.look())
    assert [said for name, said in studio.said().items() if name.split("/")[2] in {"sh40", "sh90"}] == ["hold circuit-open"] * 2
    assert studio.look().queued == ()
    (told,) = studio.events.of("circuit_opened")
    assert (told["template"], told["until"]) == ("noise", studio.clock.now() + FIRST_REST)
    assert told["message"] == "3 targets of noise failed in a row, the last one of: the sampler stopped"


@pytest.fixture
def broken(studio):
    """A workspace whose template's circuit is open; nine stills, three of which failed."""
    studio.files.append(SCENE, MORE)
    queued = jobs_of(studio.look())
    for name in ("s01/sh010/still", "s01/sh020/still", "s01/sh030/still"):
        fail(studio, queued[name])
    cancel(studio, studio.look())
    return studio


def test_after_a_time_one_is_tried_and_if_it_succeeds_all_go_on(broken):
    broken.clock.elapsed += FIRST_REST
    (probe,) = broken.look().queued
    assert probe.work.target.startswith("demo/s01/sh")
    assert broken.look().queued == ()
    succeed(broken, probe)
    assert broken.events.of("circuit_closed") == [{"template": "noise"}]
    assert NOISE not in broken.app.store.flags()
    assert len(broken.look().queued) == 5


def test_if_the_one_that_is_tried_fails_the_others_wait_for_longer(broken):
    broken.clock.elapsed += FIRST_REST
    (probe,) = broken.look().queued
    fail(broken, probe)
    result = broken.look()
    assert result.queued == ()
    assert [told["times"] for told in broken.events.of("circuit_opened")] == [1, 2]
    assert broken.events.of("circuit_opened")[-1]["until"] == broken.clock.now() + 2 * FIRST_REST


def test_an_open_circuit_outlives_the_daemon_and_is_told_again(broken):
    broken.restart()
    assert broken.look().queued == ()
    Breakers(broken.app.store, broken.clock, broken.events).tell(lambda: None)
    assert [told["times"] for told in broken.events.of("circuit_opened")] == [1, 1]


def test_a_changed_template_is_tried_at_once(broken):
    broken.files.edit("templates/noise/graph.json.j2", '"strength": 0.5', '"strength": 0.6')
    assert len(broken.look().queued) == 9


def test_a_person_may_try_in_spite_of_it(broken):
    broken.wish(Wish.RETRY, "demo/s01/sh40/still")
    (job,) = broken.look().queued
    assert job.work.target == "demo/s01/sh40/still"
    assert job.job_id not in broken.look().cancel, "it is not taken out of the queue again"
    assert Breakers(broken.app.store, broken.clock, broken.events).may_begin(job)


@pytest.mark.parametrize("kind", [FailureClass.LOST, FailureClass.BACKEND_DOWN, FailureClass.INPUT, FailureClass.INTERRUPTED])
def test_what_is_not_the_templates_fault_opens_no_circuit(studio, kind):
    for job in studio.look().queued:
        fail(studio, job, kind)
    assert NOISE not in studio.app.store.flags()
