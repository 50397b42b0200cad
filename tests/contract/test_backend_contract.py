"""What every backend promises, whatever it draws with."""

import asyncio
import contextlib
import tempfile
import uuid
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from koma.backends.animatic.backend import AnimaticBackend
from koma.backends.comfyui.backend import ComfyUIBackend
from koma.backends.cpu.backend import CpuBackend
from koma.core.media import InputFile, Media
from koma.core.request import FailureClass, Progress, RenderRequest, Sighting, Stage, SubmitOutcome
from koma.pixels.clip import count_frames, open_clip
from koma.pixels.picture import read_picture
from koma.pixels.whole import CLIPS, container_of
from koma.ports import Backend, CollectError
from support.fake_comfyui import FakeComfyUI
from support.pictures import drawing, save, save_clip

PREFIX = "koma/contract/take1"


@dataclass
class Stand:
    """A backend under test, with documents that it understands."""

    backend: Backend

    def document(self, frames: int, width: int, height: int, reference: str = "") -> dict[str, Any]:
        raise NotImplementedError

    def nonsense(self) -> dict[str, Any]:
        """A document with one mistake, which `mistake` names."""
        raise NotImplementedError

    mistake = ""

    @property
    def inputs(self) -> Mapping[str, Path]:
        """Files that every document of this backend may read."""
        return {}

    def hold(self) -> None:
        """Keep prompts from ending, where a test can do that."""

    async def listening(self) -> None:
        """Wait until hints can arrive."""

    def request(self, frames: int = 1, document: Mapping[str, Any] | None = None) -> RenderRequest:
        return RenderRequest(
            prompt_id=str(uuid.uuid4()),
            prefix=PREFIX,
            kind=self.backend.kind,
            document=self.document(frames, 96, 64) if document is None else document,
            inputs=(),
            media=Media.IMAGE if frames == 1 else Media.FRAMES,
            label="contract still take 1",
            fps=8.0,
            frames=frames,
        )

    async def accepted(self, frames: int = 1) -> RenderRequest:
        request = self.request(frames)
        answer = await self.backend.submit(request, self.inputs)
        assert answer.outcome is SubmitOutcome.ACCEPTED, answer
        return request

    async def until(self, prompt_id: str, *stages: Stage) -> Sighting:
        while (sighting := await self.backend.ask(prompt_id)).stage not in stages:
            await asyncio.sleep(0.01)
        return sighting

    async def rendered(self, frames: int = 1) -> tuple[RenderRequest, Sighting]:
        request = await self.accepted(frames)
        return request, await self.until(request.prompt_id, Stage.SUCCEEDED, Stage.FAILED)


@dataclass
class ComfyUIStand(Stand):
    server: FakeComfyUI
    mistake = "node 2 (ImageAddNoise)"

    def document(self, frames: int, width: int, height: int, reference: str = "") -> dict[str, Any]:
        image = {"width": width, "height": height, "batch_size": frames, "color": 0}
        loaded = {"class_type": "LoadImage", "inputs": {"image": reference}}
        return {
            "1": loaded if reference else {"class_type": "EmptyImage", "inputs": image},
            "2": {"class_type": "ImageAddNoise", "inputs": {"image": ["1", 0], "seed": 7, "strength": 0.5}},
            "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": PREFIX}},
        }

    def nonsense(self) -> dict[str, Any]:
        document = self.document(1, 96, 64)
        document["2"]["inputs"]["strength"] = "loud"
        return document

    def hold(self) -> None:
        self.server.hold()

    async def listening(self) -> None:
        await self.server.connected.wait()


@contextlib.asynccontextmanager
async def comfyui() -> AsyncIterator[Stand]:
    async with FakeComfyUI() as server:
        yield ComfyUIStand(ComfyUIBackend("contract", server.url), server)


@dataclass
class AnimaticStand(Stand):
    mistake = "framing"

    def document(self, frames: int, width: int, height: int, reference: str = "") -> dict[str, Any]:
        named = {"id": "contract", "title": "Contract"}
        aki = {"id": "aki", "name": "Aki", "palette": {"hair": "#203040"}, "position": "center", "reference": reference or None}
        return {
            "format": 1,
            "phase": "still" if frames == 1 else "video",
            "project": named,
            "scene": named,
            "shot": "sh010",
            "width": width,
            "height": height,
            "fps": 8.0,
            "frames": frames,
            "seed": 7,
            "framing": "wide",
            "angle": "eye",
            "camera": {"move": "pan", "direction": "left"},
            "action": "waits",
            "characters": [aki],
        }

    def nonsense(self) -> dict[str, Any]:
        return {**self.document(1, 96, 64), "framing": "sideways"}


@contextlib.asynccontextmanager
async def animatic() -> AsyncIterator[Stand]:
    yield AnimaticStand(AnimaticBackend())


@dataclass
class CpuStand(Stand):
    """Matches the colours of a picture, and joins one clip with itself as often as it takes."""

    folder: Path
    mistake = "strength"
    longer = 1

    @property
    def inputs(self) -> Mapping[str, Path]:
        return {"koma-input:image": self.folder / "image.png", "koma-input:clip": self.folder / "clip.mkv"}

    def document(self, frames: int, width: int, height: int, reference: str = "") -> dict[str, Any]:
        if frames == 1:
            name = reference or "koma-input:image"
            return {"do": "colour-match", "input": name, "palette": {"hair": "#283068"}, "strength": 0.5}
        parts = [{"input": "koma-input:clip", "drop": 0}] * -(-frames // len(CLIP))
        return {"do": "join", "parts": parts, "frames": frames, "fps": 8.0, "source_fps": 8.0}

    def nonsense(self) -> dict[str, Any]:
        return {**self.document(1, 96, 64), "strength": "loud"}

    def hold(self) -> None:
        self.longer = 100

    def request(self, frames: int = 1, document: Mapping[str, Any] | None = None) -> RenderRequest:
        return super().request(frames * self.longer, document)


CLIP = [drawing(96, 64, shift) for shift in range(50)]


@contextlib.asynccontextmanager
async def cpu() -> AsyncIterator[Stand]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        save(CLIP[0], folder / "image.png")
        save_clip(folder / "clip.mkv", CLIP, rate=8)
        yield CpuStand(CpuBackend(), folder)


@pytest.fixture(params=[comfyui, animatic, cpu], ids=["comfyui", "animatic", "cpu"])
async def stand(request: pytest.FixtureRequest) -> AsyncIterator[Stand]:
    async with request.param() as stand:
        await stand.backend.open()
        yield stand
        await stand.backend.close()


@pytest.mark.parametrize("frames", [1, 5])
async def test_what_was_submitted_is_found_rendered_and_collected_in_frame_order(stand: Stand, tmp_path: Path, frames: int) -> None:
    request, sighting = await stand.rendered(frames)
    assert sighting.stage is Stage.SUCCEEDED, sighting.failure
    files = await stand.backend.collect(request, sighting.outputs, tmp_path / "files")
    assert sum(map(count_frames, files)) == frames
    assert list(files) == sorted(files)
    assert sorted(file.name for file in (tmp_path / "files").iterdir()) == [file.name for file in files]
    assert {_size(file) for file in files} == {(96, 64)}


def _size(file: Path) -> tuple[int, int]:
    if container_of(file) in CLIPS:
        with open_clip(file) as clip:
            return clip.width, clip.height
    height, width, _ = read_picture(file).shape
    return width, height


async def test_the_same_document_gives_the_same_pixels(stand: Stand, tmp_path: Path) -> None:
    drawn = []
    for number in range(2):
        request, sighting = await stand.rendered()
        (file,) = await stand.backend.collect(request, sighting.outputs, tmp_path / str(number))
        with Image.open(file) as image:
            drawn.append(image.convert("RGB").tobytes())
    assert drawn[0] == drawn[1]
    assert len(set(drawn[0])) > 1


async def test_a_prompt_that_nobody_submitted_is_absent(stand: Stand) -> None:
    assert (await stand.backend.ask(str(uuid.uuid4()))).stage is Stage.ABSENT


async def test_a_finished_prompt_may_be_asked_and_collected_again(stand: Stand, tmp_path: Path) -> None:
    request, first = await stand.rendered()
    again = await stand.backend.ask(request.prompt_id)
    assert again == first
    collected = [await stand.backend.collect(request, again.outputs, tmp_path) for _ in range(2)]
    assert collected[0] == collected[1]


async def test_a_render_says_how_long_it_took(stand: Stand) -> None:
    _, sighting = await stand.rendered()
    assert sighting.render_seconds is not None
    assert sighting.render_seconds >= 0


async def test_a_document_with_a_mistake_is_refused_or_fails_and_the_message_names_the_place(stand: Stand) -> None:
    request = stand.request(document=stand.nonsense())
    answer = await stand.backend.submit(request, {})
    failure = answer.failure
    if answer.outcome is SubmitOutcome.ACCEPTED:
        failure = (await stand.until(request.prompt_id, Stage.SUCCEEDED, Stage.FAILED)).failure
    assert failure is not None
    assert failure.kind is FailureClass.VALIDATION
    assert stand.mistake in failure.message


@pytest.mark.parametrize("document", [{}, {"1": "text"}, {"1": {"class_type": "SaveImage"}}], ids=str)
async def test_a_document_of_another_shape_never_raises_and_never_succeeds(stand: Stand, document: dict[str, Any]) -> None:
    request = stand.request(document=document)
    answer = await stand.backend.submit(request, {})
    if answer.outcome is SubmitOutcome.ACCEPTED:
        assert (await stand.until(request.prompt_id, Stage.SUCCEEDED, Stage.FAILED)).stage is Stage.FAILED
    else:
        assert answer.outcome is SubmitOutcome.REJECTED
        assert answer.failure is not None


async def test_an_input_whose_file_is_missing_is_refused_or_fails_as_input(stand: Stand, tmp_path: Path) -> None:
    name = "koma-input:image"
    missing = InputFile(name, "c" * 64, "f" * 64, ".png")
    request = replace(stand.request(document=stand.document(1, 96, 64, name)), inputs=(missing,))
    answer = await stand.backend.submit(request, {name: tmp_path / "gone.png"})
    failure = answer.failure or (await stand.until(request.prompt_id, Stage.SUCCEEDED, Stage.FAILED)).failure
    assert failure is not None
    assert failure.kind is FailureClass.INPUT


async def test_a_waiting_prompt_that_is_cancelled_never_succeeds_and_the_one_before_it_is_untouched(stand: Stand) -> None:
    stand.hold()
    first, second = await stand.accepted(40), await stand.accepted(40)
    await stand.backend.cancel(second.prompt_id)
    sighting = await stand.until(second.prompt_id, Stage.ABSENT, Stage.FAILED, Stage.SUCCEEDED)
    assert sighting.stage in {Stage.ABSENT, Stage.FAILED}
    assert (await stand.backend.ask(first.prompt_id)).stage in {Stage.QUEUED, Stage.RUNNING, Stage.SUCCEEDED}


async def test_a_running_prompt_that_is_cancelled_ends_as_interrupted_or_absent(stand: Stand) -> None:
    stand.hold()
    request = await stand.accepted(400)
    await stand.until(request.prompt_id, Stage.RUNNING)
    await stand.backend.cancel(request.prompt_id)
    sighting = await stand.until(request.prompt_id, Stage.ABSENT, Stage.FAILED, Stage.SUCCEEDED)
    assert sighting.stage in {Stage.ABSENT, Stage.FAILED}
    if sighting.failure is not None:
        assert sighting.failure.kind is FailureClass.INTERRUPTED


async def test_a_waiting_prompt_that_is_withdrawn_is_absent_and_the_one_before_it_is_untouched(stand: Stand) -> None:
    stand.hold()
    first, second = await stand.accepted(40), await stand.accepted(40)
    await stand.until(first.prompt_id, Stage.RUNNING)
    await stand.backend.withdraw(second.prompt_id)
    assert (await stand.backend.ask(second.prompt_id)).stage is Stage.ABSENT
    assert (await stand.backend.ask(first.prompt_id)).stage in {Stage.RUNNING, Stage.SUCCEEDED}


async def test_a_running_prompt_is_not_withdrawn_and_neither_is_one_that_is_done(stand: Stand) -> None:
    request = await stand.accepted(3)
    await stand.until(request.prompt_id, Stage.RUNNING, Stage.SUCCEEDED)
    await stand.backend.withdraw(request.prompt_id)
    await stand.backend.withdraw(str(uuid.uuid4()))
    done = await stand.until(request.prompt_id, Stage.ABSENT, Stage.FAILED, Stage.SUCCEEDED)
    await stand.backend.withdraw(request.prompt_id)
    assert done.stage is Stage.SUCCEEDED
    assert await stand.backend.ask(request.prompt_id) == done


async def test_cancelling_what_is_unknown_or_done_changes_nothing(stand: Stand) -> None:
    request, before = await stand.rendered()
    await stand.backend.cancel(str(uuid.uuid4()))
    await stand.backend.cancel(request.prompt_id)
    assert await stand.backend.ask(request.prompt_id) == before


async def test_hints_end_with_one_that_says_finished(stand: Stand) -> None:
    hints = stand.backend.progress()
    await stand.listening()
    request = await stand.accepted(3)
    seen: list[Progress] = []
    async for hint in hints:
        seen.append(hint)
        if hint.finished:
            break
    assert {hint.prompt_id for hint in seen} == {request.prompt_id}
    assert all(hint.fraction is None or 0 <= hint.fraction <= 1 for hint in seen)
    assert [hint.finished for hint in seen] == [False] * (len(seen) - 1) + [True]


async def test_a_probe_of_a_backend_that_is_up_says_so_with_its_version(stand: Stand) -> None:
    status = await stand.backend.probe()
    assert status.up
    assert status.version
    assert status.others_waiting == 0


async def test_collecting_outputs_that_are_not_there_is_a_collect_error(stand: Stand, tmp_path: Path) -> None:
    with pytest.raises(CollectError):
        await stand.backend.collect(stand.request(), {}, tmp_path)


async def test_letting_go_of_memory_never_raises_and_the_next_render_works(stand: Stand) -> None:
    await stand.backend.free()
    _, sighting = await stand.rendered()
    assert sighting.stage is Stage.SUCCEEDED
