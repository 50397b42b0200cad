"""Documents as they come out of a file: normal forms, positions, what is held and what goes on."""

import json

import pytest

from koma.core.parse import Document, HeldDocument, parse_document
from koma.core.problem import Place

SCENE = """\
kind: scene
id: s01
characters:
  - aki
  - {id: ren, outfit: coat}
shots:
  - id: sh010
    seed: 7
    camera:
      move: pan
    characters: [aki]
  - id: "020"
    frames: 48
    dialogue:
      - {id: l1, who: aki, text: "You're late."}
"""


def one(text: str) -> Document:
    parsed = parse_document(text, "a/s.yaml")
    assert parsed.problems == ()
    (document,) = parsed.documents
    return document


def test_a_document_says_what_it_is():
    document = one(SCENE)
    assert (document.kind, document.id, document.file, document.index, document.held) == ("scene", "s01", "a/s.yaml", 0, ())


def test_only_what_was_written_is_in_the_data():
    assert one("kind: scene\nid: s01\n").data == {"kind": "scene", "id": "s01"}


NORMAL = {
    "a bare character is an entry with an id": ("kind: scene\nid: a\ncharacters: [aki]", "characters", [{"id": "aki"}]),
    "cuts are shots": ("kind: scene\nid: a\ncuts: [{id: b}]", "shots", [{"id": "b"}]),
    "a bare expression is its prompt": (
        "kind: character\nid: a\nname: A\nexpressions: {sad: tears}",
        "expressions",
        {"sad": {"prompt": "tears"}},
    ),
    "a bare pose is its prompt": ("kind: character\nid: a\nname: A\nposes: {sit: sitting}", "poses", {"sit": {"prompt": "sitting"}}),
    "a bare outfit is its prompt": (
        "kind: character\nid: a\nname: A\noutfits: {coat: long coat}",
        "outfits",
        {"coat": {"prompt": "long coat"}},
    ),
    "a whole number is as good as a fraction": ("kind: character\nid: a\nname: A\nheight: 1", "height", 1.0),
    "a duration stays as written": ("kind: scene\nid: a\nshots: [{id: b, duration: 2+12}]", "shots", [{"id": "b", "duration": "2+12"}]),
    "seconds stay as written": ("kind: scene\nid: a\nshots: [{id: b, seconds: 2}]", "shots", [{"id": "b", "seconds": 2.0}]),
    "an age may be years": ("kind: character\nid: a\nname: A\nversions: {old: {age: 80}}", "versions", {"old": {"age": 80}}),
    "an age may be words": ("kind: character\nid: a\nname: A\nversions: {old: {age: ageless}}", "versions", {"old": {"age": "ageless"}}),
    "parameters keep their types": (
        "kind: project\nid: a\nparameters: {still: {steps: 20, cfg: 7.0, tile: true, name: euler}}",
        "parameters",
        {"still": {"steps": 20, "cfg": 7.0, "tile": True, "name": "euler"}},
    ),
}


@pytest.mark.parametrize(("text", "field", "value"), NORMAL.values(), ids=NORMAL.keys())
def test_normal_form(text, field, value):
    assert one(text).data[field] == value


@pytest.mark.parametrize("ident", ["010", "no", "on", "1st", "0x10", "12e"])
def test_ids_that_other_readers_would_change_stay_text(ident):
    assert one(f"kind: scene\nid: {ident}\n").id == ident


POSITIONS = {
    "the document": ("", 1, 1),
    "a field": ("id", 2, 5),
    "an entry of a list, by its id": ("shots.sh010", 7, 5),
    "a field of an entry": ("shots.sh010.seed", 8, 11),
    "a block, at its key": ("shots.sh010.camera", 9, 5),
    "a bare character": ("characters.aki", 4, 5),
    "a bare character's id": ("shots.sh010.characters.aki.id", 11, 18),
    "an entry whose id is in quotes": ("shots.020.frames", 13, 13),
    "an entry of an entry": ("shots.020.dialogue.l1.text", 15, 34),
    "a field that was not written, where its surroundings are": ("shots.sh010.mood", 7, 5),
    "a field of something that is not there": ("defaults.shot.mood", 1, 1),
}


@pytest.mark.parametrize(("path", "line", "column"), POSITIONS.values(), ids=POSITIONS.keys())
def test_place_of(path, line, column):
    assert one(SCENE).place(path) == Place("a/s.yaml", line, column)


def test_positions_follow_cuts():
    assert one("kind: scene\nid: a\ncuts:\n  - id: b\n    seed: 3\n").place("shots.b.seed") == Place("a/s.yaml", 5, 11)


def test_a_document_survives_a_cache():
    document = parse_document(SCENE.replace("seed: 7", "seed: x"), "a.yaml").documents[0]
    assert document.held == ("sh010",)
    assert Document.from_json(json.loads(json.dumps(document.to_json()))) == document


BROKEN_SHOTS = """\
kind: scene
id: s01
shots:
  - {id: ok1, seed: 1}
  - {id: bad1, seed: -1}
  - {id: ok2, seed: 2}
  - {id: twice}
  - {id: twice, frames: 3}
  - {id: BAD, seed: 4}
  - {id: ok3, frames: 1}
  - {id: bad2, frames: 1, seconds: 2}
"""


def test_a_broken_shot_holds_itself_and_not_its_neighbours():
    parsed = parse_document(BROKEN_SHOTS, "s.yaml")
    (document,) = parsed.documents
    assert [shot["id"] for shot in document.data["shots"]] == ["ok1", "ok2", "ok3"]
    assert set(document.held) == {"bad1", "twice", "", "bad2"}
    assert [problem.place.line for problem in parsed.problems] == [5, 8, 9, 11]


def test_positions_of_shots_after_a_broken_one_stay_right():
    (document,) = parse_document(BROKEN_SHOTS, "s.yaml").documents
    assert document.place("shots.ok2.seed") == Place("s.yaml", 6, 21)
    assert document.place("shots.ok3") == Place("s.yaml", 10, 5)


def test_a_scene_may_be_left_without_shots():
    (document,) = parse_document("kind: scene\nid: s\nshots: [{id: a, foo: 1}]\n", "s.yaml").documents
    assert (document.data["shots"], document.held) == ([], ("a",))


def test_an_error_above_the_shots_holds_the_document():
    parsed = parse_document("kind: scene\nid: s01\nmood: 3\nshots: [{id: a, seed: -1}]\n", "s.yaml")
    assert parsed.documents == ()
    assert parsed.held == (HeldDocument("scene", "s01", "s.yaml", 0),)
    assert [problem.path for problem in parsed.problems] == ["mood", "shots.a.seed"]


def test_a_held_document_of_unknown_kind_claims_no_id():
    parsed = parse_document("kind: scen\nid: s01\n", "s.yaml")
    assert parsed.held == (HeldDocument("", "", "s.yaml", 0),)


def test_documents_of_one_file_stand_for_themselves():
    parsed = parse_document("kind: location\nid: a\n---\nkind: location\nid: B\n---\nkind: location\nid: c\n", "l.yaml")
    assert [(document.id, document.index) for document in parsed.documents] == [("a", 0), ("c", 2)]
    assert parsed.held == (HeldDocument("location", "", "l.yaml", 1),)


def test_a_file_that_yaml_refuses_in_part_is_not_read_at_all():
    parsed = parse_document("kind: location\nid: a\n---\nkind: location\nid: b\nid: c\n", "l.yaml")
    assert (parsed.documents, parsed.held) == ((), ())
    assert [problem.code for problem in parsed.problems] == ["duplicate-key"]
