"""A small read-only HTTP server: GET and HEAD for a fixed table of routes.

A web page that a person happens to visit can make the browser ask loopback addresses, under a name of the page's choice. So the Host header
must be a loopback name, and nothing here changes anything. On another address than loopback everybody who asks must say the token, which
no such page knows.
"""

import hmac
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import AF_INET6, SHUT_RDWR, socket
from threading import BoundedSemaphore, Thread, Timer
from typing import Any, ClassVar, TypeAlias

from koma.core.errors import KomaError
from koma.core.login import NO_SECRET, Secret
from koma.core.redact import redact_text
from koma.core.shown import printable
from koma.telemetry.board import Board
from koma.telemetry.metrics import Metrics

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
REFUSED = ("POST", "PUT", "DELETE", "PATCH", "OPTIONS")
REQUEST_SECONDS = 10.0  # for a whole exchange, however it is drawn out
MOST_AT_ONCE = 32  # exchanges; who comes when there are as many is turned away
SHORTEST_TOKEN = 16  # characters


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
        "/healthz": lambda: _health(healthy=board.healthy(now()), lacks=board.disk_low),
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


def serve(host: str, port: int, routes: Routes, token: Secret = NO_SECRET, seconds: float = REQUEST_SECONDS) -> Server:
    """Listen on an address and answer from threads. With a `token`, who asks must say it: `Authorization: Bearer TOKEN`.

    `seconds` is the longest time for one exchange. Raises KomaError where it can't listen, and for an address other than loopback without
    a token.
    """
    _must_be_safe(host, token)
    refused = {f"do_{method}": _Handler.refuse for method in REFUSED}
    handler = type("Handler", (_Handler,), {"routes": routes, "token": token, "timeout": seconds, **refused})
    try:
        listener = (_Listener6 if ":" in host else _Listener)((host, port), handler)
    except OSError as error:
        hint = "set http.port in koma.yaml (or KOMA_HTTP__PORT) to a free port, or http.enabled to false"
        raise KomaError(f"can't listen on {host} port {port}: {error.strerror or error}", hint) from error
    return Server(listener, host)


def _must_be_safe(host: str, token: Secret) -> None:
    if host not in LOOPBACK and not token:
        hint = "set http.host to 127.0.0.1 in koma.yaml, or name a file that holds a token in http.token_file"
        raise KomaError(f"will not listen on {host}: others could reach it", hint)
    if token and len(token.reveal()) < SHORTEST_TOKEN:
        hint = "python3 -c 'import secrets; print(secrets.token_urlsafe())'   (prints one)"
        raise KomaError(f"the token of http.token_file has fewer than {SHORTEST_TOKEN} characters, and could be guessed", hint)


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, address: tuple[str, int], handler: type["_Handler"]) -> None:
        super().__init__(address, handler)
        self._free = BoundedSemaphore(MOST_AT_ONCE)
        self._seconds = handler.timeout

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer in a thread of its own, unless there are too many."""
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer within the time that there is: whoever draws it out, reading or writing, is cut off."""
        cut = Timer(self._seconds, _cut_off, (request,))
        cut.daemon = True
        cut.start()
        try:
            super().process_request_thread(request, client_address)
        finally:
            cut.cancel()
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that hangs up is no news."""


class _Listener6(_Listener):
    address_family = AF_INET6


class _Handler(BaseHTTPRequestHandler):
    routes: Routes
    token: Secret
    timeout: ClassVar[float]
    server_version = "koma"
    sys_version = ""

    def do_GET(self) -> None:
        self._answer(self._reply())

    def do_HEAD(self) -> None:
        self._answer(self._reply(), body=False)

    def refuse(self) -> None:
        """Answer every method that would change something."""
        self._answer(self._objection() or _text("only GET and HEAD\n", HTTPStatus.METHOD_NOT_ALLOWED))

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the base class's
        """Write no access log: scrapes every few seconds are no news."""

    def _objection(self) -> Reply | None:
        """Say why this client is told nothing."""
        if self.token:
            said = self.headers.get("Authorization", "").encode(errors="replace")
            known = hmac.compare_digest(said, f"Bearer {self.token.reveal()}".encode())
            return None if known else _text("say the token: Authorization: Bearer TOKEN\n", HTTPStatus.UNAUTHORIZED)
        if _host_name(self.headers.get("Host", "")) not in LOOPBACK:
            return _text("this server answers to loopback names only\n", HTTPStatus.MISDIRECTED_REQUEST)
        return None

    def _reply(self) -> Reply:
        objection = self._objection()
        if objection is not None:
            return objection
        route = self.routes.get(self.path.partition("?")[0])
        if route is None:
            return _text("here are: " + " ".join(self.routes) + "\n", HTTPStatus.NOT_FOUND)
        try:
            return route()
        except Exception as error:  # noqa: BLE001 - a failing page must not end the connection without an answer
            said = printable(redact_text(f"{type(error).__name__}: {error}"))
            return _text(f"{said}\n", HTTPStatus.INTERNAL_SERVER_ERROR)

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
        if reply.status == HTTPStatus.UNAUTHORIZED:
            headers["WWW-Authenticate"] = "Bearer"
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if body:
            self.wfile.write(reply.body)


def _cut_off(connection: socket) -> None:
    with suppress(OSError):
        connection.shutdown(SHUT_RDWR)


def _host_name(header: str) -> str:
    """Take the port off a Host header: `localhost:8377`, `[::1]:8377`."""
    if header.startswith("["):
        return header[1:].partition("]")[0]
    return header.partition(":")[0].lower()


def _health(*, healthy: bool, lacks: str) -> Reply:
    return (
        _text(f"ok\n{lacks}".rstrip("\n") + "\n") if healthy else _text("nothing moved for two minutes\n", HTTPStatus.SERVICE_UNAVAILABLE)
    )


def _text(words: str, status: HTTPStatus = HTTPStatus.OK) -> Reply:
    return Reply("text/plain; charset=utf-8", words.encode(), status)
