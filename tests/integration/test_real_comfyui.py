"""The ComfyUI backend against a real server: what the fake claims, checked where it counts.

Needs no model: the graphs make an empty image, add seeded noise and save it.
"""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from koma.backends.comfyui.backend import ComfyUIBackend
from koma.core.media import InputFile, Media
from koma.core.request import FailureClass, Progress, RenderRequest, Sighting, Stage, SubmitOutcome
from koma.core.words import BackendKind
from support.needs import real_comfyui


@pytest.fixture
async def backend() -> AsyncIterator[ComfyUIBackend]:
    backend = ComfyUIBackend("real", real_comfyui())
    await backend.open()
    yield backend
    await backend.close()


@pytest.fixture
def prefix() -> str:
    return f"koma/test/{uuid.uuid4().hex}/take1"


def noise(prefix: str, *, frames: int = 1, seed: int = 7, size: int = 64) -> dict[str, Any]:
    return {
        "1": {"class_type": "EmptyImage", "inputs": {"width": size, "height": size, "batch_size": frames, "color": 0x808080}},
        "2": {"class_type": "ImageAddNoise", "inputs": {"image": ["1", 0], "seed": seed, "strength": 0.5}},
        "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": prefix}},
    }


def slow(prefix: str) -> dict[str, Any]:
    """Blurs a large batch over and over; interruptible between nodes."""
    graph = noise(prefix, frames=8, size=512, seed=time.time_ns() % 2**32)
    for number in range(10, 50):
        source = "2" if number == 10 else str(number - 1)
        graph[str(number)] = {"class_type": "ImageBlur", "inputs": {"image": [source, 0], "blur_radius": 31, "sigma": 5.0}}
    graph["3"]["inputs"]["images"] = ["49", 0]
    return graph


def request(document: Mapping[str, Any], prefix: str, frames: int = 1) -> RenderRequest:
    media = Media.IMAGE if frames == 1 else Media.FRAMES
    return RenderRequest(str(uuid.uuid4()), prefix, BackendKind.COMFYUI, document, (), media, "real/s01/sh010/still take 1", 8.0, frames)


async def accept(backend: ComfyUIBackend, asked: RenderRequest, inputs: Mapping[str, Path] | None = None) -> None:
    answer = await backend.submit(asked, inputs or {})
    assert answer.outcome is SubmitOutcome.ACCEPTED, answer


async def until(backend: ComfyUIBackend, prompt_id: str, *stages: Stage) -> Sighting:
    while (sighting := await backend.ask(prompt_id)).stage not in stages:
        await asyncio.sleep(0.05)
    return sighting


async def render(backend: ComfyUIBackend, asked: RenderRequest, into: Path, inputs: Mapping[str, Path] | None = None) -> list[np.ndarray]:
    await accept(backend, asked, inputs)
    sighting = await until(backend, asked.prompt_id, Stage.SUCCEEDED, Stage.FAILED)
    assert sighting.failure is None
    assert sighting.render_seconds is not None
    files = await backend.collect(asked, sighting.outputs, into)
    return [np.asarray(Image.open(file).convert("RGB")) for file in files]


async def test_a_picture_is_rendered_and_the_same_seed_gives_the_same_pixels(backend: ComfyUIBackend, prefix: str, tmp_path: Path) -> None:
    (first,) = await render(backend, request(noise(prefix), prefix), tmp_path / "1")
    (other,) = await render(backend, request(noise(prefix, seed=8), prefix), tmp_path / "2")
    (again,) = await render(backend, request(noise(prefix), prefix), tmp_path / "3")
    assert first.shape == (64, 64, 3)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


async def test_a_batch_comes_back_in_frame_order(backend: ComfyUIBackend, prefix: str, tmp_path: Path) -> None:
    frames = await render(backend, request(noise(prefix, frames=12), prefix, 12), tmp_path)
    graph = noise(f"{prefix}-one", frames=12)
    graph["4"] = {"class_type": "ImageFromBatch", "inputs": {"image": ["2", 0], "batch_index": 10, "length": 1}}
    graph["3"]["inputs"]["images"] = ["4", 0]
    (eleventh,) = await render(backend, request(graph, f"{prefix}-one"), tmp_path / "one")
    assert len(frames) == 12
    assert np.array_equal(frames[10], eleventh)


async def test_an_input_file_travels_to_the_server_and_back(backend: ComfyUIBackend, prefix: str, tmp_path: Path) -> None:
    picture = np.random.default_rng(int(uuid.uuid4())).integers(0, 256, (40, 56, 3), dtype=np.uint8)
    Image.fromarray(picture).save(tmp_path / "reference.png")
    graph = noise(prefix)
    graph["1"] = {"class_type": "LoadImage", "inputs": {"image": "koma-input:image"}}
    graph["3"]["inputs"]["images"] = ["1", 0]
    item = InputFile("koma-input:image", "0" * 64, uuid.uuid4().hex, ".png")
    asked = replace(request(graph, prefix), inputs=(item,))
    (back,) = await render(backend, asked, tmp_path / "out", {item.name: tmp_path / "reference.png"})
    assert np.array_equal(back, picture)


def broken(prefix: str, node: str, **inputs: Any) -> dict[str, Any]:
    graph = noise(prefix)
    graph[node]["inputs"].update(inputs)
    return graph


def with_node(prefix: str, class_type: str, **inputs: Any) -> dict[str, Any]:
    return {
        "9": {"class_type": class_type, "inputs": inputs},
        "3": {"class_type": "SaveImage", "inputs": {"images": ["9", 0], "filename_prefix": prefix}},
    }


def with_checkpoint(prefix: str) -> dict[str, Any]:
    graph = with_node(prefix, "CheckpointLoaderSimple", ckpt_name="nowhere.safetensors")
    graph["8"] = {"class_type": "EmptyLatentImage", "inputs": {"width": 64, "height": 64, "batch_size": 1}}
    graph["7"] = {"class_type": "VAEDecode", "inputs": {"samples": ["8", 0], "vae": ["9", 2]}}
    graph["3"]["inputs"]["images"] = ["7", 0]
    return graph


@pytest.mark.parametrize(
    ("graph", "kind", "words"),
    [
        pytest.param(broken("p", "2", seed=-1), FailureClass.VALIDATION, "node 2 (ImageAddNoise), input seed", id="a value out of range"),
        pytest.param(broken("p", "2", strength="loud"), FailureClass.VALIDATION, "input strength", id="a value of another type"),
        pytest.param(broken("p", "3", images=["99", 0]), FailureClass.VALIDATION, "node", id="a link to nowhere"),
        pytest.param(with_node("p", "NodeOfNoPack"), FailureClass.MISSING_NODE, "NodeOfNoPack", id="a node of a missing pack"),
        pytest.param(with_node("p", "LoadImage", image="gone.png"), FailureClass.INPUT, "gone.png", id="a missing input file"),
        pytest.param(with_checkpoint("p"), FailureClass.MISSING_MODEL, "models/checkpoints", id="a missing model"),
    ],
)
async def test_a_graph_that_can_never_work_is_refused(
    backend: ComfyUIBackend, graph: dict[str, Any], kind: FailureClass, words: str
) -> None:
    asked = request(graph, "p")
    answer = await backend.submit(asked, {})
    assert answer.outcome is SubmitOutcome.REJECTED, answer
    assert answer.failure is not None
    assert answer.failure.kind is kind
    assert words in answer.failure.message
    assert (await backend.ask(asked.prompt_id)).stage is Stage.ABSENT


async def test_a_partly_invalid_graph_is_refused_although_the_server_accepts_it(backend: ComfyUIBackend, prefix: str) -> None:
    graph = noise(prefix)
    graph["4"] = {"class_type": "LoadImage", "inputs": {"image": "gone.png"}}
    graph["5"] = {"class_type": "SaveImage", "inputs": {"images": ["4", 0], "filename_prefix": prefix}}
    answer = await backend.submit(request(graph, prefix), {})
    assert answer.outcome is SubmitOutcome.REJECTED
    assert answer.failure is not None
    assert answer.failure.kind is FailureClass.INPUT


async def test_a_graph_that_saves_nothing_has_no_output(backend: ComfyUIBackend, prefix: str) -> None:
    graph = noise(prefix)
    graph["3"] = {"class_type": "PreviewImage", "inputs": {"images": ["2", 0]}}
    asked = request(graph, prefix)
    await accept(backend, asked)
    sighting = await until(backend, asked.prompt_id, Stage.SUCCEEDED, Stage.FAILED)
    assert sighting.failure is not None
    assert sighting.failure.kind is FailureClass.NO_OUTPUT


async def test_a_node_that_raises_fails_with_its_name_and_traceback(backend: ComfyUIBackend, prefix: str, tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"no picture")
    graph = noise(prefix)
    graph["1"] = {"class_type": "LoadImage", "inputs": {"image": "koma-input:image"}}
    item = InputFile("koma-input:image", "0" * 64, uuid.uuid4().hex, ".png")
    asked = replace(request(graph, prefix), inputs=(item,))
    await accept(backend, asked, {item.name: tmp_path / "broken.png"})
    sighting = await until(backend, asked.prompt_id, Stage.SUCCEEDED, Stage.FAILED)
    assert sighting.failure is not None
    assert sighting.failure.kind is FailureClass.NODE
    assert "node 1 (LoadImage)" in sighting.failure.message
    assert "cannot identify image file" in sighting.failure.message
    assert "Traceback" in sighting.failure.excerpt or "File" in sighting.failure.excerpt


async def test_a_waiting_prompt_is_deleted_and_a_running_one_interrupted(backend: ComfyUIBackend, prefix: str) -> None:
    running, waiting = request(slow(prefix), prefix), request(noise(prefix), prefix)
    await accept(backend, running)
    await accept(backend, waiting)
    await until(backend, running.prompt_id, Stage.RUNNING)
    assert (await backend.ask(waiting.prompt_id)).stage is Stage.QUEUED
    await backend.cancel(waiting.prompt_id)
    assert (await backend.ask(waiting.prompt_id)).stage is Stage.ABSENT
    await backend.cancel(running.prompt_id)
    sighting = await until(backend, running.prompt_id, Stage.FAILED, Stage.SUCCEEDED, Stage.ABSENT)
    assert sighting.failure is not None
    assert sighting.failure.kind is FailureClass.INTERRUPTED


async def test_hints_grow_and_end_with_finished(backend: ComfyUIBackend, prefix: str) -> None:
    hints = backend.progress()
    warm_up = request(noise(f"{prefix}-warm"), prefix)
    await accept(backend, warm_up)
    await until(backend, warm_up.prompt_id, Stage.SUCCEEDED)  # by now the WebSocket stands
    asked = request(noise(prefix, seed=time.time_ns() % 2**32), prefix)
    await accept(backend, asked)
    seen: list[Progress] = []
    async for hint in hints:
        seen += [hint] if hint.prompt_id == asked.prompt_id else []
        if hint.prompt_id == asked.prompt_id and hint.note == "ended":
            break
    fractions = [hint.fraction for hint in seen if hint.fraction is not None]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert [hint.note for hint in seen if hint.finished] == ["done", "ended"]
    assert (await backend.ask(asked.prompt_id)).stage is Stage.SUCCEEDED


async def test_a_probe_and_the_signatures_tell_what_the_server_is(backend: ComfyUIBackend) -> None:
    status = await backend.probe()
    assert status.up
    assert set(status.versions) == {"comfyui", "python", "pytorch"}
    signatures = await backend.signatures()
    assert signatures is not None
    assert signatures["EmptyImage"]["required"]["width"]["type"] == "INT"
    assert signatures["SaveImage"]["output_node"]
    assert signatures["KSampler"]["required"]["sampler_name"]["type"] == "COMBO"
    assert "euler" in signatures["KSampler"]["required"]["sampler_name"]["choices"]
    assert signatures["SaveVideo"]["required"]["format"]["choices"]
