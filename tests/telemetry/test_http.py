"""The HTTP server: loopback only, read-only, and clear words when it can't listen."""

import http.client
import json
import socket
from http import HTTPStatus

import pytest

from koma.core.errors import KomaError
from koma.telemetry.board import Board
from koma.telemetry.events import Event
from koma.telemetry.http import Reply, Server, as_json, serve, standard_routes
from koma.telemetry.metrics import Metrics


def broken() -> Reply:
    raise ValueError("the store is closed")


@pytest.fixture
def server(tmp_path):
    routes = {**standard_routes(Metrics("1", tmp_path), Board("1", 0.0), lambda: 1.0), "/broken": broken}
    running = serve("127.0.0.1", 0, routes)
    yield running
    running.close()


def ask(server: Server, method: str, path: str, host: str | None = None) -> tuple[http.client.HTTPResponse, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    try:
        connection.request(method, path, headers={} if host is None else {"Host": host})
        response = connection.getresponse()
        return response, response.read()
    finally:
        connection.close()


def test_metrics_are_served(server):
    response, body = ask(server, "GET", "/metrics")
    assert response.status == HTTPStatus.OK
    assert response.headers["Content-Type"].startswith("text/plain")
    assert b"koma_build_info" in body


def test_status_is_json(server):
    response, body = ask(server, "GET", "/status.json?pretty")
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["Cache-Control"] == "no-store"
    assert json.loads(body)["version"] == "1"


def test_head_gives_the_headers_only(server):
    response, body = ask(server, "HEAD", "/metrics")
    assert response.status == HTTPStatus.OK
    assert int(response.headers["Content-Length"]) > 0
    assert body == b""


def test_health_says_where_room_lacks(tmp_path):
    board = Board("1", 0.0)
    board(Event("disk_low", 1.0, {"message": "no render begins"}))
    reply = standard_routes(Metrics("1", tmp_path), board, lambda: 2.0)["/healthz"]()
    assert (reply.status, reply.body) == (200, b"ok\nno render begins\n")


@pytest.mark.parametrize(("now", "status"), [(1.0, HTTPStatus.OK), (1000.0, HTTPStatus.SERVICE_UNAVAILABLE)], ids=["lately", "long ago"])
def test_health_depends_on_when_something_moved(tmp_path, now, status):
    assert standard_routes(Metrics("1", tmp_path), Board("1", 0.0), lambda: now)["/healthz"]().status == status


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_nothing_can_be_changed(server, method):
    response, _ = ask(server, method, "/status.json")
    assert response.status == HTTPStatus.METHOD_NOT_ALLOWED
    assert response.headers["Allow"] == "GET, HEAD"


def test_an_unknown_path_names_the_known_ones(server):
    response, body = ask(server, "GET", "/../etc/passwd")
    assert response.status == HTTPStatus.NOT_FOUND
    assert b"/metrics" in body


def test_a_route_that_fails_is_an_answer(server):
    response, body = ask(server, "GET", "/broken")
    assert response.status == HTTPStatus.INTERNAL_SERVER_ERROR
    assert body == b"ValueError: the store is closed\n"


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("LOCALHOST:8377", 200),
        ("127.0.0.1:8377", 200),
        ("[::1]:8377", 200),
        ("evil.example", 421),
        ("localhost.evil.example", 421),
        ("127.0.0.1.evil.example:80", 421),
        ("", 421),
    ],
)
def test_only_loopback_names_are_answered(server, host, status):
    assert ask(server, "GET", "/healthz", host)[0].status == status


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "", "example.org"])  # noqa: S104 - it is refused
def test_other_addresses_are_refused(host):
    with pytest.raises(KomaError, match="others could reach it"):
        serve(host, 0, {})


def test_a_port_in_use_says_what_to_change():
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(KomaError, match=r"Address already in use\n  do: set http.port"):
        serve("127.0.0.1", taken.getsockname()[1], {})


def test_the_port_is_free_again_after_closing():
    first = serve("127.0.0.1", 0, {"/x": lambda: as_json(1)})
    first.close()
    second = serve("127.0.0.1", first.port, {"/x": lambda: as_json(2)})
    assert ask(second, "GET", "/x")[1] == b"2\n"
    second.close()
