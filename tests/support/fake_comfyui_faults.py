"""What the fake ComfyUI can be told to do wrong, and the count of what it did.

`server.faults.arm(Fault.LOST_REPLY)` lets a fault happen at its next chance: the next prompt, request, file or event that it is about.
"""

import asyncio
import collections
import itertools
from collections.abc import Iterator
from enum import StrEnum
from typing import Any

from aiohttp import web

from support.fake_comfyui_graphs import EXCHANGES


class Fault(StrEnum):
    """One way to misbehave; what a chance of it is stands beside it."""

    LOST_REPLY = "lost reply"  # POST /prompt: queued, and the connection breaks
    LATE_ACCEPT = "late accept"  # POST /prompt: the connection breaks, and it is queued seconds later
    DELAYED_REPLY = "delayed reply"  # POST /prompt: queued, and answered when nobody waits any more
    DUPLICATE_RUN = "duplicate run"  # POST /prompt: queued twice under one id
    PARTIAL_NODE_ERRORS = "partial node_errors"  # POST /prompt: 200, with errors in one of its outputs
    REFUSED_MODEL = "missing model"  # POST /prompt: 400, a model file is not there
    GARBAGE_PROMPT = "garbage for /prompt"  # POST /prompt: queued, and the answer is no JSON, or another
    GARBAGE_QUEUE = "garbage for /queue"  # GET /queue
    GARBAGE_HISTORY = "garbage for /history"  # GET /history/{id}
    GARBAGE_FILE = "garbage for /view"  # GET /view
    SLOW_FILE = "slow bytes of a file"  # GET /view: one byte at a time
    SLOW_ANSWER = "slow bytes of an answer"  # GET /queue: one byte at a time
    SLOW_HEAD = "slow bytes of a head"  # GET /history/{id}: its headers do not end
    ERROR_500 = "HTTP 500"  # any request but /ws
    ERROR_503 = "HTTP 503"  # any request but /ws
    DROPPED_WEBSOCKET = "dropped WebSocket"  # a prompt begins
    SILENT_WEBSOCKET = "silent WebSocket"  # a prompt begins: those that are connected hear nothing any more
    DEAD_WORKER = "dead worker behind healthy HTTP"  # a prompt begins, and seems to run for ever
    DEAD_BETWEEN = "dead worker between prompts"  # a prompt waits, and is never taken up
    HANG = "hang inside a node"  # a prompt renders: for ever, until it is interrupted
    IGNORED_INTERRUPT = "ignored interrupt"  # a prompt renders: for ever, whoever interrupts it
    RESTART = "restart with empty queue and history"  # a prompt renders
    RESTART_AFTER = "restart after the file is written"  # a prompt has ended, and is not in the history yet
    OUT_OF_MEMORY = "out of memory"  # a prompt renders
    NODE_ERROR = "node error"  # a prompt renders
    DISK_FULL = "disk full at the server"  # a file is saved: half of it is written
    NO_FILES = "success without files"  # a prompt has rendered
    CACHED_AND_DELETED = "cached success with a deleted file"  # a prompt begins
    LOST_FILE = "file that is named and not there"  # a file is saved
    BLACK_FILE = "black file"  # a prompt renders
    TRUNCATED_FILE = "truncated file"  # a file is saved


class Faults:
    """Which faults are to happen, and how often each has happened."""

    def __init__(self) -> None:
        self.fired: collections.Counter[Fault] = collections.Counter()
        self.late_seconds = 6.0  # after a lost connection, until the prompt is queued all the same
        self.reply_seconds = 45.0  # until a delayed reply is sent
        self.drip_seconds, self.drip_bytes = 10.0, 1  # between two pieces of a slow answer, and how large they are
        self.nonsense: Iterator[bytes] = itertools.cycle(NONSENSE)
        self._chances: dict[Fault, collections.deque[bool]] = collections.defaultdict(collections.deque)

    def arm(self, fault: Fault, times: int = 1, *, after: int = 0) -> None:
        """Let a fault happen at so many chances in a row, once so many have passed without it."""
        self._chances[fault].extend([False] * after + [True] * times)

    def fires(self, fault: Fault) -> bool:
        """Whether it happens at this chance, which is then gone."""
        chances = self._chances[fault]
        happens = bool(chances) and chances.popleft()
        self.fired[fault] += happens
        return happens


SAID = {
    Fault.NODE_ERROR: ("RuntimeError", "mat1 and mat2 shapes cannot be multiplied"),
    Fault.OUT_OF_MEMORY: ("torch.OutOfMemoryError", "Allocation on device 0 would exceed allowed memory. (out of memory)"),
    Fault.DISK_FULL: ("OSError", "[Errno 28] No space left on device: '<base>/output/koma'"),
}
_TRACE = ['  File "<comfyui>/execution.py", line 496, in execute\n', "..."]
_OK = 200
_SLOW = {Fault.SLOW_FILE: "/view", Fault.SLOW_ANSWER: "/queue", Fault.SLOW_HEAD: "/history/"}
_GARBAGE = {
    Fault.GARBAGE_PROMPT: ("POST", "/prompt"),
    Fault.GARBAGE_QUEUE: ("GET", "/queue"),
    Fault.GARBAGE_HISTORY: ("GET", "/history/"),
    Fault.GARBAGE_FILE: ("GET", "/view"),
}
NONSENSE = (
    b"<html><body>502 Bad Gateway</body></html>",
    b'{"queue_running": 7, "queue_pending": null}',
    b'{"queue_running": [], "queue_pen',
    b"[" * 5000,
    b"",
    b'{"error": "upstream request timeout"}',
    b"\x00\xff\xfe\x80",
    b'{"queue_running": [], "queue_pending": [], "prompt_id": NaN} trailing',
    b"null",
)


def node_errors(fault: Fault) -> dict[str, Any]:
    """The recorded errors of a graph of which one output is sound and one is not, or of one whose model is missing."""
    name = "one_output_valid_one_invalid" if fault is Fault.PARTIAL_NODE_ERRORS else "invalid_missing_model"
    errors: dict[str, Any] = EXCHANGES[name]["response"]["node_errors"]
    return errors


def exception(fault: Fault, order: list[str]) -> dict[str, Any]:
    """What `execution_error` says beyond node and prompt."""
    kind, said = SAID[fault]
    return {"exception_type": kind, "exception_message": said, "traceback": _TRACE, "current_inputs": {}, "current_outputs": order}


def answered_wrongly(faults: Faults, request: web.Request) -> web.Response | None:
    """An error in place of the answer, before anything was done about the request."""
    if request.path == "/ws":
        return None
    for fault, status in ((Fault.ERROR_500, 500), (Fault.ERROR_503, 503)):
        if faults.fires(fault):
            return web.Response(status=status, text=f"{status} on purpose")
    return None


async def spoilt(faults: Faults, request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    """The answer, or what becomes of it if it was to be a good one."""
    if response.status != _OK:
        return response
    for fault, (method, path) in _GARBAGE.items():
        if (request.method, request.path[: len(path)]) == (method, path) and faults.fires(fault):
            return web.Response(body=next(faults.nonsense), content_type="application/json")
    for fault, path in _SLOW.items():
        if request.method == "GET" and request.path.startswith(path) and faults.fires(fault):
            return await _dripping(request, response, faults, head=fault is Fault.SLOW_HEAD)
    return response


async def _dripping(request: web.Request, response: web.StreamResponse, faults: Faults, *, head: bool) -> web.StreamResponse:
    """Send an answer piece by piece, or one header more for ever, past aiohttp: until it is there, or nobody listens."""
    transport = request.transport
    body = response.body if isinstance(response, web.Response) and isinstance(response.body, bytes) else b""
    start = f"HTTP/1.1 200 OK\r\nContent-Type: {response.content_type}\r\nContent-Length: {len(body)}\r\n"
    pieces = itertools.repeat(b"X-More: of it\r\n") if head else _pieces(body, faults.drip_bytes)
    text = start.encode() if head else start.encode() + b"\r\n"
    while text and transport is not None and not transport.is_closing():
        transport.write(text)
        await asyncio.sleep(faults.drip_seconds)
        text = next(pieces, b"")
    if transport is not None:
        transport.abort()
    return response


def _pieces(body: bytes, size: int) -> Iterator[bytes]:
    return (body[start : start + size] for start in range(0, len(body), size))
