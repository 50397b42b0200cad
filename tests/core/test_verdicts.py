"""How measurements and rules become one of four verdicts: stage by stage, and nothing is ever filled in."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koma.core.gate import Measurement, Op, Rule, judge
from koma.core.metrics import METRIC_IDS, METRICS
from koma.core.metrics.spec import Stage
from koma.core.words import Verdict

DECODES = Rule("decodes", Op.EQUALS, 1)
MOVES = Rule("dynamic-degree", Op.AT_LEAST, 0.25)
SHARP = Rule("sharpness", Op.AT_LEAST, 15)
CALM = Rule("flicker", Op.AT_MOST, 2)
AKI = Rule("face-similarity", Op.AT_LEAST, 0.7, subject="aki")
MEI = Rule("face-similarity", Op.AT_LEAST, 0.6, subject="mei")
OVERALL = Rule("overall", Op.AT_LEAST, 0.8)
RULES = (OVERALL, MEI, AKI, CALM, SHARP, MOVES, DECODES)  # their order must not matter


def found(metric, value, why="", subject="", failed=False):
    return Measurement(metric, "1", "", value, why, failed, subject=subject)


GOOD = {
    ("decodes", ""): found("decodes", 1),
    ("dynamic-degree", ""): found("dynamic-degree", 0.9),
    ("sharpness", ""): found("sharpness", 200),
    ("flicker", ""): found("flicker", 0.2),
    ("face-similarity", "aki"): found("face-similarity", 0.9, subject="aki"),
    ("face-similarity", "mei"): found("face-similarity", 0.88, subject="mei"),
}
BLURRED = found("sharpness", 3)
NO_FACE = found("face-similarity", None, "no face was found in 8 frames", subject="aki")
BROKEN = found("face-similarity", None, "the model file is not the one that was recorded", subject="aki", failed=True)
STRANGER = found("face-similarity", 0.2, subject="aki")
STILL = found("dynamic-degree", 0.0)
CUT = found("decodes", 0)


@pytest.mark.parametrize(
    ("instead", "verdict", "stage"),
    [
        pytest.param([], "passed", "", id="all is well"),
        pytest.param([CUT], "failed", "validity", id="a file that does not decode"),
        pytest.param([CUT, BLURRED, STILL, STRANGER], "failed", "validity", id="validity is a veto: what comes after it decides nothing"),
        pytest.param([STILL, BLURRED], "failed", "motion", id="a clip that stands still is not judged by how calm it is"),
        pytest.param([BLURRED, STRANGER], "failed", "floor", id="a floor comes before identity"),
        pytest.param([BLURRED, NO_FACE], "failed", "floor", id="what failed is known to fail, whatever could not be measured after it"),
        pytest.param([STRANGER], "failed", "identity", id="another face"),
        pytest.param([NO_FACE], "unmeasured", "identity", id="no face is not a wrong face"),
        pytest.param([BROKEN], "error", "identity", id="a metric that broke is an error"),
        pytest.param([BROKEN, found("face-similarity", 0.1, subject="mei")], "error", "identity", id="in one stage, error before failed"),
        pytest.param(
            [NO_FACE, found("face-similarity", 0.1, subject="mei")], "failed", "identity", id="in one stage, failed before unmeasured"
        ),
        pytest.param([found("sharpness", math.nan)], "unmeasured", "floor", id="not-a-number is no value"),
        pytest.param([found("sharpness", math.inf)], "unmeasured", "floor", id="nor is infinity"),
        pytest.param(
            [found("face-similarity", 0.72, subject="aki"), found("flicker", 1.9)],
            "failed",
            "overall",
            id="everything just reaches its threshold, and a face is only nearly right",
        ),
    ],
)
def test_the_first_stage_that_is_not_passed_decides(instead, verdict, stage):
    measured = {**GOOD, **{(one.metric, one.subject): one for one in instead}}
    gate = judge(list(measured.values()), RULES)
    assert (gate.verdict, gate.stage) == (verdict, stage)
    assert bool(gate.reason) == bool(stage)
    assert len(gate.checks) == len(RULES)  # every check is shown, whatever decided


@pytest.mark.parametrize("missing", [*GOOD], ids=lambda key: " ".join(filter(None, key)))
def test_a_required_metric_without_a_measurement_never_passes(missing):
    gate = judge([one for key, one in GOOD.items() if key != missing], RULES)
    assert gate.verdict is Verdict.UNMEASURED
    assert "was not measured" in gate.reason


def test_what_is_only_shown_decides_nothing():
    rules = (*RULES, Rule("aesthetic", Op.AT_LEAST, 5.5, required=False))
    assert judge([*GOOD.values(), found("aesthetic", 1.0)], rules).verdict is Verdict.PASSED
    assert judge(list(GOOD.values()), rules).verdict is Verdict.PASSED


def test_each_character_has_a_threshold_and_a_message_of_its_own():
    measured = {**GOOD, ("face-similarity", "mei"): found("face-similarity", 0.5, subject="mei")}
    gate = judge(list(measured.values()), RULES)
    assert gate.reason == "mei: face-similarity 0.5 is not >= 0.6"


def test_what_can_not_be_measured_at_all_is_said_of_every_character():
    without = [one for key, one in GOOD.items() if key[0] != "face-similarity"]
    gate = judge([*without, found("face-similarity", None, "the extra is not installed: make quality-cpu")], RULES)
    assert gate.verdict is Verdict.UNMEASURED
    assert gate.reason.count("make quality-cpu") == 2


def test_the_overall_value_needs_everything_that_is_required_of_its_terms():
    gate = judge([one for key, one in GOOD.items() if key[0] != "flicker"], RULES)
    overall = next(check for check in gate.checks if check.rule.metric == "overall")
    assert overall.verdict is Verdict.UNMEASURED
    assert overall.message == "overall has no value: flicker has none"
    gate = judge([one for key, one in GOOD.items() if key[0] not in ("flicker", "face-similarity")], RULES)
    overall = next(check for check in gate.checks if check.rule.metric == "overall")
    assert overall.message.endswith(" have none")


def test_a_bound_against_better_values_is_no_term_of_the_overall_value():
    lively = Rule("flicker", Op.AT_LEAST, 0.1)
    once, again = judge(list(GOOD.values()), RULES), judge(list(GOOD.values()), (*RULES, lively))
    assert again.verdict is Verdict.PASSED
    assert [c.value for c in once.checks if c.rule.metric == "overall"] == [c.value for c in again.checks if c.rule.metric == "overall"]


def test_every_metric_has_a_stage_and_only_overall_is_made_of_others():
    assert {spec.stage for spec in METRICS.values()} == set(Stage)
    assert [spec.id for spec in METRICS.values() if spec.stage is Stage.OVERALL] == ["overall"]


values = st.one_of(st.none(), st.floats(allow_nan=True, allow_infinity=False, width=32))
measured = st.lists(st.builds(found, st.sampled_from(sorted(METRIC_IDS)), values, failed=st.booleans()), max_size=8)
ruled = st.lists(
    st.builds(Rule, st.sampled_from(sorted(METRIC_IDS)), st.sampled_from(list(Op)), st.floats(-10, 10), st.booleans()), max_size=8
)


@given(measured, ruled)
def test_passed_means_that_every_required_rule_holds(measurements, rules):
    gate = judge(measurements, rules)
    failing = [check for check in gate.checks if check.rule.required and check.verdict is not Verdict.PASSED]
    assert (gate.verdict is Verdict.PASSED) == (not failing)


@given(measured, ruled)
def test_a_check_has_a_value_only_where_one_was_measured(measurements, rules):
    known = {one.metric: one.value for one in measurements}
    for check in judge(measurements, rules).checks:
        if check.rule.metric != "overall" and check.value is not None:
            assert check.value == known[check.rule.metric]
        elif check.value is None:
            assert check.verdict in (Verdict.UNMEASURED, Verdict.ERROR)


@given(measured, ruled, st.randoms(use_true_random=False))
def test_the_order_of_rules_changes_nothing(measurements, rules, random):
    shuffled = list(rules)
    random.shuffle(shuffled)
    once, again = judge(measurements, rules), judge(measurements, shuffled)
    assert (once.verdict, once.stage) == (again.verdict, again.stage)


@given(measured, ruled)
def test_a_required_metric_that_nobody_measured_never_passes(measurements, rules):
    for lost in {rule.metric for rule in rules if rule.required and rule.metric != "overall"}:
        assert judge([one for one in measurements if one.metric != lost], rules).verdict is not Verdict.PASSED
