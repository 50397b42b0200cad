"""The sentences of planning: what is done about one target, and why."""

import pytest

from koma.core.action import LEAST_SECONDS, Selection, quantile
from koma.core.flags import AGAIN, LOST, NEXT
from koma.core.plan import plan
from koma.core.target import Read
from koma.core.words import ActionKind, Reason, Verdict
from support.worlds import Shelf, but, hexed, key_of, made, row, target

STILL = target()
KEY = key_of(STILL)
FAILED, ERROR, UNMEASURED = Verdict.FAILED, Verdict.ERROR, Verdict.UNMEASURED
OTHER = "the key of an earlier wish"


def shelf_with(*takes, publish=None, **more):
    shelf = Shelf(**more)
    shelf.add(STILL, *takes, publish=publish)
    return shelf


def take(number=1, verdict=Verdict.PASSED, **changes):
    return row(STILL, KEY, number, verdict, **changes)


OLD = row(STILL, OTHER)
PATH = "p/s01/sh010/still.png"
RETRY = {"retry:p/s01/sh010/still:final": "yes"}
LOSS = {"retry:p/s01/sh010/still:final": LOST}
CANCELLED = {"cancelled:p/s01/sh010/still:final": KEY}
TRY = {"retry:p/s01/sh010/still:final": AGAIN}
LACKED = but(STILL, lacking_key="m1 with these files")
LACKING = take(1, UNMEASURED, measure_key=LACKED.lacking_key)
FAULTY = take(1, ERROR, measure_key=LACKED.lacking_key, rules_digest=STILL.rules_digest, object_digest="made")

SENTENCES = {
    "nothing was ever made: render": (Shelf(), STILL, "render new"),
    "published and current: keep": (made(STILL), STILL, "keep"),
    "published with another key: render": (shelf_with(OLD, publish=OLD), STILL, "render changed"),
    "held by its spec: hold": (Shelf(), but(STILL, hold="held-by-spec"), "hold held-by-spec"),
    "held by its spec though it is published: hold, and it stays": (made(STILL), but(STILL, hold="held-by-spec"), "hold held-by-spec"),
    "blocked by a problem: hold": (made(STILL), but(STILL, hold="blocked", base_key=""), "hold blocked"),
    "running already: as it runs": (Shelf(running={(STILL.id, KEY): "render"}), STILL, "render running"),
    "another picture of it is running: render": (Shelf(running={(STILL.id, OTHER): "render"}), STILL, "render new"),
    "being measured: as it runs": (shelf_with(take(), running={(STILL.id, KEY): "measure"}), STILL, "measure running"),
    "the newest take failed: another": (shelf_with(take(1, FAILED)), STILL, "render retake"),
    "the newest of several takes failed, below the limit: another": (shelf_with(take(1, FAILED), take(2, FAILED)), STILL, "render retake"),
    "every allowed take failed, none is shown yet: publish the best": (
        shelf_with(*(take(n, FAILED) for n in (1, 2, 3))),
        STILL,
        "publish unpublished",
    ),
    "every allowed take failed, and one is shown: a person": (
        shelf_with(*(take(n, FAILED) for n in (1, 2, 3)), publish=take(3, FAILED)),
        STILL,
        "hold gate-failed",
    ),
    "every allowed take failed, and an older wish's passed take is shown: a person": (
        shelf_with(*(take(n, FAILED) for n in (1, 2, 3)), OLD, publish=OLD),
        STILL,
        "hold gate-failed",
    ),
    "the render failed: a person": (shelf_with(take(1, ERROR)), STILL, "hold render-failed"),
    "it could not be measured: shown, for a person": (shelf_with(take(1, UNMEASURED)), STILL, "publish unpublished"),
    "it could not be measured and is shown: a person": (
        shelf_with(take(1, UNMEASURED), publish=take(1, UNMEASURED)),
        STILL,
        "hold unmeasured",
    ),
    "a model is missing, as it was before: a person": (shelf_with(LACKING, publish=LACKING), LACKED, "hold unmeasured"),
    "a model was missing, which may be there now: measure": (
        shelf_with(LACKING, publish=LACKING),
        but(LACKED, lacking_key="m1 with other files"),
        "measure metric-changed",
    ),
    "a metric ended in an error, and nothing changed since: a person": (
        shelf_with(FAULTY, publish=FAULTY),
        LACKED,
        "hold measure-failed",
    ),
    "a person has it tried again, and a model was missing: measure": (shelf_with(LACKING, flags=TRY), LACKED, "measure forced"),
    "a person has it tried again, and a metric ended in an error: measure": (shelf_with(FAULTY, flags=TRY), LACKED, "measure forced"),
    "a person has it tried again, and the picture itself has no value: render": (
        shelf_with(take(1, UNMEASURED), flags=TRY),
        LACKED,
        "render forced",
    ),
    "a person asks for another take though a model is missing: render": (shelf_with(LACKING, flags=RETRY), LACKED, "render forced"),
    "a person has it tried again that passed without a model which is only shown: render": (
        shelf_with(LACKING._replace(verdict="passed"), flags=TRY),
        LACKED,
        "render forced",
    ),
    "a model is missing whose metric is only shown: keep": (
        shelf_with(LACKING._replace(verdict="passed"), publish=LACKING._replace(verdict="passed")),
        LACKED,
        "keep",
    ),
    "passed and never published: publish": (shelf_with(take()), STILL, "publish unpublished"),
    "several takes are asked for up front: another": (shelf_with(take()), but(STILL, takes_wanted=3), "render takes"),
    "as many takes as asked for: publish": (shelf_with(take(1), take(2)), but(STILL, takes_wanted=2), "publish unpublished"),
    "the file is gone: publish again": (shelf_with(take(), publish=take(), missing={PATH}), STILL, "publish missing-output"),
    "the file and its object are gone: render again": (
        shelf_with(take(), publish=take(), missing={PATH}, objects_gone=True),
        STILL,
        "render missing-object",
    ),
    "the object alone is gone: keep, what is published is there": (shelf_with(take(), publish=take(), objects_gone=True), STILL, "keep"),
    "the wanted take was made earlier: restore": (shelf_with(take(), OLD, publish=OLD), STILL, "restore reverted"),
    "the wanted take was made earlier, and its object is gone: render": (
        shelf_with(take(), OLD, publish=OLD, objects_gone=True),
        STILL,
        "render missing-object",
    ),
    "a better take of the same wish than the one shown: publish": (
        shelf_with(take(1, FAILED), take(2), publish=take(1, FAILED)),
        STILL,
        "publish unpublished",
    ),
    "other metrics are asked for: measure": (
        shelf_with(take(), publish=take()),
        but(STILL, measure_key="m2"),
        "measure metric-changed",
    ),
    "other rules: judge": (shelf_with(take(), publish=take()), but(STILL, rules_digest="r2"), "gate rule-changed"),
    "other metrics and rules: measure, which judges too": (
        shelf_with(take(), publish=take()),
        but(STILL, measure_key="m2", rules_digest="r2"),
        "measure metric-changed",
    ),
    "a take without a picture is never judged again": (shelf_with(take(1, ERROR)), but(STILL, rules_digest="r2"), "hold render-failed"),
    "published, and fails by now: a person": (
        shelf_with(take(1, FAILED, decided=True), publish=take(1, FAILED, decided=True)),
        STILL,
        "hold gate-changed",
    ),
    "published, fails by now, and the file is gone: it comes back": (
        shelf_with(take(1, FAILED, decided=True), publish=take(1, FAILED, decided=True), missing={PATH}),
        STILL,
        "publish missing-output",
    ),
    "a decided wish whose takes all fail and none is shown: a person": (
        shelf_with(take(1, FAILED, decided=True)),
        STILL,
        "hold gate-changed",
    ),
    "what others read of it is gone: render": (made(STILL, shelf=Shelf(flags=LOSS)), STILL, "render missing-object"),
    "what others read of it is gone, and other pixels are wanted now: render": (
        shelf_with(OLD, publish=OLD, flags=LOSS),
        STILL,
        "render forced",
    ),
    "a person asks for another: render": (made(STILL, shelf=Shelf(flags=RETRY)), STILL, "render forced"),
    "a person asks for another after all failed: render": (
        shelf_with(*(take(n, FAILED) for n in (1, 2, 3)), flags=RETRY),
        STILL,
        "render forced",
    ),
    "a person cancelled it: hold": (Shelf(flags=CANCELLED), STILL, "hold cancelled"),
    "a person cancelled another picture of it: render": (Shelf(flags={"cancelled:p/s01/sh010/still:final": OTHER}), STILL, "render new"),
    "a person cancelled it and wants it after all: render": (Shelf(flags={**CANCELLED, **RETRY}), STILL, "render forced"),
    "a person cancelled it before its picture was known: hold": (
        Shelf(flags={"cancelled:p/s01/sh010/still:final": NEXT}),
        STILL,
        "hold cancelled",
    ),
    "cancelled in another rendition: render": (Shelf(flags={"cancelled:p/s01/sh010/still:draft": KEY}), STILL, "render new"),
}


def said(planned, target_id=STILL.id):
    """What a plan says about one target, in two words."""
    if target_id in planned.kept:
        return "keep"
    found = [f"{action.action} {action.reason}" for action in planned.actions if action.target_id == target_id]
    return " and ".join(found)


@pytest.mark.parametrize(("shelf", "wanted", "expected"), SENTENCES.values(), ids=SENTENCES.keys())
def test_what_is_done_about_one_target(shelf, wanted, expected):
    assert said(plan([wanted], shelf.observed())) == expected


@pytest.mark.parametrize(
    ("takes", "expected"),
    [
        pytest.param([], 1, id="the first"),
        pytest.param([take(1, FAILED), take(2, FAILED)], 3, id="after two"),
        pytest.param([take(2, FAILED)], 3, id="after a second one whose first is lost"),
    ],
)
def test_which_take_a_render_makes(takes, expected):
    assert plan([STILL], shelf_with(*takes).observed()).actions[0].take_number == expected


def test_what_passed_without_a_model_that_is_only_shown_is_seen_at_once_while_that_lacks():
    passed = take(measure_key=LACKED.lacking_key)
    assert plan([LACKED], shelf_with(passed, publish=passed).observed()).current == {STILL.id}
    assert not plan([but(LACKED, lacking_key="m1 with other files")], shelf_with(passed, publish=passed).observed()).current


def test_a_take_whose_object_is_lost_is_made_again_under_its_own_number():
    shelf = shelf_with(take(1, FAILED), take(2), publish=take(2), missing={PATH}, objects_gone=True)
    assert plan([STILL], shelf.observed()).actions[0].take_number == 2


def test_a_take_of_which_others_read_what_is_lost_is_made_again_under_its_own_number():
    shelf = shelf_with(take(1), take(2), take(3, FAILED), publish=take(2), flags=LOSS)
    assert plan([STILL], shelf.observed()).actions[0].take_number == 2


def test_a_forced_take_is_a_new_one():
    shelf = shelf_with(take(), publish=take(), flags=RETRY)
    assert plan([STILL], shelf.observed()).actions[0].take_number == 2


VIDEO = target("sh010/video")


def chained(still_takes=(), publish=None, **more):
    """Shelf on which the video is published as made from the still's first take; the still stands as told."""
    shelf = made(STILL, VIDEO, shelf=Shelf(**more))
    shelf.takes = [one for one in shelf.takes if one.target != STILL.id] + list(still_takes)
    del shelf.published[STILL.id]
    if publish is not None:
        shelf.add(STILL, publish=publish)
    return shelf


def both(shelf, still=STILL, video=VIDEO, **more):
    planned = plan([still, video], shelf.observed(), **more)
    return said(planned), said(planned, VIDEO.id)


CHOSEN = take(2, content_digest=take().content_digest)
CHAINS = {
    "nothing is there: the still renders, the video follows": (Shelf(), STILL, ("render new", "render upstream")),
    "all is there: both are kept": (made(STILL, VIDEO), STILL, ("keep", "keep")),
    "the still changes: the video follows": (
        made(STILL, VIDEO),
        but(STILL, base_key=hexed("other graph")),
        ("render changed", "render upstream"),
    ),
    "the still is made again with the same pixels: the video stays": (
        chained([take(), row(STILL, OTHER, content_digest=take().content_digest)], take()),
        STILL,
        ("keep", "keep"),
    ),
    "the still's file is gone: it comes back, and the video stays": (
        made(STILL, VIDEO, shelf=Shelf(missing={PATH})),
        STILL,
        ("publish missing-output", "keep"),
    ),
    "the still is being rendered: the video follows": (
        Shelf(running={(STILL.id, KEY): "render"}),
        STILL,
        ("render running", "render upstream"),
    ),
    "the still waits for a person: so does the video": (
        chained([take(1, ERROR)]),
        STILL,
        ("hold render-failed", "hold waiting"),
    ),
    "the still is held and was never made: the video waits": (
        Shelf(),
        but(STILL, hold="held-by-spec"),
        ("hold held-by-spec", "hold waiting"),
    ),
    "the still is held and published: the video stays": (
        made(STILL, VIDEO),
        but(STILL, hold="held-by-spec"),
        ("hold held-by-spec", "keep"),
    ),
    "the still is held, and what the video reads of it is gone: the video waits": (
        made(STILL, VIDEO, shelf=Shelf(flags=LOSS)),
        but(STILL, hold="held-by-spec"),
        ("hold held-by-spec", "hold waiting"),
    ),
    "the still is blocked: the video waits": (
        made(STILL, VIDEO),
        but(STILL, hold="blocked", base_key=""),
        ("hold blocked", "hold waiting"),
    ),
    "the still is judged again: the video stays meanwhile": (
        made(STILL, VIDEO),
        but(STILL, rules_digest="r2"),
        ("gate rule-changed", "keep"),
    ),
    "the still is measured again: the video stays meanwhile": (
        made(STILL, VIDEO),
        but(STILL, measure_key="m2"),
        ("measure metric-changed", "keep"),
    ),
    "the second of two good stills was chosen; while the first is measured again the video stays": (
        chained([take(1, content_digest=hexed("worse")), CHOSEN], CHOSEN),
        but(STILL, measure_key="m2", takes_wanted=2),
        ("measure metric-changed", "keep"),
    ),
    "the still fails by now but passed once: the video stays": (
        chained([take(1, FAILED, decided=True)], take(1, FAILED, decided=True)),
        STILL,
        ("hold gate-changed", "keep"),
    ),
    "the still failed and is shown all the same: the video does not read it": (
        chained([take(n, FAILED) for n in (1, 2, 3)], take(3, FAILED)),
        STILL,
        ("hold gate-failed", "hold waiting"),
    ),
    "the still was reverted: the video of it is kept": (
        chained([take(), OLD], OLD),
        STILL,
        ("restore reverted", "keep"),
    ),
    "a failed still was approved: the video reads it": (
        chained([take(1, FAILED, approved=True)], take(1, FAILED, approved=True)),
        STILL,
        ("keep", "keep"),
    ),
}


@pytest.mark.parametrize(("shelf", "still", "expected"), CHAINS.values(), ids=CHAINS.keys())
def test_what_follows_from_an_upstream_target(shelf, still, expected):
    assert both(shelf, still) == expected


def test_what_follows_is_uncertain_and_names_its_cause():
    action = plan([STILL, VIDEO], Shelf().observed()).actions[1]
    assert (action.certain, action.cause, action.waits_for, action.key) == (False, STILL.id, (STILL.id,), "")


def test_what_waits_for_a_held_upstream_is_uncertain_too():
    action = plan([but(STILL, hold="held-by-spec"), VIDEO], Shelf().observed()).actions[1]
    assert (action.certain, action.cause) == (False, STILL.id)


def test_a_target_that_reads_something_nobody_wants_waits():
    planned = plan([VIDEO], Shelf().observed())
    assert said(planned, VIDEO.id) == "hold waiting"


PANEL_VIDEO = but(VIDEO, reads=(), backend="animatic")
NEEDS = {
    "the still is made first": (Shelf(), STILL, "render new", (STILL.id,)),
    "the still passed": (made(STILL), STILL, "render new", ()),
    "the still waits for a person": (shelf_with(take(1, ERROR)), STILL, "hold waiting", (STILL.id,)),
    "the still failed and is shown": (
        shelf_with(*(take(n, FAILED) for n in (1, 2, 3)), publish=take(3, FAILED)),
        STILL,
        "hold waiting",
        (STILL.id,),
    ),
}


@pytest.mark.parametrize(("shelf", "still", "expected", "waits"), NEEDS.values(), ids=NEEDS.keys())
def test_a_target_that_needs_another_but_reads_none_of_its_pixels(shelf, still, expected, waits):
    planned = plan([still, PANEL_VIDEO], shelf.observed())
    action = next(action for action in planned.actions if action.target_id == VIDEO.id)
    assert (f"{action.action} {action.reason}", action.waits_for, action.certain) == (expected, waits, True)


def test_a_published_target_stays_whatever_becomes_of_what_it_needs():
    shelf = made(STILL, PANEL_VIDEO)
    assert both(shelf, but(STILL, base_key=hexed("other graph")), PANEL_VIDEO) == ("render changed", "keep")


def test_a_chain_of_three_stops_where_pixels_are_equal():
    last = but(target("sh010/video"), id="p/s01/sh010/joined", reads=(Read("clip", VIDEO.id),), base_key=hexed("join"))
    shelf = made(STILL, VIDEO, last)
    new = but(STILL, base_key=hexed("other graph"))
    again = row(new, key_of(new), content_digest=take().content_digest)
    shelf.add(new, again, publish=again)
    planned = plan([new, VIDEO, last], shelf.observed())
    assert planned.actions == []


MOVED = but(target("sh011/still"), base_key=STILL.base_key)


def test_a_renamed_target_is_published_again_and_not_rendered():
    planned = plan([MOVED], made(STILL).observed(), moved={MOVED.id: STILL.id})
    assert said(planned, MOVED.id) == "publish moved"
    assert said(planned, STILL.id) == "retire moved"


def test_a_renamed_chain_is_published_again_and_not_rendered():
    clip = but(target("sh011/video"), base_key=VIDEO.base_key, reads=(Read("image", MOVED.id),))
    planned = plan([MOVED, clip], made(STILL, VIDEO).observed(), moved={MOVED.id: STILL.id, clip.id: VIDEO.id})
    assert (said(planned, MOVED.id), said(planned, clip.id)) == ("publish moved", "publish moved")


def test_a_renamed_target_whose_picture_changed_too_is_rendered():
    planned = plan([but(MOVED, base_key=hexed("other"))], made(STILL).observed(), moved={MOVED.id: STILL.id})
    assert said(planned, MOVED.id) == "render new"


def test_a_target_with_an_entry_under_moved_that_never_existed_is_new():
    assert said(plan([MOVED], Shelf().observed(), moved={MOVED.id: STILL.id}), MOVED.id) == "render new"


def test_two_targets_that_want_the_same_picture_keep_takes_of_their_own():
    assert said(plan([STILL, MOVED], made(STILL).observed()), MOVED.id) == "render new"


UNWANTED = {
    "nobody wants it": ([], "retire removed"),
    "its project can't be read for now": (["p"], "hold blocked"),
    "its scene can't be read for now": (["p/s01"], "hold blocked"),
    "its shot can't be read for now": (["p/s01/sh010"], "hold blocked"),
    "another scene can't be read": (["p/s02"], "retire removed"),
    "a scene whose name begins the same can't be read": (["p/s0"], "retire removed"),
}


@pytest.mark.parametrize(("blocked", "expected"), UNWANTED.values(), ids=UNWANTED.keys())
def test_what_is_published_and_not_wanted(blocked, expected):
    assert said(plan([], made(STILL).observed(), blocked=blocked)) == expected


def test_the_old_id_of_a_renamed_target_goes_even_while_something_is_unreadable():
    planned = plan([MOVED], made(STILL).observed(), blocked=["p"], moved={MOVED.id: STILL.id})
    assert said(planned) == "retire moved"


SELECTIONS = {
    "all": (Selection(), {"p/s01/sh010/still", "p/s01/sh020/still", "p/s01/sh030/still"}),
    "one shot": (Selection(lambda name: "sh010" in name), {"p/s01/sh010/still"}),
    "all but one": (Selection(None, lambda name: "sh010" in name), {"p/s01/sh020/still", "p/s01/sh030/still"}),
    "a scene without one of its shots": (
        Selection(lambda name: "s01" in name, lambda name: "sh020" in name),
        {"p/s01/sh010/still", "p/s01/sh030/still"},
    ),
}


@pytest.mark.parametrize(("selection", "expected"), SELECTIONS.values(), ids=SELECTIONS.keys())
def test_a_plan_speaks_only_of_what_was_selected(selection, expected):
    kept, changed, gone = STILL, target("sh020/still"), target("sh030/still")
    shelf = made(kept, gone)
    planned = plan([kept, changed], shelf.observed(), selection=selection)
    assert {*planned.kept, *(action.target_id for action in planned.actions)} == expected


def test_a_target_outside_the_selection_still_counts_for_what_follows():
    planned = plan([STILL, VIDEO], Shelf().observed(), selection=Selection(lambda name: name.endswith("video")))
    assert [f"{action.action} {action.reason}" for action in planned.actions] == ["render upstream"]


COSTS = {
    "no experience: the estimate, and half as much again": (STILL, {}, (15.0, 22.5)),
    "an estimate of nothing is no promise": (but(STILL, estimate_seconds=0.0), {}, (LEAST_SECONDS, LEAST_SECONDS)),
    "one render": (STILL, {"still": [8.0]}, (8.0, 8.0)),
    "many renders, in any order": (STILL, {"still": [10.0, 1.0, 3.0, 2.0, 4.0]}, (3.0, 7.6)),
    "renders of other templates say nothing": (STILL, {"svd-video": [100.0]}, (15.0, 22.5)),
    "renders that took no time at all": (STILL, {"still": [0.0, 0.0]}, (LEAST_SECONDS, LEAST_SECONDS)),
}


@pytest.mark.parametrize(("wanted", "durations", "expected"), COSTS.values(), ids=COSTS.keys())
def test_the_gpu_time_expected_of_a_render(wanted, durations, expected):
    action = plan([wanted], Shelf(durations=durations).observed()).actions[0]
    assert (action.p50_seconds, action.p90_seconds) == pytest.approx(expected)


def test_only_renders_cost_gpu_time():
    takes = shelf_with(take(), publish=take())
    for wanted in (but(STILL, measure_key="m2"), but(STILL, rules_digest="r2"), but(STILL, hold="held-by-spec")):
        assert plan([wanted], takes.observed()).actions[0].p90_seconds == 0
    measuring = shelf_with(take(), running={(STILL.id, KEY): "measure"})
    assert plan([STILL], measuring.observed()).actions[0].p90_seconds == 0


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [([1.0], 0.9, 1.0), ([1.0, 3.0], 0.5, 2.0), ([1.0, 2.0, 3.0], 1.0, 3.0), ([1.0, 2.0, 3.0], 0.0, 1.0)],
    ids=["of one value", "between two", "the last", "the first"],
)
def test_a_quantile(values, share, expected):
    assert quantile(values, share) == expected


def test_the_summary_counts_every_kind_of_action_zeros_included():
    planned = plan(
        [STILL, target("sh020/still"), but(target("sh030/still"), hold="held-by-spec")], made(STILL, target("sh040/still")).observed()
    )
    assert planned.summary() == {
        **dict.fromkeys(map(str, ActionKind), 0),
        "keep": 1,
        "render": 1,
        "hold": 1,
        "retire": 1,
    }


def test_a_plan_with_nothing_to_do_reads_no_takes():
    shelf = made(STILL, VIDEO)
    asked = []
    observed = shelf.observed()._replace(takes=lambda keys: asked.extend(keys) or [])
    assert plan([STILL, VIDEO], observed).kept == [STILL.id, VIDEO.id]
    assert asked == []


def test_reasons_of_sentences_are_from_the_closed_list():
    words = {expected.split()[-1] for _, _, expected in SENTENCES.values()} - {"keep"}
    assert words <= {str(reason) for reason in Reason}
