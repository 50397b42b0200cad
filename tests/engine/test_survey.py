"""One look at the world: what is missing, what runs, what is there, and the plan that follows."""

import pytest

from koma.core.action import Selection
from koma.core.rows import line_of
from koma.core.words import Rendition
from koma.engine.survey import missing
from support.stored import published
from support.studio import Studio
from support.workspaces import ADULT, REN, STILL, VIDEO


@pytest.fixture
def studio(tmp_path):
    with Studio(tmp_path) as made:
        yield made


def gone(file):
    file.unlink()


def shorter(file):
    file.write_bytes(file.read_bytes()[:-1])


def replaced_by_a_folder(file):
    file.unlink()
    file.mkdir()


@pytest.mark.parametrize("spoil", [gone, shorter, replaced_by_a_folder])
def test_a_published_file_that_is_not_what_it_was_is_missing(tmp_path, spoil):
    row = published(size=5)
    lying = [(line_of(row), row.path, row.size)]
    file = tmp_path / row.path
    file.parent.mkdir(parents=True)
    file.write_bytes(b"12345")
    assert missing(str(tmp_path), lying) == frozenset()
    spoil(file)
    assert missing(str(tmp_path), lying) == {row.path}


def test_nothing_published_is_nothing_missing(tmp_path):
    assert missing(str(tmp_path), []) == frozenset()


def test_a_look_changes_nothing(studio):
    studio.settle()
    before = studio.app.store.serial()
    studio.survey()
    assert studio.app.store.serial() == before


def test_jobs_that_are_on_their_way_are_seen(studio):
    studio.look()
    assert {action.target_id: str(action.reason) for action in studio.survey().plan.actions} == {
        STILL: "running",
        ADULT: "running",
        REN: "running",
        VIDEO: "upstream",
    }


def test_a_selection_narrows_the_plan_and_not_what_is_wanted(studio):
    survey = studio.survey(Selection(targets=lambda name: "sh020" in name))
    assert [action.target_id for action in survey.plan.actions] == [ADULT]
    assert len(survey.wanted.targets) == 4


def test_what_is_settled_is_not_looked_at_again_until_something_changes(studio):
    studio.settle()
    studio.survey()
    settled = studio.survey().wanted
    assert ([*settled.scenes], set(settled.settled)) == ([], {STILL, VIDEO, ADULT, REN})
    assert {target.id for target in settled.targets} == {STILL, VIDEO, ADULT, REN}
    studio.files.edit("projects/demo/s01.yaml", "seed: 7", "seed: 8")
    assert STILL not in studio.survey().wanted.settled


def test_a_row_of_a_settled_target_can_be_asked_for(studio):
    studio.settle()
    studio.survey()
    published = studio.survey().observed.published
    assert published[STILL].target == STILL
    assert published.get("none") is None
    assert set(published) == {STILL, VIDEO, ADULT, REN}


def test_renditions_do_not_see_one_another(studio):
    studio.settle()
    other = studio.app.surveyor.survey(Rendition.DRAFT)
    assert other.observed.published == {}
    assert {str(action.reason) for action in other.plan.actions} == {"new", "upstream"}


def test_past_renders_are_what_the_next_are_expected_to_take(studio):
    from dataclasses import replace

    first = studio.look().queued
    for job in first:
        studio.finish(replace(job, render_seconds=4.0))
    studio.files.edit("projects/demo/s01.yaml", "seed: 7", "seed: 8")
    (still,) = [action for action in studio.survey().plan.actions if action.target_id == STILL]
    assert (still.p50_seconds, still.p90_seconds) == (4.0, 4.0)


def test_the_object_of_a_picture_may_be_of_any_picture_format(studio, tmp_path):
    studio.settle()
    (row,) = (row for row in studio.app.store.published() if row.target == STILL)
    digest = studio.app.store.take(row.take_key).object.file_digest
    png = studio.app.objects.path(digest, ".png")
    png.rename(studio.app.objects.path(digest, ".webp"))
    studio.files.output(STILL, ".png").unlink()
    assert studio.said() == {STILL: "publish missing-output"}


def test_a_picture_whose_file_and_object_are_gone_is_rendered_again(studio):
    studio.settle()
    (row,) = (row for row in studio.app.store.published() if row.target == ADULT)
    studio.app.objects.path(studio.app.store.take(row.take_key).object.file_digest, ".png").unlink()
    studio.files.output(ADULT, ".png").unlink()
    assert studio.said() == {ADULT: "render missing-object"}
    studio.settle()
    assert studio.said() == {}
