"""From actions to jobs: everything is frozen when a job is made, and nothing is made of what has changed since."""

import pytest
from PIL import Image

from koma.core.action import Action
from koma.core.job import JobState
from koma.core.keys import derived_seed, take_key
from koma.core.media import Media
from koma.core.retry import SHORTEST_DEADLINE
from koma.core.words import ActionKind, Reason, Verdict
from koma.engine.queueing import ready
from support.studio import Studio, animatic
from support.workspaces import ADULT, STILL, VIDEO

HOME = "projects/demo"


@pytest.fixture
def studio(tmp_path):
    with Studio(tmp_path) as made:
        yield made


def action_of(survey, target):
    return next(action for action in survey.plan.actions if action.target_id == target)


def job_of(studio, target):
    survey = studio.survey()
    return studio.queueing.job(survey, action_of(survey, target))


def test_a_render_carries_everything_that_it_needs(studio):
    job = job_of(studio, STILL)
    work, request = job.work, job.work.request
    assert (job.action, job.state, job.queued_at) == (ActionKind.RENDER, JobState.QUEUED, studio.clock.now())
    assert (work.target, work.rendition, work.phase, work.number, work.seed) == (STILL, "final", "still", 1, 7)
    assert work.take_key == take_key(STILL, "final", work.render_key, 1, 7)
    assert (work.stem, work.template, work.family) == (STILL, "noise", "none")
    assert request.document["2"]["inputs"]["seed"] == 7
    assert (request.media, request.frames, request.fps, request.inputs) == (Media.IMAGE, 1, 0.0, ())
    assert "sh010" in request.label
    assert {rule.metric for rule in work.rules} == set(work.measures)
    assert (work.expect["width"], work.facts["seed"]) == (64, 7)
    assert work.origin["template_digest"]
    assert (work.estimate_seconds, work.deadline_seconds) == (2.0, SHORTEST_DEADLINE)


def test_a_clip_carries_the_pixels_of_its_still(studio):
    for job in studio.look().queued:
        studio.finish(job)
    job = job_of(studio, VIDEO)
    (given,) = job.work.request.inputs
    (row,) = (row for row in studio.app.store.published() if row.target == STILL)
    assert (given.name, given.content_digest, given.suffix) == ("koma-input:image", row.content_digest, ".png")
    assert studio.app.objects.has(given.file_digest, given.suffix)
    assert (job.work.request.media, job.work.request.frames, job.work.request.fps) == (Media.FRAMES, 4, 8.0)


def test_a_later_take_has_its_own_seed_in_graph_and_key(studio):
    for job in studio.look().queued:
        studio.finish(job, verdict=Verdict.FAILED)
    job = job_of(studio, STILL)
    seed = derived_seed(STILL, 2)
    assert (job.work.number, job.work.seed) == (2, seed)
    assert job.work.request.document["2"]["inputs"]["seed"] == seed
    assert job.work.take_key == take_key(STILL, "final", job.work.render_key, 2, seed)


def test_work_on_a_take_that_exists_carries_that_take(studio):
    studio.settle()
    (row,) = (row for row in studio.app.store.published() if row.target == STILL)
    studio.files.append(f"{HOME}/project.yaml", "gates: {rules: {still: {sharpness: {min: 1000}}}}\n")
    job = job_of(studio, STILL)
    assert (job.action, job.state, job.work.request) == (ActionKind.GATE, JobState.JUDGING, None)
    assert (job.work.take_key, job.work.number, job.work.seed) == (row.take_key, 1, 7)
    assert any(rule.threshold == 1000 for rule in job.work.rules)


def test_another_rule_about_another_metric_is_measured(studio):
    studio.settle()
    studio.files.append(f"{HOME}/project.yaml", "gates: {rules: {still: {frozen: {max: 1}}}}\n")
    job = job_of(studio, STILL)
    assert (job.action, job.state) == (ActionKind.MEASURE, JobState.MEASURING)
    assert "frozen" in job.work.measures


@pytest.mark.parametrize("edited", ["the whole scene", "one shot"])
def test_what_is_gone_since_the_look_makes_no_job(studio, edited):
    survey = studio.survey()
    action = action_of(survey, STILL)
    text = "kind: scene\nid: s01\nshots: []\n"
    if edited == "the whole scene":
        (studio.files.root / HOME / "s01.yaml").unlink()
    else:
        studio.files.write(f"{HOME}/s01.yaml", text)
    assert studio.queueing.job(studio.survey(), action) is None


def test_an_action_without_a_target_makes_no_job(studio):
    assert studio.queueing.job(studio.survey(), Action(STILL, ActionKind.RETIRE, Reason.REMOVED)) is None


def test_a_shot_that_was_edited_since_the_look_makes_no_job(studio):
    action = action_of(studio.survey(), STILL)
    studio.files.edit(f"{HOME}/s01.yaml", "seed: 7", "seed: 8")
    assert studio.queueing.job(studio.survey(), action) is None


def test_a_shot_that_is_broken_since_the_look_makes_no_job(studio):
    action = action_of(studio.survey(), ADULT)
    studio.files.edit(f"{HOME}/s01.yaml", "version: adult", "version: elder")
    assert studio.queueing.job(studio.survey(), action) is None


def test_another_still_than_the_one_planned_with_makes_no_job(studio):
    for job in studio.look().queued:
        studio.finish(job)
    survey = studio.survey()
    action = action_of(survey, VIDEO)
    assert studio.queueing.job(survey, action._replace(key="that of other pixels")) is None


FACE = f"{HOME}/references/aki/face.png"


@pytest.fixture
def drawn(tmp_path):
    with animatic(tmp_path) as made:
        file = made.files.write(FACE, b"")
        Image.new("RGB", (16, 16), (200, 30, 40)).save(file)
        yield made


def test_a_reference_is_frozen_in_the_object_store(drawn):
    job = job_of(drawn, ADULT)
    (given,) = job.work.request.inputs
    (drawn.files.root / FACE).unlink()
    assert given.name == "reference:aki"
    assert drawn.app.objects.has(given.file_digest, ".png")
    assert job.work.request.document["characters"][0]["reference"] == "reference:aki"


def test_a_reference_that_changed_before_it_was_frozen_makes_no_job(drawn):
    survey = drawn.survey()
    drawn.files.write(FACE, b"other bytes")
    assert drawn.queueing.job(survey, action_of(survey, ADULT)) is None


def test_a_reference_that_vanished_before_it_was_frozen_makes_no_job(drawn):
    survey = drawn.survey()
    (drawn.files.root / FACE).unlink()
    assert drawn.queueing.job(survey, action_of(survey, ADULT)) is None


def test_a_reference_that_is_frozen_already_is_not_needed_again(drawn):
    survey = drawn.survey()
    first = drawn.queueing.job(survey, action_of(survey, ADULT))
    (drawn.files.root / FACE).unlink()
    again = drawn.queueing.job(survey, action_of(survey, STILL))
    assert again.work.request.inputs == first.work.request.inputs


def test_a_pass_whose_picture_changed_meanwhile_looks_again_soon(drawn, monkeypatch):
    real = type(drawn.app.surveyor).survey

    def meddling(surveyor, *given, **more):
        found = real(surveyor, *given, **more)
        drawn.files.write(FACE, b"other bytes")
        return found

    monkeypatch.setattr(type(drawn.app.surveyor), "survey", meddling)
    result = drawn.look()
    assert result.unsettled
    assert result.next_wake - drawn.clock.now() < 1
    assert not {job.work.target for job in result.queued} & {STILL, ADULT}


DONE = Action(STILL, ActionKind.RENDER, Reason.NEW, key="k")
READY = {
    "a render": (DONE, True),
    "a measurement": (DONE._replace(action=ActionKind.MEASURE), True),
    "a judgement": (DONE._replace(action=ActionKind.GATE), True),
    "a publication": (DONE._replace(action=ActionKind.PUBLISH), True),
    "a restoration": (DONE._replace(action=ActionKind.RESTORE), True),
    "what is held": (DONE._replace(action=ActionKind.HOLD), False),
    "what is retired": (DONE._replace(action=ActionKind.RETIRE), False),
    "what is kept": (DONE._replace(action=ActionKind.KEEP), False),
    "what runs already": (DONE._replace(reason=Reason.RUNNING), False),
    "what is not certain": (DONE._replace(certain=False), False),
    "what waits for another": (DONE._replace(waits_for=(ADULT,)), False),
    "what has no key yet": (DONE._replace(key=""), False),
}


@pytest.mark.parametrize(("action", "expected"), READY.values(), ids=READY.keys())
def test_what_can_be_queued(action, expected):
    assert (ready([action]) == [action]) is expected
