"""A TCP proxy that spoils connections: for a real server as well as for the fake one, HTTP and WebSocket alike.

`async with Proxy("127.0.0.1", 8188) as proxy:` passes bytes on in both directions. `proxy.arm(Order(Trouble.DROP_REPLY, b"POST /prompt"))`
spoils the next connection that sends a request which begins like that.
"""

import asyncio
import collections
import contextlib
import socket
import struct
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

_CHUNK = 1 << 16
_RESET = struct.pack("ii", 1, 0)  # linger for no time: the other side gets a reset and not an end


class Trouble(StrEnum):
    """What happens to a connection once the request was seen on it."""

    RESET = "reset"  # the request never arrives, the connection is reset
    DROP_REPLY = "drop the reply"  # the request arrives, the connection is reset when the answer comes
    TRUNCATE = "truncate"  # the connection ends after some bytes of the answer
    STALL = "stall"  # nothing comes after some bytes of the answer, and the connection stays open
    DELAY = "delay"  # after some bytes of the answer the rest comes much later


@dataclass(frozen=True, slots=True)
class Order:
    """A trouble, for a request that begins like this; `seconds` are those of a delay."""

    trouble: Trouble
    request: bytes
    after_bytes: int = 0
    seconds: float = 5.0


@dataclass(slots=True, eq=False)
class _Line:
    """One connection: from the client and back to it, from the server and on to it.

    `passed` bytes of the answer came through since the request of `order`; `mute` once nothing of it goes to the client any more.
    """

    client: asyncio.StreamReader
    back: asyncio.StreamWriter
    server: asyncio.StreamReader
    on: asyncio.StreamWriter
    order: Order | None = None
    passed: int = 0
    mute: bool = False

    async def give(self, data: bytes) -> None:
        """Pass bytes of the answer on."""
        if data and not self.mute:
            self.passed += len(data)
            self.back.write(data)
            await self.back.drain()

    def reset(self) -> None:
        for end in (self.back, self.on):
            with contextlib.suppress(OSError):
                end.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            end.transport.abort()

    def end(self) -> None:
        self.back.close()
        self.on.close()


class Proxy:
    """Listens on a free port of 127.0.0.1. `fired` counts what happened."""

    def __init__(self, host: str, port: int) -> None:
        self.fired: collections.Counter[Trouble] = collections.Counter()
        self.refuses = False  # every new connection is reset
        self._target = (host, port)
        self._armed: list[tuple[Order, collections.deque[bool]]] = []
        self._lines: set[_Line] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        self.cut()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def arm(self, order: Order, times: int = 1, *, after: int = 0) -> None:
        """Spoil the next `times` connections that send such a request, once `after` of these requests have passed."""
        self._armed.append((order, collections.deque([False] * after + [True] * times)))

    def cut(self) -> None:
        """Reset every open connection now."""
        for line in list(self._lines):
            line.reset()

    async def _accept(self, client: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        try:
            server, on = await asyncio.open_connection(*self._target)
        except OSError:
            back.transport.abort()
            return
        line = _Line(client, back, server, on)
        if self.refuses:
            line.reset()
            return
        self._lines.add(line)
        try:
            await asyncio.gather(self._upwards(line), self._downwards(line))
        finally:
            self._lines.discard(line)
            line.end()

    async def _upwards(self, line: _Line) -> None:
        with contextlib.suppress(ConnectionError):
            while chunk := await line.client.read(_CHUNK):
                self._look(line, chunk)
                if line.order is not None and line.order.trouble is Trouble.RESET:
                    self._happens(line)
                    return
                line.on.write(chunk)
                await line.on.drain()
        line.on.close()

    def _look(self, line: _Line, chunk: bytes) -> None:
        """See whether a request that was waited for begins."""
        for order, chances in self._armed:
            if chunk.startswith(order.request) and chances and chances.popleft():
                line.order, line.passed = order, 0

    async def _downwards(self, line: _Line) -> None:
        with contextlib.suppress(ConnectionError):
            while chunk := await line.server.read(_CHUNK):
                await self._pass(line, chunk)
        line.back.close()

    async def _pass(self, line: _Line, chunk: bytes) -> None:
        order = line.order
        if order is not None and line.passed + len(chunk) > order.after_bytes:
            room = max(0, order.after_bytes - line.passed)
            await line.give(chunk[:room])
            self._happens(line)
            if order.trouble is Trouble.DELAY:
                await asyncio.sleep(order.seconds)
                line.order = None
            chunk = chunk[room:]
        await line.give(chunk)

    def _happens(self, line: _Line) -> None:
        order = line.order
        if order is None or line.mute:
            return
        self.fired[order.trouble] += 1
        if order.trouble in {Trouble.RESET, Trouble.DROP_REPLY}:
            line.reset()
        elif order.trouble is Trouble.TRUNCATE:
            line.end()
        line.mute = order.trouble is not Trouble.DELAY
