"""Segments of one clip: each draws its part of it, goes on from the last frame of the one before, and joined they are the whole clip."""

import asyncio

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from koma.backends.animatic.backend import AnimaticBackend
from koma.backends.animatic.panel import read_panel
from koma.backends.animatic.stage import Stage
from koma.backends.animatic.worker import draw
from koma.backends.cpu.backend import CpuBackend
from koma.backends.local.fields import DocumentError
from koma.backends.local.worker import RefusedError
from koma.core.media import Media, Role
from koma.core.request import FailureClass, RenderRequest, SubmitOutcome
from koma.core.request import Stage as At
from koma.core.words import BackendKind
from koma.pixels.clip import open_clip
from koma.pixels.picture import read_picture
from koma.publish.media import MediaBuilder
from koma.publish.objects import FileObjects
from support.panels import PANEL, panel, reference
from support.pictures import flat, save

REFERENCES = {"reference:sora": reference()}
OF = 24
LAST = "koma-input:last"


def clip(*changes, **fields):
    """A moving clip with all that changes in time: camera, walk, weather, words, timecode."""
    moving = (("camera", {"move": "handheld", "direction": "left", "speed": 1.0}), ("characters.0.pose", "walking"))
    return panel(*moving, *changes, **{"phase": "video", "frames": OF, "weather": "rain", "width": 160, "height": 90, **fields})


def part(start, frames, of=OF, **fields):
    return clip(frames=frames, span={"start": start, "of": of}, **fields)


def alone():
    """The figure without a reference picture."""
    return [{**PANEL["characters"][0], "reference": None}]


@pytest.fixture(scope="module")
def whole():
    stages = {phase: Stage(read_panel(clip(phase=phase)), REFERENCES) for phase in ("video", "loop")}
    return {phase: [stage.draw(index).tobytes() for index in range(OF)] for phase, stage in stages.items()}


@pytest.mark.parametrize("phase", ["video", "loop"])
@settings(max_examples=6)
@given(start=st.integers(0, OF - 1), data=st.data())
def test_a_part_of_a_clip_has_the_frames_of_the_whole_at_its_place(whole, phase, start, data):
    frames = data.draw(st.integers(1, OF - start))
    stage = Stage(read_panel(part(start, frames, phase=phase)), REFERENCES)
    index = data.draw(st.integers(0, frames - 1))
    assert stage.draw(index).tobytes() == whole[phase][start + index]


def test_beyond_the_end_of_a_clip_its_last_frame_stands_and_a_loop_begins_again(whole):
    beyond = {phase: Stage(read_panel(part(OF - 2, 5, phase=phase)), REFERENCES) for phase in ("video", "loop")}
    assert [beyond["video"].draw(index).tobytes() for index in range(5)] == [whole["video"][n] for n in (22, 23, 23, 23, 23)]
    assert [beyond["loop"].draw(index).tobytes() for index in range(5)] == [whole["loop"][n] for n in (22, 23, 0, 1, 2)]


def test_the_first_frame_of_a_run_that_follows_is_the_picture_that_it_follows(tmp_path):
    picture = save(flat((10, 200, 30), 160, 90), tmp_path / "last.png")
    document = part(8, 4, follows=LAST, characters=alone())
    files = [name for step in draw(document, {LAST: picture}, tmp_path) for name in step.files]
    assert files == [f"{index:06d}.png" for index in range(4)]
    assert np.array_equal(read_picture(tmp_path / files[0]), read_picture(picture))
    assert not np.array_equal(read_picture(tmp_path / files[1]), read_picture(picture))


def test_a_picture_of_another_size_can_not_be_followed(tmp_path):
    picture = save(flat(0, 80, 45), tmp_path / "last.png")
    with pytest.raises(RefusedError, match="follows: 'koma-input:last' is 80 x 45, the frames of this panel are 160 x 90") as refused:
        list(draw(part(8, 4, follows=LAST, characters=alone()), {LAST: picture}, tmp_path))
    assert refused.value.kind is FailureClass.INPUT


WRONG = {
    "a span that is a number": ({"span": 24}, "span: expected an object"),
    "a span before the beginning": ({"span": {"start": -1, "of": 24}}, "span.start: expected a whole number from 0"),
    "a span of nothing": ({"span": {"start": 0, "of": 0}}, "span.of: expected a whole number from 1"),
    "a span without an end": ({"span": {"start": 0}}, "span.of: expected a whole number from 1"),
    "a picture to follow that is a number": ({"follows": 3}, "follows: expected text"),
}


@pytest.mark.parametrize(("fields", "words"), WRONG.values(), ids=WRONG)
def test_a_mistake_in_a_part_is_named_with_its_field(fields, words):
    with pytest.raises(DocumentError, match=words):
        read_panel(clip(**fields))


# Through the ports: drawn, packed, followed, joined


async def made(backend, request, inputs, into):
    answer = await backend.submit(request, inputs)
    assert answer.outcome is SubmitOutcome.ACCEPTED, answer
    while (sighting := await backend.ask(request.prompt_id)).stage not in (At.SUCCEEDED, At.FAILED):
        await asyncio.sleep(0.01)
    assert sighting.stage is At.SUCCEEDED, sighting.failure
    return await backend.collect(request, sighting.outputs, into)


def wanted(name, kind, document, frames):
    return RenderRequest(name, f"koma/{name}", kind, document, (), Media.FRAMES, f"{name} take 1", 24.0, frames)


async def test_segments_that_overlap_by_one_frame_join_to_the_whole_clip_bit_for_bit(tmp_path):
    objects = FileObjects(tmp_path / "objects")
    media = MediaBuilder(objects)
    animatic, cpu = AnimaticBackend(), CpuBackend()
    await animatic.open()
    await cpu.open()
    try:
        runs = {"seg01": (0, 9), "seg02": (8, 9), "seg03": (16, 9)}  # the last one makes a frame too many, which the join leaves out
        kept, inputs = {}, {}
        for name, (start, frames) in runs.items():
            more = {"follows": LAST} if start else {}
            request = wanted(name, BackendKind.ANIMATIC, part(start, frames, characters=alone(), **more), frames)
            artifacts = media.build(await made(animatic, request, inputs, tmp_path / name), request)
            by_role = {one.role: objects.path(one.file_digest, one.suffix) for one in artifacts}
            kept[f"koma-input:{name}"], inputs = by_role[Role.OBJECT], {LAST: by_role[Role.LAST]}
        parts = [{"input": name, "drop": int(number > 0)} for number, name in enumerate(kept)]
        document = {"do": "join", "parts": parts, "frames": OF, "fps": 24.0, "source_fps": 24.0}
        (joined,) = await made(cpu, wanted("join", BackendKind.CPU, document, OF), kept, tmp_path / "joined")
    finally:
        await animatic.close()
        await cpu.close()
    stage = Stage(read_panel(clip(characters=alone())), {})
    with open_clip(joined) as seen:
        frames = [pixels.tobytes() for pixels in seen.frames]
    assert frames == [stage.draw(index).tobytes() for index in range(OF)]
