"""Labelled values: what of a take counts, what is left out and why, and what the choice of takes may do to a threshold."""

import pytest

from koma.core.calibration import Labelled
from koma.core.gate import Check, GateResult, Measurement, Op, Rule
from koma.core.keys import text_digest
from koma.core.labels import TUNABLE, Label, Labels, careful, series_of
from koma.core.metrics import METRICS
from koma.core.words import Verdict
from support.stored import take

SHARP = METRICS["sharpness"]
EYE, OTHER = "e" * 64, "f" * 64


def measured(value, metric="sharpness", *, version="", subject="", **record):
    return Measurement(
        metric, version or METRICS[metric].version, "", value, "no face" if value is None else "", subject=subject, record=record
    )


def label(name, *measurements, good=True, passed=True, phase="still", finished_at=1.0, gate=None):
    made = take(target=f"p/s01/{name}/{phase}", measurements=measurements, finished_at=finished_at, gate=gate)
    return Label(made.target, text_digest(name), phase, good, passed, made)


def only(labels, metric="sharpness"):
    (found,) = [series for series in series_of(labels) if series.metric == metric and not series.character]
    return found


def test_what_is_exact_a_veto_or_made_of_others_gets_no_threshold():
    assert {"width", "decodes", "black", "face-count", "overall"}.isdisjoint(TUNABLE)
    assert {"sharpness", "flicker", "ccip-difference"} <= set(TUNABLE)


def test_values_are_sorted_by_what_was_decided_and_by_phase():
    found = series_of(
        [
            label("a", measured(3.0)),
            label("b", measured(1.0), good=False),
            label("c", measured(9.0), phase="video"),
            label("d", measured(2.0), measured(0.5, "noise")),
        ]
    )
    assert {(one.metric, one.phase): one.values for one in found} == {
        ("sharpness", "still"): Labelled([3.0, 2.0], [1.0]),
        ("noise", "still"): Labelled([0.5], []),
        ("sharpness", "video"): Labelled([9.0], []),
    }


@pytest.mark.parametrize(
    ("measurement", "why"),
    [
        pytest.param(None, "not measured", id="without a measurement"),
        pytest.param(measured(None), "without a value", id="one that has no value"),
        pytest.param(measured(float("nan")), "without a value", id="one that is no number"),
        pytest.param(measured(2.0, version="0"), "measured by another version", id="of another version of the metric"),
        pytest.param(measured(2.0, definition=OTHER), "measured by another definition", id="of another definition"),
        pytest.param(measured(2.0, weights=[{"name": "eye", "sha256": OTHER}]), "measured with other weights", id="with other weights"),
    ],
)
def test_what_can_not_be_compared_is_left_out_and_counted(measurement, why):
    others = [label(name, measured(2.0, weights=[{"name": "eye", "sha256": EYE}]), finished_at=5.0) for name in "abc"]
    found = only([*others, label("d", *([measurement] if measurement else []))])
    assert (len(found.labels), found.left_out) == (3, {why: 1})
    assert found.weights == {"eye": EYE}


def test_the_weights_of_the_newest_take_are_those_that_count():
    old, new = ({"weights": [{"name": "eye", "sha256": digest}]} for digest in (OTHER, EYE))
    found = only([label("a", measured(1.0, **old)), label("b", measured(2.0, **new), finished_at=9.0), label("c", measured(3.0, **old))])
    assert (found.weights, found.values, found.left_out) == ({"eye": EYE}, Labelled([2.0], []), {"measured with other weights": 2})


@pytest.mark.parametrize(
    ("metric", "pooled"),
    [pytest.param("face-similarity", 0.3, id="of likeness the least"), pytest.param("ccip-difference", 0.8, id="of difference the most")],
)
def test_of_several_characters_the_worst_speaks_for_the_take_and_each_for_itself(metric, pooled):
    both = label("a", measured(0.3, metric, subject="aki"), measured(0.8, metric, subject="ren"))
    alone = label("b", measured(0.5, metric, subject="ren"), good=False)
    found = {series.character: series.values for series in series_of([both, alone])}
    assert found == {"": Labelled([pooled], [0.5]), "aki": Labelled([0.3], []), "ren": Labelled([0.8], [0.5])}


def test_thresholds_of_now_are_those_that_the_newest_take_was_judged_by():
    def judged(threshold):
        rule = Rule("sharpness", Op.AT_LEAST, threshold)
        return GateResult(Verdict.PASSED, (Check(rule, 2.0, Verdict.PASSED, ""),))

    found = only([label("a", measured(2.0), gate=judged(20), finished_at=9.0), label("b", measured(2.0), gate=judged(15))])
    assert found.now == {Op.AT_LEAST: 20}


def test_the_digest_of_labels_is_theirs_in_any_order():
    a, b = label("a", measured(3.0)), label("b", measured(1.0), good=False)
    assert only([a, b]).digest == only([b, a]).digest
    assert only([a, b]).digest != only([a, b._replace(good=True)]).digest


def reviewed(good=(0, 0), bad=(0, 0), takes=0):
    """Labels by how many had passed and how many had not."""
    made = [
        label(f"{kind}{passed}{number}", good=kind == "good", passed=passed)
        for kind, counts in (("good", good), ("bad", bad))
        for passed, many in zip((True, False), counts, strict=True)
        for number in range(many)
    ]
    return Labels(tuple(made), takes or len(made), {})


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        pytest.param(reviewed(good=(30, 10), bad=(30, 10)), [], id="nothing of a fair choice"),
        pytest.param(
            reviewed(good=(10, 30), bad=(30, 0)), ["30 of 40 good takes were approved although"], id="of approvals against the gate"
        ),
        pytest.param(reviewed(good=(40, 0), bad=(0, 30)), ["30 of 30 bad takes had not passed"], id="of bad ones that the gate had found"),
        pytest.param(reviewed(good=(30, 0), bad=(30, 0), takes=400), ["60 of 400 takes were decided on"], id="of a small part of all"),
        pytest.param(reviewed(), [], id="nothing of nothing"),
    ],
)
def test_a_one_sided_choice_of_takes_is_told(labels, words):
    found = careful(labels)
    assert [sentence.startswith(word) for sentence, word in zip(found, words, strict=True)] == [True] * len(words)
