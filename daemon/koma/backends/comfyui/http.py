"""HTTP to one ComfyUI server: bounded JSON, uploads, downloads, and whether a lost request may have arrived.

Requests go straight to the server: no redirects, no proxies from the environment, no Origin header (the server refuses a foreign one).
"""

import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import httpx

from koma.backends.comfyui.shapes import EXCERPT, Reply

JSON_LIMIT = 64 * 1024 * 1024


class NoAnswerError(Exception):
    """The server gave no usable answer. `sent` tells whether the request may have arrived all the same."""

    def __init__(self, message: str, *, sent: bool) -> None:
        super().__init__(message)
        self.sent = sent


class Http:
    """One server. `url` may have a path; `timeout` is in seconds, for each of connect, read and write."""

    def __init__(self, url: str, timeout: float) -> None:
        self._client = httpx.AsyncClient(base_url=url, timeout=timeout, follow_redirects=False, trust_env=False)
        self.shown = str(self._client.base_url.copy_with(username=None, password=None)).rstrip("/")

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def get(self, path: str) -> Reply:
        """GET. Raises NoAnswerError."""
        return await self._reply("GET", path)

    async def post(self, path: str, body: Mapping[str, Any]) -> Reply:
        """POST a JSON value. Raises NoAnswerError, and ValueError for a body that is no JSON value."""
        content = json.dumps(body, allow_nan=False).encode()
        return await self._reply("POST", path, content=content, headers={"Content-Type": "application/json"})

    async def upload(self, path: str, name: str, data: bytes, fields: Mapping[str, str]) -> Reply:
        """POST a file as the form field `image`, with further form fields. Raises NoAnswerError."""
        return await self._reply("POST", path, files={"image": (name, data)}, data=dict(fields))

    async def download(self, path: str, params: Mapping[str, str], into: Path) -> Reply:
        """GET a file into `into`; on another status than 200 nothing is written. Raises NoAnswerError if it did not arrive whole."""
        async with self._stream("GET", path, params=dict(params)) as response:
            if response.status_code != httpx.codes.OK:
                return Reply(response.status_code, None, "")
            with into.open("wb") as file:
                async for chunk in response.aiter_bytes():
                    file.write(chunk)
                size = file.tell()
            _check_length(response, size)
            return Reply(response.status_code, None, "")

    async def _reply(self, method: str, path: str, **kwargs: Any) -> Reply:
        async with self._stream(method, path, **kwargs) as response:
            body = await _bounded(response)
        text = body[:EXCERPT].decode(errors="replace")
        try:
            return Reply(response.status_code, json.loads(body), text)
        except (ValueError, RecursionError):
            return Reply(response.status_code, None, text)

    @contextlib.asynccontextmanager
    async def _stream(self, method: str, path: str, **kwargs: Any) -> AsyncIterator[httpx.Response]:
        try:
            async with self._client.stream(method, path, **kwargs) as response:
                yield response
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise NoAnswerError(f"{self.shown} can't be reached: {_words(error)}", sent=False) from error
        except httpx.HTTPError as error:
            raise NoAnswerError(f"{self.shown}{path}: no whole answer: {_words(error)}", sent=True) from error


async def _bounded(response: httpx.Response) -> bytes:
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > JSON_LIMIT:
            raise NoAnswerError(f"{response.url.path}: the answer is larger than {JSON_LIMIT >> 20} MiB", sent=True)
    return bytes(body)


def _check_length(response: httpx.Response, size: int) -> None:
    promised = response.headers.get("content-length")
    if promised is not None and "content-encoding" not in response.headers and int(promised) != size:
        raise NoAnswerError(f"{response.url.path}: {size} bytes came, {promised} were promised", sent=True)


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".rstrip(": ")
