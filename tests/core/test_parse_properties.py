"""What holds for any document: reading never raises, every problem has a place, and normal form is stable."""

import json

from hypothesis import given
from hypothesis import strategies as st

from koma.core.parse import PARTS, parse_document
from koma.core.spec import KINDS, model_of
from koma.core.spec.scene import CastMember, Line, Shot

NAMES = sorted({name for model in (*map(model_of, KINDS), Shot, CastMember, Line) for name in model.model_fields} | {"cuts", "x", "Bad Id"})
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3000),
    st.floats(0, 9),
    st.sampled_from(["aki", "wide", "still", "#aabbcc", "2+12", "A b", ""]),
)
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4), max_leaves=12
)
DOCUMENTS = st.builds(
    lambda kind, rest: {"id": "a"} | rest | {"kind": kind},
    st.sampled_from([*KINDS, "x"]),
    st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=5),
)
SHOTS = st.lists(
    st.fixed_dictionaries(
        {"id": st.sampled_from(["a", "b", "c", "Bad"])},
        optional={
            "seed": st.integers(-1, 3),
            "frames": st.integers(0, 2),
            "seconds": st.floats(0.5, 2),
            "characters": st.lists(st.sampled_from(["aki", "ren", {"id": "aki", "pose": "sit"}]), max_size=3),
            "mood": st.sampled_from(["calm", None, 3]),
        },
    ),
    max_size=6,
)


@given(DOCUMENTS)
def test_no_document_makes_reading_raise(document):
    parsed = parse_document(json.dumps(document), "f.yaml")
    assert len(parsed.documents) + len(parsed.held) == 1
    assert bool(parsed.problems) == bool(parsed.held or parsed.documents[0].held)
    assert all(problem.place.line >= 1 and problem.place.column >= 1 for problem in parsed.problems)


@given(DOCUMENTS)
def test_normal_form_reads_as_itself(document):
    for read in parse_document(json.dumps(document), "f.yaml").documents:
        again = parse_document(json.dumps(read.data), "f.yaml")
        assert again.problems == ()
        assert again.documents[0].data == read.data


@given(SHOTS)
def test_every_shot_is_either_there_or_held(shots):
    parsed = parse_document(json.dumps({"kind": "scene", "id": "s", PARTS["scene"]: shots}), "f.yaml")
    (document,) = parsed.documents
    kept = [shot["id"] for shot in document.data["shots"]]
    assert {*kept, *document.held} == {shot["id"] if shot["id"] != "Bad" else "" for shot in shots}
    assert not set(kept) & set(document.held)
    assert bool(parsed.problems) == bool(document.held)
    alone = [parse_document(json.dumps({"kind": "scene", "id": "s", "shots": [shot]}), "f.yaml").problems for shot in shots]
    assert {shot["id"] for shot, problems in zip(shots, alone, strict=True) if problems and shot["id"] != "Bad"} <= set(document.held)
