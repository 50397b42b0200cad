"""The inbox: wishes that other commands leave for the daemon."""

import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koma.core.wish import Request, Wish
from koma.sources.inbox import FORMAT_VERSION, Inbox

WISHES = {
    "another take": Request(Wish.RETRY, ("lantern-street/s01/sh010/still", "s02/*")),
    "no more of it": Request(Wish.CANCEL, ("雨の路地",)),
    "a plan": Request(Wish.ALLOW, plan="0123456789abcdef"),
    "a pause": Request(Wish.PAUSE),
    "an end of the pause": Request(Wish.RESUME),
}


@pytest.mark.parametrize("wish", WISHES.values(), ids=WISHES.keys())
def test_a_wish_is_read_as_it_was_left(tmp_path, wish):
    inbox = Inbox(tmp_path / "outputs/.koma/inbox")
    inbox.leave(wish)
    (found,) = inbox.read()
    assert (found.wish, found.targets, found.plan) == (wish.wish, wish.targets, wish.plan)


def test_nobody_has_left_anything(tmp_path):
    assert list(Inbox(tmp_path / "inbox").read()) == []


def test_wishes_are_read_in_the_order_in_which_they_were_left(tmp_path):
    inbox = Inbox(tmp_path)
    for number in range(5):
        inbox.leave(Request(Wish.ALLOW, plan=str(number)))
        newest = max(tmp_path.glob("*.json"), key=lambda file: json.loads(file.read_text())["plan"])
        os.utime(newest, ns=(number, number))
    assert [request.plan for request in inbox.read()] == list("01234")


def test_a_wish_stays_until_it_was_carried_out(tmp_path):
    inbox = Inbox(tmp_path)
    inbox.leave(Request(Wish.PAUSE))
    inbox.leave(Request(Wish.RESUME))
    first, second = inbox.read()
    inbox.done(first)
    inbox.done(first)
    assert list(inbox.read()) == [second]


def test_a_wish_says_in_which_format_it_is(tmp_path):
    Inbox(tmp_path).leave(Request(Wish.PAUSE))
    assert [json.loads(file.read_text())["format_version"] for file in tmp_path.glob("*.json")] == [FORMAT_VERSION]


UNREADABLE = {
    "no JSON": b"{",
    "no text": b"\xff\xfe",
    "a list": b"[]",
    "a number": b"7",
    "no wish in it": b"{}",
    "a wish that nobody knows": b'{"wish": "sing"}',
    "targets that are no list": b'{"wish": "retry", "targets": 7}',
    "nothing": b"",
}


@pytest.mark.parametrize("content", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_a_file_that_is_no_wish_is_set_aside_and_holds_up_nothing(tmp_path, content):
    inbox = Inbox(tmp_path)
    (tmp_path / "bad.json").write_bytes(content)
    inbox.leave(Request(Wish.PAUSE))
    assert [request.wish for request in inbox.read()] == [Wish.PAUSE]
    assert (tmp_path / "bad.unreadable").read_bytes() == content
    assert [request.wish for request in inbox.read()] == [Wish.PAUSE]


def test_a_file_that_is_still_being_written_is_not_read(tmp_path):
    (tmp_path / ".half").write_text('{"wish": "pa')
    assert list(Inbox(tmp_path).read()) == []
    assert (tmp_path / ".half").exists()


@given(st.binary(max_size=60))
def test_whatever_lies_there_reading_it_ends_well(tmp_path_factory, content):
    folder = tmp_path_factory.mktemp("inbox")
    (folder / "x.json").write_bytes(content)
    assert len(list(Inbox(folder).read())) <= 1
