"""JSON of others: what is read, and that everything else is refused in one way, whatever it is."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koma.core.jsontext import MAX_DEPTH, JsonError, read_json

MOST = 1_000_000

REFUSED = {
    "no JSON": ("{", "expecting property name", 1),
    "nothing": ("", "expecting value", 1),
    "bytes that are no text": (b"\xff\xfe", "byte 0 is 0xff, which is not UTF-8", 0),
    "raw halves of surrogate pairs in bytes": (b'"\xed\xa0\x80"', "not UTF-8", 0),
    "more bytes than are read": (b" " * (MOST + 1), "it has 1,000,001 bytes, and at most 1,000,000 are read", 0),
    "nesting without end": ("[" * 100_000, "nested too deeply", 0),
    "one level too many": ("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1), "nested too deeply", 0),
    "one level too many, of objects": ('{"a":' * (MAX_DEPTH + 1) + "1" + "}" * (MAX_DEPTH + 1), "nested too deeply", 0),
    "NaN": ("[NaN]", "NaN is no JSON number", 0),
    "infinity": ("-Infinity", "-Infinity is no JSON number", 0),
    "a number beyond all bounds": ("1e999", "1e999 is no JSON number", 0),
    "a long number with a short exponent": ("9" * 299 + "e99", "is no JSON number", 0),
    "a number of thousands of digits": ("9" * 5000, "a number of hundreds of digits is no JSON number", 0),
    "a number of hundreds of digits": ("9" * 300, "a number of hundreds of digits is no JSON number", 0),
}


@pytest.mark.parametrize(("text", "words", "line"), REFUSED.values(), ids=REFUSED.keys())
def test_refused(text, words, line):
    with pytest.raises(JsonError, match=words) as caught:
        read_json(text, MOST)
    assert caught.value.line == line


READ = {
    "the deepest that is allowed": ("[" * MAX_DEPTH + "]" * MAX_DEPTH, None),
    "a byte order mark": (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
    "digits in a text": ('"' + "9" * 5000 + '"', "9" * 5000),
    "a large exponent in a text": ('"1e999"', "1e999"),
    "a whole surrogate pair": ('"\\ud83c\\udfa8"', "🎨"),
    "half of a surrogate pair": ('["\\ud800", {"\\udfff": 1}]', ["\ufffd", {"\ufffd": 1}]),
    "a raw half of a surrogate pair in a text": ('"\ud800x"', "\ufffdx"),
    "the largest number that is used": ("1e300", 1e300),
}


@pytest.mark.parametrize(("text", "value"), READ.values(), ids=READ.keys())
def test_read(text, value):
    assert value is None or read_json(text, MOST) == value
    json.dumps(read_json(text, MOST), ensure_ascii=False).encode()


def test_what_is_no_finite_number_is_nothing_where_servers_are_read():
    assert read_json(f"[NaN, -Infinity, 1e999, {'9' * 400}, 1]", MOST, nan=True) == [None, None, None, None, 1]


def test_a_name_that_stands_twice_is_refused_where_names_must_be_unique():
    assert read_json('{"a": 1, "a": 2}', MOST) == {"a": 2}
    with pytest.raises(JsonError, match="'a' stands twice in one object"):
        read_json('{"b": [{"a": 1, "a": 2}]}', MOST, unique=True)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(), st.lists))
def test_what_was_written_is_read_as_it_was(value):
    assert read_json(json.dumps(value), MOST) == value


@given(st.binary(max_size=200) | st.text(alphabet='[]{}":,0123456789eE+-.nul\\ud8\ud800 ', max_size=60))
def test_any_bytes_are_read_or_refused(data):
    try:
        value = read_json(data, MOST)
    except JsonError:
        return
    json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
