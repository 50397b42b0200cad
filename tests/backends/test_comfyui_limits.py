"""How long, how large, how odd: a server may be anything, and the backend gives an answer all the same. In virtual time."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import WSMsgType, web

from koma.backends.comfyui import backend as comfyui
from koma.backends.comfyui import sightings
from koma.backends.comfyui.backend import ComfyUIBackend
from koma.backends.comfyui.http import Http, NoAnswerError
from koma.core.media import Media
from koma.core.request import FailureClass, RenderRequest, Sighting, Stage, SubmitOutcome
from koma.core.words import BackendKind
from koma.ports import CollectError
from support.fake_comfyui import FakeComfyUI
from support.fake_comfyui_faults import NONSENSE, Fault
from support.hurried import hurry
from support.virtual import VirtualClock

PREFIX = "koma/take1"
ID = "0b0e7f1c-3c39-5b1f-8a5e-0d1f3c6f6a10"
GRAPH = {
    "1": {"class_type": "EmptyImage", "inputs": {"width": 64, "height": 48, "batch_size": 1, "color": 0}},
    "3": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": PREFIX}},
}
REQUEST = RenderRequest(ID, PREFIX, BackendKind.COMFYUI, GRAPH, (), Media.IMAGE, "a still")
LONGEST = 4 * 30.0 + 30.0  # four times the timeout, and one read
Story = Callable[[FakeComfyUI, ComfyUIBackend], Awaitable[Any]]


def asked(story: Story) -> tuple[Any, float]:
    """Tell a story of a server and a backend; what it gave, and how many seconds it took."""
    clock = VirtualClock()

    async def told() -> Any:
        async with FakeComfyUI() as server:
            backend = ComfyUIBackend("studio", server.url)
            await backend.open()
            try:
                return await story(server, backend)
            finally:
                await backend.close()

    return hurry(clock, told), clock.elapsed


async def rendered(server: FakeComfyUI, backend: ComfyUIBackend) -> Sighting:
    await backend.submit(REQUEST, {})
    await server.until_done(ID)
    return await backend.ask(ID)


@pytest.mark.parametrize("fault", [Fault.SLOW_ANSWER, Fault.SLOW_HEAD], ids=["its body", "its head"])
def test_an_answer_that_drips_is_given_up_although_each_byte_comes_in_time(fault: Fault) -> None:
    async def story(server: FakeComfyUI, backend: ComfyUIBackend) -> Sighting:
        server.faults.arm(fault)
        return await backend.ask(ID)

    sighting, seconds = asked(story)
    assert sighting.stage is Stage.UNREACHABLE
    assert "no whole answer within 120 s" in sighting.failure.message
    assert seconds <= LONGEST


def test_a_file_that_drips_is_given_up_and_may_be_whole_all_the_same(tmp_path: Path) -> None:
    async def story(server: FakeComfyUI, backend: ComfyUIBackend) -> float:
        sighting = await rendered(server, backend)
        begun = asyncio.get_running_loop().time()
        server.faults.arm(Fault.SLOW_FILE)
        with pytest.raises(CollectError) as error:
            await backend.collect(REQUEST, sighting.outputs, tmp_path)
        assert error.value.away
        return asyncio.get_running_loop().time() - begun

    assert asked(story)[0] <= LONGEST


def test_a_large_file_may_take_longer_than_any_small_answer(tmp_path: Path) -> None:
    data = bytes(40_000_000)

    async def story(server: FakeComfyUI, _: ComfyUIBackend) -> None:
        server.files["output", "", "clip.mkv"] = data
        server.faults.drip_bytes, server.faults.drip_seconds = 1_000_000, 8.0
        server.faults.arm(Fault.SLOW_FILE)
        http = Http(server.url, 30.0)
        await http.download("/view", {"filename": "clip.mkv"}, tmp_path / "clip.mkv")
        await http.aclose()

    _, seconds = asked(story)
    assert (tmp_path / "clip.mkv").stat().st_size == len(data)
    assert seconds > 2 * LONGEST


def test_an_upload_that_is_read_slowly_does_not_last_for_ever() -> None:
    async def story(server: FakeComfyUI, _: ComfyUIBackend) -> None:
        ends: list[asyncio.StreamWriter] = []

        async def deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            ends.append(writer)
            while not writer.is_closing():
                await reader.read(1)
                await asyncio.sleep(20.0)

        listening = await asyncio.start_server(deaf, "127.0.0.1", 0, limit=2)
        http = Http(f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}", 30.0)
        with pytest.raises(NoAnswerError, match="no whole answer"):
            await http.upload("/upload/image", "a.png", bytes(30_000_000), {})
        await http.aclose()
        listening.close()
        ends[0].transport.abort()
        await asyncio.sleep(30.0)

    assert asked(story)[1] <= LONGEST + 30.0 + 30_000_000 / (64 * 1024)


def test_a_history_entry_beyond_all_bounds_is_a_failure_of_this_prompt_and_of_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comfyui, "HISTORY_LIMIT", 2000)

    async def story(server: FakeComfyUI, backend: ComfyUIBackend) -> tuple[Sighting, Sighting]:
        await rendered(server, backend)
        server.history[ID]["padding"] = "x" * 3000
        return await backend.ask(ID), await backend.ask("another")

    (too_large, other), _ = asked(story)
    assert too_large.stage is Stage.FAILED
    assert too_large.failure.kind is FailureClass.INTERNAL
    assert "the answer is larger than" in too_large.failure.message
    assert other.stage is Stage.ABSENT


@pytest.mark.parametrize("body", NONSENSE, ids=[str(number) for number in range(len(NONSENSE))])
def test_nonsense_is_no_answer_whatever_was_asked(body: bytes, tmp_path: Path) -> None:
    async def story(server: FakeComfyUI, backend: ComfyUIBackend) -> list[Any]:
        server.faults.nonsense = iter([body] * 20)
        found = []
        for fault in (Fault.GARBAGE_QUEUE, Fault.GARBAGE_HISTORY):
            server.faults.arm(fault)
            found.append((await backend.ask(ID)).stage)
        server.faults.arm(Fault.GARBAGE_PROMPT)
        found.append((await backend.submit(REQUEST, {})).outcome)
        await server.until_done(ID)
        sighting = await backend.ask(ID)
        server.faults.arm(Fault.GARBAGE_FILE, 5)
        with pytest.raises(CollectError):
            await backend.collect(REQUEST, sighting.outputs, tmp_path)
        return found

    assert asked(story)[0] == [Stage.UNREACHABLE, Stage.UNREACHABLE, SubmitOutcome.UNKNOWN]


@pytest.mark.parametrize(
    ("answer", "stage"),
    [
        pytest.param({}, Stage.UNREACHABLE, id="an empty object"),
        pytest.param({"queue_running": []}, Stage.UNREACHABLE, id="one list of two"),
        pytest.param({"queue_running": {}, "queue_pending": []}, Stage.UNREACHABLE, id="an object for a list"),
        pytest.param({"queue_running": [7, [], [1, ID]], "queue_pending": ["x"]}, Stage.ABSENT, id="entries that are none"),
    ],
)
def test_a_prompt_is_absent_only_from_what_is_a_queue(answer: Mapping[str, Any], stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    async def says(_: FakeComfyUI, __: web.Request) -> web.Response:
        return web.json_response(answer)

    monkeypatch.setattr(FakeComfyUI, "_get_queue", says)

    async def story(_: FakeComfyUI, backend: ComfyUIBackend) -> Stage:
        return (await backend.ask(ID)).stage

    assert asked(story)[0] is stage


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        pytest.param("[Errno 28] No space left on device: 'output'", FailureClass.BACKEND_DOWN, id="its disk is full"),
        pytest.param("[WinError 112] There is not enough space on the disk", FailureClass.BACKEND_DOWN, id="its disk is full, on Windows"),
        pytest.param("Not enough memory, use lower resolution", FailureClass.OUT_OF_MEMORY, id="its memory is full"),
        pytest.param("[Errno 13] Permission denied", FailureClass.NODE, id="anything else"),
    ],
)
def test_what_a_node_failed_of_is_told_apart(said: str, kind: FailureClass) -> None:
    error = {"node_id": "3", "node_type": "SaveImage", "exception_type": "OSError", "exception_message": said, "traceback": []}
    entry = {"outputs": {}, "status": {"status_str": "error", "completed": False, "messages": [["execution_error", error]]}}
    assert sightings.from_history(entry).failure.kind is kind


@pytest.mark.parametrize(
    ("before", "idle"),
    [
        pytest.param("", True, id="nothing runs"),
        pytest.param("somebody's", False, id="a prompt of somebody runs"),
        pytest.param("cancelled", True, id="a prompt runs that was cancelled and does not stop"),
    ],
)
def test_a_prompt_that_waits_says_whether_the_server_works_on_anything(before: str, idle: bool) -> None:
    async def story(server: FakeComfyUI, backend: ComfyUIBackend) -> Sighting:
        if before:
            server.faults.arm(Fault.IGNORED_INTERRUPT)
            await backend.submit(replace(REQUEST, prompt_id=before), {})
            await server.until_running(before)
        else:
            server.kill_worker()
        if before == "cancelled":
            await backend.cancel(before)
        await backend.submit(REQUEST, {})
        return await backend.ask(ID)

    sighting = asked(story)[0]
    assert (sighting.stage, sighting.idle) == (Stage.QUEUED, idle)


def test_a_success_for_which_nothing_was_computed_is_told_as_such() -> None:
    async def story(server: FakeComfyUI, backend: ComfyUIBackend) -> tuple[Sighting, Sighting]:
        server.faults.arm(Fault.CACHED_AND_DELETED, after=1)
        first = await rendered(server, backend)
        again = replace(REQUEST, prompt_id="another")
        await backend.submit(again, {})
        await server.until_done("another")
        return first, await backend.ask("another")

    (first, second), _ = asked(story)
    assert (first.stage, first.cached, second.stage, second.cached) == (Stage.SUCCEEDED, False, Stage.SUCCEEDED, True)


@pytest.mark.parametrize(
    ("fault", "stage"),
    [
        pytest.param(None, Stage.SUCCEEDED, id="whole, they are found"),
        pytest.param(Fault.LOST_FILE, Stage.ABSENT, id="gone, they are not"),
        pytest.param(Fault.ERROR_503, Stage.UNREACHABLE, id="a server in trouble says nothing of them"),
    ],
)
def test_forgotten_files_are_looked_for_by_their_beginning(fault: Fault | None, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comfyui, "_BEGINNING", 1000)

    async def story(server: FakeComfyUI, backend: ComfyUIBackend) -> Stage:
        if fault is Fault.LOST_FILE:
            server.faults.arm(fault)
        await rendered(server, backend)
        server.files = {place: data + bytes(2_000_000) for place, data in server.files.items()}
        server.history.clear()
        if fault is Fault.ERROR_503:
            server.faults.arm(fault)
        return (await backend.find(REQUEST)).stage

    assert asked(story)[0] is stage


FRAMES = [
    pytest.param(b"\xff\xfe", WSMsgType.TEXT, id="text that is no text"),
    pytest.param(b"[" * 100_000, WSMsgType.TEXT, id="a deep list"),
    pytest.param(b'{"type": 7, "data": [1]}', WSMsgType.TEXT, id="fields of other types"),
    pytest.param(b"", WSMsgType.TEXT, id="nothing"),
    pytest.param(bytes(3_000_000), WSMsgType.BINARY, id="a preview of 3 MB"),
    pytest.param(bytes(80_000_000), WSMsgType.BINARY, id="a preview of 80 MB"),
]


@pytest.mark.parametrize(("data", "kind"), FRAMES)
def test_hints_come_on_after_a_frame_of_any_kind_and_size(data: bytes, kind: WSMsgType) -> None:
    async def story(server: FakeComfyUI, backend: ComfyUIBackend) -> None:
        hints = backend.progress()
        await server.connected.wait()
        await server.say_frame(data, kind)
        await asyncio.sleep(5.0)
        await server.until(lambda: server.connections > 0)
        await backend.submit(REQUEST, {})
        async for hint in hints:
            if hint.finished:
                return

    assert asked(story)[1] < 60.0


def test_each_connection_has_a_client_id_of_its_own() -> None:
    async def story(server: FakeComfyUI, backend: ComfyUIBackend) -> set[str]:
        seen: set[str] = set()
        for _ in range(4):
            await server.connected.wait()
            await backend.submit(replace(REQUEST, prompt_id=f"prompt {len(seen)}"), {})
            seen.add(server.bodies[-1]["client_id"])
            await server.drop_sockets()
        return seen

    assert len(asked(story)[0]) == 4
