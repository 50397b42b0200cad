"""HTTP to one ComfyUI server: bounded in bytes and in time, and with word whether a lost request may have arrived.

Requests go straight to the server: no redirects, no proxies from the environment, no Origin header (the server refuses a foreign one).
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import httpx

from koma.backends.comfyui.authorization import authorization, without
from koma.backends.comfyui.shapes import EXCERPT, Reply
from koma.core.jsontext import JsonError, read_json
from koma.core.login import NO_SECRET, Secret

JSON_LIMIT = 64 * 1024 * 1024  # of an answer; node signatures and long queues are large
FILE_LIMIT = 64 * 1024 * 1024 * 1024
PATIENCE = 4.0  # times the timeout, for a whole exchange; more only for the bytes that really come or go
SLOWEST = 64 * 1024  # bytes a second


class NoAnswerError(Exception):
    """The server gave no usable answer. `sent` tells whether the request may have arrived all the same."""

    def __init__(self, message: str, *, sent: bool) -> None:
        super().__init__(message)
        self.sent = sent


class TooLargeError(NoAnswerError):
    """The answer is larger than anybody would read, and would be again."""


class _Answer:
    """One answer on its way. Its time grows with each byte, so that a large one may take long and a dripping one ends."""

    def __init__(self, response: httpx.Response, limit: asyncio.Timeout) -> None:
        self.status = response.status_code
        self._response = response
        self._limit = limit
        self._begun = limit.when() or 0.0

    async def chunks(self, most: int) -> AsyncIterator[bytes]:
        """Give the body piece by piece. Raises TooLargeError beyond `most` bytes, NoAnswerError where fewer came than were promised."""
        came = 0
        async for chunk in self._response.aiter_bytes():
            came += len(chunk)
            if came > most:
                raise TooLargeError(f"{self._response.url.path}: the answer is larger than {most >> 20} MiB", sent=True)
            self._limit.reschedule(self._begun + came / SLOWEST)
            yield chunk
        self._check_length(came)

    def _check_length(self, came: int) -> None:
        headers = self._response.headers
        promised = headers.get("content-length", "")
        if promised.isdecimal() and "content-encoding" not in headers and int(promised) != came:
            raise NoAnswerError(f"{self._response.url.path}: {came} bytes came, {promised} were promised", sent=True)

    def has_file(self) -> bool:
        """Whether this is a file. Raises NoAnswerError where a server in trouble says nothing about that."""
        if self.status >= httpx.codes.INTERNAL_SERVER_ERROR:
            raise NoAnswerError(f"{self._response.url.path}: the server answered HTTP {self.status}", sent=True)
        return self.status == httpx.codes.OK

    async def beginning(self, most: int) -> bytes:
        """Return the first bytes of the body. Raises NoAnswerError where it is shorter than was promised."""
        body = bytearray()
        async for chunk in self.chunks(FILE_LIMIT):
            body += chunk
            if len(body) >= most:
                break
        return bytes(body[:most])

    async def body(self, most: int) -> bytes:
        """Return the body whole. Raises as `chunks` does."""
        return b"".join([chunk async for chunk in self.chunks(most)])


class Http:
    """One server. `url` may have a path; `timeout` is in seconds, for each of connect, read and write.

    No exchange takes longer than four times that and what its bytes need at the slowest rate that is put up with.
    """

    def __init__(self, url: str, timeout: float, login: Secret = NO_SECRET) -> None:
        headers = {"Accept-Encoding": "identity", **authorization(login)}  # so that lengths can be compared, and nothing swells
        self._client = httpx.AsyncClient(base_url=url, timeout=timeout, follow_redirects=False, trust_env=False, headers=headers)
        self._patience = PATIENCE * timeout
        self._login = login
        self.shown = str(self._client.base_url.copy_with(username=None, password=None)).rstrip("/")

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def get(self, path: str, most: int | None = None) -> Reply:
        """GET an answer of at most `most` bytes, else of 64 MiB. Raises NoAnswerError."""
        return await self._reply("GET", path, JSON_LIMIT if most is None else most)

    async def post(self, path: str, body: Mapping[str, Any]) -> Reply:
        """POST a JSON value. Raises NoAnswerError, and ValueError for a body that is no JSON value."""
        content = json.dumps(body, allow_nan=False).encode()
        return await self._reply("POST", path, JSON_LIMIT, len(content), content=content, headers={"Content-Type": "application/json"})

    async def upload(self, path: str, name: str, data: bytes, fields: Mapping[str, str]) -> Reply:
        """POST a file as the form field `image`, with further form fields. Raises NoAnswerError."""
        return await self._reply("POST", path, JSON_LIMIT, len(data), files={"image": (name, data)}, data=dict(fields))

    async def download(self, path: str, params: Mapping[str, str], into: Path) -> Reply:
        """GET a file into `into`; on another status than 200 nothing is written. Raises NoAnswerError if it did not arrive whole."""
        async with self._stream("GET", path, params=dict(params)) as answer:
            if answer.status == httpx.codes.OK:
                with into.open("wb") as file:
                    async for chunk in answer.chunks(FILE_LIMIT):
                        file.write(chunk)
            return Reply(answer.status, None, "")

    async def has(self, path: str, params: Mapping[str, str]) -> bool:
        """Say whether a file is there, without fetching it. Raises NoAnswerError."""
        async with self._stream("GET", path, params=dict(params)) as answer:
            return answer.has_file()

    async def read(self, path: str, params: Mapping[str, str], most: int) -> bytes | None:
        """GET the first `most` bytes of a file, None if it is not there. Raises NoAnswerError."""
        async with self._stream("GET", path, params=dict(params)) as answer:
            return await answer.beginning(most) if answer.has_file() else None

    async def _reply(self, method: str, path: str, most: int, sending: int = 0, **kwargs: Any) -> Reply:
        async with self._stream(method, path, sending, **kwargs) as answer:
            body = without(self._login, await answer.body(most))
        text = body[:EXCERPT].decode(errors="replace")
        try:
            return Reply(answer.status, read_json(body, most, nan=True), text)
        except JsonError:
            return Reply(answer.status, None, text)

    @contextlib.asynccontextmanager
    async def _stream(self, method: str, path: str, sending: int = 0, **kwargs: Any) -> AsyncIterator[_Answer]:
        patience = self._patience + sending / SLOWEST
        try:
            async with asyncio.timeout(patience) as limit, self._client.stream(method, path, **kwargs) as response:
                yield _Answer(response, limit)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise NoAnswerError(f"{self.shown} can't be reached: {_words(error)}", sent=False) from error
        except httpx.HTTPError as error:
            raise NoAnswerError(f"{self.shown}{path}: no whole answer: {_words(error)}", sent=True) from error
        except TimeoutError as error:
            raise NoAnswerError(f"{self.shown}{path}: no whole answer within {patience:.0f} s, or it came too slowly", sent=True) from error


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".rstrip(": ")
