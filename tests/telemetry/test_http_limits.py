"""The HTTP server towards those who mean it ill: no token no word, and nobody holds it up."""

import http.client
import socket
from contextlib import ExitStack
from http import HTTPStatus

import pytest

from koma.core.errors import KomaError
from koma.core.login import Secret
from koma.telemetry import http as served
from koma.telemetry.http import Reply, Server, as_json, serve

TOKEN = Secret("a-long-random-word-that-nobody-guesses")
HURRY = 0.2  # seconds for one exchange, in these tests


def broken():
    raise OSError("http://me:sesame@db refused \x1b[31m\ud800")


LARGE = Reply("text/plain", bytes(50_000_000))
ROUTES = {"/x": lambda: as_json(1), "/large": lambda: LARGE, "/broken": broken}


@pytest.fixture
def guarded():
    server = serve("0.0.0.0", 0, ROUTES, TOKEN)  # noqa: S104 - it asks for the token
    yield server
    server.close()


@pytest.fixture
def hurried():
    server = serve("127.0.0.1", 0, ROUTES, seconds=HURRY)
    yield server
    server.close()


def ask(server: Server, method: str = "GET", path: str = "/x", **headers: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    try:
        connection.request(method, path, headers=headers)
        return connection.getresponse().status
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ({"Authorization": f"Bearer {TOKEN.reveal()}"}, HTTPStatus.OK),
        ({"Authorization": f"Bearer {TOKEN.reveal()}", "Host": "studio.example"}, HTTPStatus.OK),
        ({}, HTTPStatus.UNAUTHORIZED),
        ({"Authorization": "Bearer "}, HTTPStatus.UNAUTHORIZED),
        ({"Authorization": f"Basic {TOKEN.reveal()}"}, HTTPStatus.UNAUTHORIZED),
        ({"Authorization": f"Bearer {TOKEN.reveal()}x"}, HTTPStatus.UNAUTHORIZED),
        ({"Authorization": f"Bearer {TOKEN.reveal()[:-1]}"}, HTTPStatus.UNAUTHORIZED),
        ({"Authorization": "Bearer \xff\xfe"}, HTTPStatus.UNAUTHORIZED),
    ],
    ids=["the token", "under any name", "nothing", "an empty one", "another scheme", "a longer one", "a shorter one", "no text"],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_on_another_address_who_asks_must_say(guarded, method, said, status):
    assert ask(guarded, method, **said) == status


def test_nothing_can_be_changed_with_the_token_either(guarded):
    assert ask(guarded, "POST") == HTTPStatus.UNAUTHORIZED
    assert ask(guarded, "POST", Authorization=f"Bearer {TOKEN.reveal()}") == HTTPStatus.METHOD_NOT_ALLOWED


def test_a_token_that_could_be_guessed_is_refused():
    with pytest.raises(KomaError, match="could be guessed") as caught:
        serve("127.0.0.1", 0, {}, Secret("letmein"))
    assert "letmein" not in str(caught.value)


def drain(connection: socket.socket) -> bytes:
    received = b""
    try:
        while part := connection.recv(1 << 20):
            received += part
    except ConnectionError:
        pass
    return received


@pytest.mark.parametrize("sent", [b"", b"GET /x HT", b"GET /x HTTP/1.1\r\nHost: localhost\r\nX: "], ids=["nothing", "a line", "headers"])
def test_a_request_that_does_not_end_is_cut_off(hurried, sent):
    with socket.create_connection(("127.0.0.1", hurried.port), timeout=10) as connection:
        connection.sendall(sent)
        assert b"200" not in drain(connection)
    assert ask(hurried) == HTTPStatus.OK


def test_an_answer_that_nobody_takes_is_cut_off(hurried):
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(10)
        connection.connect(("127.0.0.1", hurried.port))
        connection.sendall(b"GET /large HTTP/1.0\r\nHost: localhost\r\n\r\n")
        _until_free(hurried)
        assert len(drain(connection)) < 50_000_000


def _until_free(server: Server) -> None:
    """Wait until no exchange is going on any more."""
    for _ in range(served.MOST_AT_ONCE):
        assert server._listener._free.acquire(timeout=10)
    for _ in range(served.MOST_AT_ONCE):
        server._listener._free.release()


def test_too_many_at_once_are_turned_away_and_later_ones_answered(monkeypatch):
    monkeypatch.setattr(served, "MOST_AT_ONCE", 2)
    server = serve("127.0.0.1", 0, ROUTES, seconds=5.0)
    try:
        with ExitStack() as stack:
            waiting = [stack.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=10)) for _ in range(2)]
            third = stack.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=10))
            assert drain(third) == b""
            for connection in waiting:
                connection.sendall(b"GET /x HTTP/1.0\r\nHost: localhost\r\n\r\n")
                assert b"200 OK" in drain(connection)
        assert ask(server) == HTTPStatus.OK
    finally:
        server.close()


def test_an_error_is_told_without_secrets_and_control_characters(hurried):
    connection = http.client.HTTPConnection("127.0.0.1", hurried.port, timeout=10)
    connection.request("GET", "/broken")
    body = connection.getresponse().read().decode()
    connection.close()
    assert "refused" in body
    assert "sesame" not in body
    assert "\x1b" not in body


def test_headers_without_end_are_refused(hurried):
    with socket.create_connection(("127.0.0.1", hurried.port), timeout=10) as connection:
        request = b"GET /x HTTP/1.1\r\n" + b"".join(b"X-%d: 1\r\n" % number for number in range(500)) + b"\r\n"
        connection.sendall(request)
        assert b"431" in drain(connection)[:100]
