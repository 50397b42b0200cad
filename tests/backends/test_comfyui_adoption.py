"""Files of a prompt that a server made and forgot: found by the name that only they can have, and by the graph that they carry."""

import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from koma.backends.comfyui import adoption
from koma.backends.comfyui.backend import ComfyUIBackend
from koma.core.attempt import for_attempt
from koma.core.media import Media
from koma.core.request import RenderRequest, Stage
from koma.core.words import BackendKind
from support.fake_comfyui import FakeComfyUI


@pytest.fixture
async def server() -> AsyncIterator[FakeComfyUI]:
    async with FakeComfyUI() as server:
        yield server


@pytest.fixture
async def backend(server: FakeComfyUI) -> AsyncIterator[ComfyUIBackend]:
    backend = ComfyUIBackend("gpu", server.url)
    await backend.open()
    yield backend
    await backend.close()


def wanted(frames: int = 1, saver: str = "SaveImage", attempt: int = 1, **changes: Any) -> RenderRequest:
    document = {
        "1": {"class_type": "EmptyImage", "inputs": {"width": 64, "height": 48, "batch_size": frames, "color": 7}},
        "3": {"class_type": saver, "inputs": {"images": ["1", 0], "filename_prefix": ""}},
    }
    media = Media.IMAGE if frames == 1 else Media.FRAMES
    plain = RenderRequest("", "", BackendKind.COMFYUI, document, (), media, "p/s01/sh010/still take 1", frames=frames)
    return replace(for_attempt(plain, "f" * 64, attempt, str(uuid.uuid4())), **changes)


async def forgotten(server: FakeComfyUI, backend: ComfyUIBackend, asked: RenderRequest) -> RenderRequest:
    await backend.submit(asked, {})
    await server.until_done(asked.prompt_id)
    await server.restart()
    assert (await backend.ask(asked.prompt_id)).stage is Stage.ABSENT
    return asked


@pytest.mark.parametrize("frames", [1, 12])
async def test_what_a_server_made_before_it_was_restarted_is_found_and_fetched(frames, server, backend, tmp_path) -> None:
    asked = await forgotten(server, backend, wanted(frames))
    found = await backend.find(asked)
    assert found.stage is Stage.SUCCEEDED
    assert len(await backend.collect(asked, found.outputs, tmp_path)) == frames


async def test_a_prompt_that_made_nothing_is_not_found(backend) -> None:
    assert (await backend.find(wanted())).stage is Stage.ABSENT


async def test_the_files_of_another_attempt_are_not_its_own(server, backend) -> None:
    await forgotten(server, backend, wanted(attempt=1))
    assert (await backend.find(wanted(attempt=2))).stage is Stage.ABSENT


async def test_a_batch_that_was_cut_short_is_not_adopted(server, backend) -> None:
    asked = await forgotten(server, backend, wanted(12))
    server.files.pop(max(server.files))
    assert (await backend.find(asked)).stage is Stage.ABSENT


async def test_a_batch_of_more_frames_than_were_asked_for_is_not_adopted(server, backend) -> None:
    asked = await forgotten(server, backend, wanted(12))
    assert (await backend.find(replace(asked, frames=11))).stage is Stage.ABSENT


async def test_a_picture_of_another_graph_is_not_adopted_whatever_its_name(server, backend) -> None:
    asked = await forgotten(server, backend, wanted())
    document = {**asked.document, "1": {**asked.document["1"], "inputs": {**asked.document["1"]["inputs"], "color": 8}}}
    assert (await backend.find(replace(asked, document=document))).stage is Stage.ABSENT


async def test_a_server_that_is_down_has_nothing_to_adopt(server, backend) -> None:
    asked = await forgotten(server, backend, wanted())
    await server.stop()
    assert (await backend.find(asked)).stage is Stage.UNREACHABLE


@pytest.mark.parametrize(
    ("why", "request_"),
    [
        ("the number of frames was left open", replace(wanted(), frames=0)),
        ("its saving node is not known", wanted(saver="SomebodysSaver")),
        ("it has two saving nodes", replace(wanted(), document={**wanted().document, "4": wanted().document["3"]})),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_nobody_can_tell_how_files_are_called_if(why, request_) -> None:
    assert not adoption.candidates(request_), why


def test_clips_are_looked_for_under_the_suffixes_of_their_node() -> None:
    asked = wanted(saver="VHS_VideoCombine")
    names = [files[0]["filename"] for files in adoption.candidates(asked)]
    assert names[0] == f"{Path(asked.prefix).name}_00001.mkv"
    assert all(files[0]["subfolder"] == "koma" for files in adoption.candidates(asked))


def test_a_picture_without_a_graph_is_known_by_its_name_and_one_with_a_broken_graph_by_nothing() -> None:
    assert adoption.is_of(b"no picture", wanted().document)
    text = b"prompt\0{"
    chunk = len(text).to_bytes(4, "big") + b"tEXt" + text + bytes(4)
    assert not adoption.is_of(b"\x89PNG\r\n\x1a\n" + chunk, wanted().document)
