"""Which rules there are, what a project may change in them, and the digests that planning compares."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koma.core import thresholds
from koma.core.against import Against, Picture, Subject
from koma.core.gate import Measurement, Op, Rule, judge
from koma.core.metrics import METRIC_IDS, METRICS
from koma.core.profiles import OF_THE_WHOLE, Asked, profile_rules
from koma.core.rate import standard_fps
from koma.core.rules import base_rules, measures_for, own_rules, rules_digest, with_overrides
from koma.core.words import BackendKind, Phase, Verdict

EXPECT = {"width": 640, "height": 360, "frames": 120, "fps": 24, "motion": True}


def basic_rules(phase, backend, expect):
    return profile_rules("basic", Asked(phase, backend, expect))


COMFYUI = basic_rules(Phase.VIDEO, BackendKind.COMFYUI, EXPECT)

rules = st.builds(
    Rule,
    metric=st.sampled_from(sorted(METRIC_IDS)),
    op=st.sampled_from(list(Op)),
    threshold=st.floats(-1e6, 1e6),
    required=st.booleans(),
    source=st.sampled_from(["koma basic", "projects/x/project.yaml:12:5", "projects/x/project.yaml:99:1"]),
)
rule_lists = st.lists(rules, max_size=6)
wishes = st.fixed_dictionaries(
    {}, optional={"min": st.floats(-9, 9), "max": st.floats(-9, 9), "equals": st.floats(-9, 9), "required": st.booleans()}
)
overrides = st.dictionaries(st.sampled_from(sorted(METRIC_IDS)), wishes, max_size=4)


def wanted(found):
    """Thresholds of what is required; a ceiling over a floor stands apart."""
    floors = {rule.metric for rule in found if rule.op is Op.AT_LEAST}
    return {
        f"{rule.metric} at most" if rule.op is Op.AT_MOST and rule.metric in floors else rule.metric: rule.threshold
        for rule in found
        if rule.required
    }


LENGTH = {"frame-count", "frame-rate", "duration"}
CONTRACT = {"decodes": 1, "width": 640, "height": 360, "blank": 0, "black": 0}
PICTURE = {
    "sharpness": thresholds.SHARPNESS_MIN,
    "sharpness at most": thresholds.SHARPNESS_MAX,
    "noise": thresholds.NOISE_MAX,
    "blockiness": thresholds.BLOCKINESS_MAX,
}
CLIP = PICTURE | {
    "flicker": thresholds.FLICKER_MAX,
    "flow-smoothness": thresholds.FLOW_SMOOTHNESS_MIN,
    "peak-step": thresholds.PEAK_STEP_MAX,
    "melt": thresholds.MELT_MAX,
    "palette-drift": thresholds.PALETTE_DRIFT_MAX,
}
MOTION = {"frozen": thresholds.FROZEN_MAX, "motion-speed": thresholds.MOTION_SPEED_MIN, "tail": thresholds.TAIL_MAX}


@pytest.mark.parametrize(
    ("phase", "backend", "expect", "expected"),
    [
        pytest.param(
            Phase.VIDEO,
            BackendKind.COMFYUI,
            EXPECT,
            CONTRACT | {"frame-count": 120, "frame-rate": 24, "duration": 5} | CLIP | MOTION,
            id="a moving video of ComfyUI has every rule",
        ),
        pytest.param(
            Phase.VIDEO,
            BackendKind.ANIMATIC,
            EXPECT,
            CONTRACT | {"frame-count": 120, "frame-rate": 24, "duration": 5},
            id="the animatic has the file contract only",
        ),
        pytest.param(
            Phase.LOOP,
            BackendKind.COMFYUI,
            EXPECT | {"motion": False},
            CONTRACT | {"frame-count": 120, "frame-rate": 24, "duration": 5, "loop-seam": thresholds.LOOP_SEAM_MAX} | CLIP,
            id="where no motion is asked for, none is required",
        ),
        pytest.param(
            Phase.STILL,
            BackendKind.COMFYUI,
            EXPECT,
            CONTRACT | {"frame-count": 1} | PICTURE,
            id="a still is one frame and has no rate and no motion",
        ),
        pytest.param(
            Phase.VIDEO,
            BackendKind.COMFYUI,
            {"frames": 0, "fps": 24},
            {"decodes": 1, "frame-rate": 24, "blank": 0, "black": 0} | CLIP,
            id="0 frames means any count and any duration",
        ),
        pytest.param(
            Phase.STILL,
            BackendKind.ANIMATIC,
            {},
            {"decodes": 1, "frame-count": 1, "blank": 0, "black": 0},
            id="what is not expected is not required",
        ),
    ],
)
def test_rules_of_the_basic_profile(phase, backend, expect, expected):
    assert wanted(basic_rules(phase, backend, expect)) == expected


def test_every_rule_names_a_metric_that_there_is_and_says_where_its_threshold_comes_from():
    assert {rule.metric for rule in COMFYUI} <= METRIC_IDS
    assert {rule.source for rule in COMFYUI} == {"koma basic"}
    assert {rule.basis for rule in COMFYUI if rule.op is not Op.EQUALS} == {"placeholder"}


def test_a_rounded_rate_is_judged_by_the_rate_that_was_meant():
    found = basic_rules(Phase.VIDEO, BackendKind.ANIMATIC, {"fps": 23.976, "frames": 48})
    facts = {"decodes": 1, "frame-count": 48, "frame-rate": 24000 / 1001, "duration": 48 / (24000 / 1001), "blank": 0, "black": 0}
    assert judge([Measurement(name, "1", "", value) for name, value in facts.items()], found).verdict is Verdict.PASSED


OWN = {
    "all": {"sharpness": {"min": 20}, "duration": {"max": 9}},
    "still": {"sharpness": {"min": 30, "when": "pre"}},
    "video": {
        "black": {"max": 0.5, "when": "pre"},
        "width": {"equals": 2048, "when": "final"},
        "frame-count": {"equals": 120},
        "frozen": {"max": 0.4},
        "sharpness": {"min": 40, "when": "final"},
    },
}
RUN = {"width": 640, "height": 360, "frames": 25, "fps": 7, "motion": True}
OWN_SHARP = {name: value for name, value in (CLIP | MOTION).items() if name != "sharpness at most"} | {"sharpness": 20}
PLAIN = CONTRACT | OWN_SHARP | {"frame-count": 120, "frame-rate": 24, "duration": 9, "frozen": 0.4}
PARTLY = {name: value for name, value in OWN_SHARP.items() if name not in OF_THE_WHOLE}


def ruled(phase=Phase.VIDEO, expect=EXPECT, own=OWN, part="take", followed=False):
    return over_the_profile(Asked(phase, BackendKind.COMFYUI, expect, part), {"rules": own}, followed=followed)


def over_the_profile(asked, gates, followed=False):
    return own_rules(base_rules(asked, gates), asked, gates, "projects/x/project.yaml", followed=followed)


def demanded(**asked):
    return wanted(ruled(**asked))


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        pytest.param({}, PLAIN, id="a plain take has what is judged on every take"),
        pytest.param(
            {"phase": Phase.STILL},
            CONTRACT | {"frame-count": 1, "sharpness": 30, "noise": thresholds.NOISE_MAX, "blockiness": thresholds.BLOCKINESS_MAX},
            id="a still has what is judged before anything reads it, and no length",
        ),
        pytest.param(
            {"part": "segment", "expect": RUN},
            CONTRACT | PARTLY | {"frame-count": 25, "frame-rate": 7, "duration": 25 / 7, "black": 0.5},
            id="a segment has that too, and its own frames; it need not move",
        ),
        pytest.param(
            {"part": "join"}, PLAIN | {"width": 2048, "sharpness": 40}, id="a join has what is judged on the whole and at the end"
        ),
        pytest.param({"part": "join", "followed": True}, PLAIN, id="where a step follows, the join is not the end"),
        pytest.param(
            {"part": "finish", "expect": EXPECT | {"width": 2048, "frames": 239, "fps": 48}},
            PLAIN | {"width": 2048, "sharpness": 40, "frame-count": 239, "frame-rate": 48, "duration": 239 / 48},
            id="a finished file has another size and rate, as its step says",
        ),
        pytest.param(
            {"part": "finish", "followed": True},
            PLAIN | {"duration": 5},
            id="a step between has what is judged on every take, but for what a step changes",
        ),
        pytest.param({"own": {}}, wanted(COMFYUI), id="nothing said: the profile"),
        pytest.param(
            {"part": "segment", "own": {}},
            {metric: value for metric, value in wanted(COMFYUI).items() if metric in LENGTH or metric not in OF_THE_WHOLE},
            id="nothing said: the profile without what is about the whole",
        ),
    ],
)
def test_what_is_judged_of_each_part_of_a_video(asked, expected):
    assert demanded(**asked) == expected


def test_a_still_is_asked_for_what_takes_a_clip_only_where_the_project_says_so_of_stills():
    calm = {"flicker": {"max": 1}}
    assert "flicker" not in {rule.metric for rule in ruled(Phase.STILL, {}, {"all": calm})}
    assert "flicker" in {rule.metric for rule in ruled(Phase.STILL, {}, {"still": calm})}
    assert demanded(own={"all": calm})["flicker"] == 1


@pytest.mark.parametrize("metric", ["flicker", "aesthetic"])
def test_the_metric_that_a_project_audits_is_the_only_one(metric):
    gates = {"audit": metric, "rules": {"video": {"aesthetic": {"min": 6}}}}
    found = over_the_profile(Asked(Phase.VIDEO, BackendKind.COMFYUI, EXPECT), gates)
    assert {rule.metric for rule in found if rule.audit} == {metric}


PICTURE_OF = (Picture("c" * 64, "f" * 64, ".png"),)


@pytest.mark.parametrize(
    ("metric", "bound", "who"),
    [
        pytest.param("face-similarity", {"min": 0.6}, ["aki"], id="of whom there are pictures"),
        pytest.param("palette-distance", {"max": 9}, ["ren"], id="of whom there are colours"),
    ],
)
def test_a_rule_about_characters_is_one_for_each(metric, bound, who):
    cast = Against((Subject("aki", references=PICTURE_OF), Subject("ren", palette={"hair": "#101010"}), Subject("mei")))
    asked = Asked(Phase.VIDEO, BackendKind.COMFYUI, EXPECT, against=cast)
    found = over_the_profile(asked, {"rules": {"video": {metric: bound}}})
    assert [rule.subject for rule in found if rule.metric == metric] == who


def test_a_rule_says_when_it_is_judged_and_where_it_stands():
    found = next(rule for rule in ruled(Phase.STILL, {}) if rule.metric == "sharpness")
    source = "projects/x/project.yaml gates.rules.still"
    assert found == Rule("sharpness", Op.AT_LEAST, 30, source=source, when="pre", basis="placeholder")


def test_the_phase_of_the_animatic_is_judged_by_the_file_contract():
    rules_of_it = ruled(Phase.ANIMATIC, own={"animatic": {"black": {"max": 1}}})
    assert wanted(rules_of_it) == CONTRACT | {"frame-count": 120, "frame-rate": 24, "duration": 5, "black": 1}


@given(st.sampled_from(list(Phase)), st.sampled_from(["take", "segment", "join", "finish"]), st.booleans())
def test_when_a_rule_is_judged_does_not_change_what_is_demanded_of_a_file(phase, part, followed):
    found = ruled(phase, part=part, followed=followed)
    assert rules_digest(found) == rules_digest([replace(rule, when="post") for rule in found])


@pytest.mark.parametrize(
    ("fps", "meant"),
    [(23.976, 24000 / 1001), (23.98, 23.98), (29.97, 30000 / 1001), (24, 24), (24.0, 24.0), (12, 12), (7.5, 7.5), (0.0, 0.0), (0.5, 0.5)],
)
def test_only_roundings_of_ntsc_rates_are_taken_back(fps, meant):
    assert standard_fps(fps) == meant


@given(st.integers(1, 240), st.integers(2, 6))
def test_a_rate_rounded_to_two_or_more_digits_finds_its_exact_one_or_stays(base, digits):
    exact = base * 1000 / 1001
    assert standard_fps(round(exact, digits)) in (exact, round(exact, digits))
    assert standard_fps(standard_fps(round(exact, digits))) == standard_fps(round(exact, digits))


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        pytest.param({"min": 40}, [(Op.AT_LEAST, 40.0, True)], id="a new floor"),
        pytest.param({"min": 40, "max": 900}, [(Op.AT_LEAST, 40.0, True), (Op.AT_MOST, 900.0, True)], id="a floor and a ceiling"),
        pytest.param(
            {"required": False},
            [(Op.AT_LEAST, thresholds.SHARPNESS_MIN, False), (Op.AT_MOST, thresholds.SHARPNESS_MAX, False)],
            id="the same bounds, as advice",
        ),
        pytest.param({"max": 900, "required": False}, [(Op.AT_MOST, 900.0, False)], id="another threshold, as advice"),
        pytest.param({"equals": 3, "min": None}, [(Op.EQUALS, 3.0, True)], id="a value that is left out counts for nothing"),
        pytest.param(
            {},
            [(Op.AT_LEAST, thresholds.SHARPNESS_MIN, True), (Op.AT_MOST, thresholds.SHARPNESS_MAX, True)],
            id="nothing said, nothing changed",
        ),
    ],
)
def test_a_project_overrides_a_threshold(wish, expected):
    found = [rule for rule in with_overrides(COMFYUI, {"sharpness": wish}, "projects/x/project.yaml:12:5") if rule.metric == "sharpness"]
    assert [(rule.op, rule.threshold, rule.required) for rule in found] == expected
    assert {rule.source for rule in found} == {"projects/x/project.yaml:12:5" if wish else "koma basic"}


def test_an_override_adds_a_rule_that_the_profile_has_not():
    still = basic_rules(Phase.STILL, BackendKind.ANIMATIC, {})
    added = with_overrides(still, {"sharpness": {"min": 5}}, "x")
    assert added == (*still, Rule("sharpness", Op.AT_LEAST, 5, source="x", basis="placeholder"))


@given(rule_lists, overrides)
def test_rules_of_metrics_that_are_not_named_stay_as_they_are(given_rules, wish):
    found = with_overrides(given_rules, wish, "x")
    for metric in METRIC_IDS - wish.keys():
        assert [rule for rule in found if rule.metric == metric] == [rule for rule in given_rules if rule.metric == metric]


@given(rule_lists, overrides)
def test_overriding_twice_with_the_same_is_overriding_once(given_rules, wish):
    once = with_overrides(given_rules, wish, "x")
    assert with_overrides(once, wish, "x") == once


@given(rule_lists, st.randoms(use_true_random=False))
def test_order_and_source_of_rules_do_not_change_their_digest(given_rules, random):
    shuffled = [replace(rule, source="elsewhere:1:1") for rule in given_rules]
    random.shuffle(shuffled)
    assert rules_digest(shuffled) == rules_digest(given_rules)


@given(st.lists(rules, min_size=1, max_size=6), st.data())
def test_what_a_rule_demands_changes_the_digest(given_rules, data):
    where = data.draw(st.integers(0, len(given_rules) - 1))
    old = given_rules[where]
    for change in ({"threshold": old.threshold + 1}, {"required": not old.required}):
        changed = [*given_rules[:where], replace(old, **change), *given_rules[where + 1 :]]
        assert rules_digest(changed) != rules_digest(given_rules)


@given(rule_lists)
def test_measures_are_the_metrics_of_the_rules_each_once(given_rules):
    found = measures_for(given_rules)
    assert set(found) == {rule.metric for rule in given_rules} - {"overall"}
    assert len(found) == len(set(found))


def test_every_metric_is_defined_in_words():
    for metric, spec in METRICS.items():
        assert metric == spec.id
        assert spec.definition
        assert spec.reference
        assert spec.version.isdigit()
