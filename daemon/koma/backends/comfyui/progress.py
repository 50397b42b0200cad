"""Hints about running prompts, from the server's WebSocket.

Nothing is decided from them: the server replays nothing after a lost connection, and sends a prompt's events only to the client id
that submitted it. Each connection gets an id of its own, since a server may silently drop one that reuses an id.
"""

import asyncio
import contextlib
import uuid
import weakref
from collections import OrderedDict
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from koma.backends.comfyui.shapes import items, mapping, number
from koma.core.jsontext import JsonError, read_json
from koma.core.request import Progress

MESSAGE_LIMIT = 64 * 1024 * 1024
FIRST_DELAY = 0.5
LAST_DELAY = 30.0
_WATCHED = 256
_WAITING_HINTS = 1000
_PING_TIMEOUT = 120.0  # a server that loads a model may answer nothing for a while
_ENDS = {"execution_success": "done", "execution_error": "failed", "execution_interrupted": "interrupted"}


@dataclass(slots=True)
class _Watched:
    classes: Mapping[str, str]
    cached: int = 0


class Reader:
    """Turns messages into hints, for prompts that were announced with `watch`; the newest 256 are remembered."""

    def __init__(self) -> None:
        self._watched: OrderedDict[str, _Watched] = OrderedDict()

    def watch(self, prompt_id: str, graph: Mapping[str, Any]) -> None:
        """Announce a prompt before it is submitted: its events may come before the reply does."""
        self._watched[prompt_id] = _Watched({node: str(entry.get("class_type", node)) for node, entry in graph.items()})
        while len(self._watched) > _WATCHED:
            self._watched.popitem(last=False)

    def read(self, message: Any) -> Progress | None:
        """Return the hint in one decoded message, None where there is none for us."""
        data = mapping(mapping(message).get("data"))
        prompt_id = data.get("prompt_id")
        if not isinstance(prompt_id, str) or prompt_id not in self._watched:
            return None
        return _hint(str(message.get("type")), data, prompt_id, self._watched[prompt_id])


def _hint(kind: str, data: Mapping[str, Any], prompt_id: str, watched: _Watched) -> Progress | None:
    if kind in _ENDS:
        return Progress(prompt_id, 1.0 if kind == "execution_success" else None, _ENDS[kind], finished=True)
    if kind == "executing" and data.get("node") is None:  # comes after the history is written, the others before
        return Progress(prompt_id, None, "ended", finished=True)
    if kind == "execution_cached":
        watched.cached = len(items(data.get("nodes")))
        return None
    if kind == "execution_start":
        return Progress(prompt_id, 0.0, "started")
    return _from_nodes(data, prompt_id, watched) if kind == "progress_state" else None


def _from_nodes(data: Mapping[str, Any], prompt_id: str, watched: _Watched) -> Progress:
    nodes = [mapping(node) for node in mapping(data.get("nodes")).values()]
    total = max(1, len(watched.classes) - watched.cached, len(nodes))
    running = next((node for node in nodes if node.get("state") == "running"), None)
    return Progress(prompt_id, min(1.0, sum(map(_share, nodes)) / total), _note(running, watched) if running else "")


def _share(node: Mapping[str, Any]) -> float:
    value, most = number(node.get("value")) or 0.0, number(node.get("max")) or 0.0
    return min(1.0, max(0.0, value / most)) if most > 0 else 0.0


def _note(node: Mapping[str, Any], watched: _Watched) -> str:
    name = watched.classes.get(str(node.get("node_id")), "node")
    value, most = number(node.get("value")) or 0.0, number(node.get("max")) or 0.0
    return f"{name} {value:g}/{most:g}" if most > 1 else name


class _Connect(connect):
    """A connection that follows no redirect."""

    def process_redirect(self, exc: Exception) -> Exception:
        return exc


class Listener:
    """Keeps one WebSocket connection to the server, and hands its hints to whoever listens.

    `client_id` is that of the current connection, or of the next attempt at one; submit with it. A listener that falls behind loses
    its oldest hints.
    """

    def __init__(self, url: str, reader: Reader, headers: Mapping[str, str] = MappingProxyType({})) -> None:
        self._url, self._reader, self._headers = _socket_url(url), reader, headers
        self._queues: weakref.WeakSet[asyncio.Queue[Progress]] = weakref.WeakSet()
        self._task: asyncio.Task[None] | None = None
        self._nudged = asyncio.Event()
        self.client_id = _new_id()

    def start(self) -> None:
        """Connect in the background, again and again."""
        self._task = self._task or asyncio.create_task(self._forever())

    async def stop(self) -> None:
        """Close the connection."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    def nudge(self) -> None:
        """Try to connect now instead of at the end of the wait: the server was seen again."""
        self._nudged.set()

    def hints(self) -> AsyncIterator[Progress]:
        """Return hints from now on, endlessly."""
        queue: asyncio.Queue[Progress] = asyncio.Queue(_WAITING_HINTS)
        self._queues.add(queue)
        return _drain(queue)

    async def _forever(self) -> None:
        failed = 0
        while True:
            with contextlib.suppress(OSError, WebSocketException, TimeoutError):
                async for message in self._messages():
                    failed = 0
                    self._take(message)
            self.client_id = _new_id()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._nudged.wait(), reconnect_delay(failed))
            failed = 0 if self._nudged.is_set() else failed + 1
            self._nudged.clear()

    async def _messages(self) -> AsyncIterator[str | bytes]:
        url = f"{self._url}?clientId={self.client_id}"
        async with _Connect(
            url, max_size=MESSAGE_LIMIT, proxy=None, additional_headers=self._headers, ping_timeout=_PING_TIMEOUT
        ) as socket:
            async for message in socket:
                yield message

    def _take(self, message: str | bytes) -> None:
        hint = self._reader.read(_decoded(message))
        if hint is None:
            return
        for queue in self._queues:
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(hint)


async def _drain(queue: asyncio.Queue[Progress]) -> AsyncIterator[Progress]:
    while True:
        yield await queue.get()


def _decoded(message: str | bytes) -> Any:
    if isinstance(message, bytes):  # previews: they only show that the connection lives
        return None
    try:
        return read_json(message, MESSAGE_LIMIT, nan=True)
    except JsonError:
        return None


def reconnect_delay(failed: int) -> float:
    """Seconds to wait after this many failed connections in a row: doubling from half a second, at most half a minute."""
    return min(LAST_DELAY, FIRST_DELAY * 2.0 ** min(failed, 16))


def _new_id() -> str:
    return uuid.uuid4().hex


def _socket_url(url: str) -> str:
    parts = urlsplit(url)
    scheme = "wss" if parts.scheme == "https" else "ws"
    return urlunsplit((scheme, parts.netloc, parts.path.rstrip("/") + "/ws", "", ""))
