"""Score keys: a digest that changes invalidates its own score and nothing else."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koma.core.against import NOTHING, Against, Picture, Subject
from koma.core.gate import Measurement
from koma.core.metrics import METRICS
from koma.core.scores import in_order, key_of, lacking_key, lacks, measure_key, score_key, score_keys, stamped, still_true

PICTURE = Picture("c" * 64, "f" * 64, ".png")
OTHER = Picture("d" * 64, "e" * 64, ".png")
AKI = Subject("aki", "adult", {"hair": "#112233"}, (PICTURE,))
AGAINST = Against((AKI,), (PICTURE,))
MEASURED = sorted(METRICS.keys() - {"overall"})
WEIGHTS = {name: "a" * 64 for spec in METRICS.values() for name in spec.weights}
BEFORE = score_keys(MEASURED, AGAINST, WEIGHTS)


def changed(against=AGAINST, weights=WEIGHTS):
    after = score_keys(MEASURED, against, weights)
    return {metric for metric in MEASURED if after[metric] != BEFORE[metric]}


def reading(what):
    return {metric for metric in MEASURED if METRICS[metric].reads == what}


LEARNED = {metric for metric in reading("characters") if METRICS[metric].weights}


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        pytest.param({}, set(), id="nothing changed"),
        pytest.param({"against": replace(AGAINST, style=(OTHER,))}, reading("style"), id="a picture of the style"),
        pytest.param({"against": replace(AGAINST, subjects=(replace(AKI, references=(OTHER,)),))}, LEARNED, id="a reference"),
        pytest.param({"against": replace(AGAINST, subjects=(replace(AKI, palette={}),))}, reading("characters") - LEARNED, id="a colour"),
        pytest.param(
            {"against": replace(AGAINST, subjects=(replace(AKI, references=(replace(PICTURE, file_digest="0" * 64),)),))},
            set(),
            id="the same pixels in another file",
        ),
        pytest.param({"against": replace(AGAINST, commercial=True)}, set(), id="what the work is for"),
        pytest.param({"against": replace(AGAINST, look="photographic")}, set(), id="which identity metric is the usual one"),
        pytest.param(
            {"weights": WEIGHTS | {"aesthetic-head": "b" * 64}},
            {metric for metric in MEASURED if "aesthetic-head" in METRICS[metric].weights},
            id="other weights",
        ),
        pytest.param({"weights": {}}, {metric for metric in MEASURED if METRICS[metric].weights}, id="weights that are gone"),
    ],
)
def test_a_change_invalidates_what_depends_on_it_and_nothing_else(after, expected):
    assert changed(**after) == expected


@pytest.mark.parametrize("field", ["version", "definition", "unit"])
def test_another_definition_is_another_key(field):
    spec = METRICS["sharpness"]
    assert score_key(replace(spec, **{field: "another"}), NOTHING) != score_key(spec, NOTHING)


def test_an_unknown_metric_is_a_key_error():
    with pytest.raises(KeyError):
        score_keys(["beauty"], NOTHING)


def test_the_measure_key_is_of_a_set_of_scores():
    keys = score_keys(["blank", "black"], NOTHING)
    assert measure_key(keys) == measure_key(dict(reversed(keys.items())))
    assert len({measure_key(keys), measure_key({}), measure_key(keys | {"blank": "x"}), measure_key({"blank": keys["blank"]})}) == 4


def found(metric, key, failed=False):
    return Measurement(metric, "1", "", None if failed else 1.0, failed=failed, key=key)


RAN = {"runtime": "onnxruntime 1"}


@pytest.mark.parametrize(
    ("measurement", "expected"),
    [
        pytest.param(Measurement("aesthetic", "1", "", 6.0, record=RAN), False, id="a value"),
        pytest.param(Measurement("face-similarity", "1", "", None, "no face was found", record=RAN), False, id="nothing to be seen"),
        pytest.param(Measurement("aesthetic", "1", "", None, "no model", record={"runtime": ""}), True, id="a model is missing"),
        pytest.param(Measurement("aesthetic", "1", "", None, "another file", failed=True, record={"runtime": ""}), True, id="a broken one"),
        pytest.param(Measurement("melt", "1", "", None, "the metric failed", failed=True, record=RAN), True, id="the metric failed"),
    ],
)
def test_what_lacked_something_is_told_from_what_has_no_value(measurement, expected):
    assert lacks(measurement) is expected
    assert key_of([measurement], "wanted", "lacking") == ("lacking" if expected else "wanted")
    assert still_true([replace(measurement, key="k")], {measurement.metric: "k"}) == (() if expected else (replace(measurement, key="k"),))


def test_what_a_take_lacks_is_of_its_own_metrics_alone():
    files = {"": "torch", "clip-vit-l-14": "1", "aesthetic-head": "2", "ccip-features": "3"}
    mine, before = ["aesthetic", "sharpness"], lacking_key("wanted", ["aesthetic", "sharpness"], files)
    assert lacking_key("wanted", mine, {**files, "ccip-features": "4"}) == before
    assert len({before, *(lacking_key("wanted", mine, {**files, name: "other"}) for name in ("", "clip-vit-l-14", "aesthetic-head"))}) == 4
    assert lacking_key("wanted", ["sharpness"], files) == lacking_key("wanted", ["sharpness"], {}) != "wanted"
    assert lacking_key("wanted", ["lpips-temporal"], files) == lacking_key("wanted", ["lpips-temporal"], {})  # none of them is recorded


def test_what_is_true_still_is_kept_and_an_error_is_tried_again():
    keys = {"blank": "k1", "black": "k2", "sharpness": "k3", "width": "k4"}
    measurements = [
        found("blank", "k1"),
        found("black", "old"),
        found("sharpness", "k3", failed=True),
        found("width", ""),
        found("gone", "k1"),
    ]
    assert [one.metric for one in still_true(measurements, keys)] == ["blank"]


def test_a_metric_of_which_one_character_lacked_something_is_measured_again_of_all():
    aki, ren = replace(found("ccip-difference", "k"), subject="aki"), replace(found("ccip-difference", "k", failed=True), subject="ren")
    assert still_true([aki, ren, found("blank", "b")], {"ccip-difference": "k", "blank": "b"}) == (found("blank", "b"),)


def test_a_new_score_knows_its_key_and_the_pixels_it_is_about():
    one = stamped(Measurement("blank", "1", "", 0.0, record={"definition": "d"}), "k", "c" * 64)
    assert (one.key, one.record) == ("k", {"definition": "d", "content": "c" * 64})


@given(st.permutations(MEASURED))
def test_scores_are_put_into_the_order_in_which_they_were_asked_for(metrics):
    assert [one.metric for one in in_order([found(metric, "") for metric in metrics], MEASURED)] == MEASURED
