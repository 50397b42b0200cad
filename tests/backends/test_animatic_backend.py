"""The animatic backend as a port: queue, cancel, restart, bad input, a process that dies."""

import asyncio
import contextlib
import gc
import sys
from dataclasses import replace

import pytest
from PIL import Image

from koma.backends.animatic.backend import AnimaticBackend
from koma.backends.local.backend import KEPT
from koma.core.media import InputFile, Media
from koma.core.request import FailureClass, RenderRequest, Stage, SubmitOutcome
from koma.core.words import BackendKind
from koma.ports import CollectError
from support.panels import PANEL, panel, reference

SMALL = {"width": 64, "height": 36}
ENDED = (Stage.SUCCEEDED, Stage.FAILED, Stage.ABSENT)


def request(prompt_id="p1", *changes, frames=1, **fields):
    fields = SMALL | {"phase": "still" if frames == 1 else "video", "frames": frames} | fields
    document = panel(("characters.0.reference", None), *changes, **fields)
    media = Media.IMAGE if frames == 1 else Media.FRAMES
    return RenderRequest(prompt_id, f"koma/{prompt_id}", BackendKind.ANIMATIC, document, (), media, f"{prompt_id} take 1", 24.0, frames)


def pictured(prompt_id="p1"):
    document = PANEL | SMALL
    given = InputFile("reference:sora", "c" * 64, "f" * 64, ".png")
    return replace(request(prompt_id), document=document, inputs=(given,))


@pytest.fixture
async def backend():
    made = AnimaticBackend()
    await made.open()
    yield made
    await made.close()


async def ended(backend, prompt_id, *stages):
    while (sighting := await backend.ask(prompt_id)).stage not in (stages or ENDED):
        await asyncio.sleep(0.005)
    return sighting


async def test_frames_come_back_lossless_numbered_and_in_order(backend, tmp_path):
    wanted = request(frames=11)
    assert (await backend.submit(wanted, {})).outcome is SubmitOutcome.ACCEPTED
    sighting = await ended(backend, "p1")
    files = await backend.collect(wanted, sighting.outputs, tmp_path / "new" / "folder")
    assert [file.name for file in files] == [f"{index:06d}.png" for index in range(11)]
    with Image.open(files[3]) as picture:
        assert (picture.format, picture.size, picture.mode) == ("PNG", (64, 36), "RGB")


async def test_prompts_are_drawn_in_the_order_in_which_they_came(backend):
    hints = backend.progress()
    for number in range(3):
        await backend.submit(request(f"p{number}"), {})
    finished = []
    async for hint in hints:
        finished += [hint.prompt_id] if hint.finished else []
        if len(finished) == 3:
            break
    assert finished == ["p0", "p1", "p2"]


async def test_the_same_prompt_id_is_queued_once(backend):
    hints = backend.progress()
    for _ in range(2):
        assert (await backend.submit(request(), {})).outcome is SubmitOutcome.ACCEPTED
    await backend.submit(request("last"), {})
    finished = []
    async for hint in hints:
        finished += [hint.prompt_id] if hint.finished else []
        if "last" in finished:
            break
    assert finished == ["p1", "last"]


async def test_a_cancelled_clip_stops_between_frames_and_the_next_one_is_drawn(backend):
    await backend.submit(request("long", frames=5000), {})
    await backend.submit(request("next"), {})
    await ended(backend, "long", Stage.RUNNING)
    await backend.cancel("long")
    cancelled, following = await ended(backend, "long"), await ended(backend, "next")
    assert cancelled.stage is Stage.FAILED
    assert cancelled.failure.kind is FailureClass.INTERRUPTED
    assert following.stage is Stage.SUCCEEDED


async def test_a_cancelled_prompt_that_waits_is_never_drawn(backend):
    await backend.submit(request("long", frames=5000), {})
    await backend.submit(request("waiting"), {})
    await backend.cancel("waiting")
    assert (await backend.ask("waiting")).failure.kind is FailureClass.INTERRUPTED
    await backend.cancel("long")
    await backend.submit(request("after"), {})
    assert (await ended(backend, "after")).stage is Stage.SUCCEEDED
    assert (await backend.ask("waiting")).stage is Stage.FAILED


async def test_after_a_restart_nothing_is_known(backend, tmp_path):
    await backend.submit(request(), {})
    before = await ended(backend, "p1")
    await backend.close()
    await backend.open()
    assert (await backend.ask("p1")).stage is Stage.ABSENT
    with pytest.raises(CollectError, match=r"render it again|missing"):
        await backend.collect(request(), before.outputs, tmp_path)


async def test_closing_in_the_middle_of_a_clip_leaves_nothing_behind(backend):
    await backend.submit(request(frames=5000), {})
    await ended(backend, "p1", Stage.RUNNING)
    scratch = backend._scratch
    await backend.close()
    assert not scratch.exists()
    assert (await backend.probe()).up is False


async def test_a_backend_that_is_not_open_takes_nothing():
    answer = await AnimaticBackend().submit(request(), {})
    assert answer.outcome is SubmitOutcome.BUSY
    assert answer.failure.kind is FailureClass.BACKEND_DOWN


BAD = {
    "a description of another kind": (request(), {"document": {"1": {"class_type": "SaveImage"}}}, FailureClass.VALIDATION, "format"),
    "a description with a mistake": (request("p1", ("framing", "huge")), {}, FailureClass.VALIDATION, "framing"),
    "a clip where a picture is asked for": (request(frames=5), {"media": Media.IMAGE}, FailureClass.VALIDATION, "phase"),
    "another number of frames": (request(frames=5), {"frames": 6}, FailureClass.VALIDATION, "frames"),
    "a reference that is no input": (pictured(), {"inputs": ()}, FailureClass.INPUT, "reference:sora"),
}


@pytest.mark.parametrize(("wanted", "changes", "kind", "named"), BAD.values(), ids=BAD)
async def test_what_can_never_be_drawn_is_refused(backend, wanted, changes, kind, named):
    answer = await backend.submit(replace(wanted, **changes), {})
    assert answer.outcome is SubmitOutcome.REJECTED
    assert answer.failure.kind is kind
    assert named in answer.failure.message
    assert (await backend.ask("p1")).stage is Stage.ABSENT


async def test_a_reference_that_is_not_there_is_refused(backend, tmp_path):
    answer = await backend.submit(pictured(), {"reference:sora": tmp_path / "gone.png"})
    assert (answer.outcome, answer.failure.kind) == (SubmitOutcome.REJECTED, FailureClass.INPUT)


@pytest.mark.parametrize("content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n" + b"\0" * 40], ids=["empty", "text", "a torn PNG"])
async def test_a_reference_that_is_no_picture_fails_as_input_and_the_next_prompt_is_drawn(backend, tmp_path, content):
    file = tmp_path / "torn.png"
    file.write_bytes(content)
    await backend.submit(pictured(), {"reference:sora": file})
    await backend.submit(request("next"), {})
    sighting = await ended(backend, "p1")
    assert sighting.stage is Stage.FAILED
    assert sighting.failure.kind is FailureClass.INPUT
    assert "torn.png" in sighting.failure.message
    assert (await ended(backend, "next")).stage is Stage.SUCCEEDED


async def test_a_reference_is_drawn(backend, tmp_path):
    drawn = {}
    for colour in ("teal", "crimson"):
        file = tmp_path / f"{colour}.png"
        reference(colour).save(file)
        wanted = pictured(colour)
        await backend.submit(wanted, {"reference:sora": file})
        sighting = await ended(backend, colour)
        (picture,) = await backend.collect(wanted, sighting.outputs, tmp_path / colour)
        drawn[colour] = picture.read_bytes()
    assert drawn["teal"] != drawn["crimson"]


async def test_a_drawing_process_that_dies_fails_its_prompt_and_is_started_anew(backend):
    await backend.submit(request("unlucky", frames=5000), {})
    hints = backend.progress()
    async for hint in hints:
        if hint.fraction:  # the process has answered, so it runs
            break
    backend._worker._process.kill()
    lost = await ended(backend, "unlucky")
    await backend.submit(request("next"), {})
    assert lost.failure.kind is FailureClass.INTERNAL
    assert "ended with code" in lost.failure.message
    assert (await ended(backend, "next")).stage is Stage.SUCCEEDED


async def test_collecting_a_frame_that_was_torn_is_a_collect_error(backend, tmp_path):
    wanted = request(frames=3)
    await backend.submit(wanted, {})
    sighting = await ended(backend, "p1")
    torn = backend._scratch / "p1" / "000001.png"
    torn.write_bytes(torn.read_bytes()[:60])
    with pytest.raises(CollectError, match=r"000001\.png"):
        await backend.collect(wanted, sighting.outputs, tmp_path)


async def test_old_prompts_are_forgotten_with_their_frames(backend):
    for number in range(KEPT + 2):
        await backend.submit(request(f"p{number}"), {})
    await ended(backend, f"p{KEPT + 1}")
    assert [(await backend.ask(f"p{number}")).stage for number in (0, 1, 2)] == [Stage.ABSENT, Stage.ABSENT, Stage.SUCCEEDED]
    assert not (backend._scratch / "p0").exists()


async def test_listeners_that_nobody_holds_are_forgotten_and_the_others_end_with_the_backend(backend):
    kept = backend.progress()
    backend.progress()
    gc.collect()
    assert len(backend._hints._listeners) == 1
    await backend.close()
    with contextlib.suppress(StopAsyncIteration):
        await anext(kept)
        pytest.fail("a closed backend has no more hints")


async def test_a_drawing_process_whose_parent_is_gone_removes_the_frames_and_ends(tmp_path):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    (scratch / "000000.png").write_bytes(b"frame")
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "koma.backends.animatic.worker", str(scratch), stdin=pipe, stdout=pipe
    )
    out, _ = await process.communicate(b"")
    assert (process.returncode, out, scratch.exists()) == (0, b"", False)
