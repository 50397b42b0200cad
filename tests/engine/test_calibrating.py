"""What people decided, brought together with the takes in a store: which decision gives a label, and why another gives none."""

import pytest

from koma.core.document import Doc
from koma.core.gate import Check, GateResult, Measurement, Op, Rule
from koma.core.labels import series_of
from koma.core.metrics import METRICS
from koma.core.problem import Place
from koma.core.review import METRIC, Reviewed, reviewed, sayings
from koma.core.words import Verdict
from koma.engine.calibrating import calibrated, gather
from koma.stores.memory import MemoryStore
from support.stored import artifact, hexed, take

SHARP = Measurement("sharpness", "1", "luma²", 20.0)


def decided(*said, moved=None) -> Reviewed:
    """Decisions as (decision, target, name of a take), the later after the earlier."""
    entries = [{"decision": decision, "target": target, "content": hexed(f"{name} pixels")} for decision, target, name in said]
    doc = Doc("review", "r1", "r1.yaml", 0, "", {"at": "2026-07-04", "decisions": entries})
    return reviewed(sayings("p", doc), lambda file, _part, _path: Place(file), moved=moved or {}, unsure=frozenset(), digest="d")


def stored(*takes) -> MemoryStore:
    store = MemoryStore()
    for one in takes:
        store.put_take(one)
    return store


def made(name="a", target="p/s01/sh010/still", *, rendition="final", **changes):
    return take(target=target, rendition=rendition, render_key=name, artifacts=(artifact(name),), **{"measurements": (SHARP,), **changes})


@pytest.mark.parametrize(
    ("decision", "good"),
    [
        pytest.param("approve", True, id="approved"),
        pytest.param("reject", False, id="rejected"),
        pytest.param("retake", False, id="retaken"),
    ],
)
def test_what_is_approved_is_good_and_the_rest_is_bad(decision, good):
    found = gather(stored(made()), decided((decision, "s01/sh010/still", "a")), "p", "final")
    assert [(label.good, label.phase, label.target) for label in found.labels] == [(good, "still", "p/s01/sh010/still")]
    assert (found.takes, found.left_out) == (1, {})


def test_the_last_word_counts():
    by = decided(("reject", "s01/sh010/still", "a"), ("approve", "s01/sh010/still", "a"))
    assert [label.good for label in gather(stored(made()), by, "p", "final").labels] == [True]


@pytest.mark.parametrize(
    ("there", "target", "why"),
    [
        pytest.param(made("b"), "s01/sh010/still", "about takes that are gone", id="about a take that is gone"),
        pytest.param(made(rendition="draft"), "s01/sh010/still", "about another rendition", id="about another rendition"),
        pytest.param(made(measurements=()), "s01/sh010/still", "about takes that were never measured", id="about one that nobody measured"),
        pytest.param(made(target="p/s01/sh010/video"), "s01/sh010/video", "about another phase", id="about another phase"),
        pytest.param(
            made(target="p/s01/sh010/still/post"), "s01/sh010/still/post", "about segments and finishing steps", id="about a finishing step"
        ),
    ],
)
def test_a_decision_that_gives_no_label_is_counted_with_its_reason(there, target, why):
    found = gather(stored(there), decided(("approve", target, "a")), "p", "final", "still")
    assert (found.labels, found.left_out) == ((), {why: 1})


def test_animatics_are_left_out():
    there = made(target="p/s01/sh010/animatic")
    found = gather(stored(there), decided(("approve", "s01/sh010/animatic", "a")), "p", "final")
    assert found.left_out == {"about animatics, which are judged by the file contract only": 1}


def test_a_pose_of_a_sheet_counts_among_the_stills():
    there = made(target="p/characters/aki/base/front")
    (label,) = gather(stored(there), decided(("approve", "characters/aki/base/front", "a")), "p", "final", "still").labels
    assert label.phase == "still"


def test_a_target_that_was_renamed_keeps_its_decisions():
    by = decided(("approve", "s01/sh010/still", "a"), moved={"p/s01/sh020": "p/s01/sh010"})
    (label,) = gather(stored(made(target="p/s01/sh020/still")), by, "p", "final").labels
    assert label.target == "p/s01/sh010/still"


def test_other_projects_are_none_of_its_business():
    by = decided(("approve", "s01/sh010/still", "a"))
    assert gather(stored(made()), by, "q", "final") == ((), 0, {})


@pytest.mark.parametrize("verdict", [Verdict.PASSED, Verdict.FAILED])
def test_what_the_gate_said_is_told_without_the_word_of_a_person(verdict):
    own = Check(Rule("sharpness", Op.AT_LEAST, 15), 20.0, verdict, "")
    word = Check(Rule(METRIC, Op.EQUALS, 1), 0.0, Verdict.FAILED, "rejected")
    there = made(gate=GateResult(Verdict.FAILED, (own, word)))
    found = gather(stored(there), decided(("reject", "s01/sh010/still", "a")), "p", "final")
    assert [label.passed for label in found.labels] == [verdict is Verdict.PASSED]
    assert found.number(good=False, passed=verdict is Verdict.PASSED) == 1


def labelled(good: int, bad: int):
    """Labels of takes of which good ones measure better."""
    takes = [
        made(f"{kind}{n}", f"p/s01/{kind}{n}/still", measurements=(Measurement("sharpness", METRICS["sharpness"].version, "", base + n),))
        for kind, many, base in (("good", good, 40.0), ("bad", bad, 10.0))
        for n in range(many)
    ]
    words = {"good": "approve", "bad": "reject"}
    said = [(words[one.render_key.rstrip("0123456789")], one.target, one.render_key) for one in takes]
    return gather(stored(*takes), decided(*said), "p", "final").labels


def test_the_same_decisions_give_the_same_threshold():
    once, again = ([calibrated(one, 0.1) for one in series_of(labelled(40, 35))] for _ in range(2))
    assert once[0].calibration == again[0].calibration
    assert once[0].calibration.threshold.value == 42.0


def test_with_29_of_a_kind_there_is_none():
    (series,) = series_of(labelled(40, 29))
    assert calibrated(series, 0.1).calibration is None
