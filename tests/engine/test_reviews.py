"""Reviews in a pass: takes in the store follow the documents, and a decision that is removed is taken back."""

import json
from dataclasses import replace

import pytest

from koma.core.choose import choose
from koma.core.take import Take
from koma.core.words import ActionKind, Verdict
from koma.engine.reviews import Reviewer, Reviews
from koma.engine.taking import take_of
from support.studio import Studio
from support.workspaces import ADULT, STILL

FILE = "projects/demo/reviews/2026-07-04-001.yaml"
LATER = "projects/demo/reviews/2026-07-04-002.yaml"


class Desk:
    """A studio with its takes, and a person who reviews them."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio
        self.reviews = Reviews(studio.app.desires.documents)
        self.reviewer = Reviewer(studio.app.store, studio.publisher, studio.app.desires.documents)

    def takes(self, target: str = STILL) -> list[Take]:
        rows = [row for row in self.studio.app.store.take_rows() if row.target == target]
        return [self.studio.app.store.take(row.take_key) for row in sorted(rows, key=lambda row: row.number)]

    def decide(self, decision: str, take: Take, file: str = FILE, more: str = "") -> None:
        """Write one document about one take."""
        entry = f"{{target: {take.target}, take: {take.number}, content: {take.object.content_digest}, decision: {decision}}}"
        name = file.rpartition("/")[2].removesuffix(".yaml")
        text = f'kind: review\nid: {name}\nby: Mina\nat: "2026-07-04"\ndecisions:\n  - {entry}\n{more}'
        self.studio.files.write(file, text)

    def read(self):
        return self.reviews.read(self.studio.survey().wanted)

    def apply(self):
        return self.reviewer.apply(self.read())

    def published(self, target: str = STILL):
        return next(row for row in self.studio.app.store.published([target]))

    def flags(self, start: str) -> set[str]:
        return {name for name in self.studio.app.store.flags() if name.startswith(start)}


@pytest.fixture
def desk(tmp_path):
    """Every still has two takes that failed."""
    with Studio(tmp_path / "w") as studio:
        studio.files.append("projects/demo/project.yaml", "takes: {still: 2}\n")
        studio.settle(verdict=Verdict.FAILED)
        yield Desk(studio)


@pytest.fixture
def passed(tmp_path):
    """Every target has one take, which passed."""
    with Studio(tmp_path / "w") as studio:
        studio.settle()
        yield Desk(studio)


def test_without_reviews_nothing_is_read_or_written(desk, monkeypatch):
    by, before = desk.read(), desk.studio.app.store.serial()
    monkeypatch.setattr(desk.studio.app.store, "take_rows", None)  # asking for rows would fail
    assert desk.reviewer.apply(by) == (False, ())
    assert desk.studio.app.store.serial() == before


def test_an_approved_take_has_passed_and_is_published_as_such(desk):
    first, second = desk.takes()
    desk.decide("approve", second)
    assert desk.apply().changed
    assert [(take.verdict, take.approved, take.decided) for take in desk.takes()] == [
        (Verdict.FAILED, False, True),  # decided: of one key, all are
        (Verdict.PASSED, True, True),
    ]
    assert (desk.published().take_key, desk.published().verdict) == (second.take_key, "passed")
    assert desk.takes()[0].gate == first.gate


def test_an_approved_take_that_was_not_published_is_published_next(desk):
    first, _ = desk.takes()
    desk.decide("approve", first)
    desk.apply()
    desk.studio.settle()
    assert desk.published().take_key == first.take_key


def test_applying_again_changes_nothing(desk):
    desk.decide("approve", desk.takes()[0])
    desk.apply()
    before = desk.studio.app.store.serial()
    assert not desk.apply().changed
    assert not Reviewer(desk.studio.app.store, desk.studio.publisher, desk.studio.app.desires.documents).apply(desk.read()).changed
    assert desk.studio.app.store.serial() == before


def test_while_nothing_changes_no_take_is_read(desk, monkeypatch):
    desk.decide("approve", desk.takes()[0])
    desk.apply()
    by = desk.read()
    monkeypatch.setattr(desk.studio.app.store, "take_rows", None)
    assert not desk.reviewer.apply(by).changed


def test_a_review_that_is_removed_takes_its_approval_back(desk):
    _, second = desk.takes()
    desk.decide("approve", second)
    desk.apply()
    (desk.studio.files.root / FILE).unlink()
    assert desk.apply().changed
    found = desk.takes()[1]
    assert (found.verdict, found.approved, found.decided) == (Verdict.FAILED, False, True)
    assert desk.published().verdict == "failed"
    assert desk.flags("reviews") == set()
    assert desk.studio.said()[STILL] == "hold gate-changed"


def test_a_review_that_can_not_be_read_for_now_takes_nothing_back(desk):
    desk.decide("approve", desk.takes()[1])
    desk.apply()
    desk.decide("approve", desk.takes()[1], more="what: this\n")
    assert not desk.apply().changed
    assert desk.takes()[1].approved


def test_a_rejected_take_has_failed_and_says_why(passed):
    (take,) = passed.takes()
    passed.decide("reject", take)
    assert passed.apply().changed
    (found,) = passed.takes()
    assert found.verdict is Verdict.FAILED
    assert found.gate.checks[-1].message == "rejected by Mina"
    assert passed.published().verdict == "failed"


def test_a_rejected_take_whose_review_is_removed_passes_again(passed):
    (take,) = passed.takes()
    passed.decide("reject", take)
    passed.apply()
    (passed.studio.files.root / FILE).unlink()
    assert passed.apply().changed
    assert passed.takes() == [take]
    assert STILL not in passed.studio.said()


def test_a_rejection_survives_an_unreadable_review_and_goes_with_it(passed):
    (take,) = passed.takes()
    passed.decide("reject", take)
    passed.apply()
    passed.decide("reject", take, more="what: this\n")
    passed.apply()
    assert passed.takes()[0].verdict is Verdict.FAILED
    (passed.studio.files.root / FILE).unlink()
    passed.apply()
    assert passed.takes() == [take]


def test_judged_again_by_other_rules_a_rejected_take_stays_rejected(passed):
    passed.decide("reject", passed.takes()[0])
    passed.apply()
    job = next(job for job in passed.studio.made if job.work.target == STILL)
    again = replace(job, action=ActionKind.GATE, gate=passed.takes(ADULT)[0].gate)
    assert take_of(again, passed.takes()[0], {}, 0.0).verdict is Verdict.FAILED


def test_of_two_passed_takes_the_one_that_is_not_rejected_is_chosen(tmp_path):
    with Studio(tmp_path / "w") as studio:
        studio.files.append("projects/demo/project.yaml", "takes_up_front: {still: 2}\n")
        studio.settle()
        desk = Desk(studio)
        lying = desk.published().take_key
        desk.decide("reject", next(take for take in desk.takes() if take.take_key == lying))
        desk.apply()
        rows = [row for row in studio.app.store.take_rows() if row.target == STILL]
        other = next(row.take_key for row in rows if row.take_key != lying)
        assert choose(rows, 2, 3, desk.published(), published_passed=True).take_key == other
        studio.settle()
        assert desk.published().take_key == other


def test_a_retake_is_asked_for_once(passed):
    passed.decide("retake", passed.takes()[0])
    assert passed.apply().changed
    assert passed.flags("retry:") == {f"retry:{STILL}:final"}
    passed.studio.settle()
    assert [take.number for take in passed.takes()] == [1, 2]
    assert not passed.apply().changed
    assert passed.flags("retry:") == set()
    assert len(passed.flags("review:")) == 1


def test_a_retake_whose_review_is_removed_is_forgotten(passed):
    passed.decide("retake", passed.takes()[0])
    passed.apply()
    (passed.studio.files.root / FILE).unlink()
    passed.apply()
    assert passed.flags("review:") == set()


def test_after_the_flags_are_lost_a_retake_that_was_made_is_not_made_again(passed):
    passed.decide("retake", passed.takes()[0])
    passed.apply()
    passed.studio.settle()
    for name in passed.flags("review"):
        passed.studio.app.store.set_flag(name, None)
    passed.apply()
    assert passed.flags("retry:") == set()


def test_a_retake_of_a_picture_that_nobody_wants_any_more_is_not_made(passed):
    (old,) = passed.takes()
    passed.studio.files.edit("projects/demo/s01.yaml", "seed: 7", "seed: 8")
    passed.studio.settle()
    passed.decide("retake", old)
    passed.apply()
    assert passed.flags("retry:") == set()


def test_a_retake_of_a_take_that_failed_beside_an_older_one_that_passed_is_made(passed):
    passed.studio.files.append("projects/demo/project.yaml", "takes: {still: 1}\n")
    passed.studio.files.edit("projects/demo/s01.yaml", "seed: 7", "seed: 8")
    passed.studio.settle(verdict=Verdict.FAILED)
    (new,) = [take for take in passed.takes() if take.render_key != passed.published().render_key]
    passed.decide("retake", new)
    passed.studio.settle(verdict=Verdict.FAILED)
    assert [take.number for take in passed.takes() if take.render_key == new.render_key] == [1, 2]


def test_a_decision_about_a_take_that_is_not_there_is_a_warning_and_the_others_count(desk):
    first, second = desk.takes()
    gone = replace(second, artifacts=(replace(second.object, content_digest="0" * 64),))
    desk.decide("approve", gone)
    desk.decide("approve", first, LATER)
    found = desk.apply()
    assert [(problem.code, problem.place.file, problem.place.line, problem.severity) for problem in found.problems] == [
        ("missing-take", FILE, 6, "warning")
    ]
    assert desk.takes()[0].approved
    assert desk.apply().problems == found.problems


def test_a_take_of_a_renamed_target_keeps_its_review(desk):
    desk.decide("approve", desk.takes()[1])
    desk.studio.files.edit("projects/demo/s01.yaml", "id: sh010", "id: sh011")
    desk.studio.files.append("projects/demo/project.yaml", "moved: {s01/sh010: s01/sh011}\n")
    assert desk.apply().changed
    assert desk.takes()[1].approved


def test_phases_and_holds_are_read_without_any_take(desk):
    text = (
        f"kind: review\nid: a\ndecisions:\n  - {{phase: still, decision: approve}}\n  - {{phase: video, decision: reject}}\n"
        f"  - {{target: {STILL}, decision: hold}}\n"
    )
    desk.studio.files.write(FILE, text)
    by = desk.read()
    assert by.approved_phases == {("demo", "still")}
    assert by.rejected_phases == {("demo", "video")}
    assert by.held.keys() == {STILL}
    assert desk.reviews.read(desk.studio.survey().wanted) is by  # nothing new, nothing read


def test_what_was_applied_stands_in_one_flag(passed):
    (take,) = passed.takes()
    passed.decide("reject", take)
    passed.apply()
    applied = json.loads(passed.studio.app.store.flags()["reviews"])
    assert applied == {"digest": passed.read().digest, "rejected": [take.take_key]}
