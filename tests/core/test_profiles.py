"""What the profiles ask of a file: of whom, of what phase, and what a project may choose."""

import pytest

from koma.core import thresholds
from koma.core.against import Against, Picture, Subject
from koma.core.gate import Op
from koma.core.metrics import METRICS
from koma.core.profiles import AUDIT, DEFAULT_IDENTITY, IDENTITY, Asked, metrics_of, profile_rules
from koma.core.words import BackendKind, Phase

PICTURE = Picture("c" * 64, "f" * 64, ".png")
AKI = Subject("aki", "adult", {"hair": "#112233"}, (PICTURE,))
MEI = Subject("mei", "", {}, (PICTURE,))
NOBODY_KNOWN = Subject("extra")
EXPECT = {"width": 512, "height": 512, "frames": 48, "fps": 24, "motion": True}


def rules(
    name="standard", phase=Phase.VIDEO, subjects=(AKI,), look="drawn", backend=BackendKind.COMFYUI, pose="", likeness=None, **choices
):
    asked = Asked(phase, backend, EXPECT, against=Against(tuple(subjects), look=look), pose=pose, thresholds=likeness)
    return profile_rules(name, asked, **choices)


def required(found):
    return {rule.metric for rule in found if rule.required}


def of(found, metric):
    return [(rule.subject, rule.op, rule.threshold) for rule in found if rule.metric == metric and rule.required]


LEARNED = {metric for metric, spec in METRICS.items() if spec.weights}


@pytest.mark.parametrize("phase", list(Phase))
@pytest.mark.parametrize("name", ["own", "basic"])
def test_only_standard_asks_for_learned_metrics(name, phase):
    assert not {rule.metric for rule in rules(name, phase)} & LEARNED


def test_own_is_the_file_contract_alone():
    assert {METRICS[rule.metric].stage for rule in rules("own")} == {"validity"}


@pytest.mark.parametrize("name", ["own", "basic", "standard"])
def test_the_animatic_is_judged_by_the_file_contract_only(name):
    assert rules(name, Phase.ANIMATIC) == rules("own", Phase.ANIMATIC) if name == "own" else True
    assert {METRICS[rule.metric].stage for rule in rules(name, Phase.ANIMATIC)} == {"validity"}
    assert {METRICS[rule.metric].stage for rule in rules(name, backend=BackendKind.ANIMATIC)} == {"validity"}


@pytest.mark.parametrize(
    ("choices", "metric"),
    [
        pytest.param({}, "ccip-difference", id="a drawn style asks CCIP"),
        pytest.param({"look": "photographic"}, "face-similarity", id="a photographic one asks ArcFace"),
        pytest.param({"identity": "arcface"}, "face-similarity", id="the project's choice counts"),
        pytest.param({"identity": "clip"}, "clip-similarity", id="so does this one"),
        pytest.param({"identity": "palette"}, "palette-distance", id="and this one, which needs no weights"),
        pytest.param({"name": "basic", "identity": "palette"}, "palette-distance", id="basic can ask for it as well"),
        pytest.param({"name": "own", "identity": "ccip"}, "ccip-difference", id="and so can own"),
    ],
)
def test_who_somebody_is_is_told_by_one_metric(choices, metric):
    identities = required(rules(**choices)) & {*IDENTITY.values()}
    assert identities == {metric}


def test_basic_requires_no_identity_unless_the_project_says_so():
    assert not required(rules("basic")) & {*IDENTITY.values()}
    assert "palette-distance" in {rule.metric for rule in rules("basic")}  # it is shown all the same


def test_each_character_is_asked_for_where_there_is_something_to_compare_with():
    def asked(metric, **choices):
        found = rules(subjects=(AKI, MEI, NOBODY_KNOWN), **choices)
        return {rule.subject: rule.required for rule in found if rule.metric == metric}

    assert asked("ccip-difference") == {"aki": True, "mei": True, "extra": False}
    assert asked("palette-distance", identity="palette") == {"aki": True, "mei": False, "extra": False}
    assert asked("palette-distance") == {"aki": False}


def test_the_likeness_that_a_character_asks_for_replaces_the_usual_one():
    found = rules(identity="arcface", subjects=(AKI, MEI), likeness={"aki": 0.4})
    assert of(found, "face-similarity") == [("aki", Op.AT_LEAST, 0.4), ("mei", Op.AT_LEAST, thresholds.LIKENESS_MIN)]
    source = next(rule.source for rule in found if rule.subject == "aki" and rule.metric == "face-similarity")
    assert source == "character aki consistency_threshold"


def test_a_difference_is_not_a_likeness():
    assert of(rules(likeness={"aki": 0.4}), "ccip-difference") == [("aki", Op.AT_MOST, thresholds.CCIP_DIFFERENCE_MAX)]


@pytest.mark.parametrize(
    ("phase", "pose", "there", "absent"),
    [
        pytest.param(Phase.STILL, "", {"aesthetic"}, {"lpips-temporal", "overall", "flicker", "loop-seam"}, id="a still"),
        pytest.param(Phase.LOOP, "", {"aesthetic", "lpips-temporal", "loop-seam"}, {"overall"}, id="a loop"),
        pytest.param(Phase.VIDEO, "", {"aesthetic", "lpips-temporal", "overall"}, {"loop-seam"}, id="a video"),
        pytest.param(Phase.STILL, "front", {"aesthetic", "ccip-difference"}, {"overall"}, id="a pose of a sheet"),
    ],
)
def test_what_standard_requires_by_phase(phase, pose, there, absent):
    found = required(rules(phase=phase, pose=pose))
    assert there <= found
    assert not absent & found


def test_nobody_looks_for_a_face_on_a_back():
    found = rules(phase=Phase.STILL, pose="back", look="photographic")
    assert not required(found) & {"face-similarity", "face-quality"}
    assert {"face-similarity", "face-quality"} <= required(rules(phase=Phase.STILL, pose="front", look="photographic"))


def test_a_project_may_turn_the_overall_value_off():
    assert "overall" not in required(rules(overall=False))


@pytest.mark.parametrize("name", ["basic", "standard"])
def test_one_metric_of_a_profile_is_kept_out_of_choosing(name):
    audited = {rule.metric for rule in rules(name) if rule.audit}
    assert audited == {AUDIT[name]}
    assert not audited & required(rules(name))


def test_every_threshold_but_the_contract_s_says_what_it_rests_on():
    for rule in rules(subjects=(AKI, MEI)):
        assert (rule.basis == "") == (rule.op is Op.EQUALS), rule


def test_the_overall_value_is_measured_by_nobody():
    assert "overall" not in metrics_of(rules())
    assert {*DEFAULT_IDENTITY.values()} <= IDENTITY.keys()
