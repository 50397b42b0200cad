"""An allowance covers exactly the plan that a person allowed, until it is done."""

import pytest

from koma.core.action import Action, Plan
from koma.core.allowance import allowance, is_spent, not_allowed
from koma.core.words import ActionKind, Reason

STILL = Action("p/s01/sh010/still", ActionKind.RENDER, Reason.CHANGED, key="k1", take_number=1)
VIDEO = Action("p/s01/sh010/video", ActionKind.RENDER, Reason.UPSTREAM, certain=False, take_number=1)
GONE = Action("p/s01/sh090/still", ActionKind.RETIRE, Reason.REMOVED)
HELD = Action("p/s01/sh020/still", ActionKind.HOLD, Reason.HELD_BY_SPEC)
ALLOWED = allowance(Plan([STILL, VIDEO, GONE, HELD], []))


def plan(*actions):
    return Plan(list(actions), ["p/s01/sh030/still"])


@pytest.mark.parametrize(
    ("action", "covered"),
    [
        pytest.param(STILL, True, id="what was in the plan"),
        pytest.param(STILL._replace(reason=Reason.RUNNING), True, id="the same while it runs"),
        pytest.param(STILL._replace(reason=Reason.RETAKE, take_number=2), True, id="another take of the same picture"),
        pytest.param(STILL._replace(key="k2"), False, id="another picture of the same target"),
        pytest.param(STILL._replace(target_id="p/s01/sh040/still"), False, id="the same work on another target"),
        pytest.param(STILL._replace(action=ActionKind.RESTORE), False, id="another action on the same target"),
        pytest.param(VIDEO, True, id="a follower whose picture was not known yet"),
        pytest.param(VIDEO._replace(key="k9", certain=True, reason=Reason.CHANGED), True, id="that follower once its picture is known"),
        pytest.param(GONE, True, id="a retirement"),
        pytest.param(GONE._replace(target_id="p/s01/sh091/still"), False, id="another retirement"),
    ],
)
def test_the_allowance_covers(action, covered):
    assert (not_allowed(plan(action), ALLOWED).actions == []) is covered


def test_without_an_allowance_everything_is_left_as_it_was():
    asked = plan(STILL, VIDEO, HELD)
    assert not_allowed(asked, "") == asked


def test_what_does_nothing_needs_no_allowance_and_is_left_in():
    left = not_allowed(plan(HELD, STILL), ALLOWED)
    assert left.actions == [HELD]
    assert left.kept == ["p/s01/sh030/still"]


@pytest.mark.parametrize(
    ("actions", "spent"),
    [
        pytest.param([], True, id="nothing is left to do"),
        pytest.param([HELD], True, id="only what does nothing is left"),
        pytest.param([STILL._replace(key="k2")], True, id="only other work is left"),
        pytest.param([STILL], False, id="allowed work is left"),
        pytest.param([VIDEO._replace(key="k9")], False, id="an allowed follower is left"),
    ],
)
def test_an_allowance_is_spent_when(actions, spent):
    assert is_spent(plan(*actions), ALLOWED) is spent


def test_no_allowance_is_always_spent():
    assert is_spent(plan(STILL), "")
