"""What YAML text means: scalars, positions, text, refusals. One table row is one promise to the people who write specs."""

from unicodedata import normalize

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from koma.core.problem import Place
from koma.core.yamltext import read_yaml

SCALARS = {
    "no is text": ("no", "no"),
    "NO is text": ("NO", "NO"),
    "on is text": ("on", "on"),
    "yes is text": ("yes", "yes"),
    "true is true": ("true", True),
    "FALSE is false": ("FALSE", False),
    "tRUE is text": ("tRUE", "tRUE"),
    "null is nothing": ("null", None),
    "a tilde is nothing": ("~", None),
    "nothing is nothing": ("", None),
    "a leading zero makes text": ("010", "010"),
    "a sign and a leading zero make text": ("-010", "-010"),
    "a leading zero before a point makes text": ("01.5", "01.5"),
    "zero is a number": ("0", 0),
    "a time is text": ("12:30", "12:30"),
    "a date is text": ("2024-05-01", "2024-05-01"),
    "hexadecimal is text": ("0x10", "0x10"),
    "octal is text": ("0o10", "0o10"),
    "an underscore makes text": ("1_000", "1_000"),
    "a comma makes text": ('"1,000"', "1,000"),
    "seconds and frames are text": ("2+12", "2+12"),
    "a decimal integer is a number": ("42", 42),
    "a signed integer is a number": ("-7", -7),
    "the largest seed is exact": (str(2**64 - 1), 2**64 - 1),
    "a decimal fraction is a number": ("1.5", 1.5),
    "a fraction may start with a point": (".5", 0.5),
    "an exponent is a number": ("1e3", 1000.0),
    "a lone point is text": (".", "."),
    "a version is text": ("1.2.3", "1.2.3"),
    "quotes make text": ('"42"', "42"),
    "single quotes make text": ("'true'", "true"),
    "the str tag makes text": ("!!str 42", "42"),
    "an emoji of several characters stays": ('"👩‍🎨"', "👩‍🎨"),
}


@pytest.mark.parametrize(("written", "value"), SCALARS.values(), ids=SCALARS.keys())
def test_scalar_means(written, value):
    read = read_yaml(f"field: {written}\n", "f.yaml")
    assert read.problems == ()
    assert read.documents[0].data == {"field": value}
    assert type(read.documents[0].data["field"]) is type(value)


@pytest.mark.parametrize("key", ["no", "010", "1", "null", "12:30", "true"])
def test_keys_are_always_text(key):
    assert read_yaml(f"{key}: 1\n", "f.yaml").documents[0].data == {key: 1}


REFUSED = {
    "a duplicate key, at the second one": ("a: 1\nb: 2\na: 3\n", "duplicate-key", 3, 1),
    "a duplicate key that only differs in normal form": ("é: 1\ne\u0301: 2\n", "duplicate-key", 2, 1),
    "an anchor": ("a: 1\nb: &x 2\n", "anchor", 2, 4),
    "an alias": ("a: &x 1\nb: *x\n", "anchor", 1, 4),
    "an anchor that contains itself": ("a: &x [*x]\n", "anchor", 1, 4),
    "a merge key": ("a: {b: 1}\nc:\n  <<: {b: 1}\n", "merge-key", 3, 3),
    "a tag of Python": ("a: !!python/object:os.system {}\n", "tag", 1, 4),
    "a tag on a scalar": ("a: 1\nb: !!int 3\n", "tag", 2, 4),
    "not a number": ("a: .nan\n", "bad-number", 1, 4),
    "infinity": ("a:\n  - -.inf\n", "bad-number", 2, 5),
    "a number beyond all bounds": ("a: 1e999\n", "bad-number", 1, 4),
    "a number of thousands of digits": ("a: " + "9" * 5000, "bad-number", 1, 4),
    "a list as the name of a field": ("a: 1\n[b]: 2\n", "complex-key", 2, 1),
    "an empty name of a field": ("a: 1\n'': 2\n", "empty-key", 2, 1),
    "a list at the top": ("- a\n- b\n", "not-a-mapping", 1, 1),
    "a text at the top": ("# notes\nhello\n", "not-a-mapping", 2, 1),
    "an empty file": ("", "empty-document", 1, 1),
    "a file of comments": ("# nothing yet\n", "empty-document", 1, 1),
    "a Git LFS pointer": ("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n", "git-lfs-pointer", 1, 1),
    "bytes that are not UTF-8": (b"a: 1\nb: caf\xe9\n", "not-utf-8", 2, 7),
    "UTF-16": ("a: 1\n".encode("utf-16"), "not-utf-8", 1, 1),
    "a tab as indentation": ("a:\n\tb: 1\n", "not-yaml", 2, 1),
    "a quote that is never closed": ("a: 'b\nc: d\n", "not-yaml", 3, 1),
    "a mapping inside a line": ("a: b: c\n", "not-yaml", 1, 5),
    "a NUL": ("a: 1\nb: \0\n", "forbidden-character", 2, 4),
    "a NUL as an escape": ('a: "\\0"\n', "forbidden-character", 1, 4),
    "a terminal escape as an escape": ('a: 1\nb: "\\e[31m"\n', "forbidden-character", 2, 4),
    "a turned reading direction": ("a: x\u202ey\n", "forbidden-character", 1, 5),
    "a turned reading direction as an escape": ('a: "\\u202e"\n', "forbidden-character", 1, 4),
    "a turned reading direction in a comment": ("a: 1 # \u2066x\n", "forbidden-character", 1, 8),
    "half of a surrogate pair": ("a: \ud800\n", "forbidden-character", 1, 4),
    "half of a surrogate pair as an escape": ('a: "\\ud800"\n', "not-yaml", 1, 7),
}


@pytest.mark.parametrize(("text", "code", "line", "column"), REFUSED.values(), ids=REFUSED.keys())
def test_refused_with_its_place(text, code, line, column):
    read = read_yaml(text, "dir/f.yaml")
    assert read.documents == ()
    assert (read.problems[0].code, read.problems[0].place) == (code, Place("dir/f.yaml", line, column))
    assert read.problems[0].expected
    assert read.problems[0].hint


def test_a_duplicate_key_names_both_lines():
    (problem,) = read_yaml("x:\n  a: 1\n  b: 2\n  a: 3\n", "f.yaml").problems
    assert "line 2" in problem.message
    assert "line 4" in problem.message


def test_an_lfs_pointer_says_the_command_that_helps():
    (problem,) = read_yaml(b"version https://git-lfs.github.com/spec/v1\n", "f.yaml").problems
    assert problem.hint == "run `git lfs pull`"


def test_several_mistakes_in_one_file_are_all_reported():
    read = read_yaml("a: .nan\nb: &x 1\nc: 1\nc: 2\n", "f.yaml")
    assert [problem.code for problem in read.problems] == ["bad-number", "anchor", "duplicate-key"]


def test_documents_of_one_file_are_read_one_by_one():
    read = read_yaml("a: 1\n---\n- no mapping\n---\n---\nb: 2\n...\n", "f.yaml")
    assert [document.data for document in read.documents] == [{"a": 1}, {"b": 2}]
    assert [problem.place.line for problem in read.problems] == [3]


def test_a_byte_order_mark_is_no_content():
    assert read_yaml(b"\xef\xbb\xbfa: 1\n", "f.yaml").documents[0].data == {"a": 1}


def test_windows_line_ends_do_not_move_positions():
    document = read_yaml(b"a: 1\r\nb:\r\n  c: 2\r\n", "f.yaml").documents[0]
    assert document.values["b", "c"] == (3, 6)


def test_text_is_normalised():
    assert read_yaml('a: "e\u0301"\n', "f.yaml").documents[0].data == {"a": "é"}


def test_keys_and_values_have_positions():
    document = read_yaml("a: 1\nlist:\n  - {x: 日本, y: [2, 3]}\n  - z\n", "f.yaml").documents[0]
    assert document.keys["list",] == (2, 1)
    assert document.values["list",] == (3, 3)
    assert document.keys["list", 0, "y"] == (3, 13)
    assert document.values["list", 0, "y", 1] == (3, 20)
    assert document.values["list", 1] == (4, 5)


def test_a_path_that_is_not_there_has_the_place_of_what_is_around_it():
    document = read_yaml("a:\n  b: 1\n", "f.yaml").documents[0]
    assert document.place(("a", "c", 0)) == Place("f.yaml", 2, 3)
    assert document.entry(("a", "c")) == (1, 1)
    assert document.place(("a",), key=True) == Place("f.yaml", 1, 1)


def test_without_the_c_library_the_same_is_read(monkeypatch):
    text = "kind: scene\nid: 010\nx: [1, {a: no}]\ny: |\n  two\n  lines\n"
    fast = read_yaml(text, "f.yaml")
    monkeypatch.setattr("koma.core.yamltext._LOADER", yaml.SafeLoader)
    assert read_yaml(text, "f.yaml") == fast


PLAIN = st.text(st.characters(codec="utf-8", categories=("L", "M", "N", "P", "S", "Zs", "Co", "Cn")), max_size=60)


@given(PLAIN)
def test_any_text_survives_a_round_trip(text):
    for style in ('"', "'", "|"):
        written = yaml.safe_dump({"field": text}, allow_unicode=True, default_style=style)
        read = read_yaml(written, "f.yaml")
        assert [document.data for document in read.documents] == [{"field": normalize("NFC", text)}], read.problems


@example("*0:")
@given(st.one_of(st.text(max_size=200), st.binary(max_size=200), st.text(alphabet="{}[]:,-?&*!|>'\"%@ \n\ta0", max_size=80)))
def test_nothing_that_a_file_holds_raises(text):
    read = read_yaml(text, "f.yaml")
    assert read.documents or read.problems
    assert all(problem.place.line >= 1 and problem.place.column >= 1 for problem in read.problems)
    assert all(isinstance(document.data, dict) for document in read.documents)
