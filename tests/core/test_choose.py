"""Which take lies in the outputs folder: the sentences of "takes and what is published", one by one."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from koma.core.choose import NO_MERIT, choose, is_good, merit
from koma.core.gate import Measurement, Op, Rule, judge
from koma.core.rows import Published, TakeRow
from koma.core.words import Reason, Verdict

PASSED, FAILED, UNMEASURED, ERROR = Verdict.PASSED, Verdict.FAILED, Verdict.UNMEASURED, Verdict.ERROR


def row(number, verdict, *, approved=False, decided=False, made=True):
    digest = f"object {number}" if made else ""
    return TakeRow(f"take {number}", "t", "final", "key", number, str(verdict), decided, approved, "m", "r", digest, digest)


def error(number):
    return row(number, ERROR, made=False)


def shown(take_key, verdict=PASSED, render_key="key"):
    return Published("t", "final", take_key, render_key, "t.png", 1, str(verdict), "m", "r", "c")


OLD = shown("old take", render_key="old key")


@pytest.mark.parametrize(
    ("rows", "wanted", "limit", "published", "passed", "expected"),
    [
        pytest.param([], 1, 3, None, False, ("", None), id="without takes nothing is published and one is to be made"),
        pytest.param([row(1, PASSED)], 1, 3, None, False, ("take 1", None), id="a take that passed is published"),
        pytest.param([row(1, PASSED)], 1, 3, OLD, True, ("take 1", None), id="a take that passed replaces that of an older key"),
        pytest.param([row(1, FAILED)], 1, 3, None, False, ("", None), id="a failed take below the limit makes another take"),
        pytest.param([row(1, FAILED), row(2, PASSED)], 1, 3, None, False, ("take 2", None), id="a later take that passed is published"),
        pytest.param([row(1, PASSED), row(2, PASSED)], 1, 3, None, False, ("take 2", None), id="the last take that passed is published"),
        pytest.param(
            [row(1, PASSED), row(2, FAILED, decided=True)], 1, 3, None, False, ("take 1", None), id="a failed retake does not hide a pass"
        ),
        pytest.param([row(1, PASSED)], 2, 3, None, False, ("", None), id="nothing is published before all wanted takes exist"),
        pytest.param(
            [row(1, FAILED, approved=True), row(2, PASSED)], 1, 3, None, False, ("take 1", None), id="approved goes before passed"
        ),
        pytest.param(
            [row(n, FAILED) for n in (1, 2, 3)], 1, 3, None, False, ("take 3", Reason.GATE_FAILED), id="at the limit a failed take is shown"
        ),
        pytest.param(
            [row(n, FAILED) for n in (1, 2, 3)],
            1,
            3,
            OLD,
            True,
            ("", Reason.GATE_FAILED),
            id="a failed take never replaces one that passed",
        ),
        pytest.param(
            [row(n, FAILED) for n in (1, 2, 3)],
            1,
            3,
            shown("old take", FAILED, "old key"),
            False,
            ("take 3", Reason.GATE_FAILED),
            id="a failed take replaces a failed one of an older key",
        ),
        pytest.param(
            [row(1, FAILED, decided=True)], 1, 3, shown("take 1", FAILED), True, ("take 1", Reason.GATE_CHANGED), id="a decided key stays"
        ),
        pytest.param([error(1)], 1, 3, None, False, ("", Reason.RENDER_FAILED), id="a render error is not tried again with another seed"),
        pytest.param([error(1)], 1, 3, OLD, True, ("", Reason.RENDER_FAILED), id="a render error leaves what is published"),
        pytest.param(
            [row(1, FAILED), error(2)], 1, 3, None, False, ("take 1", Reason.GATE_FAILED), id="only a take with a picture is ever shown"
        ),
        pytest.param(
            [row(1, UNMEASURED)], 1, 3, None, False, ("take 1", Reason.UNMEASURED), id="what can not be measured waits for a person"
        ),
        pytest.param([row(1, UNMEASURED)], 1, 3, OLD, True, ("", Reason.UNMEASURED), id="unmeasured is never a pass"),
        pytest.param(
            [row(1, ERROR)], 1, 3, None, False, ("take 1", Reason.MEASURE_FAILED), id="an error of a metric is no error of the render"
        ),
        pytest.param(
            [row(1, FAILED), row(2, UNMEASURED)], 1, 3, None, False, ("take 2", Reason.UNMEASURED), id="the newest take says what is wrong"
        ),
        pytest.param(
            [row(1, UNMEASURED, decided=True)],
            1,
            3,
            shown("take 1", UNMEASURED),
            True,
            ("take 1", Reason.UNMEASURED),
            id="what passed once and has no value by now stays, and nobody says that it failed",
        ),
        pytest.param(
            [row(1, ERROR, decided=True)], 1, 3, OLD, True, ("", Reason.GATE_CHANGED), id="a decided key whose take lies elsewhere"
        ),
        pytest.param([row(1, PASSED), error(2)], 2, 3, None, False, ("take 1", None), id="errors count as takes"),
    ],
)
def test_sentences(rows, wanted, limit, published, passed, expected):
    choice = choose(rows, wanted, limit, published, published_passed=passed)
    assert (choice.take_key, choice.stalled) == expected


def test_of_several_takes_the_best_is_chosen():
    merits = {"take 1": (5, 0, 0.2), "take 2": (5, 0, 0.9), "take 3": (5, 0, 0.4)}
    rows = [row(n, PASSED) for n in (1, 2, 3)]
    assert choose(rows, 3, 3, None, published_passed=False, merits=merits).take_key == "take 2"


def test_without_new_facts_the_published_one_of_several_stays():
    rows = [row(n, PASSED) for n in (1, 2, 3)]
    assert choose(rows, 3, 3, shown("take 2"), published_passed=True).take_key == "take 2"


def test_up_front_takes_are_told_from_retakes():
    assert choose([row(1, PASSED)], 2, 3, None, published_passed=False).up_front
    assert not choose([row(1, FAILED)], 1, 3, None, published_passed=False).up_front


@st.composite
def situations(draw):
    """Rows of one key, any order; one that passed makes its key decided, as the store does."""
    kinds = draw(st.lists(st.sampled_from([*Verdict]), max_size=6))
    approved = draw(st.integers(0, 7))
    decided = draw(st.booleans()) or PASSED in kinds or approved < len(kinds)
    made = [draw(st.booleans()) or kind is not ERROR for kind in kinds]
    rows = [row(n, kind, approved=n - 1 == approved and made[n - 1], decided=decided, made=made[n - 1]) for n, kind in enumerate(kinds, 1)]
    keys = st.sampled_from(["old take", *(one.take_key for one in rows if one.object_digest)])
    published = draw(st.none() | keys.map(lambda key: shown(key, draw(st.sampled_from([PASSED, FAILED])))))
    passed = published is not None and (published.verdict == PASSED or draw(st.booleans()))
    merits = draw(st.none() | st.just({one.take_key: (0, 0, draw(st.floats(-1, 1))) for one in rows}))
    return rows, draw(st.integers(1, 4)), draw(st.integers(1, 6)), published, passed, merits


def choice_of(situation):
    rows, wanted, limit, published, passed, merits = situation
    return choose(rows, wanted, limit, published, published_passed=passed, merits=merits)


@given(situations(), st.randoms())
def test_the_choice_does_not_depend_on_the_order_of_the_rows(situation, random):
    rows = list(situation[0])
    random.shuffle(rows)
    assert choice_of((rows, *situation[1:])) == choice_of(situation)


@given(situations())
def test_a_failed_take_never_replaces_a_published_one_that_passed(situation):
    rows, _, _, published, passed, _ = situation
    assume(published is not None and passed)
    chosen = next((one for one in rows if one.take_key == choice_of(situation).take_key), None)
    assert chosen is None or is_good(chosen) or chosen.take_key == published.take_key


@given(situations())
def test_nothing_is_chosen_before_the_wanted_takes_exist(situation):
    rows, wanted, *_ = situation
    assume(len(rows) < wanted)
    assert choice_of(situation) == choose([], 1, 1, None, published_passed=False)


@given(situations())
def test_only_a_take_with_a_picture_is_ever_chosen_anew(situation):
    rows = situation[0]
    key = choice_of(situation).take_key
    chosen = next((one for one in rows if one.take_key == key), None)
    assert not key or chosen is not None
    assert chosen is None or chosen.object_digest or is_good(chosen)


@given(situations())
def test_retakes_happen_only_while_the_key_is_undecided_and_the_limit_is_not_reached(situation):
    rows, wanted, limit, *_ = situation
    choice = choice_of(situation)
    retakes = not choice.take_key and choice.stalled is None and not choice.up_front
    if retakes:
        assert wanted <= len(rows) < limit
        assert not any(one.decided for one in rows)
        assert max(rows, key=lambda one: one.number).verdict == FAILED


@given(situations())
def test_a_person_has_to_decide_exactly_when_nothing_is_good_and_no_take_follows(situation):
    rows, wanted, *_ = situation
    choice = choice_of(situation)
    if choice.stalled is not None:
        assert not any(is_good(one) for one in rows)
        assert len(rows) >= wanted


@given(situations())
def test_publishing_the_choice_changes_nothing_more(situation):
    rows, wanted, limit, _, _, merits = situation
    first = choice_of(situation)
    assume(first.take_key)
    chosen = next(one for one in rows if one.take_key == first.take_key)
    now_shown = shown(first.take_key, chosen.verdict)
    for known in (merits, None):
        again = choose(rows, wanted, limit, now_shown, published_passed=is_good(chosen) or chosen.decided, merits=known)
        assert again.take_key in {first.take_key, ""}


def gate_of(value, rules):
    return judge([Measurement("m", "1", "", value)], rules)


def test_merit_counts_failed_checks_before_distances():
    near, far = gate_of(0.49, [Rule("m", Op.AT_LEAST, 0.5)]), gate_of(0.1, [Rule("m", Op.AT_LEAST, 0.5)])
    good = gate_of(0.51, [Rule("m", Op.AT_LEAST, 0.5)])
    assert merit(good) > merit(near) > merit(far) > merit(gate_of(None, [Rule("m", Op.AT_LEAST, 0.5)])) > merit(None) == NO_MERIT


# Metrics of each stage, in the order in which a verdict goes through them, and one that is kept out of choosing.
RULES = (
    *(
        Rule(metric, Op.AT_LEAST, 0.5)
        for metric in ("decodes", "dynamic-degree", "sharpness", "noise", "face-similarity", "overall-of-all")
    ),
    Rule("clip-consistency", Op.AT_LEAST, 0.5, required=False, audit=True),
    Rule("aesthetic", Op.AT_LEAST, 0.5, required=False),
)


def measured(**values):
    """A gate result in which everything is just good enough, but for these."""
    known = {rule.metric: 0.5 for rule in RULES} | {name.replace("_", "-"): value for name, value in values.items()}
    return judge([Measurement(metric, "1", "", value) for metric, value in known.items()], RULES)


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        pytest.param(measured(), measured(face_similarity=0.4), id="one that passed goes before one that failed"),
        pytest.param(measured(face_similarity=0.0), measured(sharpness=0.49), id="the later the stage that failed, the better"),
        pytest.param(measured(sharpness=0.0), measured(dynamic_degree=0.49), id="a floor is later than motion"),
        pytest.param(measured(dynamic_degree=0.0), measured(decodes=0.0), id="motion is later than validity"),
        pytest.param(
            measured(sharpness=0.0, face_similarity=0.9),
            measured(sharpness=0.4, face_similarity=0.4),
            id="fewer failures go before distance",
        ),
        pytest.param(measured(sharpness=0.4), measured(sharpness=0.3), id="of as many failures the nearer one is better"),
        pytest.param(measured(aesthetic=0.9), measured(aesthetic=0.6), id="what is not required counts for the distance"),
        pytest.param(measured(sharpness=0.4), measured(sharpness=None), id="a near miss goes before what has no value"),
    ],
)
def test_the_documented_order_of_takes(better, worse):
    assert merit(better) > merit(worse)


@given(st.floats(0, 1), st.none() | st.floats(0, 1))
def test_an_audited_metric_takes_no_part_in_choosing(one, other):
    assert merit(measured(clip_consistency=one)) == merit(measured(clip_consistency=other))
    assert merit(measured(clip_consistency=one, sharpness=0.1)) == merit(measured(clip_consistency=other, sharpness=0.1))


def test_an_audited_metric_that_fails_a_take_does_not_make_it_the_worse_one():
    rules = [Rule("clip-consistency", Op.AT_LEAST, 0.5, audit=True), Rule("sharpness", Op.AT_LEAST, 0.5)]
    odd, blurred = (
        judge([Measurement("clip-consistency", "1", "", odd), Measurement("sharpness", "1", "", sharp)], rules)
        for odd, sharp in ((0.1, 0.6), (0.9, 0.4))
    )
    assert merit(odd) > merit(blurred)


def test_of_failed_takes_the_one_that_came_furthest_is_shown():
    merits = {f"take {n}": merit(gate) for n, gate in enumerate((measured(face_similarity=0.1), measured(sharpness=0.4)), 1)}
    assert choose([row(1, FAILED), row(2, FAILED)], 1, 2, None, published_passed=False, merits=merits).take_key == "take 1"


@pytest.mark.parametrize(
    ("op", "better", "worse"),
    [(Op.AT_LEAST, 0.9, 0.6), (Op.AT_MOST, 0.1, 0.4), (Op.EQUALS, 0.5, 0.6)],
    ids=["more is better", "less is better", "nearer is better"],
)
def test_merit_knows_the_direction_of_a_rule(op, better, worse):
    rules = [Rule("m", op, 0.5)]
    assert merit(gate_of(better, rules)) > merit(gate_of(worse, rules))
