"""Documents of a snapshot: parsed once, found again in the cache, and never mixed with bytes of another moment."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koma.core import parse
from koma.core.faults import SourceError
from koma.core.problem import Place, Problem, Severity
from koma.core.snapshot import Snapshot, SourceFile
from koma.engine.documents import Documents, problems_from_json, problems_to_json
from koma.sources.cache import Cache
from support.worlds import hexed

SCENE = """\
kind: scene
id: s01
shots:
  - id: sh010
    seed: 7
    characters: [aki]
  - {id: sh020}
"""
TWO = "kind: location\nid: pier\n---\nkind: location\nid: roof\nprompt: tiles\n"
PATH, PLACES = "projects/p/s01.yaml", "projects/p/places.yaml"


class Files:
    """A source whose files are a dictionary."""

    def __init__(self):
        self.texts = {PATH: SCENE, PLACES: TWO}

    def snapshot(self):
        documents = {path: SourceFile(path, hexed(text), len(text)) for path, text in sorted(self.texts.items())}
        return Snapshot(("projects/p",), documents, {}, {})

    def read(self, files):
        return {file.path: self.texts[file.path].encode() for file in files if hexed(self.texts.get(file.path, "")) == file.digest}


@pytest.fixture
def cache(tmp_path):
    with Cache(tmp_path / "cache.db", version="1") as made:
        yield made


@pytest.fixture
def files():
    return Files()


@pytest.fixture
def parsed(monkeypatch):
    """Paths of the files that were parsed."""
    seen = []
    real = parse.parse_document

    def counting(text, file):
        seen.append(file)
        return real(text, file)

    monkeypatch.setattr(parse, "parse_document", counting)
    return seen


def load(files, cache):
    documents = Documents(files, cache)
    documents.load(files.snapshot())
    return documents


def test_heads_say_what_there_is(files, cache):
    heads = load(files, cache).heads
    found = [(head.kind, head.id, head.part, head.line) for head in heads[PLACES]]
    assert found == [("location", "pier", 0, 1), ("location", "roof", 1, 4)]
    assert [(head.kind, head.id, list(head.held)) for head in heads[PATH]] == [("scene", "s01", [])]


def test_only_bytes_that_are_new_are_parsed(files, cache, parsed):
    first = load(files, cache)
    assert parsed == [PLACES, PATH]
    parsed.clear()
    again = load(files, cache)
    assert parsed == []
    assert again.heads == first.heads
    files.texts[PATH] = SCENE.replace("7", "8")
    load(files, cache)
    assert parsed == [PATH]


def test_the_digest_of_a_document_is_that_of_what_it_says(files, cache):
    before = load(files, cache).heads[PATH][0].data_digest
    files.texts[PATH] = "# for Mika\n" + SCENE.replace("{id: sh020}", "{ id:   sh020 }")
    assert load(files, cache).heads[PATH][0].data_digest == before
    files.texts[PATH] = SCENE.replace("7", "8")
    assert load(files, cache).heads[PATH][0].data_digest != before


def test_one_of_two_documents_in_a_file_may_change_alone(files, cache):
    before = load(files, cache).heads[PLACES]
    files.texts[PLACES] = TWO.replace("tiles", "slates")
    after = load(files, cache).heads[PLACES]
    assert before[0].data_digest == after[0].data_digest
    assert before[1].data_digest != after[1].data_digest


BROKEN = {
    "no YAML": ("kind: [scene\n", True),
    "an unknown kind": ("kind: sceme\nid: s01\n", False),
    "a field of the wrong type": ("kind: scene\nid: s01\nmood: 7\n", False),
}


@pytest.mark.parametrize(("text", "unread"), BROKEN.values(), ids=BROKEN.keys())
def test_problems_of_a_file_are_said_whether_it_is_parsed_or_remembered(files, cache, parsed, text, unread):
    files.texts[PATH] = text
    first = load(files, cache)
    assert first.problems
    assert (first.unread == [PATH]) is unread
    parsed.clear()
    again = load(files, cache)
    assert (again.problems, again.unread, parsed) == (first.problems, first.unread, [])


def test_a_broken_shot_is_named_in_the_head_of_its_scene(files, cache):
    files.texts[PATH] = SCENE.replace("seed: 7", "seed: many")
    (head,) = load(files, cache).heads[PATH]
    assert list(head.held) == ["sh010"]


def test_a_file_that_is_gone_is_forgotten(files, cache):
    load(files, cache)
    del files.texts[PATH]
    assert PATH not in load(files, cache).heads
    assert PATH not in cache.documents()


def test_a_file_that_changes_while_it_is_read_holds_its_folder_and_is_read_again(files, cache):
    snapshot = files.snapshot()
    files.texts[PATH] = SCENE.replace("7", "8")
    documents = Documents(files, cache)
    documents.load(snapshot)
    assert (documents.unread, [problem.code for problem in documents.problems]) == ([PATH], ["unreadable"])
    assert PATH not in cache.documents()
    assert load(files, cache).problems == []


def doc(documents, path=PATH, part=0):
    return documents.doc(documents.heads[path][part])


@pytest.mark.parametrize("remembered", [False, True], ids=["parsed just now", "remembered"])
def test_a_body_is_what_was_written_in_normal_form(files, cache, remembered):
    if remembered:
        load(files, cache)
    found = doc(load(files, cache))
    assert (found.kind, found.id, found.file, found.part) == ("scene", "s01", PATH, 0)
    assert found.data["shots"][0] == {"id": "sh010", "seed": 7, "characters": [{"id": "aki"}]}
    assert doc(load(files, cache), PLACES, 1).data["prompt"] == "tiles"


def test_bodies_that_are_read_at_once_are_the_same(files, cache):
    load(files, cache)
    one, all_of_them = load(files, cache), load(files, cache)
    all_of_them.many()
    all_of_them.many()
    assert [doc(one), doc(one, PLACES, 1)] == [doc(all_of_them), doc(all_of_them, PLACES, 1)]


@pytest.mark.parametrize("many", [False, True], ids=["one by one", "at once"])
def test_a_body_that_another_process_has_replaced_is_not_taken_for_this_one(files, cache, many):
    """Another process remembers newer bytes meanwhile: heads and body would not belong together."""
    load(files, cache)
    documents = load(files, cache)
    files.texts[PATH] = SCENE.replace("7", "8")
    load(files, cache)
    if many:
        documents.many()
    with pytest.raises(SourceError, match="changed while it was read"):
        doc(documents)
    files.texts[PATH] = SCENE
    assert doc(documents).data["shots"][0]["seed"] == 7


def test_a_body_is_parsed_again_when_the_cache_was_emptied(files, cache, parsed):
    load(files, cache)
    documents = load(files, cache)
    cache.put_documents([], [], [PATH])
    parsed.clear()
    assert doc(documents).data["shots"][0]["seed"] == 7
    assert parsed == [PATH]


PLACED = {
    "a field": (PATH, 0, "shots.sh010.seed", (5, 11)),
    "an entry": (PATH, 0, "shots.sh020", (7, 5)),
    "something that was not written": (PATH, 0, "shots.sh010.camera.move", (4, 5)),
    "the document": (PLACES, 1, "", (4, 1)),
    "nothing that is there": (PLACES, 1, "palette.hair", (4, 1)),
    "a document that is not there": (PLACES, 7, "prompt", (1, 1)),
}


@pytest.mark.parametrize("remembered", [False, True], ids=["parsed just now", "remembered"])
@pytest.mark.parametrize(("path", "part", "field", "expected"), PLACED.values(), ids=PLACED.keys())
def test_where_something_stands(files, cache, remembered, path, part, field, expected):
    if remembered:
        load(files, cache)
    assert load(files, cache).place(path, part, field) == Place(path, *expected)


texts = st.text(max_size=8)
places = st.builds(Place, texts, st.integers(0, 9), st.integers(0, 9))
problems = st.lists(st.builds(Problem, places, texts, texts, texts, texts, texts, st.sampled_from(Severity)), max_size=4)


@given(problems)
def test_problems_are_the_same_after_the_cache_kept_them(found):
    text = problems_to_json(found)
    json.loads(text)
    assert problems_from_json(text) == found


def test_no_problem_is_a_text_that_needs_no_reading():
    assert problems_to_json([]) == "[]"
