"""Files that are made to hurt: each is refused with a place, before anything is composed."""

import pytest
from yaml import SafeLoader

from koma.core.parse import parse_document
from koma.core.problem import MOST
from koma.core.yamltext import MAX_BYTES, MAX_DEPTH, MAX_DOCUMENTS, MAX_NODES, MAX_PROBLEMS, read_yaml

DEEP = 100_000
BOMBS = {
    "100,000 lists in one line": ("a: " + "[" * DEEP, "too-deep"),
    "100,000 mappings in one line": ("{a: " * DEEP, "too-deep"),
    "100,000 closed lists": ("a: " + "[" * DEEP + "]" * DEEP, "too-deep"),
    "100,000 dashes in one line": ("- " * DEEP, "too-deep"),
    "100,000 question marks": ("? " * DEEP, "complex-key"),
    "blocks indented a thousand deep": ("".join(" " * level + "a:\n" for level in range(1000)), "too-deep"),
    "300,000 keys": ("{" + ",".join(f"{number:x}:" for number in range(300_000)), "file-too-large"),
    "as many keys as fit into a file": ("\n".join(f"{number:x}: 1" for number in range(90_000)), "too-many-values"),
    "more values than a file may hold, spread over documents": (
        "a: [" + "1," * (MAX_NODES // 2) + "]\n---\na: [" + "1," * (MAX_NODES // 2) + "]",
        "too-many-values",
    ),
    "an alias bomb": ("a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 30)), "anchor"),
    "more bytes than a file may have": (b"#" * (MAX_BYTES + 1), "file-too-large"),
}


@pytest.mark.parametrize(("text", "code"), BOMBS.values(), ids=BOMBS.keys())
def test_bomb_is_refused_with_its_place(text, code):
    read = read_yaml(text, "bomb.yaml")
    assert code in {problem.code for problem in read.problems}
    assert len(read.problems) <= MAX_PROBLEMS
    assert all(problem.place.line >= 1 for problem in read.problems)


@pytest.mark.parametrize("bomb", ["100,000 lists in one line", "100,000 mappings in one line", "an alias bomb"])
def test_bomb_is_refused_without_the_c_library_too(bomb, monkeypatch):
    text, code = BOMBS[bomb]
    monkeypatch.setattr("koma.core.yamltext._LOADER", SafeLoader)
    assert code in {problem.code for problem in read_yaml(text, "bomb.yaml").problems}


def test_the_deepest_file_that_is_allowed_is_read():
    levels = MAX_DEPTH - 1
    assert read_yaml("a: " + "[" * levels + "]" * levels, "f.yaml").problems == ()
    assert [problem.code for problem in read_yaml("a: " + "[" * (levels + 1), "f.yaml").problems] == ["too-deep"]


def test_a_library_that_gives_up_is_a_problem_and_no_crash(monkeypatch):
    class Recursing(SafeLoader):
        def get_event(self):
            raise RecursionError("maximum recursion depth exceeded")

    monkeypatch.setattr("koma.core.yamltext._LOADER", Recursing)
    (problem,) = read_yaml("a: 1\n", "f.yaml").problems
    assert (problem.code, problem.place.line) == ("not-yaml", 1)


def test_as_many_documents_as_are_allowed_are_read_and_no_more():
    document = "kind: a\n---\n"
    assert len(read_yaml(document * (MAX_DOCUMENTS - 1) + "kind: a\n", "f.yaml").documents) == MAX_DOCUMENTS
    assert [problem.code for problem in read_yaml(document * MAX_DOCUMENTS + "kind: a\n", "f.yaml").problems] == ["too-many-documents"]


WIDE = {
    "unknown fields": "kind: scene\nid: s\n" + "".join(f"f{number:x}: 1\n" for number in range(20_000)),
    "fields without a value": "kind: scene\nid: s\n" + "".join(f"f{number:x}:\n" for number in range(20_000)),
    "broken shots": "kind: scene\nid: s\nshots:\n" + "".join(f"- {{id: s{number}, frames: x}}\n" for number in range(5_000)),
    "shots of one id": "kind: scene\nid: s\nshots:\n" + "- {id: s}\n" * 5_000,
}


@pytest.mark.parametrize("text", WIDE.values(), ids=WIDE.keys())
def test_thousands_of_mistakes_are_told_in_a_hundred_and_the_last_says_how_many_more(text):
    problems = parse_document(text, "f.yaml").problems
    assert len(problems) == MOST
    assert problems[-1].code == "more-problems"
    assert all(problem.place.line >= 1 and problem.message for problem in problems)
    assert all(problem.expected or problem.hint for problem in problems)


def test_a_list_of_twenty_thousand_names_is_looked_through_for_a_double_one_in_one_go():
    names = ", ".join(f"n{number}" for number in range(20_000))
    (problem,) = parse_document(f"kind: project\nid: p\ntitle: T\nfinish: {{still: [{names}, n7]}}\n", "f.yaml").problems
    assert "`n7` is listed twice" in problem.message


@pytest.mark.parametrize("text", [f"kind: {'x' * 100_000}\n", f"kind: scene\nid: s\n{'k' * 900}: 1\n", 'kind: "a\\nb\\tc"\n'])
def test_what_a_file_says_is_quoted_in_one_short_line(text):
    for problem in parse_document(text, "f.yaml").problems:
        assert len(str(problem)) < 2_000
        assert "\n" not in problem.message + problem.expected + problem.hint


@pytest.mark.parametrize(
    "error", [RecursionError("deep"), OverflowError("large"), ValueError("odd")], ids=lambda error: type(error).__name__
)
def test_a_file_that_finds_a_hole_in_a_library_holds_itself(error, monkeypatch):
    def broken(_yaml, _model):
        raise error

    monkeypatch.setattr("koma.core.parse._validate", broken)
    (problem,) = parse_document("kind: scene\nid: s\n", "f.yaml").problems
    assert (problem.code, problem.place.line, problem.place.column) == ("unreadable", 1, 1)
    assert problem.hint
