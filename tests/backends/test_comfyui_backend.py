"""The ComfyUI backend when the server, the network or the graph misbehaves."""

import asyncio
import contextlib
import hashlib
import io
import json
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from PIL import Image

from koma.backends.comfyui import http, progress
from koma.backends.comfyui.backend import ComfyUIBackend
from koma.core.media import InputFile, Media
from koma.core.request import FailureClass, Progress, RenderRequest, Sighting, Stage, SubmitOutcome
from koma.core.words import BackendKind
from koma.ports import CollectError
from support.fake_comfyui import FakeComfyUI

PREFIX = "koma/lantern-street/s01/take1"
FILE = {"node": "3", "filename": "take1_00001_.png", "subfolder": "koma/lantern-street/s01", "type": "output"}
DEAD = "http://127.0.0.1:9"  # nobody listens on the discard port


@pytest.fixture
async def server() -> AsyncIterator[FakeComfyUI]:
    async with FakeComfyUI() as server:
        yield server


@pytest.fixture
async def backend(server: FakeComfyUI) -> AsyncIterator[ComfyUIBackend]:
    async with opened(server.url) as backend:
        yield backend


@contextlib.asynccontextmanager
async def opened(url: str, **options: Any) -> AsyncIterator[ComfyUIBackend]:
    backend = ComfyUIBackend("gpu", url, **options)
    await backend.open()
    yield backend
    await backend.close()


def graph(**image: Any) -> dict[str, Any]:
    return {
        "1": {"class_type": "EmptyImage", "inputs": {"width": 64, "height": 48, "batch_size": 1, "color": 0, **image}},
        "3": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": PREFIX}},
    }


def request(document: dict[str, Any] | None = None, inputs: tuple[InputFile, ...] = ()) -> RenderRequest:
    document = graph() if document is None else document
    return RenderRequest(
        str(uuid.uuid4()), PREFIX, BackendKind.COMFYUI, document, inputs, Media.IMAGE, "lantern-street/s01/sh010/still take 1"
    )


async def accept(backend: ComfyUIBackend, document: dict[str, Any] | None = None) -> RenderRequest:
    asked = request(document)
    answer = await backend.submit(asked, {})
    assert answer.outcome is SubmitOutcome.ACCEPTED, answer
    return asked


async def rendered(server: FakeComfyUI, backend: ComfyUIBackend, document: dict[str, Any] | None = None) -> tuple[RenderRequest, Sighting]:
    asked = await accept(backend, document)
    await server.until_done(asked.prompt_id)
    return asked, await backend.ask(asked.prompt_id)


# -- submitting --------------------------------------------------------------------------------------------------------


async def test_the_prompt_carries_our_id_and_our_mark_and_its_label(server: FakeComfyUI, backend: ComfyUIBackend) -> None:
    asked = await accept(backend)
    (body,) = server.bodies
    assert body["prompt_id"] == asked.prompt_id
    assert body["extra_data"]["koma"] == {"label": asked.label, "prefix": PREFIX}
    assert body["prompt"] == asked.document


async def test_a_lost_reply_is_unknown_and_the_prompt_is_found_and_ran_once(server: FakeComfyUI, backend: ComfyUIBackend) -> None:
    server.drop_next_reply()
    asked = request()
    answer = await backend.submit(asked, {})
    assert answer.outcome is SubmitOutcome.UNKNOWN
    await server.until_done(asked.prompt_id)
    assert (await backend.ask(asked.prompt_id)).stage is Stage.SUCCEEDED
    assert server.executions[asked.prompt_id] == 1


async def test_a_partly_invalid_graph_is_rejected_and_what_the_server_kept_of_it_is_cancelled(
    server: FakeComfyUI, backend: ComfyUIBackend
) -> None:
    server.hold()
    blocker = await accept(backend)
    await server.until_running(blocker.prompt_id)
    document = graph(color=1)
    document["4"] = {"class_type": "LoadImage", "inputs": {"image": "gone.png"}}
    document["5"] = {"class_type": "SaveImage", "inputs": {"images": ["4", 0], "filename_prefix": PREFIX}}
    asked = request(document)
    answer = await backend.submit(asked, {})
    assert answer.outcome is SubmitOutcome.REJECTED
    assert answer.failure is not None
    assert answer.failure.kind is FailureClass.INPUT
    assert (await backend.ask(asked.prompt_id)).stage is Stage.ABSENT
    assert (await backend.ask(blocker.prompt_id)).stage is Stage.RUNNING


async def test_a_document_that_is_no_json_is_rejected(backend: ComfyUIBackend) -> None:
    answer = await backend.submit(request(graph(color=float("nan"))), {})
    assert answer.outcome is SubmitOutcome.REJECTED


async def test_nothing_reaches_the_server_when_the_graph_would_stop_its_worker(server: FakeComfyUI, backend: ComfyUIBackend) -> None:
    document = graph()
    document["2"] = {"class_type": "EmptyImage"}
    answer = await backend.submit(request(document), {})
    assert answer.failure is not None
    assert "node 2 (EmptyImage): no inputs" in answer.failure.message
    assert ("POST", "/prompt") not in server.requests


# -- inputs ------------------------------------------------------------------------------------------------------------


def picture(folder: Path) -> tuple[InputFile, Path]:
    file = folder / "reference.png"
    Image.new("RGB", (32, 32), (200, 30, 60)).save(file)
    return InputFile("koma-input:image", "c" * 64, hashlib.sha256(file.read_bytes()).hexdigest(), ".png"), file


def loading() -> dict[str, Any]:
    document = graph()
    document["1"] = {"class_type": "LoadImage", "inputs": {"image": "koma-input:image"}}
    return document


async def test_inputs_are_uploaded_under_their_digest_and_named_in_the_graph(
    server: FakeComfyUI, backend: ComfyUIBackend, tmp_path: Path
) -> None:
    item, file = picture(tmp_path)
    for _ in range(2):
        assert (await backend.submit(request(loading(), (item,)), {item.name: file})).outcome is SubmitOutcome.ACCEPTED
    assert server.files["input", "koma", f"{item.file_digest}.png"] == file.read_bytes()
    assert {body["prompt"]["1"]["inputs"]["image"] for body in server.bodies} == {f"koma/{item.file_digest}.png"}


async def test_a_placeholder_that_no_input_fills_is_rejected(backend: ComfyUIBackend) -> None:
    answer = await backend.submit(request(loading()), {})
    assert answer.outcome is SubmitOutcome.REJECTED
    assert answer.failure is not None
    assert answer.failure.kind is FailureClass.INPUT
    assert "node 1 (LoadImage)" in answer.failure.message


@pytest.mark.parametrize(
    ("status", "outcome"),
    [(400, SubmitOutcome.REJECTED), (413, SubmitOutcome.REJECTED), (500, SubmitOutcome.BUSY), (503, SubmitOutcome.BUSY)],
)
async def test_an_upload_that_fails_queues_nothing(tmp_path: Path, status: int, outcome: SubmitOutcome) -> None:
    item, file = picture(tmp_path)
    async with answering({"/upload/image": lambda: web.Response(status=status)}) as (url, asked), opened(url) as backend:
        answer = await backend.submit(request(loading(), (item,)), {item.name: file})
    assert answer.outcome is outcome
    assert "/prompt" not in asked


# -- a server that is down or odd --------------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def answering(answers: dict[str, Callable[[], web.StreamResponse]]) -> AsyncIterator[tuple[str, list[str]]]:
    """A server that gives fixed answers, 503 for every other path; yields its address and the paths that were asked for."""
    asked: list[str] = []

    async def handle(request: web.Request) -> web.StreamResponse:
        asked.append(request.path)
        await request.read()
        return answers.get(request.path, lambda: web.Response(status=503))()

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}", asked
    finally:
        await runner.cleanup()


async def test_a_server_that_is_down_is_busy_unreachable_and_not_up(tmp_path: Path) -> None:
    async with opened(DEAD, http_timeout=2.0) as backend:
        answer = await backend.submit(request(), {})
        assert answer.outcome is SubmitOutcome.BUSY
        assert answer.failure is not None
        assert answer.failure.kind is FailureClass.BACKEND_DOWN
        assert (await backend.ask("id")).stage is Stage.UNREACHABLE
        status = await backend.probe()
        assert not status.up
        assert "127.0.0.1:9" in status.message
        assert await backend.signatures() is None
        await backend.cancel("id")
        await backend.free()
        with pytest.raises(CollectError, match="can't be reached"):
            await backend.collect(request(), {"files": [FILE]}, tmp_path)


async def test_messages_never_show_the_password_in_an_address() -> None:
    async with opened("http://director:secret@127.0.0.1:9", http_timeout=2.0) as backend:
        assert "secret" not in (await backend.probe()).message


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        pytest.param(lambda: web.Response(status=503), SubmitOutcome.BUSY, id="unavailable"),
        pytest.param(lambda: web.Response(status=500, text="trouble"), SubmitOutcome.UNKNOWN, id="an error inside the server"),
        pytest.param(lambda: web.Response(text="<html>"), SubmitOutcome.UNKNOWN, id="a page instead of JSON"),
        pytest.param(lambda: web.Response(status=302, headers={"Location": "/"}), SubmitOutcome.BUSY, id="a redirect that is not followed"),
    ],
)
async def test_odd_answers_to_a_prompt(answer: Callable[[], web.Response], outcome: SubmitOutcome) -> None:
    async with answering({"/prompt": answer}) as (url, asked), opened(url) as backend:
        assert (await backend.submit(request(), {})).outcome is outcome
        assert asked.count("/prompt") == 1
        assert "/" not in asked


@pytest.mark.parametrize("body", ["<html>", "[]", "[" * 100_000, "null"], ids=["html", "a list", "a deep list", "null"])
async def test_odd_answers_to_a_question_are_no_answer(body: str) -> None:
    async with answering({"/queue": lambda: web.Response(text=body)}) as (url, _), opened(url) as backend:
        sighting = await backend.ask("id")
        assert sighting.stage is Stage.UNREACHABLE
        assert sighting.failure is not None
        assert "/queue answered HTTP 200" in sighting.failure.message


async def test_an_answer_without_end_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "JSON_LIMIT", 1 << 20)
    async with answering({"/queue": lambda: web.Response(text="[" + "1," * (1 << 20) + "1]")}) as (url, _), opened(url) as backend:
        sighting = await backend.ask("id")
    assert sighting.failure is not None
    assert "larger than 1 MiB" in sighting.failure.message


async def test_the_queue_is_read_before_the_history(server: FakeComfyUI, backend: ComfyUIBackend) -> None:
    await backend.ask("id")
    paths = [path for _, path in server.requests if path != "/ws"]
    assert paths == ["/queue", "/history/id"]


async def test_after_a_restart_of_the_server_a_prompt_is_absent(server: FakeComfyUI, backend: ComfyUIBackend) -> None:
    server.hold()
    asked = await accept(backend)
    await server.restart()
    assert (await backend.ask(asked.prompt_id)).stage is Stage.ABSENT


# -- how it ended ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("fault", "kind"), [("error", FailureClass.NODE), ("oom", FailureClass.OUT_OF_MEMORY)])
async def test_faults_while_running(server: FakeComfyUI, backend: ComfyUIBackend, fault: str, kind: FailureClass) -> None:
    server.fail_next(fault)
    _, sighting = await rendered(server, backend)
    assert sighting.stage is Stage.FAILED
    assert sighting.failure is not None
    assert sighting.failure.kind is kind
    assert "node 1 (EmptyImage)" in sighting.failure.message


async def test_render_seconds_are_the_servers(server: FakeComfyUI, backend: ComfyUIBackend) -> None:
    server.render_ms = 2500
    _, sighting = await rendered(server, backend)
    assert sighting.render_seconds == 2.5


async def test_peak_memory_is_the_highest_that_was_seen_while_it_ran(server: FakeComfyUI, backend: ComfyUIBackend) -> None:
    server.hold()
    asked = await accept(backend)
    await server.until_running(asked.prompt_id)
    for free in (9, 4, 6):
        server.vram_free = free << 30
        sighting = await backend.ask(asked.prompt_id)
    assert sighting.peak_memory_bytes == 8 << 30
    server.finish(asked.prompt_id)
    await server.until_done(asked.prompt_id)
    assert (await backend.ask(asked.prompt_id)).peak_memory_bytes == 8 << 30


async def test_a_probe_counts_the_waiting_prompts_of_others(server: FakeComfyUI, backend: ComfyUIBackend) -> None:
    server.hold()
    for _ in range(3):
        await accept(backend)
    server.queue({"prompt": graph(), "extra_data": {"client_id": "browser"}}, ["3"])
    status = await backend.probe()
    assert status.others_waiting == 1
    assert (status.vram_total, status.vram_free) == (12 << 30, 9 << 30)


async def test_cancelling_a_waiting_prompt_interrupts_nobody(server: FakeComfyUI, backend: ComfyUIBackend) -> None:
    server.hold()
    running, waiting = await accept(backend), await accept(backend)
    await server.until_running(running.prompt_id)
    await backend.cancel(waiting.prompt_id)
    assert ("POST", "/interrupt") not in server.requests
    server.release()
    await server.until_done(running.prompt_id)
    assert (await backend.ask(running.prompt_id)).stage is Stage.SUCCEEDED
    assert server.executions[waiting.prompt_id] == 0


# -- collecting --------------------------------------------------------------------------------------------------------


async def test_a_file_that_is_gone_is_named(server: FakeComfyUI, backend: ComfyUIBackend, tmp_path: Path) -> None:
    server.lose_next_file()
    asked, sighting = await rendered(server, backend)
    with pytest.raises(CollectError, match=r"take1_00001_\.png: the server answered HTTP 404"):
        await backend.collect(asked, sighting.outputs, tmp_path)
    assert list(tmp_path.iterdir()) == []


def _other_byte(data: bytes) -> bytes:
    return _flipped(data, data.index(b"IDAT") + 40)


def _other_checksum(data: bytes) -> bytes:
    start = data.index(b"IDAT")
    return _flipped(data, start + 4 + int.from_bytes(data[start - 4 : start]))


def _flipped(data: bytes, place: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 255]) + data[place + 1 :]


@pytest.mark.parametrize(
    "harm",
    [
        pytest.param(lambda data: data[: len(data) // 2], id="cut off"),
        pytest.param(lambda data: b"", id="empty"),
        pytest.param(lambda data: b"\0" * len(data), id="zeros"),
        pytest.param(_other_byte, id="one byte changed"),
        pytest.param(_other_checksum, id="a checksum changed"),
    ],
)
async def test_a_picture_that_does_not_decode_is_not_collected(
    server: FakeComfyUI, backend: ComfyUIBackend, tmp_path: Path, harm: Callable[[bytes], bytes]
) -> None:
    asked, sighting = await rendered(server, backend)
    (place,) = server.files
    server.files[place] = harm(server.files[place])
    with pytest.raises(CollectError, match=r"take1_00001_\.png: (not a readable picture|cut short|it is (empty|no picture))"):
        await backend.collect(asked, sighting.outputs, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("kind", "why"), [("GIF", "it is a GIF; a PNG, JPEG or WebP is wanted"), ("PNG", "it is animated, 4 frames")])
async def test_an_animated_picture_is_not_collected(
    server: FakeComfyUI, backend: ComfyUIBackend, tmp_path: Path, kind: str, why: str
) -> None:
    asked, sighting = await rendered(server, backend)
    frames, out = [Image.effect_noise((64, 48), 20 + number) for number in range(4)], io.BytesIO()
    frames[0].save(out, kind, save_all=True, append_images=frames[1:])
    (place,) = server.files
    server.files[place] = out.getvalue()
    with pytest.raises(CollectError, match=why):
        await backend.collect(asked, sighting.outputs, tmp_path)


async def test_a_lossless_clip_is_collected_whole_and_a_broken_one_is_not(
    server: FakeComfyUI, backend: ComfyUIBackend, tmp_path: Path
) -> None:
    document = graph(batch_size=6)
    combine = {"images": ["1", 0], "frame_rate": 8, "loop_count": 0, "filename_prefix": PREFIX, "format": "video/ffv1-mkv"}
    document["3"] = {"class_type": "VHS_VideoCombine", "inputs": {**combine, "pingpong": False, "save_output": True}}
    asked, sighting = await rendered(server, backend, document)
    (file,) = await backend.collect(asked, sighting.outputs, tmp_path)
    assert file.name == "00001.mkv"
    (place,) = server.files
    whole = server.files[place]
    for length in (200, len(whole) * 2 // 3, len(whole) - 1):
        server.files[place] = whole[:length]
        with pytest.raises(CollectError, match=r"take1_00001\.mkv"):
            await backend.collect(asked, sighting.outputs, tmp_path)


async def test_a_transfer_that_stops_early_is_noticed(tmp_path: Path) -> None:
    def short() -> web.StreamResponse:
        return web.Response(body=b"half", headers={"Content-Length": "4000"})

    async with answering({"/view": short}) as (url, _), opened(url, http_timeout=1.0) as backend:
        with pytest.raises(CollectError, match="no whole answer"):
            await backend.collect(request(), {"files": [FILE]}, tmp_path)
    assert list(tmp_path.iterdir()) == []


async def test_only_files_under_the_requests_prefix_are_collected(server: FakeComfyUI, backend: ComfyUIBackend, tmp_path: Path) -> None:
    document = graph()
    document["2"] = {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "debug/look"}}
    asked, sighting = await rendered(server, backend, document)
    assert len(sighting.outputs["files"]) == 2
    assert len(await backend.collect(asked, sighting.outputs, tmp_path)) == 1
    with pytest.raises(CollectError, match="no output file begins with 'other'"):
        await backend.collect(replace(asked, prefix="other"), sighting.outputs, tmp_path)


# -- hints -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "FIRST_DELAY", 0.0)


async def finished(hints: AsyncIterator[Progress], prompt_id: str) -> None:
    """Read hints until one says that this prompt ended."""
    async for hint in hints:
        if hint.finished and hint.prompt_id == prompt_id:
            return


@pytest.mark.usefixtures("_no_waiting")
async def test_hints_come_again_after_a_lost_connection_under_another_client_id(server: FakeComfyUI, backend: ComfyUIBackend) -> None:
    hints = backend.progress()
    for _ in range(2):
        await server.connected.wait()
        asked = await accept(backend)
        await finished(hints, asked.prompt_id)
        await server.drop_sockets()
    assert len({body["client_id"] for body in server.bodies}) == 2


@pytest.mark.usefixtures("_no_waiting")
async def test_what_ended_while_nobody_listened_is_still_found_by_asking(server: FakeComfyUI, backend: ComfyUIBackend) -> None:
    await server.connected.wait()
    server.hold()
    asked = await accept(backend)
    await server.until_running(asked.prompt_id)
    await server.drop_sockets()
    server.release()
    await server.until_done(asked.prompt_id)
    assert (await backend.ask(asked.prompt_id)).stage is Stage.SUCCEEDED


@pytest.mark.usefixtures("_no_waiting")
async def test_every_listener_gets_every_hint(server: FakeComfyUI, backend: ComfyUIBackend) -> None:
    first, second = backend.progress(), backend.progress()
    await server.connected.wait()
    asked = await accept(backend)
    await asyncio.gather(finished(first, asked.prompt_id), finished(second, asked.prompt_id))


@pytest.mark.usefixtures("_no_waiting")
async def test_a_connection_is_tried_until_the_server_comes_up() -> None:
    server = FakeComfyUI()
    await server.start()
    await server.stop()
    async with opened(server.url) as backend:
        await server.start()
        await server.connected.wait()
        hints = backend.progress()
        asked = await accept(backend)
        await finished(hints, asked.prompt_id)
        await server.stop()


async def test_previews_and_unreadable_or_large_messages_do_not_end_the_hints(server: FakeComfyUI, backend: ComfyUIBackend) -> None:
    hints = backend.progress()
    await server.connected.wait()
    large = json.dumps({"type": "executed", "data": {"text": "x" * (2 << 20)}})
    for message in (b"\0\0\0\1\0\0\0\2", "no json", "[]", "[" * 100_000, large):
        await server.say(message)
    asked = await accept(backend)
    await finished(hints, asked.prompt_id)
    assert len({body["client_id"] for body in server.bodies}) == len([path for _, path in server.requests if path == "/ws"]) == 1


@pytest.mark.usefixtures("_no_waiting")
async def test_the_websocket_follows_no_redirect() -> None:
    moved = {"/ws": lambda: web.Response(status=302, headers={"Location": "/elsewhere"})}
    async with answering(moved) as (url, asked), opened(url):
        while asked.count("/ws") < 2:
            await asyncio.sleep(0)
    assert "/elsewhere" not in asked


async def test_a_server_that_is_seen_again_is_connected_to_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "FIRST_DELAY", 3600.0)
    monkeypatch.setattr(progress, "LAST_DELAY", 3600.0)
    server = FakeComfyUI()
    await server.start()
    async with opened(server.url) as backend:
        await server.connected.wait()
        await server.stop()
        assert not (await backend.probe()).up
        await server.start()
        assert (await backend.probe()).up
        await server.connected.wait()
        await server.stop()


async def test_proxies_of_the_environment_are_not_asked(server: FakeComfyUI, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "https_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, DEAD)
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    async with opened(server.url) as backend:
        assert (await backend.probe()).up
        await server.connected.wait()
