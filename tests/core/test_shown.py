"""Text on its way out holds nothing that a terminal obeys or an encoder refuses, and still says what it said."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koma.core.shown import json_text, printable, printable_text

ANY = st.text(st.characters(exclude_categories=()))  # halves of surrogate pairs, too
TRICKS = ["\x1b[31m", "\x9b31m", "\x07", "\x7f", "\u202e", "\u2066", "\u200f", "\u2028", "\ufeff", "\ud800", "\udcff", "\uffff"]


@pytest.mark.parametrize("trick", TRICKS, ids=ascii)
def test_a_trick_is_spelled_out(trick):
    for shown in (printable(f"a{trick}b"), printable_text(f"a{trick}b")):
        assert trick[0] not in shown
        assert "\\" in shown
        shown.encode()


@pytest.mark.parametrize("text", ["plain", "Zoë", "日本", "👩‍🎨", "a  b", ""])
def test_ordinary_text_stays_as_it_is(text):
    assert printable(text) == printable_text(text) == text
    assert json.loads(json_text(text)) == text


def test_lines_stay_lines_where_there_may_be_several():
    assert printable("a\nb\tc\r\nd") == "a b c  d"
    assert printable_text("a\n\tb\rc") == "a\n\tb\\x0dc"


@given(ANY)
def test_one_line_is_one_line(text):
    shown = printable(text)
    assert len(shown.splitlines()) <= 1
    assert not [one for one in shown if ord(one) < 32 or 127 <= ord(one) < 160]
    shown.encode()


@given(st.recursive(st.text(), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)))
def test_json_can_always_be_written_and_says_the_same(value):
    text = json_text(value)
    text.encode()
    assert json.loads(text) == value
    assert not [one for one in text if 127 <= ord(one) < 160 or "\u202a" <= one <= "\u202e"]
