"""Joining and colour matching: exact to the frame, alike for every frame, and clear about what does not fit."""

import asyncio
from fractions import Fraction
from itertools import accumulate

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from koma.backends.cpu.backend import CpuBackend
from koma.backends.cpu.document import read_task
from koma.backends.cpu.match import Histogram, matched, table_of
from koma.backends.cpu.retiming import TooShortError, nearest, retimed
from koma.backends.cpu.worker import carry_out
from koma.backends.local.fields import DocumentError
from koma.backends.local.worker import RefusedError
from koma.core.media import Media
from koma.core.request import FailureClass, RenderRequest, Stage, SubmitOutcome
from koma.core.words import BackendKind
from koma.pixels.clip import count_frames, open_clip
from koma.pixels.colour import from_lab, parse, to_lab
from koma.pixels.lossless import LosslessWriter
from koma.pixels.picture import read_picture
from koma.ports import CollectError
from support.pictures import drawing, flat, save, save_clip

FRAMES = [drawing(24, 16, shift=shift) for shift in range(24)]


def numbered(number, width=16, height=16):
    """A picture from which its number can be read again."""
    return np.full((height, width, 3), (number % 256, number // 256, 90), np.uint8)


def numbers_of(file):
    with open_clip(file) as clip:
        return [int(pixels[0, 0, 0]) + 256 * int(pixels[0, 0, 1]) for pixels in clip.frames]


def segment(file, numbers, rate=24, size=(16, 16)):
    with LosslessWriter(file, *size, Fraction(rate)) as writer:
        for place, number in enumerate(numbers):
            writer.add(numbered(number, *size), place)
    return file


def joining(parts, frames, fps=24.0, source_fps=24.0):
    parts = [{"input": name, "drop": drop} for name, drop in parts]
    return {"do": "join", "parts": parts, "frames": frames, "fps": fps, "source_fps": source_fps}


def done(document, inputs, folder):
    """Carry a document out, here and now; the one file that came of it."""
    folder.mkdir(exist_ok=True)
    steps = list(carry_out(document, inputs, folder))
    fractions = [step.fraction for step in steps]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    (name,) = [name for step in steps for name in step.files]
    return folder / name


# Which frame is shown when: pure


@given(st.lists(st.integers(0, 5), min_size=1, max_size=6), st.data())
def test_joining_the_parts_of_any_split_with_overlaps_gives_back_the_whole(extra, data):
    whole = list(range(sum(extra) + len(extra)))
    ends = [end + number for number, end in enumerate(accumulate(extra), 1)]
    starts = [0, *ends[:-1]]
    overlaps = [0] + [data.draw(st.integers(0, start)) for start in starts[1:]]
    parts = [whole[start - overlap : end] for start, end, overlap in zip(starts, ends, overlaps, strict=True)]
    source = (frame for part, overlap in zip(parts, overlaps, strict=True) for frame in part[overlap:])
    assert list(retimed(source, Fraction(1), len(whole))) == whole


RATES = st.sampled_from(
    [Fraction(6), Fraction(8), Fraction(12), Fraction(16), Fraction(24000, 1001), Fraction(24), Fraction(30), Fraction(60)]
)


@given(RATES, RATES, st.integers(1, 200))
def test_what_is_retimed_goes_forward_shows_the_nearest_frame_and_covers_its_source(source, rate, had):
    ratio = source / rate
    count = -(-had // ratio)  # every output frame whose time lies within the source
    shown = list(retimed(range(had), ratio, int(count)))
    assert shown == sorted(shown)
    assert shown[0] == 0
    assert all(abs(frame - index * ratio) <= Fraction(1, 2) or frame == had - 1 for index, frame in enumerate(shown))
    assert had - 1 - shown[-1] <= ratio
    if ratio <= 1:
        assert set(shown) == set(range(had))
    with pytest.raises(TooShortError) as short:
        list(retimed(range(had), ratio, int(count) + 1))
    assert (short.value.had, short.value.made) == (had, count)


@given(st.integers(0, 10_000))
def test_at_the_same_rate_every_frame_is_itself(index):
    assert nearest(index, Fraction(1)) == index


def test_no_more_of_the_source_is_read_than_is_shown():
    source = iter(range(100))
    assert list(retimed(source, Fraction(1), 10)) == list(range(10))
    assert next(source) == 10


@pytest.mark.parametrize(
    ("source", "rate", "shown"),
    [
        (6, 24, [0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3]),
        (12, 24, [0, 1, 1, 2, 2, 3, 3, 4]),
        (24, 8, [0, 3, 6, 9]),
        (16, 24, [0, 1, 1, 2, 3, 3, 4, 5]),
    ],
    ids=lambda value: str(value) if isinstance(value, int) else "",
)
def test_frames_come_from_the_nearest_time(source, rate, shown):
    assert list(retimed(range(100), Fraction(source, rate), len(shown))) == shown


# Joins of files


def test_segments_that_repeat_a_frame_join_to_the_clip_that_they_are_of(tmp_path):
    clips = {
        "a": save_clip(tmp_path / "a.mkv", FRAMES[:9], rate=24),
        "b": save_clip(tmp_path / "b.mkv", FRAMES[8:17], rate=24),
        "c": save_clip(tmp_path / "c.mkv", FRAMES[16:], rate=24),
    }
    file = done(joining([("a", 0), ("b", 1), ("c", 1)], 24), clips, tmp_path / "out")
    with open_clip(file) as clip:
        assert (clip.width, clip.height, clip.rate) == (24, 16, 24)
        assert all(np.array_equal(a, b) for a, b in zip(clip.frames, FRAMES, strict=True))


@given(st.integers(1, 24))
def test_the_tail_is_trimmed_to_exactly_as_many_frames_as_are_asked_for(tmp_path_factory, frames):
    folder = tmp_path_factory.mktemp("trim")
    clips = {"a": segment(folder / "a.mkv", range(13)), "b": segment(folder / "b.mkv", range(12, 25))}
    assert numbers_of(done(joining([("a", 0), ("b", 1)], frames), clips, folder / "out")) == list(range(frames))


def test_a_join_of_thirty_runs_makes_thirty_seconds_in_many_small_steps(tmp_path):
    clips = {f"seg{n:02d}": segment(tmp_path / f"{n}.mkv", range(n * 24, n * 24 + 25), size=(64, 36)) for n in range(30)}
    document = joining([(name, int(n > 0)) for n, name in enumerate(clips)], 720)
    steps = list(carry_out(document, clips, tmp_path))
    assert len(steps) > 80
    assert numbers_of(tmp_path / "joined.mkv") == list(range(720))
    assert count_frames(tmp_path / "joined.mkv") == 720


def test_six_frames_a_second_become_twenty_four(tmp_path):
    clips = {"a": segment(tmp_path / "a.mkv", range(30), rate=6)}
    file = done(joining([("a", 0)], 120, source_fps=6.0), clips, tmp_path / "out")
    with open_clip(file) as clip:
        assert clip.rate == 24
    assert numbers_of(file)[:6] == [0, 0, 1, 1, 1, 1]
    assert len(numbers_of(file)) == 120


def test_joining_twice_gives_the_same_bytes(tmp_path):
    clips = {"a": segment(tmp_path / "a.mkv", range(10))}
    one, other = (done(joining([("a", 2)], 8), clips, tmp_path / name) for name in ("one", "other"))
    assert one.read_bytes() == other.read_bytes()


MISFITS = {
    "too few frames in one": (
        [("a", range(20), 24, (16, 16))],
        joining([("a", 0)], 24),
        "24 frames at 24 fps are asked for, but 1 run with 20 frames between them at 24 fps make 20",
    ),
    "too few frames in two": (
        [("a", range(20), 6, (16, 16)), ("b", range(5), 6, (16, 16))],
        joining([("a", 0), ("b", 1)], 100, source_fps=6.0),
        "100 frames at 24 fps are asked for, but 2 runs with 24 frames between them at 6 fps make 96",
    ),
    "another size": (
        [("a", range(9), 24, (16, 16)), ("b", range(9), 24, (32, 16))],
        joining([("a", 0), ("b", 0)], 18),
        r"b \(b\.mkv\) is 32 x 16 at 24 fps, a \(a\.mkv\) is 16 x 16 at 24 fps",
    ),
    "another rate": (
        [("a", range(9), 24, (16, 16)), ("b", range(9), 12, (16, 16))],
        joining([("a", 0), ("b", 0)], 18),
        r"b \(b\.mkv\) is 16 x 16 at 12 fps, a \(a\.mkv\) is 16 x 16 at 24 fps",
    ),
    "a rate that the document does not speak of": (
        [("a", range(9), 8, (16, 16))],
        joining([("a", 0)], 9),
        r"a \(a\.mkv\) is 16 x 16 at 8 fps, the join expects runs at 24 fps",
    ),
    "nothing left of a part": (
        [("a", range(9), 24, (16, 16)), ("b", range(2), 24, (16, 16))],
        joining([("a", 0), ("b", 2)], 11),
        r"b \(b\.mkv\) has 2 frames, of which 2 are left out",
    ),
}


@pytest.mark.parametrize(("clips", "document", "words"), MISFITS.values(), ids=MISFITS)
def test_runs_that_do_not_fit_are_refused_with_names_and_counts(tmp_path, clips, document, words):
    files = {name: segment(tmp_path / f"{name}.mkv", *made) for name, *made in clips}
    with pytest.raises(RefusedError, match=words) as refused:
        list(carry_out(document, files, tmp_path))
    assert refused.value.kind is FailureClass.INPUT


def test_a_run_that_was_cut_is_refused_by_its_name(tmp_path):
    file = segment(tmp_path / "a.mkv", range(9))
    file.write_bytes(file.read_bytes()[:-40])
    with pytest.raises(RefusedError, match=r"koma-input:seg01: a\.mkv: cut short"):
        list(carry_out(joining([("koma-input:seg01", 0)], 9), {"koma-input:seg01": file}, tmp_path))


# Colour matching

PALETTE = {"hair": "#2c3560", "skin": "#f6d3b8", "coat": "#b9854f"}


def matching(strength=1.0, palette=None):
    return {"do": "colour-match", "input": "clip", "palette": palette or PALETTE, "strength": strength}


def scene(drift=(0.0, 0.0, 0.0)):
    """Three fields in the colours of the palette, off by a drift in L*a*b*, and a green one that is nobody's."""
    patches = [flat(parse(colour), 12, 24) for colour in PALETTE.values()]
    patches = [from_lab(to_lab(patch) + np.array(drift)).round().astype(np.uint8) for patch in patches]
    return np.concatenate([*patches, flat((30, 160, 60), 12, 24)], axis=1)


def away(pixels, other):
    """Mean difference in L*a*b* of each of the four fields."""
    apart = np.sqrt(((to_lab(pixels) - to_lab(other)) ** 2).sum(axis=-1))
    return [float(apart[:, 12 * field : 12 * field + 12].mean()) for field in range(4)]


def test_colours_that_drifted_come_nearer_to_the_palette_and_others_stay(tmp_path):
    before = scene((0.0, 5.0, -5.0))
    file = done(matching(), {"clip": save(before, tmp_path / "in.png")}, tmp_path / "out")
    after = read_picture(file)
    was, now = away(before, scene()), away(after, scene())
    assert all(later < 0.5 * earlier for later, earlier in zip(now[:3], was[:3], strict=True))
    assert np.array_equal(after[:, 36:], before[:, 36:])


def test_the_stronger_the_match_the_nearer_it_comes(tmp_path):
    before = scene((0.0, 6.0, 4.0))
    inputs = {"clip": save(before, tmp_path / "in.png")}
    came = [away(read_picture(done(matching(s), inputs, tmp_path / f"out{s}")), scene())[0] for s in (0.0, 0.25, 0.5, 1.0)]
    assert came == sorted(came, reverse=True)
    assert len(set(came)) == 4


def test_light_and_shadow_move_half_as_far_as_hues(tmp_path):
    before = scene((-8.0, 0.0, 0.0))
    after = read_picture(done(matching(), {"clip": save(before, tmp_path / "in.png")}, tmp_path / "out"))
    darker = (to_lab(scene()) - to_lab(after))[0, 6, 0]
    assert 3.5 < darker < 6.5


@pytest.mark.parametrize(
    ("document", "pixels"),
    [
        pytest.param(matching(0.0), scene((0.0, 9.0, 0.0)), id="no strength"),
        pytest.param(matching(palette={"hair": "#ff00ff"}), scene(), id="a colour that is nowhere"),
    ],
)
def test_nothing_moves_with(tmp_path, document, pixels):
    file = done(document, {"clip": save(pixels, tmp_path / "in.png")}, tmp_path / "out")
    assert np.array_equal(read_picture(file), pixels)


def test_alpha_stays_as_it_is(tmp_path):
    alpha = np.arange(24 * 48, dtype=np.uint8).reshape(24, 48, 1)
    pixels = np.concatenate([scene((0.0, 5.0, 0.0)), alpha], axis=2)
    after = read_picture(done(matching(), {"clip": save(pixels, tmp_path / "in.png")}, tmp_path / "out"))
    assert np.array_equal(after[:, :, 3:], alpha)
    assert not np.array_equal(after[:, :, :3], pixels[:, :, :3])


def test_a_clip_is_matched_as_one_so_that_equal_colours_stay_equal_in_all_its_frames(tmp_path):
    frames = [scene((0.0, drift, -4.0)) for drift in (2.0, 4.0, 6.0, 4.0, 2.0, 6.0)]
    file = done(matching(), {"clip": save_clip(tmp_path / "in.mkv", frames, rate=12)}, tmp_path / "out")
    with open_clip(file) as clip:
        after = list(clip.frames)
        assert (clip.rate, len(after)) == (12, 6)
    assert np.array_equal(after[0], after[4])
    assert np.array_equal(after[1], after[3])
    seen = Histogram()
    for pixels in frames:
        seen.add(pixels)
    table = table_of(seen, {slot: parse(colour) for slot, colour in PALETTE.items()}, 1.0)
    assert all(np.array_equal(matched(before, table), later) for before, later in zip(frames, after, strict=True))
    assert not np.array_equal(after[0], frames[0])


@given(st.tuples(*[st.integers(0, 255)] * 3))
def test_a_colour_goes_to_lab_and_back(rgb):
    assert tuple(from_lab(to_lab(np.array(rgb))).round().astype(int)) == rgb


@pytest.mark.parametrize(
    ("rgb", "lab"),
    [
        ((255, 255, 255), (100.0, 0.0, 0.0)),
        ((0, 0, 0), (0.0, 0.0, 0.0)),
        ((255, 0, 0), (53.24, 80.09, 67.20)),
        ((0, 255, 0), (87.73, -86.18, 83.18)),
        ((0, 0, 255), (32.30, 79.19, -107.86)),
    ],
    ids=["white", "black", "red", "green", "blue"],
)
def test_lab_has_the_numbers_that_are_published_for(rgb, lab):
    assert to_lab(np.array(rgb)) == pytest.approx(np.array(lab), abs=0.01)


# Documents

WRONG = {
    "another word for what to do": ({"do": "mix"}, "do: expected one of join, colour-match"),
    "no parts": (joining([], 5), "parts: expected at least one part"),
    "a part without a name": (joining([("", 0)], 5), r"parts\[0\]\.input: expected the name of an input"),
    "a part that is text": ({**joining([], 5), "parts": ["a"]}, r"parts\[0\]: expected an object, found text"),
    "fewer than no frames dropped": (joining([("a", -1)], 5), r"parts\[0\]\.drop: expected a whole number from 0"),
    "no frames": (joining([("a", 0)], 0), "frames: expected a whole number from 1"),
    "no rate": (joining([("a", 0)], 5, fps=0.0), "fps: 0 frames per second is not a frame rate"),
    "a source rate that is text": (joining([("a", 0)], 5, source_fps="24"), "source_fps: expected a number"),
    "no palette": ({**matching(), "palette": {}}, "palette: expected at least one colour"),
    "a colour that is none": (matching(palette={"hair": "blue"}), "palette.hair: expected a colour such as #3aa0ff, found 'blue'"),
    "a strength beyond all": (matching(2.0), "strength: expected a number from 0 to 1"),
    "nothing to match": ({**matching(), "input": None}, "input: expected the name of an input"),
}


@pytest.mark.parametrize(("document", "words"), WRONG.values(), ids=WRONG)
def test_a_mistake_in_a_document_is_named_with_its_field(document, words):
    with pytest.raises(DocumentError, match=words):
        read_task(document)


# The port


@pytest.fixture
async def backend():
    made = CpuBackend()
    await made.open()
    yield made
    await made.close()


def request(document, media=Media.FRAMES, frames=0, prompt_id="p1"):
    return RenderRequest(prompt_id, f"koma/{prompt_id}", BackendKind.CPU, document, (), media, "a join take 1", 24.0, frames)


async def ended(backend, prompt_id="p1"):
    while (sighting := await backend.ask(prompt_id)).stage not in (Stage.SUCCEEDED, Stage.FAILED, Stage.ABSENT):
        await asyncio.sleep(0.005)
    return sighting


async def test_a_join_through_the_port_has_as_many_frames_as_were_asked_for(backend, tmp_path):
    inputs = {"a": segment(tmp_path / "a.mkv", range(25)), "b": segment(tmp_path / "b.mkv", range(24, 49))}
    wanted = request(joining([("a", 0), ("b", 1)], 48), frames=48)
    hints = backend.progress()
    assert (await backend.submit(wanted, inputs)).outcome is SubmitOutcome.ACCEPTED
    sighting = await ended(backend)
    (file,) = await backend.collect(wanted, sighting.outputs, tmp_path / "collected")
    assert numbers_of(file) == list(range(48))
    said = []
    async for hint in hints:
        said.append(hint.fraction)
        if hint.finished:
            break
    assert said == sorted(said)
    assert len(set(said)) > 3


async def test_runs_that_do_not_fit_fail_as_input_and_the_next_prompt_is_done(backend, tmp_path):
    inputs = {"a": segment(tmp_path / "a.mkv", range(5))}
    await backend.submit(request(joining([("a", 0)], 9)), inputs)
    await backend.submit(request(joining([("a", 0)], 5), prompt_id="p2"), inputs)
    failed = await ended(backend)
    assert (failed.stage, failed.failure.kind) == (Stage.FAILED, FailureClass.INPUT)
    assert "9 frames" in failed.failure.message
    assert "make 5" in failed.failure.message
    assert (await ended(backend, "p2")).stage is Stage.SUCCEEDED


REFUSED = {
    "a join where a picture is asked for": (request(joining([("a", 0)], 5), Media.IMAGE), FailureClass.VALIDATION, "a join makes a clip"),
    "another number of frames": (request(joining([("a", 0)], 5), frames=6), FailureClass.VALIDATION, "6 are asked for"),
    "an input that is not given": (request(joining([("a", 0), ("b", 1)], 5)), FailureClass.INPUT, r"parts[1] asks for 'b'"),
}


@pytest.mark.parametrize(("wanted", "kind", "words"), REFUSED.values(), ids=REFUSED)
async def test_what_can_never_be_done_is_refused(backend, tmp_path, wanted, kind, words):
    answer = await backend.submit(wanted, {"a": segment(tmp_path / "a.mkv", range(5))})
    assert (answer.outcome, answer.failure.kind) == (SubmitOutcome.REJECTED, kind)
    assert words in answer.failure.message
    assert (await backend.ask("p1")).stage is Stage.ABSENT


async def test_a_matched_clip_that_has_another_number_of_frames_than_asked_is_not_collected(backend, tmp_path):
    inputs = {"clip": save_clip(tmp_path / "a.mkv", [scene()] * 3)}
    wanted = request(matching(), frames=4)
    await backend.submit(wanted, inputs)
    sighting = await ended(backend)
    with pytest.raises(CollectError, match="4 frames were asked for, 3 came out"):
        await backend.collect(wanted, sighting.outputs, tmp_path / "collected")
