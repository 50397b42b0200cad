"""A server behind a proxy: the login goes to it alone, by HTTP and WebSocket, and never comes back in words."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import NamedTuple

import pytest
from aiohttp import web

from koma.backends.comfyui.backend import ComfyUIBackend
from koma.core.login import Secret

METADATA = "http://169.254.169.254/latest/meta-data"  # where clouds keep the keys of a machine
BASIC = "Basic bWU6c2VzYW1l"


class Heard(NamedTuple):
    """What a server was asked: path, and the login that was said."""

    path: str
    said: str


@contextlib.asynccontextmanager
async def listening(answer: Callable[[web.Request], web.StreamResponse]) -> AsyncIterator[tuple[str, list[Heard]]]:
    """A server that gives the same answer to everything; yields host and port, and what it hears."""
    heard: list[Heard] = []

    async def handle(request: web.Request) -> web.StreamResponse:
        heard.append(Heard(request.path, request.headers.get("Authorization", "")))
        return answer(request)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"127.0.0.1:{runner.addresses[0][1]}", heard
    finally:
        await runner.cleanup()


def refusing(request: web.Request) -> web.StreamResponse:
    """Answer as a proxy that shows what it was sent."""
    return web.Response(status=401, text=f"who is {request.headers.get('Authorization')}, that is me:sesame, at {request.host}?")


@pytest.mark.parametrize(
    ("login", "url", "header"),
    [
        (Secret("me:sesame"), "http://{}", BASIC),
        (Secret("long-token"), "http://{}", "Bearer long-token"),
        (Secret(), "http://me:sesame@{}", BASIC),
        (Secret(), "http://{}", ""),
    ],
    ids=["user and password", "a token", "in the address", "none"],
)
async def test_a_login_is_said_by_http_and_websocket(login: Secret, url: str, header: str) -> None:
    async with listening(lambda _: web.Response(status=503)) as (host, heard):
        backend = ComfyUIBackend("gpu", url.format(host), login=login)
        await backend.open()
        await backend.probe()
        async with asyncio.timeout(10):
            while not any(one.path == "/ws" for one in heard):
                await asyncio.sleep(0)
        await backend.close()
    assert {one.said for one in heard} == {header}


async def test_what_a_proxy_repeats_is_not_passed_on() -> None:
    async with listening(refusing) as (host, _):
        backend = ComfyUIBackend("gpu", f"http://{host}", login=Secret("me:sesame"))
        said = (await backend.probe()).message
        await backend.close()
    assert "HTTP 401" in said
    assert "sesame" not in said
    assert "bWU6" not in said


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_no_redirect_is_followed_wherever_it_leads(status: int) -> None:
    async with listening(lambda _: web.Response(status=500)) as (elsewhere, heard):
        for to in (METADATA, f"http://{elsewhere}/x"):
            async with listening(lambda _, to=to: web.Response(status=status, headers={"Location": to})) as (host, _):
                backend = ComfyUIBackend("gpu", f"http://{host}", login=Secret("me:sesame"), http_timeout=2.0)
                await backend.open()
                assert not (await backend.probe()).up
                assert await backend.signatures() is None
                await backend.cancel("id")
                await backend.close()
    assert heard == []
