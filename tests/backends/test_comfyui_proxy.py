"""The proxy that spoils connections does what it is told, and nothing else."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosedError

from support.fake_comfyui import FakeComfyUI
from support.fake_comfyui_graphs import EXCHANGES
from support.hurried import hurry
from support.proxy import Order, Proxy, Trouble
from support.virtual import VirtualClock

PROMPT = EXCHANGES["success"]["request"]
SECONDS = 30.0
NOISE = hashlib.shake_256(b"").hexdigest(1000)  # which no compression makes small
Story = Callable[[FakeComfyUI, Proxy, httpx.AsyncClient], Awaitable[Any]]


def between(story: Story) -> tuple[Any, float]:
    """Tell a story with a client that speaks to a server through a proxy; what it gave, and how long it took."""
    clock = VirtualClock()

    async def told() -> Any:
        async with (
            FakeComfyUI() as server,
            Proxy("127.0.0.1", server.port) as proxy,
            httpx.AsyncClient(base_url=proxy.url, timeout=SECONDS, trust_env=False) as client,
        ):
            return await story(server, proxy, client)

    return hurry(clock, told), clock.elapsed


def test_bytes_pass_unchanged_both_ways() -> None:
    data = bytes(range(256)) * 9000

    async def story(server: FakeComfyUI, _: Proxy, client: httpx.AsyncClient) -> bytes:
        await client.post("/upload/image", files={"image": ("a.bin", data)})
        assert server.files["input", "", "a.bin"] == data
        return (await client.get("/view", params={"filename": "a.bin", "type": "input"})).content

    assert between(story)[0] == data


@pytest.mark.parametrize(
    ("order", "error", "arrives", "seconds"),
    [
        pytest.param(Order(Trouble.RESET, b"POST /prompt"), httpx.NetworkError, 0, 0.0, id="a reset request never arrives"),
        pytest.param(Order(Trouble.DROP_REPLY, b"POST /prompt"), httpx.NetworkError, 1, 0.0, id="a dropped reply leaves the prompt queued"),
        pytest.param(
            Order(Trouble.TRUNCATE, b"POST /prompt", 30),
            httpx.RemoteProtocolError,
            1,
            0.0,
            id="a cut answer ends in the middle of its head",
        ),
        pytest.param(
            Order(Trouble.TRUNCATE, b"POST /prompt", 200),
            httpx.RemoteProtocolError,
            1,
            0.0,
            id="a cut answer ends in the middle of its body",
        ),
        pytest.param(
            Order(Trouble.STALL, b"POST /prompt", 30), httpx.ReadTimeout, 1, SECONDS, id="a stalled answer is waited for until time is up"
        ),
    ],
)
def test_the_request_that_was_meant_is_spoilt_and_the_next_one_is_not(
    order: Order, error: type[Exception], arrives: int, seconds: float
) -> None:
    async def story(server: FakeComfyUI, proxy: Proxy, client: httpx.AsyncClient) -> None:
        proxy.arm(order)
        assert (await client.get("/queue")).status_code == 200
        with pytest.raises(error):
            await client.post("/prompt", json=PROMPT)
        assert len(server.bodies) == arrives
        assert (await client.post("/prompt", json=PROMPT)).status_code == 200
        assert proxy.fired == {order.trouble: 1}

    assert between(story)[1] == pytest.approx(seconds)


def test_a_delayed_answer_comes_whole_and_late() -> None:
    async def story(_: FakeComfyUI, proxy: Proxy, client: httpx.AsyncClient) -> Any:
        proxy.arm(Order(Trouble.DELAY, b"GET /queue", 10, seconds=7.0))
        return (await client.get("/queue")).json()

    assert between(story) == ({"queue_running": [], "queue_pending": []}, pytest.approx(7.0))


def test_chances_pass_before_it_happens_as_often_as_it_was_armed() -> None:
    async def story(_: FakeComfyUI, proxy: Proxy, client: httpx.AsyncClient) -> list[bool]:
        proxy.arm(Order(Trouble.DROP_REPLY, b"GET /queue"), 2, after=1)
        answered = []
        for _number in range(5):
            try:
                await client.get("/queue")
            except httpx.NetworkError:
                answered.append(False)
            else:
                answered.append(True)
        return answered

    assert between(story)[0] == [True, False, False, True, True]


def test_a_websocket_is_cut_in_the_middle_of_a_frame() -> None:
    async def story(server: FakeComfyUI, proxy: Proxy, _: httpx.AsyncClient) -> None:
        proxy.arm(Order(Trouble.TRUNCATE, b"GET /ws", 400))
        async with connect(f"{proxy.url.replace('http', 'ws')}/ws?clientId=a", proxy=None) as socket:
            assert "sid" in str(await socket.recv())
            await server.say(NOISE)
            with pytest.raises(ConnectionClosedError):
                await socket.recv()

    between(story)


def test_a_websocket_falls_silent_and_stays_open() -> None:
    async def story(server: FakeComfyUI, proxy: Proxy, _: httpx.AsyncClient) -> None:
        proxy.arm(Order(Trouble.STALL, b"GET /ws", 400))
        async with connect(f"{proxy.url.replace('http', 'ws')}/ws?clientId=a", proxy=None, ping_interval=None) as socket:
            assert "sid" in str(await socket.recv())
            await server.say(NOISE)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(socket.recv(), 60.0)
            assert proxy.fired == {Trouble.STALL: 1}
            proxy.cut()

    assert between(story)[1] >= 60.0


@pytest.mark.parametrize("how", ["refuses", "cut", "nobody listens"])
def test_connections_end_when_a_test_says_so(how: str) -> None:
    async def story(server: FakeComfyUI, proxy: Proxy, client: httpx.AsyncClient) -> None:
        assert (await client.get("/queue")).status_code == 200
        if how == "nobody listens":
            await server.stop()
        proxy.refuses = how == "refuses"
        proxy.cut()
        if how == "cut":
            await asyncio.sleep(1.0)
            assert (await client.get("/queue")).status_code == 200
            return
        with pytest.raises(httpx.NetworkError):
            await client.get("/queue")
        if how == "nobody listens":
            await server.start()

    between(story)
