"""Values to JSON and back: nothing is lost, older and newer rows load, and what does not fit is named."""

import json
import math
import types
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from enum import Enum
from typing import Any, Union, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koma.core.codec import CodecError, from_json, to_json
from koma.core.gate import Check, GateResult, Measurement, Rule
from koma.core.job import Job, Work
from koma.core.media import Artifact, InputFile, Role
from koma.core.request import Failure, FailureClass, RenderRequest, Sighting
from koma.core.take import Take
from koma.core.words import Verdict
from support.stored import failed_take, job, take

STORED = [Artifact, InputFile, Measurement, Rule, Check, GateResult, Failure, RenderRequest, Sighting, Take, Work, Job]

_FINITE = st.floats(allow_nan=False, allow_infinity=False)
_TEXT = st.text(max_size=8)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | _FINITE | _TEXT,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_TEXT, inner, max_size=2),
    max_leaves=4,
)
_SCALARS = {
    Any: _JSON,
    str: _TEXT,
    int: st.integers(),
    bool: st.booleans(),
    float: st.floats(allow_nan=False),
    type(None): st.none(),
}


def values_of(hint):
    """Values that a type hint allows."""
    if hint in _SCALARS:
        return _SCALARS[hint]
    if isinstance(hint, type) and issubclass(hint, Enum):
        return st.sampled_from(hint)
    if is_dataclass(hint):
        hints = get_type_hints(hint)
        return st.builds(hint, **{one.name: values_of(hints[one.name]) for one in fields(hint)})
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return st.one_of(*map(values_of, args))
    if origin is tuple:
        return st.lists(values_of(args[0]), max_size=2).map(tuple)
    assert issubclass(origin, Mapping)
    return st.dictionaries(_TEXT, values_of(args[1]), max_size=2)


@pytest.mark.parametrize("cls", STORED, ids=lambda cls: cls.__name__)
def test_what_is_stored_comes_back_equal(cls):
    @given(values_of(cls))
    def check(value):
        assert from_json(cls, json.loads(json.dumps(to_json(value), allow_nan=False))) == value

    check()


@pytest.mark.parametrize("cls", STORED, ids=lambda cls: cls.__name__)
def test_a_row_with_keys_that_nobody_knows_loads(cls):
    @given(values_of(cls), _JSON)
    def check(value, extra):
        assert from_json(cls, to_json(value) | {"a later field": extra}) == value

    check()


def test_types_come_back_and_not_only_equal_values():
    back = from_json(Take, json.loads(json.dumps(to_json(take()))))
    assert (type(back.artifacts), type(back.artifacts[0].role), type(back.render_seconds)) == (tuple, Role, float)
    assert type(from_json(Rule, {"metric": "m", "op": ">=", "threshold": 1}).threshold) is float


def test_a_key_that_is_missing_takes_its_default():
    older = to_json(job())
    for name in ("cancel_asked", "failed_attempts", "outputs", "gate"):
        del older[name]
    del older["work"]["priority"]
    assert from_json(Job, older) == job()


@pytest.mark.parametrize("odd", [math.nan, math.inf, -math.inf], ids=["nan", "infinity", "minus infinity"])
def test_a_number_that_json_has_no_form_for_is_kept(odd):
    value = Measurement("sharpness", "1", "", odd)
    text = json.dumps(to_json(value), allow_nan=False)
    back = from_json(Measurement, json.loads(text)).value
    assert back == odd or (math.isnan(back) and math.isnan(odd))


def test_lone_surrogates_of_a_log_are_kept():
    value = failed_take()
    assert from_json(Take, json.loads(json.dumps(to_json(value)))) == value


def test_enum_members_and_tuples_become_plain_json():
    plain = to_json(
        Sighting("succeeded", outputs=types.MappingProxyType({Verdict.PASSED: (Role.OBJECT, Failure(FailureClass.NODE, "no"))}))
    )
    assert plain["outputs"] == {"passed": ["object", {"kind": "node", "message": "no", "excerpt": ""}]}
    assert [type(key) for key in plain["outputs"]] == [str]


WRONG = {
    "a missing field": (Failure, {"kind": "node"}, "Failure.message: is missing"),
    "a number for a string": (Failure, {"kind": "node", "message": 5}, "Failure.message: expected a string, found int 5"),
    "a string for a whole number": (
        Sighting,
        {"stage": "queued", "peak_memory_bytes": "5"},
        "Sighting.peak_memory_bytes: expected a whole number",
    ),
    "true for a whole number": (Sighting, {"stage": "queued", "peak_memory_bytes": True}, "expected a whole number, found bool True"),
    "a whole number for true": (
        Rule,
        {"metric": "m", "op": ">=", "threshold": 1, "required": 1},
        "Rule.required: expected true or false, found int",
    ),
    "true for a number": (Rule, {"metric": "m", "op": ">=", "threshold": True}, "Rule.threshold: expected a number, found bool True"),
    "text for a number": (Rule, {"metric": "m", "op": ">=", "threshold": "high"}, "Rule.threshold: expected a number"),
    "a word that is not in the list": (
        Failure,
        {"kind": "magic", "message": ""},
        "Failure.kind: expected one of validation, missing-model",
    ),
    "a list for a word": (Failure, {"kind": [], "message": ""}, "Failure.kind: expected one of"),
    "text for a list": (GateResult, {"verdict": "passed", "checks": "all"}, "GateResult.checks: expected a list, found str 'all'"),
    "a wrong item": (
        GateResult,
        {"verdict": "passed", "checks": [{"rule": None, "value": None, "verdict": "passed", "message": ""}]},
        "GateResult.checks.0.rule: expected an object, found NoneType",
    ),
    "a list for an object": (Sighting, {"stage": "queued", "outputs": []}, "Sighting.outputs: expected an object, found list"),
    "no object at all": (Sighting, None, "Sighting: expected an object, found NoneType None"),
}


@pytest.mark.parametrize(("cls", "data", "told"), WRONG.values(), ids=WRONG.keys())
def test_what_does_not_fit_is_named(cls, data, told):
    with pytest.raises(CodecError) as error:
        from_json(cls, data)
    assert told in str(error.value)


@dataclass(frozen=True)
class _Pair:
    pair: tuple[int, str]
    names: Mapping[str, int] = field(default_factory=dict)


def test_a_tuple_of_fixed_length_comes_back():
    assert from_json(_Pair, to_json(_Pair((1, "a"), {"b": 2}))) == _Pair((1, "a"), {"b": 2})


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ({"pair": [1]}, "_Pair.pair: expected a list of 2"),
        ({"pair": [1, 2]}, "_Pair.pair.1: expected a string"),
        ({"pair": [1, "a"], "names": {"b": "c"}}, "_Pair.names.b: expected a whole number"),
    ],
    ids=["too short", "a wrong item", "a wrong value"],
)
def test_parts_that_do_not_fit_are_named(data, told):
    with pytest.raises(CodecError) as error:
        from_json(_Pair, data)
    assert str(error.value).startswith(told)


@dataclass(frozen=True)
class _Unreadable:
    choice: int | str = 1


@dataclass(frozen=True)
class _Unknown:
    things: set[int] = field(default_factory=set)


@pytest.mark.parametrize("cls", [_Unreadable, _Unknown], ids=["a choice of two types", "a set"])
def test_a_class_that_can_not_be_read_is_a_bug_that_shows(cls):
    with pytest.raises(TypeError):
        from_json(cls, {})


@pytest.mark.parametrize(
    "value", [{"a": b"bytes"}, {"a": {1, 2}}, {5: "key"}, {"a": object()}], ids=["bytes", "a set", "a number as key", "an object"]
)
def test_what_json_has_no_form_for_is_refused(value):
    with pytest.raises(TypeError):
        to_json(Sighting("queued", outputs=value))
