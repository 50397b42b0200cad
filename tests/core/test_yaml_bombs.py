"""Files that are made to hurt: each is refused with a place, before anything is composed."""

import pytest
from yaml import SafeLoader

from koma.core.yamltext import MAX_BYTES, MAX_DEPTH, MAX_NODES, MAX_PROBLEMS, read_yaml

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
