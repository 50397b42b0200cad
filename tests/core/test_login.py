"""Logins: taken out of addresses, and never shown by accident."""

import pytest

from koma.backends.comfyui.authorization import authorization, without
from koma.core.login import Secret, split_login
from koma.core.redact import redact_text

ADDRESSES = {
    "an address without one": ("http://a:8188/x", "http://a:8188/x", ""),
    "user and password": ("http://me:word@a:8188/x", "http://a:8188/x", "me:word"),
    "a token": ("https://token@a", "https://a", "token"),
    "a password with an @": ("http://me:w@rd@a/x@y", "http://a/x@y", "me:w@rd"),
    "an @ in the path": ("http://a/x@y", "http://a/x@y", ""),
    "an @ after a question mark": ("http://a?x@y", "http://a?x@y", ""),
    "no address": ("me@host:r.git", "me@host:r.git", ""),
}


@pytest.mark.parametrize(("written", "address", "login"), ADDRESSES.values(), ids=ADDRESSES.keys())
def test_a_login_is_taken_out_of(written, address, login):
    assert split_login(written) == (address, Secret(login))


def test_a_secret_is_shown_to_nobody():
    secret = Secret("sesame")
    assert "sesame" not in f"{secret} {secret!r} {[secret]} {({'a': secret},)}"
    assert secret
    assert secret.reveal() == "sesame"
    assert not Secret()


@pytest.mark.parametrize(
    ("login", "header"),
    [("", {}), ("me:word", {"Authorization": "Basic bWU6d29yZA=="}), ("me:w%6frd", {"Authorization": "Basic bWU6d29yZA=="})],
    ids=["none", "a password", "a password as in an address"],
)
def test_a_login_is_said_in_a_header(login, header):
    assert authorization(Secret(login)) == header


def test_a_token_is_said_as_such():
    assert authorization(Secret("abc")) == {"Authorization": "Bearer abc"}


@pytest.mark.parametrize("said", ["me:sesame", "sesame", "bWU6c2VzYW1l", "Basic bWU6c2VzYW1l"])
def test_an_answer_that_repeats_a_login_loses_it(said):
    body = without(Secret("me:sesame"), f"<p>you sent {said}</p>".encode())
    assert b"sesame" not in body
    assert b"bWU6" not in body
    assert without(Secret(""), b"sesame") == b"sesame"


@pytest.mark.parametrize("text", ["http://me:w@rd@host/x refused", 'url: "http://me:word@host"'])
def test_free_text_loses_logins_with_odd_characters(text):
    shown = redact_text(text)
    assert "me:" not in shown
    assert "word" not in shown
