"""Passes: what is queued, held, retired, cancelled and said."""

from dataclasses import replace

import pytest

from koma.core.job import JobState
from koma.core.safety import Limits
from koma.core.wish import Wish
from koma.core.words import Verdict
from koma.engine.setbacks import Setbacks
from support.studio import Studio, animatic
from support.virtual import VirtualClock
from support.workspaces import ADULT, ALL, REN, STILL, VIDEO


@pytest.fixture
def studio(tmp_path):
    with Studio(tmp_path) as made:
        yield made


def queued(result):
    return sorted(f"{job.action} {job.work.target}" for job in result.queued)


def renders(*targets):
    return sorted(f"render {target}" for target in targets)


def test_stills_are_queued_first_and_the_video_once_its_still_is_there(studio):
    first = studio.look()
    assert queued(first) == renders(ADULT, REN, STILL)
    for job in first.queued:
        studio.finish(job)
    assert queued(studio.look()) == renders(VIDEO)


def test_a_second_pass_queues_nothing_that_is_queued(studio):
    assert studio.look().queued
    assert studio.look().queued == ()


def test_when_all_is_done_nothing_is_left(studio):
    assert studio.settle() == renders(*ALL)
    assert (studio.said(), studio.settle()) == ({}, [])


def test_an_edit_of_a_seed_renders_its_shot_and_what_is_made_from_it(studio):
    studio.settle()
    studio.files.edit("projects/demo/s01.yaml", "seed: 7", "seed: 8")
    assert studio.said() == {STILL: "render changed", VIDEO: "render upstream"}
    assert studio.settle() == renders(STILL, VIDEO)


def test_a_still_with_the_same_pixels_ends_the_cascade(studio):
    studio.settle(pixels="grey")
    studio.files.edit("projects/demo/s01.yaml", "seed: 7", "seed: 8")
    done = studio.settle(pixels="grey")
    assert f"render {STILL}" in done
    studio.files.edit("projects/demo/s01.yaml", "action: walks into the light", "action: runs")
    assert studio.settle(pixels="grey") == renders(STILL)


def test_a_reverted_edit_comes_back_from_the_object_store(studio):
    studio.settle()
    studio.files.edit("projects/demo/s01.yaml", "seed: 7", "seed: 8")
    studio.settle()
    before = len(studio.made)
    studio.files.edit("projects/demo/s01.yaml", "seed: 8", "seed: 7")
    assert studio.said() == {STILL: "restore reverted", VIDEO: "restore reverted"}
    assert studio.settle() == [f"restore {STILL}", f"restore {VIDEO}"]
    assert len(studio.made) == before


def test_a_render_never_mixes_a_still_that_is_being_restored_with_the_one_that_lies_there(studio):
    """The video is new to the still that comes back: it must not be made from the still that is still published."""
    studio.settle()
    old = studio.app.store.take(next(row.take_key for row in studio.app.store.published() if row.target == STILL))
    studio.files.edit("projects/demo/s01.yaml", "seed: 7", "seed: 8")
    studio.settle()
    studio.files.edit("projects/demo/s01.yaml", "seed: 8", "seed: 7")
    studio.files.edit("projects/demo/s01.yaml", "frames: 4", "frames: 5")
    result = studio.look()
    assert queued(result) == [f"restore {STILL}"]
    assert result.next_wake is not None
    for job in result.queued:
        studio.finish(job)
    (video,) = studio.look().queued
    assert [given.content_digest for given in video.work.request.inputs] == [old.object.content_digest]


def test_a_failed_take_is_tried_again_until_a_person_is_asked(studio):
    done = studio.settle(verdict=Verdict.FAILED)
    assert done == renders(*(target for target in (ADULT, REN, STILL) for _ in range(3)))
    assert {studio.said()[target] for target in (ADULT, REN, STILL)} == {"hold gate-failed"}
    result = studio.look()
    assert (result.waiting, result.queued) == (3, ())


def test_a_failed_take_never_replaces_one_that_passed(studio):
    studio.settle()
    before = {row.target: row.take_key for row in studio.app.store.published()}
    studio.files.edit("projects/demo/s01.yaml", "seed: 7", "seed: 8")
    studio.settle(verdict=Verdict.FAILED)
    assert {row.target: row.take_key for row in studio.app.store.published()} == before


def test_another_threshold_judges_again_and_renders_nothing(studio):
    studio.settle()
    before = len(studio.made)
    studio.files.append("projects/demo/project.yaml", "gates: {rules: {still: {sharpness: {min: 1000}}}}\n")
    assert set(studio.settle()) == {f"gate {target}" for target in (ADULT, REN, STILL)}
    assert studio.said()[STILL] == "hold gate-changed"
    assert VIDEO not in studio.said()
    assert len(studio.made) == before


def test_a_threshold_that_is_loosened_again_lets_the_take_pass(studio):
    studio.settle()
    studio.files.append("projects/demo/project.yaml", "gates: {rules: {still: {sharpness: {min: 1000}}}}\n")
    studio.settle()
    studio.files.edit("projects/demo/project.yaml", "min: 1000", "min: 1")
    studio.settle()
    assert studio.said() == {}


def test_a_missing_file_is_published_again(studio):
    studio.settle()
    studio.files.output(STILL, ".png").unlink()
    assert studio.said() == {STILL: "publish missing-output"}
    studio.settle()
    assert studio.files.output(STILL, ".png").exists()


def test_a_shot_that_was_taken_out_is_retired(studio):
    studio.settle()
    text = studio.files.read("projects/demo/s01.yaml")
    studio.files.write("projects/demo/s01.yaml", text[: text.index("  - id: sh030")])
    assert studio.said() == {REN: "retire removed"}
    studio.look()
    assert studio.publisher.retired == [REN]
    assert REN not in {row.target for row in studio.app.store.published()}
    assert [fields["target"] for fields in studio.events.of("retired")] == [REN]


def test_a_renamed_shot_moves_and_is_not_rendered(studio):
    studio.settle()
    before = len(studio.made)
    studio.files.edit("projects/demo/s01.yaml", "id: sh010", "id: sh005")
    studio.files.append("projects/demo/project.yaml", "moved: {s01/sh010: s01/sh005}\n")
    done = studio.settle()
    assert done == ["publish demo/s01/sh005/still", "publish demo/s01/sh005/video"]
    assert sorted(studio.publisher.retired) == [STILL, VIDEO]
    assert (studio.said(), len(studio.made)) == ({}, before)


def test_a_renamed_shot_is_a_shot_like_any_other_afterwards(studio):
    studio.settle()
    studio.files.edit("projects/demo/s01.yaml", "id: sh010", "id: sh005")
    studio.files.append("projects/demo/project.yaml", "moved: {s01/sh010: s01/sh005}\n")
    studio.settle()
    studio.files.edit("projects/demo/s01.yaml", "seed: 7", "seed: 8")
    assert studio.settle() == renders("demo/s01/sh005/still", "demo/s01/sh005/video")


@pytest.fixture
def careful(tmp_path):
    with Studio(tmp_path, limits=Limits(retire_share=0.5, retire_at_least=2, max_gpu_minutes=0.05)) as made:
        yield made


def test_a_plan_that_costs_too_much_is_held_until_exactly_it_is_allowed(careful):
    result = careful.look()
    assert (result.queued, result.waiting) == ((), 1)
    (held,) = careful.events.of("plan_held")
    assert held["renders"] == 4
    assert f"koma run --allow {held['digest']}" in held["message"]
    careful.look()
    assert len(careful.events.of("plan_held")) == 1, "it is said once"
    careful.wish(Wish.ALLOW, plan="0" * 16)
    assert careful.look().queued == ()
    careful.wish(Wish.ALLOW, plan=held["digest"])
    assert careful.settle() == renders(*ALL)
    assert "allowed_plan" in careful.app.store.flags() or careful.said() == {}


def test_an_allowance_ends_with_its_work(careful):
    careful.look()
    careful.wish(Wish.ALLOW, plan=careful.reconciler.standing.digest)
    careful.settle()
    careful.look()
    assert "allowed_plan" not in careful.app.store.flags()


def test_what_was_not_allowed_is_held_while_what_was_goes_on(careful):
    careful.look()
    careful.wish(Wish.ALLOW, plan=careful.reconciler.standing.digest)
    first = careful.look()
    assert len(first.queued) == 3
    for job in first.queued:
        careful.finish(job)
    careful.files.edit("projects/demo/project.yaml", "width: 64", "width: 96")
    result = careful.look()
    assert result.queued == ()
    assert careful.reconciler.standing.held


def test_an_allowance_of_the_command_line_counts_from_the_first_pass(careful):
    careful.look()
    careful.reconciler = careful.reconcile(allow=careful.reconciler.standing.digest)
    assert careful.settle() == renders(*ALL)


def test_retiring_most_of_what_is_published_is_held(tmp_path):
    with Studio(tmp_path, limits=Limits(retire_at_least=2)) as studio:
        studio.settle()
        studio.files.write("projects/demo/s01.yaml", "kind: scene\nid: s01\nshots: []\n")
        studio.look()
        assert studio.publisher.retired == []
        studio.wish(Wish.ALLOW, plan=studio.reconciler.standing.digest)
        studio.look()
        assert sorted(studio.publisher.retired) == sorted(ALL)


def test_a_disk_that_is_not_there_retires_nothing(studio):
    studio.settle()
    (studio.files.root / "projects").rename(studio.files.root / "unplugged")
    result = studio.look()
    assert studio.publisher.retired == []
    assert result.waiting == 1
    assert "is the disk there?" in studio.events.of("plan_held")[0]["message"]
    (studio.files.root / "unplugged").rename(studio.files.root / "projects")
    assert studio.settle() == []


def test_a_pause_and_its_end(studio):
    studio.wish(Wish.PAUSE)
    assert studio.look().paused
    assert studio.look().paused
    studio.wish(Wish.RESUME)
    assert not studio.look().paused


def test_another_take_is_made_where_a_person_asks_for_it(studio):
    studio.settle()
    studio.wish(Wish.RETRY, "s01/sh010/still", "s01/sh020")
    result = studio.look()
    assert queued(result) == renders(ADULT, STILL)
    assert {job.work.number for job in result.queued} == {2}
    for job in result.queued:
        studio.finish(job, pixels=f"again {job.work.target}")
    assert not any(name.startswith("retry:") for name in studio.app.store.flags())
    assert studio.settle() == renders(VIDEO)


def test_a_wish_is_kept_until_it_was_carried_out(studio, monkeypatch):
    studio.settle()
    studio.wish(Wish.RETRY, "s01/sh020")
    monkeypatch.setattr(type(studio.app.store), "set_flag", _raise)
    with pytest.raises(RuntimeError):
        studio.look()
    monkeypatch.undo()
    assert queued(studio.look()) == renders(ADULT)


def _raise(*_):
    raise RuntimeError("no more disk")


def test_a_cancelled_render_stops_and_waits_for_a_person(studio):
    first = studio.look()
    studio.wish(Wish.CANCEL, "s01/sh010")
    result = studio.look()
    stopped = next(job for job in first.queued if job.work.target == STILL)
    assert result.cancel == (stopped.job_id,)
    studio.drop(stopped)
    assert studio.said()[STILL] == "hold cancelled"
    assert studio.look().waiting == 2, "its video, too"
    studio.wish(Wish.RETRY, "s01/sh010")
    assert queued(studio.look()) == renders(STILL)


def test_a_cancelled_picture_is_another_matter_once_it_is_edited(studio):
    first = studio.look()
    studio.wish(Wish.CANCEL, "s01/sh010")
    studio.look()
    for job in first.queued:
        studio.drop(job)
    studio.files.edit("projects/demo/s01.yaml", "seed: 7", "seed: 8")
    assert STILL in {job.work.target for job in studio.look().queued}


def superseded(studio, first, result):
    names = {job.job_id: job.work.target for job in first.queued}
    return sorted(names[job_id] for job_id in result.cancel)


def test_a_job_whose_picture_nobody_wants_any_more_is_stopped(studio):
    first = studio.look()
    studio.files.edit("projects/demo/s01.yaml", "seed: 7", "seed: 8")
    result = studio.look()
    assert superseded(studio, first, result) == [STILL]
    assert result.queued == (), "the other picture waits until this one has stopped"
    studio.drop(next(job for job in first.queued if job.work.target == STILL))
    assert queued(studio.look()) == renders(STILL)


def test_a_job_of_a_shot_that_was_taken_out_is_stopped(studio):
    first = studio.look()
    text = studio.files.read("projects/demo/s01.yaml")
    studio.files.write("projects/demo/s01.yaml", text[: text.index("  - id: sh030")])
    assert superseded(studio, first, studio.look()) == [REN]


def test_a_job_whose_edit_was_taken_back_is_stopped(studio):
    studio.settle()
    studio.files.edit("projects/demo/s01.yaml", "seed: 7", "seed: 8")
    first = studio.look()
    studio.files.edit("projects/demo/s01.yaml", "seed: 8", "seed: 7")
    assert superseded(studio, first, studio.look()) == [STILL]


BROKEN = {
    "its scene can't be read": ("projects/demo/s01.yaml", "kind: [scene\n"),
    "its scene can't be used": ("projects/demo/s01.yaml", "kind: scene\nid: s01\nmood: 7\n"),
    "its project can't be read": ("projects/demo/project.yaml", "kind: [project\n"),
    "its project can't be used": ("projects/demo/project.yaml", "kind: project\nid: demo\nwidth: wide\n"),
    "a character in it can't be read": ("projects/demo/aki.yaml", "kind: [character\n"),
}


@pytest.mark.parametrize(("path", "text"), BROKEN.values(), ids=BROKEN.keys())
def test_a_job_goes_on_while(studio, path, text):
    studio.look()
    studio.files.write(path, text)
    result = studio.look()
    assert (result.cancel, result.queued) == ((), ())
    assert result.errors == 1


@pytest.mark.parametrize(("path", "text"), BROKEN.values(), ids=BROKEN.keys())
def test_what_was_published_stays_while(studio, path, text):
    studio.settle()
    studio.files.write(path, text)
    result = studio.look()
    assert (result.queued, studio.publisher.retired, result.errors) == ((), [], 1)
    assert {said.split()[0] for said in studio.said().values()} <= {"hold"}


def test_mistakes_are_said_once_and_again_when_they_come_back(studio):
    studio.settle()
    studio.files.edit("projects/demo/s01.yaml", "seed: 7", "seed: many")
    studio.look()
    studio.look()
    (said,) = studio.events.of("spec_problem")
    assert said["place"].startswith("projects/demo/s01.yaml:11:")
    assert (said["code"], said["severity"]) == ("wrong-type", "error")
    studio.files.edit("projects/demo/s01.yaml", "seed: many", "seed: 7")
    studio.look()
    studio.files.edit("projects/demo/s01.yaml", "seed: 7", "seed: many")
    studio.look()
    assert len(studio.events.of("spec_problem")) == 2


def test_a_pass_says_how_things_stand(studio):
    studio.settle()
    said = studio.events.of("reconcile_complete")[-1]
    assert (said["result"], said["keep"], said["render"], said["waiting"]) == ("ok", 4, 0, 0)
    assert said["targets"] == [
        {"project": "demo", "phase": "still", "state": "Ready", "count": 3},
        {"project": "demo", "phase": "video", "state": "Ready", "count": 1},
    ]
    assert said["spec_errors"] == {"demo": 0}


def test_states_of_targets_that_are_on_their_way_or_wait(studio):
    studio.files.edit("projects/demo/s01.yaml", "framing: close-up", "framing: close-up\n    hold: true")
    studio.look()
    states = studio.reconciler.standing.states
    assert states[("demo", "still", "Stalled")] == 1
    assert states[("demo", "still", "Reconciling")] == 2


def test_errors_are_counted_by_project(studio):
    studio.files.edit("projects/demo/s01.yaml", "seed: 7", "seed: many")
    studio.look()
    said = studio.events.of("reconcile_complete")[-1]
    assert (said["result"], said["spec_errors"]) == ("problems", {"demo": 1})


def test_a_tree_that_never_rests_is_looked_at_again(studio, monkeypatch):
    def restless(_source):
        from koma.core.faults import SourceError

        raise SourceError("s01.yaml changed on each of 5 looks")

    monkeypatch.setattr(type(studio.app.source), "snapshot", restless)
    result = studio.look()
    assert (result.errors, result.unsettled, result.queued) == (1, True, ())
    assert result.next_wake == studio.clock.now() + 1.0
    assert "5 looks" in studio.reconciler.standing.error
    for _ in range(1100):  # a night without its disk
        assert studio.look().next_wake - studio.clock.now() <= 30.0
    monkeypatch.undo()
    assert studio.look().queued
    assert studio.reconciler.standing.error == ""


def test_only_what_was_selected_is_worked_on(studio):
    studio.reconciler = studio.reconcile(selects=lambda target: "sh020" in target)
    assert studio.settle() == renders(ADULT)


def test_only_what_was_selected_is_retired(studio):
    studio.settle()
    studio.files.write("projects/demo/s01.yaml", "kind: scene\nid: s01\nshots: []\n")
    studio.reconciler = studio.reconcile(selects=lambda target: "sh020" in target)
    studio.look()
    assert studio.publisher.retired == [ADULT]


def test_the_animatic_needs_a_still_before_its_clip_and_reads_no_pixels_of_it(tmp_path):
    with animatic(tmp_path) as studio:
        first = studio.look()
        assert queued(first) == renders(ADULT, REN, STILL)
        for job in first.queued:
            studio.finish(job)
        (clip,) = studio.look().queued
        assert (clip.work.target, clip.work.request.inputs) == (VIDEO, ())


def test_what_was_done_is_said_in_one_line(studio):
    assert studio.reconciler.summary() == "nothing to do; 0 as wanted"
    studio.files.edit("projects/demo/s01.yaml", "framing: close-up", "framing: close-up\n    hold: true")
    for job in studio.look().queued:
        studio.finish(job)
        studio.reconciler.note(replace(job, state=JobState.DONE))
    (video,) = studio.look().queued
    studio.drop(video)
    studio.reconciler.note(replace(video, state=JobState.CANCELLED))
    studio.survey()
    studio.look()
    assert studio.reconciler.summary() == "1 cancelled, 2 rendered; 2 as wanted, 1 on hold"


def test_a_render_that_failed_is_no_setback(studio):
    job = studio.look().queued[0]
    studio.reconciler.note(replace(job, state=JobState.FAILED))
    assert studio.look().errors == 0


def test_a_restart_goes_on_where_it_was(studio):
    studio.settle()
    studio.restart()
    assert studio.settle() == []


def test_a_setback_in_what_nobody_wants_any_more_is_forgotten(studio):
    studio.settle()
    studio.files.output(REN, ".png").unlink()
    (job,) = studio.look().queued
    failed = replace(job, state=JobState.FAILED)
    studio.app.store.advance(failed, job.state)
    studio.reconciler.note(failed)
    assert studio.look().errors == 1
    text = studio.files.read("projects/demo/s01.yaml")
    studio.files.write("projects/demo/s01.yaml", text[: text.index("  - id: sh030")])
    studio.look()
    assert studio.look().errors == 0


def test_work_that_failed_is_tried_again_after_a_rest_and_forgotten_when_nobody_wants_it(studio):
    studio.settle()
    studio.files.output(STILL, ".png").unlink()
    (job,) = studio.look().queued
    failed = replace(job, state=JobState.FAILED)
    studio.app.store.advance(failed, job.state)
    studio.reconciler.note(failed)
    resting = studio.look()
    assert (resting.queued, resting.errors) == ((), 1)
    assert resting.next_wake > studio.clock.now()
    studio.clock.elapsed += resting.next_wake - studio.clock.now()
    again = studio.look()
    assert queued(again) == [f"publish {STILL}"]
    assert again.next_wake is None, "while it is being tried nothing has to wake anybody"
    studio.finish(again.queued[0])
    assert studio.look().errors == 0


def test_work_that_fails_for_weeks_is_still_tried_once_an_hour():
    clock = VirtualClock()
    setbacks = Setbacks(clock)
    for _ in range(1100):
        setbacks.note(REN, failed=True)
    assert [ends - clock.now() for ends in setbacks.ends()] == [3600.0]
