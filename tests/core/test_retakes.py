"""What a failed take failed of, and what the next one changes: the same for everybody who works it out, within bounds, and in words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koma.core.failure_kind import KINDS, Failing, FailureKind, failing
from koma.core.gate import Measurement, Op, Rule, decided, judge
from koma.core.keys import digest, take_key
from koma.core.metrics import METRIC_IDS
from koma.core.parameter import Parameter, ParameterType
from koma.core.parse import parse_document
from koma.core.retakes import (
    Amount,
    Bench,
    Retake,
    Step,
    policy_of,
    retake_facts,
    retake_from_json,
    retake_of,
    retake_to_json,
    steps_of,
    with_values,
    without_changes,
)
from koma.core.retry_check import retry_problems
from koma.core.review import METRIC, Said, with_word
from koma.core.spec.retries import Retries
from koma.core.style import ranges_of
from support.worlds import template, world

K = FailureKind

# -- failure kinds -----------------------------------------------------------------------------------------------------


def gate(*failed: str, op=Op.AT_LEAST, audit=False, required=True):
    """A gate result in which these metrics fail."""
    off = {Op.AT_LEAST: 0.0, Op.AT_MOST: 2.0, Op.EQUALS: 0.0}[op]
    rules = [Rule(name, op, 1.0, required=required, audit=audit) for name in failed]
    return judge([Measurement(name, "1", "", off) for name in failed], rules)


def kind(result, **more):
    found = failing(1, result, **more)
    return found.kind if found else None


def test_every_metric_has_a_failure_kind_and_every_kind_a_field_in_the_project():
    assert KINDS.keys() == METRIC_IDS | {METRIC}
    assert set(KINDS.values()) == set(K) - {K.OTHER}
    assert Retries.model_fields.keys() == {str(one) for one in K} - {"other"} | {"default"}


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        pytest.param(gate("sharpness"), K.BLURRED, id="too little sharpness is blur"),
        pytest.param(gate("sharpness", op=Op.AT_MOST), K.NOISY, id="too much sharpness is noise"),
        pytest.param(gate("blank", "black", op=Op.AT_MOST), K.BLACK, id="black frames are blank as well, and count as black"),
        pytest.param(gate("blank", op=Op.AT_MOST), K.BLANK, id="one colour that is not black is blank"),
        pytest.param(gate("frame-count", "black", op=Op.EQUALS), K.CONTRACT, id="a file that is not what was asked for is that first"),
        pytest.param(
            gate("ccip-difference", "flicker", op=Op.AT_MOST), K.FLICKER, id="the first stage that failed counts, whatever the order"
        ),
        pytest.param(gate("frozen", "sharpness", op=Op.AT_MOST), K.MOTION, id="motion comes before floors"),
        pytest.param(gate("palette-distance", op=Op.AT_MOST), K.IDENTITY, id="a palette that is not the character's"),
        pytest.param(gate("palette-drift", op=Op.AT_MOST), K.COLOUR, id="colours that drift"),
        pytest.param(gate("some-metric-of-tomorrow"), K.OTHER, id="a metric that nobody knows teaches nothing"),
        pytest.param(gate("sharpness", required=False), None, id="what is only shown is no failure"),
        pytest.param(gate("sharpness", audit=True), K.OTHER, id="an audited metric teaches nothing"),
        pytest.param(gate(), None, id="a take that passed failed of nothing"),
        pytest.param(None, None, id="a take that was never judged failed of nothing"),
        pytest.param(judge([], [Rule("sharpness", Op.AT_LEAST, 1)]), None, id="unmeasured is not failed"),
        pytest.param(
            judge([Measurement("flicker", "1", "", 9)], [Rule("decodes", Op.EQUALS, 1), Rule("flicker", Op.AT_MOST, 1)]),
            None,
            id="nor is a failure behind what could not be measured",
        ),
    ],
)
def test_the_failure_kind(result, expected):
    assert kind(result) is expected


def test_a_persons_word_counts_where_no_measurement_says_what_is_wrong():
    word = Said("", "r", 0, "r.yaml", 0, "reject", comment="left hand")
    passed, flawed = gate(), gate("ccip-difference", op=Op.AT_MOST)
    assert failing(2, with_word(passed, word)) == Failing(2, K.REJECTED, "rejected: left hand")
    assert kind(with_word(flawed, word)) is K.IDENTITY
    assert kind(decided(()), rejected=True) is K.REJECTED


def test_the_message_is_that_of_the_check():
    assert failing(3, gate("sharpness")) == Failing(3, K.BLURRED, "sharpness 0 is not >= 1")


# -- what the next take changes ------------------------------------------------------------------------------------------

INT, FLOAT = ParameterType.INT, ParameterType.FLOAT
PARAMETERS = {
    "seed": Parameter(INT),
    "steps": Parameter(INT, default=20, min=1, max=40),
    "cfg": Parameter(FLOAT, default=7.0, min=0.0, max=8.0),
    "tile": Parameter(INT, default=64, min=8, max=128, multiple_of=8),
    "sampler": Parameter(ParameterType.CHOICE, default="euler", choices=("euler", "heun")),
    "many": Parameter(INT, default=1, min=1, max=4),
}
MANIFEST = template("still", parameters=PARAMETERS, multiplier="many").manifest
PARAMS = {"seed": 7, "steps": 20, "cfg": 7.0, "tile": 64, "sampler": "euler", "many": 1, "loras": []}
CAST = [{"id": "aki", "weight": 0.6}, {"id": "ren", "weight": 1.9}]
BENCH = Bench({**PARAMS, "characters": CAST}, MANIFEST)


def policy(**retries):
    """A policy, each kind with one step or a list of them."""
    return policy_of({"retries": {name: steps if isinstance(steps, list) else [steps] for name, steps in retries.items()}})


def took(*kinds: str):
    """Failed takes, in order; "" is one that did not fail its gate."""
    return [Failing(number, K(word), f"it is {word}") for number, word in enumerate(kinds, 1) if word]


def after(said, *kinds, bench=BENCH, **more):
    """The take that follows these."""
    return retake_of(said, len(kinds) + 1, took(*kinds), bench, **more)


def changed(retake):
    return {change.parameter: (change.old, change.new) for change in retake.changes}


BLURRED = policy(blurred={"add": {"steps": 8}})


@pytest.mark.parametrize(
    ("said", "kinds", "changes", "seed_of"),
    [
        pytest.param(policy(), ("blurred",), {}, 2, id="where nothing is said, only the seed is new"),
        pytest.param(BLURRED, ("blurred",), {"steps": (20, 28)}, 2, id="a step adds"),
        pytest.param(BLURRED, ("blurred", "blurred"), {"steps": (20, 36)}, 3, id="the last step repeats, and steps add up"),
        pytest.param(BLURRED, ("flicker",), {}, 2, id="another kind has the default"),
        pytest.param(BLURRED, ("blurred", "flicker"), {"steps": (20, 28)}, 3, id="what helped against one failure stays for the next"),
        pytest.param(BLURRED, ("", "blurred"), {"steps": (20, 28)}, 3, id="a take that did not fail teaches nothing"),
        pytest.param(BLURRED, ("blurred", ""), {"steps": (20, 28)}, 3, id="and forgets nothing"),
        pytest.param(policy(default={"add": {"cfg": -1}}), ("melt",), {"cfg": (7.0, 6.0)}, 2, id="a default is a policy like any other"),
        pytest.param(
            policy(identity=[{"add": {"cfg": 0.1}}, {"add": {"cfg": 0.2}}]),
            ("identity", "identity"),
            {"cfg": (7.0, 7.3)},
            3,
            id="the second failure of a kind has the second step, in decimal fractions",
        ),
        pytest.param(
            policy(identity=[{"add": {"cfg": 0.5}}, {"add": {"cfg": -2}}]),
            ("identity", "flicker", "identity"),
            {"cfg": (7.0, 5.5)},
            4,
            id="failures of a kind are counted apart",
        ),
        pytest.param(policy(blurred={"multiply": {"steps": 1.5}}), ("blurred",), {"steps": (20, 30)}, 2, id="a step multiplies"),
        pytest.param(policy(blurred={"set": {"sampler": "heun"}}), ("blurred",), {"sampler": ("euler", "heun")}, 2, id="a step sets"),
        pytest.param(policy(blurred={"multiply": {"tile": 1.1}}), ("blurred",), {"tile": (64, 72)}, 2, id="multiples stay multiples"),
        pytest.param(
            policy(identity={"add": {"identity_weight": 0.15}}),
            ("identity",),
            {"characters.aki.weight": (0.6, 0.75), "characters.ren.weight": (1.9, 2.0)},
            2,
            id="the weight of every character rises, up to its limit",
        ),
        pytest.param(policy(blurred={"add": {"steps": 8}, "seed": "keep"}), ("blurred",), {"steps": (20, 28)}, 1, id="a seed can stay"),
        pytest.param(
            policy(blurred={"add": {"steps": 8}, "seed": "keep"}),
            ("flicker", "blurred", "blurred"),
            {"steps": (20, 36)},
            2,
            id="the seed that stays is that of the take before",
        ),
    ],
)
def test_what_the_next_take_changes(said, kinds, changes, seed_of):
    retake = after(said, *kinds)
    assert (changed(retake), retake.seed_of) == (changes, seed_of)


@pytest.mark.parametrize(
    ("said", "changes", "note"),
    [
        pytest.param({"add": {"steps": 50}}, {"steps": (20, 40)}, "steps goes no further than 40", id="the template's largest value"),
        pytest.param({"add": {"steps": -50}}, {"steps": (20, 1)}, "steps goes no further than 1", id="the template's smallest value"),
        pytest.param({"add": {"cfg": -5}}, {"cfg": (7.0, 4.5)}, "cfg goes no further than 4.5", id="the style's smallest value"),
        pytest.param({"set": {"steps": 99}}, {"steps": (20, 40)}, "steps goes no further than 40", id="a value that is set"),
        pytest.param({"multiply": {"steps": 1e300}}, {"steps": (20, 40)}, "steps goes no further than 40", id="an absurd factor"),
        pytest.param({"add": {"steps": 0.2}}, {}, "steps stays 20", id="less than a whole step"),
        pytest.param({"add": {"stpes": 1}}, {}, "no stpes: template still has no such parameter", id="a parameter that is not there"),
        pytest.param({"add": {"sampler": 1}}, {}, "sampler stays euler: it is no number to add something to", id="what is no number"),
        pytest.param({"set": {"sampler": "x"}}, {}, "sampler stays euler: got 'x'", id="a choice that is none"),
        pytest.param({"set": {"steps": "many"}}, {}, "steps stays 20: got 'many'", id="a text for a number"),
        pytest.param({"set": {"steps": True}}, {}, "steps stays 20: got True", id="true for a number"),
        pytest.param({"add": {"many": 1}}, {}, "no many: it says how many frames come out", id="what would change the length"),
    ],
)
def test_what_can_not_be_done_is_said_in_words(said, changes, note):
    retake = after(policy(blurred=said), "blurred", bench=Bench(PARAMS, MANIFEST, {"cfg": {"min": 4.5, "max": 9.0}}))
    assert changed(retake) == changes
    assert any(one.startswith(note) for one in retake.notes), retake.notes
    assert retake.seed_of == 2


def test_weights_need_characters_and_parameters_need_a_template():
    more = policy(identity={"add": {"identity_weight": 0.1}})
    alone = after(more, "identity", bench=Bench(PARAMS, MANIFEST))
    assert alone.notes == ("no identity weight: template still takes no pictures of characters here",)
    drawn = after(policy(blurred={"add": {"steps": 1}, "seed": "keep"}), "blurred", bench=Bench(None, None))
    assert drawn.notes == ("no steps: it is made without a template", "nothing else changes, so the seed does")
    assert (drawn.changes, drawn.seed_of) == ((), 2)


def test_a_seed_is_kept_only_where_the_picture_is_another():
    same = policy(blurred=[{"set": {"steps": 40}, "seed": "keep"}], flicker=[{"set": {"steps": 20}, "seed": "keep"}])
    assert after(same, "blurred").seed_of == 1
    again = after(same, "blurred", "blurred")
    assert (again.seed_of, again.notes) == (3, ("steps stays 40", "nothing else changes, so the seed does"))
    assert after(same, "blurred", "flicker").seed_of == 3, "that would be the first take once more"


def test_takes_that_were_asked_for_up_front_do_not_learn_from_each_other():
    assert changed(after(BLURRED, "blurred", "blurred", "blurred", up_front=3)) == {"steps": (20, 28)}
    assert after(BLURRED, "blurred", up_front=3) == Retake(2, 2)


@pytest.mark.parametrize(
    ("kinds", "can", "restart", "notes"),
    [
        pytest.param(("black",), True, False, (), id="one black take may be an accident"),
        pytest.param(("black", "black"), True, True, (), id="after the second the backend is restarted"),
        pytest.param(("black", "blank", "black"), True, True, (), id="whatever was in between"),
        pytest.param(("black",) * 3, True, False, ("no restart: one before take 3 did not help",), id="once for a target"),
        pytest.param(
            ("black", "black"),
            False,
            False,
            ("no restart: the backend has no restart command (backends[].restart in koma.yaml)",),
            id="only where somebody said how",
        ),
        pytest.param(("black", "black", "flicker"), True, False, (), id="and not before a take that follows something else"),
    ],
)
def test_black_frames(kinds, can, restart, notes):
    retake = after(policy(), *kinds, can_restart=can)
    assert (retake.restart, retake.notes, retake.seed_of) == (restart, notes, len(kinds) + 1)


def test_a_project_may_say_something_else_of_black_frames():
    assert after(policy(black={"restart": True}), "black", can_restart=True).restart
    assert not after(policy(black={"seed": "new"}), *["black"] * 4, can_restart=True).restart
    assert after(policy(black={"restart": True, "seed": "keep"}), "black", can_restart=True).seed_of == 1
    assert after(policy(black={"restart": True, "seed": "keep"}), "black").seed_of == 2


def test_a_retake_in_words():
    retake = after(BLURRED, "blurred")
    assert retake.sentence(3) == "take 2 of 3: new seed, steps 20 -> 28 (take 1: it is blurred)"
    assert retake.sentence(1) == "take 2: new seed, steps 20 -> 28 (take 1: it is blurred)"
    more = after(
        policy(black={"restart": True}, identity={"add": {"identity_weight": 0.1}, "seed": "keep"}), "identity", "black", can_restart=True
    )
    assert more.words == (
        "new seed, identity weight of aki 0.6 -> 0.7, identity weight of ren 1.9 -> 2.0, after a restart of the backend"
        " (take 2: it is black)"
    )
    assert after(policy(blurred={"add": {"steps": 1}, "seed": "keep"}), "blurred").words.startswith("seed of take 1, steps 20 -> 21")
    assert retake_facts(None, 3) is None
    assert (retake_facts(retake, 3)["words"], retake_facts(retake, 3)["kind"]) == (retake.sentence(3), "blurred")


# -- the style's ranges, and names that nobody knows -----------------------------------------------------------------------


def test_the_narrower_range_of_style_and_project_counts():
    made = world(style={"rules": {"parameters": {"steps": {"min": 10, "max": 50}}}}, rules={"parameters": {"steps": {"min": 5, "max": 30}}})
    assert ranges_of(made) == {"steps": {"min": 10, "max": 30}}


@pytest.mark.parametrize(
    ("step", "message", "advice"),
    [
        pytest.param({"add": {"stpes": 8}}, "no template has a parameter 'stpes'", "did you mean `steps`?", id="a slip of the fingers"),
        pytest.param({"add": {"sampler": 8}}, "'sampler' is no number to add something to", "a value under `set`", id="adding to a choice"),
        pytest.param({"set": {"steps": 80}}, "'steps' can't be that", "from 1 to 40", id="a value that fits no template"),
    ],
)
def test_what_no_template_can_carry_out_is_a_warning_at_its_place(step, message, advice):
    places = []
    made = world(retries={"blurred": [step]})
    (problem,) = retry_problems(made, {"still": template("still", parameters=PARAMETERS)}, lambda *spot: places.append(spot))
    assert (problem.severity, message in problem.message, advice in problem.expected + problem.hint) == ("warning", True, True)
    assert places[0][2].startswith("retries.blurred.0.")


def test_what_a_template_can_carry_out_is_none():
    steps = [{"add": {"steps": 8, "identity_weight": 0.1}}, {"multiply": {"cfg": 2}, "set": {"sampler": "heun"}}]
    made = world(retries={"blurred": steps})
    assert retry_problems(made, {"still": template("still", parameters=PARAMETERS)}, lambda *_: None) == []


@pytest.mark.parametrize("said", [None, {}, [], {"kind": "tired"}, {"kind": "blurred", "after": 1}], ids=str)
def test_a_receipt_that_says_nothing_sensible_of_a_retake_stops_nobody(said):
    assert retake_from_json(2, said) is None


MISTAKES = {
    "a kind that is misspelt": ("blured: {add: {steps: 8}}", "unknown-field", "did you mean `blurred`?"),
    "a step that is misspelt": ("blurred: {ad: {steps: 8}}", "unknown-field", "did you mean `add`?"),
    "a size, which every take must keep": ("blurred: {add: {width: 8}}", "wrong-parameter", "the same for all of its takes"),
    "a seed as a parameter": ("blurred: {set: {seed: 8}}", "wrong-parameter", "`seed: new` or `seed: keep`"),
    "the same picture once more": ("blurred: {seed: keep}", "empty-step", "or leave the seed to be new"),
    "one parameter twice": ("blurred: {add: {steps: 8}, set: {steps: 3}}", "duplicate-value", "one of `add`"),
    "a sum with a text": ("blurred: {add: {steps: a}}", "wrong-type", "a decimal number"),
    "a factor of nothing": ("blurred: {multiply: {steps: 0}}", "out-of-range", "more than 0"),
    "no step at all": ("blurred: []", "wrong-size", "at least 1 entry"),
}


@pytest.mark.parametrize(("text", "code", "advice"), MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_is_told_at_its_line(text, code, advice):
    (problem,) = parse_document(f"kind: project\nid: a\nretries:\n  {text}\n", "project.yaml").problems
    assert (problem.code, problem.place.line, advice in f"{problem.expected} {problem.hint}") == (code, 4, True)


@pytest.mark.parametrize(
    ("text", "column"),
    [
        pytest.param("blurred: {add: {steps: a}}", 26, id="a step without a list, at the value"),
        pytest.param("blurred: [{add: {steps: a}}]", 27, id="a step in a list, at the value"),
        pytest.param("blurred: {ad: {steps: 1}}", 13, id="an unknown field, at its name"),
        pytest.param("blurred: 8", 12, id="no step, where it stands"),
    ],
)
def test_a_mistake_is_told_at_its_column(text, column):
    (problem,) = parse_document(f"kind: project\nid: a\nretries:\n  {text}\n", "project.yaml").problems
    assert (problem.place.line, problem.place.column) == (4, column)


def test_one_step_may_stand_without_a_list():
    parsed = parse_document("kind: project\nid: a\nretries: {blurred: {add: {steps: 8}}}\n", "project.yaml")
    assert parsed.documents[0].data["retries"] == {"blurred": [{"add": {"steps": 8.0}}]}


# -- properties ------------------------------------------------------------------------------------------------------------

numbers = st.floats(-1e9, 1e9)
step_docs = st.builds(
    lambda add, multiply, keep, restart: {
        "add": add,
        "multiply": {name: value for name, value in multiply.items() if name not in add},
        "seed": "keep" if keep else "new",
        "restart": restart,
    },
    st.dictionaries(st.sampled_from(["steps", "cfg", "tile", "sampler", "identity_weight", "nothing"]), numbers, max_size=3),
    st.dictionaries(st.sampled_from(["steps", "cfg", "tile"]), st.floats(1e-6, 1e9), max_size=2),
    st.booleans(),
    st.booleans(),
)
policies = st.dictionaries(
    st.sampled_from([*(str(one) for one in K if one is not K.OTHER), "default"]), st.lists(step_docs, min_size=1, max_size=3)
)
histories = st.lists(st.sampled_from(["", *(str(one) for one in K)]), min_size=1, max_size=7)


@given(policies, histories, st.booleans(), st.integers(1, 4))
def test_every_value_stays_in_its_range_and_every_take_differs_from_those_before(retries, kinds, can, up_front):
    said, made = policy_of({"retries": retries}), set()
    for number in range(2, len(kinds) + 2):
        retake = retake_of(said, number, took(*kinds[: number - 1]), BENCH, up_front=up_front, can_restart=can)
        params = with_values(BENCH.params, retake.values)
        for name in ("steps", "cfg", "tile"):
            parameter = PARAMETERS[name]
            assert parameter.min <= params[name] <= parameter.max
            assert type(params[name]) is type(PARAMS[name])
        assert params["tile"] % 8 == 0
        assert all(0 <= who["weight"] <= 2 for who in params["characters"])
        assert 1 <= retake.seed_of <= number
        assert retake.restart <= can
        picture = (retake.seed_of, digest(params))
        assert picture not in made or retake.restart
        made.add(picture)


@given(policies, histories, st.booleans())
def test_a_plan_the_queue_and_a_rebuilt_store_come_to_the_same(retries, kinds, can):
    failed = took(*kinds)
    first = retake_of(policy_of({"retries": retries}), len(kinds) + 1, failed, BENCH, can_restart=can)
    assert retake_of(policy_of({"retries": retries}), len(kinds) + 1, failed[::-1], BENCH, can_restart=can) == first
    assert retake_from_json(first.number, retake_to_json(first)) == first
    assert without_changes(with_values(BENCH.params, first.values), first) == BENCH.params


@given(policies, histories, st.booleans())
def test_the_backend_is_restarted_once_at_most(retries, kinds, can):
    said = policy_of({"retries": retries})
    restarts = [retake_of(said, n, took(*kinds[: n - 1]), BENCH, can_restart=can).restart for n in range(2, len(kinds) + 2)]
    assert sum(restarts) <= 1


@given(histories)
def test_without_a_policy_nothing_but_the_seed_ever_changes(kinds):
    retake = after(policy(), *kinds)
    assert (retake.changes, retake.seed_of) == ((), len(kinds) + 1)


@given(policies, histories)
def test_each_failure_of_a_kind_has_its_own_step_and_the_last_one_repeats(retries, kinds):
    said = policy_of({"retries": retries})
    found = steps_of(said, len(kinds) + 1, took(*kinds))
    assert [one.kind if one else "" for one, _ in found] == kinds
    for word in {*kinds} - {""}:
        steps = said.get(word, said["default"])
        own = [step for one, step in found if one and one.kind == word]
        assert own == [*steps, *[steps[-1]] * len(own)][: len(own)]


@given(st.dictionaries(st.sampled_from(["a", "b"]), st.integers() | st.floats(0, 1), min_size=1))
def test_changes_are_part_of_the_take_key_and_no_changes_leave_it_as_it_was(changes):
    plain = take_key("t", "final", "k", 2, 7)
    assert take_key("t", "final", "k", 2, 7, {}) == plain != take_key("t", "final", "k", 2, 7, changes)


def test_values_stand_in_the_order_in_which_a_step_is_carried_out():
    (step,) = policy(blurred={"add": {"a": 1}, "multiply": {"b": 2}, "set": {"c": 3}})["blurred"]
    assert step == Step((Amount("c", "set", 3), Amount("b", "multiply", 2), Amount("a", "add", 1)))
    assert with_values({"a": 1, "characters": CAST}, {"a": 2}) == {"a": 2, "characters": CAST}
