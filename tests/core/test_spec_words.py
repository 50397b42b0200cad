"""Ids, hints and models by kind."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koma.core.hints import closest, did_you_mean
from koma.core.ids import RESERVED, is_id, suggest_id
from koma.core.spec import KINDS, model_of


@pytest.mark.parametrize("text", ["a", "010", "no", "sh010", "lantern-street", "a_b", "0", "a" * 64])
def test_is_an_id(text):
    assert is_id(text)


@pytest.mark.parametrize("text", ["", "A", "-a", "_a", "a b", "a/b", "a.b", "..", "é", "a\n", "a" * 65, "con", "com1", "takes", 10, None])
def test_is_no_id(text):
    assert not is_id(text)


@pytest.mark.parametrize(
    ("text", "near"),
    [("Sh 010", "sh-010"), ("Café!", "cafe"), ("--a--", "a"), ("日本", ""), ("CON", ""), ("a" * 70, "a" * 64), ("a/b", "a-b")],
)
def test_the_nearest_id(text, near):
    assert suggest_id(text) == near


@given(st.text(max_size=100))
def test_a_suggested_id_is_an_id(text):
    assert suggest_id(text) == "" or is_id(suggest_id(text))


@pytest.mark.parametrize(
    ("word", "found"),
    [("locaton", "location"), ("LOCATION", "location"), ("camra", "camera"), ("zzz", None), ("", None), ("x" * 10_000, None)],
)
def test_the_closest_word(word, found):
    assert closest(word, ["location", "camera", "seed"]) == found


def test_a_hint_is_empty_when_nothing_is_close():
    assert did_you_mean("locaton", ["location"]) == "did you mean `location`?"
    assert did_you_mean("zzz", ["location"]) == ""


@given(st.sampled_from(sorted(RESERVED)), st.lists(st.sampled_from(sorted(RESERVED)), min_size=1))
def test_the_closest_word_is_one_of_the_candidates(word, candidates):
    assert closest(word, candidates) in {*candidates, None}


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_is_of_its_kind_and_can_not_be_changed(kind):
    model = model_of(kind)
    fields = {"kind": kind, "id": "a"} | ({"name": "A"} if kind == "character" else {})
    document = model.model_validate(fields)
    assert document.model_dump(exclude_unset=True) == fields
    with pytest.raises(ValueError, match="frozen"):
        document.id = "b"


def test_reading_a_scene_imports_no_other_kind():
    code = (
        "import sys; from koma.core.parse import parse_document;"
        "assert parse_document('kind: scene\\nid: a', 'f').documents; print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "koma.core.spec.scene" in loaded
    assert not loaded & {f"koma.core.spec.{kind.replace('-', '_')}" for kind in KINDS if kind != "scene"}
