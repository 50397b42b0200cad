"""Tuning documents: what is refused and where, which threshold counts, and what it rests on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koma.core.against import Against, Picture, Subject
from koma.core.gate import Op, Rule
from koma.core.metrics import METRICS
from koma.core.parse import parse_document
from koma.core.profiles import Asked, profile_rules
from koma.core.tuning import tuned, tuning_problems
from koma.core.words import BackendKind, Phase, Rendition
from support.worlds import context, doc, place, rows, scene, world

LABELS = "5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef"
BASIS = {"n": 212, "good": 150, "bad": 62, "date": "2026-11-20", "version": METRICS["sharpness"].version}
CALIBRATED = "calibrated n=212 2026-11-20"
CAST = Against((Subject("aki", palette={"hair": "#101010"}), Subject("ren", palette={"hair": "#eeeeee"})))
EXPECT = {"width": 640, "height": 360, "frames": 48, "fps": 24, "motion": True}


def tuning(*thresholds, name="tuning"):
    return doc({"kind": "tuning", "id": name, "thresholds": list(thresholds)}, f"projects/p/{name}.yaml")


def asked(phase=Phase.STILL, backend=BackendKind.COMFYUI, against=CAST, **more):
    return Asked(phase, backend, EXPECT, against=against, **more)


def over(rules, *thresholds, of=None, weights=None):
    """Rules as a document with these thresholds leaves them."""
    return tuned(rules, [tuning(*thresholds)], of or asked(), weights or {})


# -- what is written ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("threshold", "line", "words"),
    [
        pytest.param("{metric: sharpnes, min: 1}", "4:14", "did you mean `sharpness`?", id="a metric that is not there"),
        pytest.param("{metric: width, min: 1}", "4:14", "`width` says whether a file is what was asked for", id="one that is exact"),
        pytest.param("{metric: black, max: 0.5}", "4:14", "no matter of degree", id="one that only vetoes"),
        pytest.param("{metric: face-count, min: 1}", "4:14", "no matter of degree", id="one of which neither more nor less is better"),
        pytest.param("{metric: sharpness, min: 5, max: 2}", "4:30", "min 5 is larger than max 2", id="bounds the wrong way round"),
        pytest.param("{metric: sharpness}", "4:5", "no threshold is set for sharpness", id="no bound at all"),
        pytest.param("{metric: noise, character: aki, max: 2}", "4:32", "about the whole picture", id="a character of what knows none"),
        pytest.param("{metric: noise, phase: animatic, max: 2}", "4:28", "one of `still`, `loop`, `video`", id="a phase that has no gate"),
        pytest.param("{metric: noise, equals: 2, max: 2}", "4:21", "`equals` is no field here", id="a field of other rules"),
    ],
)
def test_a_threshold_that_makes_no_sense_is_refused_where_it_stands(threshold, line, words):
    found = parse_document(f"kind: tuning\nid: t\nthresholds:\n  - {threshold}\n", "t.yaml")
    assert found.documents == ()
    (problem,) = found.problems
    assert f"t.yaml:{line}:" in str(problem)
    assert words in str(problem)


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        pytest.param({"n": 213}, "n", "n is 213, but good and bad are 150 and 62, together 212", id="a number that does not add up"),
        pytest.param({"n": 59, "good": 30, "bad": 29}, "bad", "at least 30", id="fewer than thirty of a kind"),
        pytest.param({"date": "2026-02-30"}, "date", "there is no day `2026-02-30`", id="a day that is not there"),
        pytest.param({"date": "20.11.2026"}, "date", "a date, for instance `2026-07-04`", id="a date in another form"),
        pytest.param({"low": 3.5, "high": 2.5}, "low", "low 3.5 is larger than high 2.5", id="an interval the wrong way round"),
        pytest.param({"auc": 1.2}, "auc", "at most 1", id="an area above one"),
        pytest.param({"labels": "abc"}, "labels", "64 digits", id="a digest that is none"),
    ],
)
def test_a_basis_that_can_not_be_true_is_refused(change, field, words):
    lines = "".join(
        f'      {name}: "{value}"\n' if isinstance(value, str) else f"      {name}: {value}\n" for name, value in (BASIS | change).items()
    )
    found = parse_document(f"kind: tuning\nid: t\nthresholds:\n  - metric: sharpness\n    min: 3\n    basis:\n{lines}", "t.yaml")
    said = [str(problem) for problem in found.problems if problem.path == f"thresholds.0.basis.{field}"]
    assert len(said) == 1
    assert words in said[0]


# -- what counts --------------------------------------------------------------------------------------------------------------

SHARP = Rule("sharpness", Op.AT_LEAST, 15.0, basis="placeholder")
SHARP_MOST = Rule("sharpness", Op.AT_MOST, 4000.0, basis="placeholder")
PALETTES = tuple(Rule("palette-distance", Op.AT_MOST, 15.0, required=False, subject=who) for who in ("aki", "ren"))


@pytest.mark.parametrize(
    ("thresholds", "found"),
    [
        pytest.param([], (15.0, 4000.0), id="nothing changes nothing"),
        pytest.param([{"min": 31}], (31.0, 4000.0), id="the same side is replaced, the other stays"),
        pytest.param([{"min": 31, "max": 900}], (31.0, 900.0), id="or both are"),
        pytest.param([{"min": 31, "phase": "still"}], (31.0, 4000.0), id="in its phase"),
        pytest.param([{"min": 31, "phase": "video"}], (15.0, 4000.0), id="and in no other"),
        pytest.param([{"min": 31, "phase": "still"}, {"min": 5}], (31.0, 4000.0), id="the narrower one counts"),
        pytest.param([{"min": 31}, {"min": 5}], (5.0, 4000.0), id="of two alike the later"),
    ],
)
def test_a_threshold_takes_the_place_of_the_profile_s(thresholds, found):
    rules = over([SHARP, SHARP_MOST], *({"metric": "sharpness", **one} for one in thresholds))
    assert tuple(rule.threshold for rule in rules) == found


def test_of_documents_the_later_one_counts():
    docs = [tuning({"metric": "sharpness", "min": 5}, name="a"), tuning({"metric": "sharpness", "min": 6}, name="b")]
    (rule,) = tuned([SHARP], docs, asked(), {})
    assert (rule.threshold, rule.source) == (6.0, "projects/p/b.yaml thresholds.0")


@pytest.mark.parametrize(
    ("thresholds", "aki", "ren"),
    [
        pytest.param([{"max": 9}], 9.0, 9.0, id="without a character it is about all"),
        pytest.param([{"max": 9, "character": "aki"}], 9.0, 15.0, id="with one about that one"),
        pytest.param([{"max": 9, "character": "aki"}, {"max": 7, "phase": "still"}], 9.0, 7.0, id="a character is narrower than a phase"),
        pytest.param(
            [{"max": 9, "character": "aki"}, {"max": 7, "phase": "still", "character": "aki"}], 7.0, 15.0, id="both are the narrowest"
        ),
    ],
)
def test_a_threshold_may_be_about_one_character(thresholds, aki, ren):
    rules = over(PALETTES, *({"metric": "palette-distance", **one} for one in thresholds))
    assert [rule.threshold for rule in rules] == [aki, ren]


def test_the_likeness_that_a_character_asks_for_gives_way_only_to_what_names_it():
    rules = [Rule("face-similarity", Op.AT_LEAST, likeness, subject=who) for who, likeness in (("aki", 0.6), ("ren", 0.7))]
    of = asked(thresholds={"aki": 0.6})
    assert [r.threshold for r in over(rules, {"metric": "face-similarity", "min": 0.4}, of=of)] == [0.6, 0.4]
    assert [r.threshold for r in over(rules, {"metric": "face-similarity", "min": 0.4, "character": "aki"}, of=of)] == [0.4, 0.7]


@pytest.mark.parametrize(
    ("required", "before", "after"),
    [
        pytest.param({}, True, True, id="what the profile demands is demanded"),
        pytest.param({}, False, False, id="what it shows is shown"),
        pytest.param({"required": True}, False, True, id="it can be demanded"),
        pytest.param({"required": False}, True, False, id="and be no reason to fail"),
    ],
)
def test_whether_it_is_demanded_is_the_profile_s_word_unless_another_is_written(required, before, after):
    (rule,) = over([Rule("noise", Op.AT_MOST, 6.0, before)], {"metric": "noise", "max": 3, **required})
    assert rule.required is after


def test_what_takes_are_not_chosen_by_stays_so():
    (rule,) = over([Rule("noise", Op.AT_MOST, 6.0, audit=True)], {"metric": "noise", "max": 3})
    assert (rule.threshold, rule.audit) == (3.0, True)


@pytest.mark.parametrize(
    ("threshold", "of", "found"),
    [
        pytest.param({"metric": "noise", "max": 3}, asked(), [], id="nothing is added unless it is demanded"),
        pytest.param({"metric": "noise", "max": 3, "required": False}, asked(), [], id="nor what is only shown"),
        pytest.param({"metric": "noise", "max": 3, "required": True}, asked(), [("noise", "")], id="what is demanded is added"),
        pytest.param({"metric": "noise", "max": 3, "required": True, "phase": "video"}, asked(), [], id="not in another phase"),
        pytest.param(
            {"metric": "palette-distance", "max": 9, "required": True},
            asked(),
            [("palette-distance", "aki"), ("palette-distance", "ren")],
            id="of every character in the picture",
        ),
        pytest.param(
            {"metric": "palette-distance", "max": 9, "required": True, "character": "ren"},
            asked(),
            [("palette-distance", "ren")],
            id="or of one",
        ),
        pytest.param({"metric": "palette-distance", "max": 9, "required": True}, asked(against=Against()), [], id="of nobody nothing"),
        pytest.param({"metric": "palette-drift", "max": 9, "required": True}, asked(Phase.VIDEO, part="segment"), [], id="not of a part"),
        pytest.param({"metric": "frozen", "max": 0.5, "required": True}, asked(Phase.STILL), [], id="no motion of a still"),
        pytest.param({"metric": "frozen", "max": 0.5, "required": True}, asked(Phase.VIDEO), [("frozen", "")], id="but of a video"),
        pytest.param({"metric": "flicker", "max": 1, "required": True}, asked(Phase.STILL), [], id="nothing that takes a clip of a still"),
        pytest.param(
            {"metric": "face-similarity", "min": 0.6, "required": True}, asked(), [], id="no likeness to somebody without pictures"
        ),
    ],
)
def test_a_metric_that_the_profile_has_not_is_added_where_it_is_demanded(threshold, of, found):
    assert [(rule.metric, rule.subject) for rule in over([], threshold, of=of)] == found


def test_what_is_added_twice_is_there_once_with_the_narrower_threshold():
    rules = over([], {"metric": "noise", "max": 3, "required": True, "phase": "still"}, {"metric": "noise", "max": 5, "required": True})
    assert [(rule.threshold, rule.basis) for rule in rules] == [(3.0, "placeholder")]


@pytest.mark.parametrize(
    "of",
    [
        pytest.param(asked(backend=BackendKind.ANIMATIC), id="that is drawn instead of another phase"),
        pytest.param(asked(Phase.ANIMATIC), id="that comes first"),
    ],
)
def test_an_animatic_is_judged_by_the_file_contract_only(of):
    rules = profile_rules("basic", of)
    assert over(rules, {"metric": "noise", "max": 3, "required": True}, of=of) == rules


# -- what it rests on ---------------------------------------------------------------------------------------------------------

OTHER = "0" * 64


@pytest.mark.parametrize(
    ("basis", "weights", "words"),
    [
        pytest.param(None, {}, "placeholder", id="without a basis it is a placeholder"),
        pytest.param({}, {}, CALIBRATED, id="with one it is calibrated"),
        pytest.param({"version": "0"}, {}, "placeholder: calibrated for version 0, this is ", id="another version of the metric"),
        pytest.param({"definition": METRICS["sharpness"].digest}, {}, CALIBRATED, id="its definition"),
        pytest.param({"definition": OTHER}, {}, "placeholder: calibrated for another definition", id="another definition"),
        pytest.param({"weights": {"eye": LABELS}}, {"eye": LABELS}, CALIBRATED, id="the weights that are there"),
        pytest.param({"weights": {"eye": LABELS}}, {"eye": OTHER}, "placeholder: calibrated with other weights of eye", id="other weights"),
        pytest.param({"weights": {"eye": LABELS}}, {}, CALIBRATED, id="weights that are not there say nothing"),
    ],
)
def test_a_threshold_says_what_it_rests_on(basis, weights, words):
    threshold = {"metric": "sharpness", "min": 31, **({"basis": BASIS | basis} if basis is not None else {})}
    (rule,) = over([SHARP], threshold, weights=weights)
    assert rule.threshold == 31
    assert rule.basis.startswith(words)
    assert rule.basis.startswith("calibrated") is (words == CALIBRATED)


ops = st.sampled_from(["min", "max"])
written = st.fixed_dictionaries(
    {"metric": st.sampled_from(["sharpness", "noise", "palette-distance", "flicker"]), "min": st.floats(-9, 9)},
    optional={"phase": st.sampled_from(["still", "video"]), "required": st.booleans(), "max": st.floats(9, 99)},
)


@given(st.lists(written, max_size=5), st.sampled_from([Phase.STILL, Phase.LOOP, Phase.VIDEO]))
def test_no_rule_is_lost_and_only_what_is_written_is_other_than_before(thresholds, phase):
    of = asked(phase)
    before = profile_rules("basic", of)
    after = over(before, *thresholds, of=of)
    assert [(r.metric, r.op, r.subject) for r in after[: len(before)]] == [(r.metric, r.op, r.subject) for r in before]
    for rule, was in zip(after, before, strict=False):
        word = "min" if rule.op is Op.AT_LEAST else "max"
        assert rule == was or rule.threshold in [t.get(word) for t in thresholds if t["metric"] == rule.metric]
    assert all(rule.required for rule in after[len(before) :])
    assert len({(r.metric, r.op, r.subject) for r in after}) == len(after)


# -- what people are told -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("thresholds", "code", "path", "words"),
    [
        pytest.param([{"metric": "noise", "max": 3}], "", "", "", id="nothing where all is well"),
        pytest.param(
            [{"metric": "sharpness", "min": 3, "basis": BASIS | {"version": "0"}}],
            "stale-calibration",
            "thresholds.0.basis",
            "calibrated for version 0",
            id="a calibration that no longer holds",
        ),
        pytest.param(
            [{"metric": "palette-distance", "max": 3, "character": "akki"}],
            "missing-character",
            "thresholds.0.character",
            "did you mean `aki`?",
            id="a character that is not there",
        ),
        pytest.param(
            [{"metric": "noise", "max": 3}, {"metric": "noise", "max": 4}],
            "duplicate-threshold",
            "thresholds.0",
            "that one counts",
            id="the first of two about the same",
        ),
        pytest.param([{"metric": "sharpness", "min": 3}, {"metric": "sharpness", "max": 4}], "", "", "", id="two bounds are not the same"),
        pytest.param([{"metric": "noise", "max": 3}, {"metric": "noise", "max": 4, "phase": "still"}], "", "", "", id="nor a narrower one"),
    ],
)
def test_what_is_odd_about_a_threshold_is_a_warning_at_its_line(thresholds, code, path, words):
    of = world()
    of.tunings = (tuning(*thresholds),)
    found = tuning_problems(of, place)
    assert [(p.code, p.path, str(p.severity)) for p in found] == ([(code, path, "warning")] if code else [])
    assert all(words in str(problem) and problem.place == place("projects/p/tuning.yaml", 0, path) for problem in found)


def test_a_character_that_can_not_be_read_for_now_is_not_called_missing():
    of = world()
    of.tunings, of.held = (tuning({"metric": "palette-distance", "max": 3, "character": "mo"}),), frozenset({("character", "mo")})
    assert tuning_problems(of, place) == []


# -- what it costs ------------------------------------------------------------------------------------------------------------


def still(of, rendition=Rendition.FINAL):
    return rows(context(of, rendition), scene())[0]


def with_tuning(*thresholds, held=()):
    of = world()
    of.tunings, of.held = (tuning(*thresholds),) if thresholds else (), frozenset(held)
    return of


@pytest.mark.parametrize(
    ("threshold", "judged_anew", "measured_anew"),
    [
        pytest.param({"metric": "sharpness", "min": 3}, True, False, id="a threshold is judged anew"),
        pytest.param({"metric": "sharpness", "min": 15, "basis": BASIS}, True, False, id="so is one that is calibrated now"),
        pytest.param({"metric": "sharpness", "min": 3, "phase": "video"}, False, False, id="not in another phase"),
        pytest.param({"metric": "aesthetic", "min": 3, "required": True}, True, True, id="what was never measured is measured"),
    ],
)
def test_a_document_costs_no_render(threshold, judged_anew, measured_anew):
    before, after = still(with_tuning()), still(with_tuning(threshold))
    assert (before.base_key, before.key, before.hold) == (after.base_key, after.key, after.hold)
    assert (before.rules_digest != after.rules_digest) is judged_anew
    assert (before.measure_key != after.measure_key) is measured_anew


def test_while_a_document_can_not_be_used_nothing_is_judged():
    broken = with_tuning(held=[("tuning", "tuning")])
    assert still(broken).hold == "blocked"
    assert still(broken, Rendition.ANIMATIC).hold == ""
    assert still(with_tuning(held=[("review", "r1")])).hold == ""


def test_the_project_s_own_rules_count_more():
    own = {"rules": {"all": {"sharpness": {"min": 20.0}}}}
    of, alone = world(gates=own), world(gates=own)
    of.tunings = (tuning({"metric": "sharpness", "min": 3}),)
    assert still(of).rules_digest == still(alone).rules_digest


def test_nobody_is_demanded_of_whom_nothing_is_known():
    known = Subject("aki", references=(Picture("c", "f", ".png"),))
    both = asked(against=Against((known, Subject("ren"))))
    rules = profile_rules("standard", both, identity="clip")
    found = over(rules, {"metric": "clip-similarity", "min": 0.6, "required": True}, of=both)
    assert [(r.subject, r.threshold, r.required) for r in found if r.metric == "clip-similarity"] == [
        ("aki", 0.6, True),
        ("ren", 0.6, False),
    ]
