"""A small read-only HTTP server on loopback: GET and HEAD for a fixed table of routes.

A web page that a person happens to visit can make the browser ask loopback addresses, under a name of the page's choice. So the Host header
must be a loopback name, and nothing here changes anything.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import AF_INET6
from threading import Thread
from typing import Any, TypeAlias

from koma.core.errors import KomaError
from koma.telemetry.board import Board
from koma.telemetry.metrics import Metrics

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
REFUSED = ("POST", "PUT", "DELETE", "PATCH", "OPTIONS")
REQUEST_SECONDS = 10  # a client that says nothing for longer is let go


@dataclass(frozen=True, slots=True)
class Reply:
    """What a route answers."""

    content_type: str
    body: bytes
    status: HTTPStatus = HTTPStatus.OK


Routes: TypeAlias = Mapping[str, Callable[[], Reply]]


def standard_routes(metrics: Metrics, board: Board, now: Callable[[], float]) -> dict[str, Callable[[], Reply]]:
    """Return /metrics, /healthz (200, or 503 when nothing moved for long) and /status.json."""
    return {
        "/metrics": lambda: Reply(*metrics.exposition()),
        "/healthz": lambda: _health(healthy=board.healthy(now())),
        "/status.json": lambda: as_json(board.status()),
    }


def as_json(value: Any) -> Reply:
    """Make a reply with a JSON body."""
    return Reply("application/json", json.dumps(value, default=str).encode() + b"\n")


class Server:
    """A running server. `port` is the real one, also where 0 was asked for."""

    def __init__(self, listener: ThreadingHTTPServer, host: str) -> None:
        self.host = host
        self.port: int = listener.server_address[1]
        self._listener = listener
        self._thread = Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.1}, name="koma-http", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening; returns when the port is free."""
        self._listener.shutdown()
        self._thread.join()
        self._listener.server_close()


def serve(host: str, port: int, routes: Routes) -> Server:
    """Listen on a loopback address and answer from a thread of its own. Raises KomaError where that can't be."""
    if host not in LOOPBACK:
        raise KomaError(f"will not listen on {host}: others could reach it", "set http.host to 127.0.0.1 in koma.yaml")
    refused = {f"do_{method}": _Handler.refuse for method in REFUSED}
    handler = type("Handler", (_Handler,), {"routes": routes, **refused})
    try:
        listener = (_Listener6 if ":" in host else _Listener)((host, port), handler)
    except OSError as error:
        hint = "set http.port in koma.yaml (or KOMA_HTTP__PORT) to a free port, or http.enabled to false"
        raise KomaError(f"can't listen on {host} port {port}: {error.strerror or error}", hint) from error
    return Server(listener, host)


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that hangs up is no news."""


class _Listener6(_Listener):
    address_family = AF_INET6


class _Handler(BaseHTTPRequestHandler):
    routes: Routes
    server_version = "koma"
    sys_version = ""
    timeout = REQUEST_SECONDS

    def do_GET(self) -> None:
        self._answer(self._reply())

    def do_HEAD(self) -> None:
        self._answer(self._reply(), body=False)

    def refuse(self) -> None:
        """Answer every method that would change something."""
        self._answer(_text("only GET and HEAD\n", HTTPStatus.METHOD_NOT_ALLOWED))

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the base class's
        """Write no access log: scrapes every few seconds are no news."""

    def _reply(self) -> Reply:
        if _host_name(self.headers.get("Host", "")) not in LOOPBACK:
            return _text("this server answers to loopback names only\n", HTTPStatus.MISDIRECTED_REQUEST)
        route = self.routes.get(self.path.partition("?")[0])
        if route is None:
            return _text("here are: " + " ".join(self.routes) + "\n", HTTPStatus.NOT_FOUND)
        try:
            return route()
        except Exception as error:  # noqa: BLE001 - a failing page must not end the connection without an answer
            return _text(f"{type(error).__name__}: {error}\n", HTTPStatus.INTERNAL_SERVER_ERROR)

    def _answer(self, reply: Reply, *, body: bool = True) -> None:
        self.send_response(reply.status)
        headers = {
            "Content-Type": reply.content_type,
            "Content-Length": str(len(reply.body)),
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
        }
        if reply.status == HTTPStatus.METHOD_NOT_ALLOWED:
            headers["Allow"] = "GET, HEAD"
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if body:
            self.wfile.write(reply.body)


def _host_name(header: str) -> str:
    """Take the port off a Host header: `localhost:8377`, `[::1]:8377`."""
    if header.startswith("["):
        return header[1:].partition("]")[0]
    return header.partition(":")[0].lower()


def _health(*, healthy: bool) -> Reply:
    return _text("ok\n") if healthy else _text("nothing moved for two minutes\n", HTTPStatus.SERVICE_UNAVAILABLE)


def _text(words: str, status: HTTPStatus = HTTPStatus.OK) -> Reply:
    return Reply("text/plain; charset=utf-8", words.encode(), status)
