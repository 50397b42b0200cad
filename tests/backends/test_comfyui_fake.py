"""The fake server says what the real one was recorded to say: else tests of the client would prove nothing."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from support.fake_comfyui import FakeComfyUI
from support.fake_comfyui_faults import Fault, Faults
from support.fake_comfyui_graphs import EXCHANGES

REFUSED = [name for name in EXCHANGES if name.startswith("invalid_")]


@pytest.fixture
async def server() -> AsyncIterator[FakeComfyUI]:
    async with FakeComfyUI(models={"tiny-random.safetensors"}) as server:
        yield server


@pytest.fixture
async def client(server: FakeComfyUI) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(server.url) as client:
        yield client


async def post(client: aiohttp.ClientSession, path: str, body: Any) -> tuple[int, Any]:
    async with client.post(path, json=body) as response:
        text = await response.text()
        return response.status, json.loads(text) if "json" in response.content_type else text


async def get(client: aiohttp.ClientSession, path: str) -> Any:
    async with client.get(path) as response:
        return await response.json()


async def recorded(client: aiohttp.ClientSession, server: FakeComfyUI, name: str) -> tuple[list[Any], Any]:
    """Run a recorded graph; return the events and the history entry."""
    prompt_id = str(uuid.uuid4())
    body = {**EXCHANGES[name]["request"], "prompt_id": prompt_id}
    events: list[Any] = []
    async with client.ws_connect("/ws?clientId=recorder") as socket:
        assert (await socket.receive_json())["data"]["sid"] == "recorder"
        assert (await post(client, "/prompt", body))[0] == 200
        while not events or events[-1]["type"] != "executing" or events[-1]["data"]["node"] is not None:
            events.append(await socket.receive_json())
    return events, (await get(client, f"/history/{prompt_id}"))[prompt_id]


def shape(value: Any) -> Any:
    """A value without what differs from run to run: keys and types stay."""
    if isinstance(value, dict):
        return {key: shape(part) for key, part in value.items()}
    if isinstance(value, list):
        return [shape(part) for part in value]
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__


def steps(events: list[Any]) -> list[Any]:
    """Event types in order with the node each speaks of, but for node 1, which the real server had cached in some recordings."""
    said = [(event["type"], event["data"].get("node")) for event in events if event["type"] != "progress_state"]
    return [step for step in said if step[1] != "1"]


@pytest.mark.parametrize("name", ["success", "image_batch", "one_output_valid_one_invalid"])
async def test_a_run_has_the_recorded_events_in_the_recorded_order(server: FakeComfyUI, client: aiohttp.ClientSession, name: str) -> None:
    events, _ = await recorded(client, server, name)
    assert steps(events) == steps(EXCHANGES[name]["ws"])


async def test_every_event_of_a_run_has_the_recorded_keys(server: FakeComfyUI, client: aiohttp.ClientSession) -> None:
    events, _ = await recorded(client, server, "success")
    real = {event["type"]: set(event["data"]) for event in EXCHANGES["success"]["ws"]}
    assert {event["type"]: set(event["data"]) for event in events} == real


@pytest.mark.parametrize("name", ["success", "image_batch", "preview_image_temp"])
async def test_the_history_entry_has_the_recorded_shape(server: FakeComfyUI, client: aiohttp.ClientSession, name: str) -> None:
    _, entry = await recorded(client, server, name)
    (real,) = EXCHANGES[name]["history"].values()
    entry["prompt"][2] = "<graph>"
    for each in (entry, real):
        each["status"]["messages"] = [
            [kind, {**data, "nodes": []} if "nodes" in data else data] for kind, data in each["status"]["messages"]
        ]
    assert shape(entry) == shape(real)


async def test_a_second_run_of_the_same_graph_comes_from_the_cache_with_the_old_file(
    server: FakeComfyUI, client: aiohttp.ClientSession
) -> None:
    _, first = await recorded(client, server, "success")
    events, second = await recorded(client, server, "success_fully_cached")
    assert second["outputs"] == first["outputs"]
    assert [event["type"] for event in events] == [event["type"] for event in EXCHANGES["success_fully_cached"]["ws"]]


@pytest.mark.parametrize("name", REFUSED)
async def test_a_graph_that_was_refused_is_refused_in_the_same_words(server: FakeComfyUI, client: aiohttp.ClientSession, name: str) -> None:
    status, answer = await post(client, "/prompt", EXCHANGES[name]["request"])
    real = EXCHANGES[name]["response"]
    assert status == EXCHANGES[name]["status"]
    assert answer["error"] == real["error"]
    kinds = [sorted(error["type"] for node in each["node_errors"].values() for error in node["errors"]) for each in (answer, real)]
    assert kinds[0] == kinds[1]


@pytest.mark.parametrize("fault", ["execution_error", "interrupted"])
async def test_failures_end_as_recorded(server: FakeComfyUI, client: aiohttp.ClientSession, fault: str) -> None:
    server.files["input", "", "corrupt.png"] = b"x"
    if fault == "execution_error":
        server.fail_next()
    else:
        server.hold()
        waiting = asyncio.create_task(server.until(lambda: server.running is not None))
        waiting.add_done_callback(lambda _: _interrupt(server))
    events, entry = await recorded(client, server, fault)
    (real,) = EXCHANGES[fault]["history"].values()
    assert [step[0] for step in steps(events)][-3:] == [step[0] for step in steps(EXCHANGES[fault]["ws"])][-3:]
    assert entry["status"]["status_str"] == real["status"]["status_str"]
    assert set(entry["status"]["messages"][-1][1]) == set(real["status"]["messages"][-1][1])


def _interrupt(server: FakeComfyUI) -> None:
    assert server.running is not None
    server.running.interrupted = True
    server.notify()


async def test_uploads_answer_as_recorded(client: aiohttp.ClientSession) -> None:
    async def upload(data: bytes, **fields: str) -> tuple[int, Any]:
        form = aiohttp.FormData({"subfolder": "refs/kai", **fields})
        form.add_field("image", data, filename="ref.png")
        async with client.post("/upload/image", data=form) as response:
            return response.status, await response.json() if response.status == 200 else ""

    for name, answer in [
        ("upload_new", await upload(b"a")),
        ("upload_same_again", await upload(b"a")),
        ("upload_overwrite", await upload(b"b", overwrite="true")),
        ("upload_same_name_other_bytes", await upload(b"c")),
        ("upload_path_traversal", await upload(b"d", subfolder="../..")),
    ]:
        assert answer == (EXCHANGES[name]["status"], EXCHANGES[name]["response"])


async def test_a_foreign_origin_and_broken_json_are_answered_as_recorded(client: aiohttp.ClientSession) -> None:
    async with client.post("/prompt", data=b"{", headers={"Content-Type": "application/json"}) as response:
        assert (response.status, (await response.text())[:25]) == (500, EXCHANGES["bad_json"]["response"][:25])
    async with client.get("/queue", headers={"Origin": "http://elsewhere"}) as response:
        assert response.status == 403


async def test_a_prompt_id_sent_twice_runs_twice(server: FakeComfyUI, client: aiohttp.ClientSession) -> None:
    body = {**EXCHANGES["success"]["request"], "prompt_id": "same"}
    for _ in range(2):
        await post(client, "/prompt", body)
    await server.until(lambda: server.executions["same"] == 2)
    await server.until_done("same")


# -- what it does wrong when it is told to -----------------------------------------------------------------------------


def test_a_fault_happens_at_its_chances_and_is_counted() -> None:
    faults = Faults()
    faults.arm(Fault.LOST_FILE, 2, after=1)
    assert [faults.fires(Fault.LOST_FILE) for _ in range(5)] == [False, True, True, False, False]
    assert not faults.fires(Fault.BLACK_FILE)
    assert (faults.fired[Fault.LOST_FILE], faults.fired[Fault.BLACK_FILE]) == (2, 0)


@pytest.mark.parametrize(
    ("fault", "name"),
    [(Fault.PARTIAL_NODE_ERRORS, "one_output_valid_one_invalid"), (Fault.REFUSED_MODEL, "invalid_missing_model")],
    ids=["partial node_errors", "a missing model"],
)
async def test_a_refusal_on_purpose_has_the_recorded_shape(
    server: FakeComfyUI, client: aiohttp.ClientSession, fault: Fault, name: str
) -> None:
    server.faults.arm(fault)
    status, answer = await post(client, "/prompt", EXCHANGES["success"]["request"])
    assert (status, shape(answer)) == (EXCHANGES[name]["status"], shape(EXCHANGES[name]["response"]))


@pytest.mark.parametrize("fault", [Fault.NODE_ERROR, Fault.OUT_OF_MEMORY, Fault.DISK_FULL], ids=str)
async def test_an_error_on_purpose_has_the_recorded_keys(server: FakeComfyUI, client: aiohttp.ClientSession, fault: Fault) -> None:
    server.faults.arm(fault)
    _, entry = await recorded(client, server, "success")
    (real,) = EXCHANGES["execution_error"]["history"].values()
    assert set(entry["status"]["messages"][-1][1]) == set(real["status"]["messages"][-1][1])
    assert (entry["outputs"], entry["status"]["status_str"]) == (real["outputs"], real["status"]["status_str"])


@pytest.mark.parametrize(
    ("fault", "files", "named"),
    [
        pytest.param(Fault.DISK_FULL, 1, 0, id="half of a file lies there, and the history names none"),
        pytest.param(Fault.NO_FILES, 1, 0, id="a success without files has written one that nobody is told of"),
        pytest.param(Fault.LOST_FILE, 0, 1, id="a lost file is named and not there"),
        pytest.param(Fault.CACHED_AND_DELETED, 0, 1, id="a cached success names a file that was deleted"),
        pytest.param(Fault.TRUNCATED_FILE, 1, 1, id="a truncated file is named as if it were whole"),
    ],
)
async def test_files_on_purpose(server: FakeComfyUI, client: aiohttp.ClientSession, fault: Fault, files: int, named: int) -> None:
    server.faults.arm(fault)
    _, entry = await recorded(client, server, "success")
    assert (len(server.files), len(entry["outputs"])) == (files, named)


async def test_a_cached_success_has_the_recorded_events(server: FakeComfyUI, client: aiohttp.ClientSession) -> None:
    server.faults.arm(Fault.CACHED_AND_DELETED)
    events, _ = await recorded(client, server, "success")
    assert [event["type"] for event in events] == [event["type"] for event in EXCHANGES["success_fully_cached"]["ws"]]
    assert sum(server.renders.values()) == 0


async def test_a_prompt_that_a_dead_worker_had_stays_in_the_queue_and_http_answers(
    server: FakeComfyUI, client: aiohttp.ClientSession
) -> None:
    server.faults.arm(Fault.DEAD_WORKER)
    for _ in range(2):
        await post(client, "/prompt", EXCHANGES["success"]["request"])
    await server.until(lambda: server.running is not None)
    queue = await get(client, "/queue")
    assert (len(queue["queue_running"]), len(queue["queue_pending"])) == (1, 1)


async def test_a_hang_ends_with_an_interrupt_unless_that_is_ignored_too(server: FakeComfyUI, client: aiohttp.ClientSession) -> None:
    server.faults.arm(Fault.HANG)
    server.faults.arm(Fault.IGNORED_INTERRUPT, after=1)
    for name in ("first", "second"):
        await post(client, "/prompt", {**EXCHANGES["success"]["request"], "prompt_id": name})
        await server.until_running(name)
        await post(client, "/interrupt", {"prompt_id": name})
        if name == "first":
            await server.until_done(name)
    assert (await get(client, "/history/first"))["first"]["status"]["messages"][-1][0] == "execution_interrupted"
    assert await get(client, "/history/second") == {}
