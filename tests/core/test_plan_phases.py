"""Phases in plans: what a closed phase holds back, what waits for it, and what opens it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koma.core.flags import LOST
from koma.core.gating import Gating
from koma.core.phases import GateSettings
from koma.core.plan import plan
from koma.core.target import Read, upstream_first
from koma.core.words import ActionKind, Reason, Verdict
from support.worlds import Shelf, but, hexed, key_of, made, pixels, published, row, target

NAMES = [f"sh{number:03d}" for number in range(10)]
STILLS = [target(f"{name}/still", depth=1, takes_limit=1) for name in NAMES]
LOOPS = [target(f"{name}/loop", reads=(), needs=(), depth=2) for name in NAMES]
GATED = {"p": Gating()}


def stills(passed, failed=0, approved=0):
    """Shelf on which so many stills passed, failed for good, or failed and were approved; nothing is there of the others."""
    shelf = made(*STILLS[:passed])
    for number, one in enumerate(STILLS[passed : passed + failed + approved]):
        take = row(one, key_of(one), verdict=Verdict.FAILED, decided=False, approved=number < approved)
        shelf.add(one, take, publish=take)
    return shelf


def said(shelf, *targets, gatings=GATED):
    planned = plan(targets or [*STILLS, *LOOPS], shelf.observed(), gatings=gatings)
    return {action.target_id: action for action in planned.actions} | {"phases": planned.phases}


LOOP = "p/s01/sh000/loop"
SENTENCES = {
    "nothing is there yet: the loop waits": (stills(0), "render new", True),
    "8 of 10 passed: it is rendered": (stills(8), "render new", False),
    "7 passed, and 3 are still to be rendered: it waits": (stills(7), "render new", True),
    "7 passed, 2 failed for good, 1 is still to be rendered: it waits, for that one may be the eighth": (stills(7, 2), "render new", True),
    "7 passed and 3 failed for good: it is held": (stills(7, 3), "hold phase-closed", False),
    "7 passed, 3 failed, one of those was approved: it is rendered": (stills(7, 2, 1), "render new", False),
}


@pytest.mark.parametrize(("shelf", "expected", "waits"), SENTENCES.values(), ids=SENTENCES.keys())
def test_a_phase_opens_when_enough_of_the_one_before_has_passed(shelf, expected, waits):
    action = said(shelf)[LOOP]
    assert f"{action.action} {action.reason}" == expected
    assert bool(action.waits_for) is waits
    assert bool(action.message) is (waits or expected.startswith("hold"))


def test_a_closed_phase_says_how_many_are_missing_and_which():
    action = said(stills(7, 3))[LOOP]
    assert "7 of 10 stills passed, 8 are needed" in action.message
    assert "p/s01/sh007/still" in action.message


def test_unmeasured_counts_against():
    shelf = stills(7)
    for one in STILLS[7:]:
        take = row(one, key_of(one), verdict=Verdict.UNMEASURED, decided=False)
        shelf.add(one, take, publish=take)
    assert said(shelf)[LOOP].reason is Reason.PHASE_CLOSED


def test_a_phase_that_falls_below_its_rate_submits_nothing_new_and_lets_run_what_runs():
    shelf = stills(7, 3)
    shelf.running[LOOPS[0].id, key_of(LOOPS[0])] = "render"
    found = said(shelf)
    assert found[LOOP].reason is Reason.RUNNING
    assert found["p/s01/sh001/loop"].reason is Reason.PHASE_CLOSED


def test_what_a_closed_phase_made_before_is_kept_and_judged():
    shelf = stills(7, 3)
    made(LOOPS[0], shelf=shelf)
    take = row(LOOPS[1], key_of(LOOPS[1]))
    shelf.add(LOOPS[1], take)
    found = said(shelf)
    assert LOOP not in found  # kept
    assert found["p/s01/sh001/loop"].action is ActionKind.PUBLISH


def test_without_settings_every_phase_is_open():
    assert not said(stills(0), gatings={})[LOOP].waits_for


def test_scenes_count_for_themselves_where_the_project_says_so():
    other = [but(one, id=one.id.replace("s01", "s02"), base_key=hexed(f"other {one.id}")) for one in (*STILLS, *LOOPS)]
    gatings = {"p": Gating(GateSettings(scope="scene"))}
    found = said(stills(10), *STILLS, *LOOPS, *other, gatings=gatings)
    assert not found[LOOP].waits_for
    assert found["p/s02/sh000/loop"].waits_for


def test_a_shot_that_its_spec_holds_takes_no_part():
    held = [but(one, hold="held-by-spec") for one in STILLS[8:]]
    assert not said(stills(8), *STILLS[:8], *held, *LOOPS[:8])[LOOP].waits_for


def test_a_review_of_the_phase_opens_the_next_one_whatever_the_rate():
    gatings = {"p": Gating(GateSettings(), frozenset({("p", "still")}))}
    assert said(stills(1, 9), gatings=gatings)[LOOP].reason is Reason.NEW


def test_without_auto_advance_a_review_is_waited_for():
    waiting = said(stills(10), gatings={"p": Gating(GateSettings(auto_advance=False))})[LOOP]
    assert (waiting.reason, "koma review approve --phase still p" in waiting.message) == (Reason.PHASE_CLOSED, True)
    reviewed = {"p": Gating(GateSettings(auto_advance=False), frozenset({("p", "still")}))}
    assert said(stills(10), gatings=reviewed)[LOOP].reason is Reason.NEW


def test_the_plan_tells_the_rate_of_each_phase():
    rate = said(stills(7, 3))["phases"]["p", "still"]
    assert (rate.passed, rate.wanted, rate.is_open) == (7, 10, True)
    assert not said(stills(7, 3))["phases"]["p", "loop"].is_open


SHEET = "p/characters/aki/adult"
POSE = target("sh000/still", depth=-1, takes_limit=1)
POSES = [but(POSE, id=f"{SHEET}/{n}", origin_id=f"{SHEET}/{n}", base_key=hexed(f"pose {n}")) for n in range(8)]
READS_SHEET = but(target("sh000/still"), reads=(Read("aki.sheet.front", f"{SHEET}/0"),), needs=(f"{SHEET}/0",), sheets=(SHEET,), depth=1)


def sheet(passed, failed):
    shelf = made(*POSES[:passed])
    for one in POSES[passed : passed + failed]:
        take = row(one, key_of(one), verdict=Verdict.FAILED, decided=False)
        shelf.add(one, take, publish=take)
    return shelf


SHEETS = {
    "7 of 8 poses passed: the still is rendered": (sheet(7, 1), "render new", False),
    "6 passed and 2 are to be rendered: it waits": (sheet(6, 0), "render new", True),
    "6 passed and 2 failed for good: it is held": (sheet(6, 2), "hold phase-closed", False),
}


@pytest.mark.parametrize(("shelf", "expected", "waits"), SHEETS.values(), ids=SHEETS.keys())
def test_stills_that_read_a_sheet_wait_for_its_poses(shelf, expected, waits):
    action = said(shelf, *POSES, READS_SHEET)[READS_SHEET.id]
    assert f"{action.action} {action.reason}" == expected
    assert bool(action.waits_for) is waits


def test_a_still_that_reads_no_sheet_waits_for_none():
    assert not said(sheet(0, 0), *POSES, STILLS[0])[STILLS[0].id].waits_for


ANIMATIC = but(target("sh000/still"), id="p/s01/sh000/animatic", phase="animatic", backend="animatic", base_key=hexed("animatic"), depth=0)
AFTER = but(STILLS[0], needs=(ANIMATIC.id,))


def animatic(**changes):
    shelf = Shelf()
    take = row(ANIMATIC, key_of(ANIMATIC), **changes)
    shelf.add(ANIMATIC, take, publish=take)
    return shelf


def test_an_animatic_waits_for_a_person_and_so_does_what_follows():
    found = said(animatic(), ANIMATIC, AFTER)
    assert (found[ANIMATIC.id].action, found[ANIMATIC.id].reason) == (ActionKind.HOLD, Reason.REVIEW)
    assert found[AFTER.id].action is ActionKind.HOLD


def test_an_approved_animatic_lets_what_follows_begin():
    found = said(animatic(approved=True), ANIMATIC, AFTER)
    assert ANIMATIC.id not in found
    assert (found[AFTER.id].action, found[AFTER.id].waits_for) == (ActionKind.RENDER, ())


def test_a_review_of_the_phase_approves_every_animatic():
    gatings = {"p": Gating(GateSettings(), frozenset({("p", "animatic")}))}
    found = said(animatic(), ANIMATIC, AFTER, gatings=gatings)
    assert ANIMATIC.id not in found
    assert not found[AFTER.id].waits_for


VIDEO = target("sh000/video", reads=(Read("image", STILLS[0].id),), depth=3)
PINNED = but(VIDEO, pin="2")


def test_a_pinned_target_stays_whatever_changes():
    old = row(VIDEO, "an earlier wish", 2)
    shelf = made(STILLS[0])
    shelf.add(VIDEO, old, publish=old)
    observed = shelf.observed()._replace(pinned=lambda _target, pin: old if pin == "2" else None)
    assert plan([STILLS[0], PINNED], observed).kept == [STILLS[0].id, VIDEO.id]
    (action,) = plan([STILLS[0], but(VIDEO, pin="7")], observed).actions
    assert (action.reason, "no take 7" in action.message) == (Reason.NO_TAKE, True)


def test_a_pinned_take_whose_frames_are_gone_waits_for_a_person():
    old = row(VIDEO, "an earlier wish", 2)
    shelf = made(STILLS[0], shelf=Shelf(flags={f"retry:{VIDEO.id}:final": LOST}))
    shelf.add(VIDEO, old, publish=old)
    (action,) = plan([STILLS[0], PINNED], shelf.observed()._replace(pinned=lambda *_: old)).actions
    assert (action.action, action.reason) == (ActionKind.HOLD, Reason.MISSING_OBJECT)
    assert "take the pin away" in action.message


def test_a_pinned_take_comes_back():
    old, new = row(VIDEO, "an earlier wish", 2), row(VIDEO, "the later one")
    shelf = made(STILLS[0])
    shelf.add(VIDEO, old, new, publish=new)
    (action,) = plan([STILLS[0], PINNED], shelf.observed()._replace(pinned=lambda *_: old)).actions
    assert (action.action, action.take_key) == (ActionKind.RESTORE, old.take_key)


def test_what_reads_a_last_frame_stops_where_that_frame_is_equal():
    first = target("sh000/video/seg01", id="p/s01/sh000/video/seg01", reads=(), needs=())
    second = but(target("sh000/video"), id="p/s01/sh000/video/seg02", reads=(Read("image", first.id, "last"),), needs=(first.id,))
    shelf = Shelf()
    one = row(first, key_of(first), last_digest=hexed("last"))
    shelf.add(first, one, publish=one)
    shelf.published[first.id] = published(first, one)._replace(last_digest=hexed("last"))
    key = key_of(second, hexed("last"))
    two = row(second, key)
    shelf.add(second, two, publish=two)
    assert plan([first, second], shelf.observed()).kept == [first.id, second.id]
    shelf.published[first.id] = published(first, one)._replace(last_digest=hexed("another"), content_digest=pixels(first, key))
    assert [action.target_id for action in plan([first, second], shelf.observed()).actions] == [second.id]


@given(st.permutations([*STILLS[:3], *LOOPS[:3], VIDEO]))
def test_upstream_comes_first_in_whatever_order_targets_are_named(targets):
    ordered = [one.id for one in upstream_first(targets)]
    assert sorted(ordered) == sorted(one.id for one in targets)
    for one in targets:
        assert all(ordered.index(read.target) < ordered.index(one.id) for read in one.reads)
    phases = [name.rpartition("/")[2] for name in ordered]
    assert phases == sorted(phases, key=["still", "loop", "video"].index)


@given(st.integers(0, 10), st.integers(0, 10))
def test_one_more_that_passes_never_closes_a_phase(passed, failed):
    failed = min(failed, 10 - passed)
    before, after = (said(stills(count, min(failed, 10 - count)))[LOOP] for count in (passed, min(10, passed + 1)))
    if before.action is ActionKind.RENDER and not before.waits_for:
        assert after.action is ActionKind.RENDER
        assert not after.waits_for
