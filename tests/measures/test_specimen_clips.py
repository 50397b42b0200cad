"""The drawn specimens: the same every time, of the size that was asked for, and each with its fault and no more than that."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from koma.measures.specimens import timing
from koma.measures.specimens.chance import chance, grain, order
from koma.measures.specimens.clips import CLEAN, FAULTS, PALETTE, SPECIMENS, SUBJECT, clip, write
from koma.pixels.clip import open_clip

TINY = {"width": 96, "height": 64, "frames": 12}


def drawn(name: str, **wanted: object) -> list[np.ndarray]:
    return list(clip(name, **{**TINY, **wanted}))


def test_the_catalogue_is_complete():
    assert set(CLEAN) | set(FAULTS) == set(SPECIMENS)
    assert SUBJECT.palette == PALETTE
    assert set(PALETTE) <= {"hair", "eyes", "skin", "outfit", "primary", "accent"}


@pytest.mark.parametrize("name", SPECIMENS)
def test_a_specimen_has_the_size_that_was_asked_for_and_is_the_same_every_time(name):
    frames = drawn(name)
    assert {frame.shape for frame in frames} == {(64, 96, 3)}
    assert {frame.dtype for frame in frames} == {np.dtype(np.uint8)}
    assert len(frames) == 12
    assert all(np.array_equal(one, other) for one, other in zip(frames, drawn(name), strict=True))


@pytest.mark.parametrize("name", [name for name in FAULTS if name not in ("shuffle", "static", "static-noise", "jpeg", "slowed")])
def test_without_strength_there_is_no_fault(name):
    assert all(np.array_equal(one, other) for one, other in zip(drawn(name, strength=0), drawn("clean"), strict=True))


def test_noise_without_strength_is_a_clip_that_stands():
    assert all(np.array_equal(frame, drawn("static")[0]) for frame in drawn("static-noise", strength=0))


def test_the_loop_is_seamless():
    frames = drawn("clean", frames=24)
    steps = [np.abs(one.astype(int) - other).mean() for one, other in pairwise(frames)]
    seam = np.abs(frames[-1].astype(int) - frames[0]).mean()
    assert seam < 1.5 * max(steps)


def test_the_character_has_the_colours_of_its_palette():
    frame = next(clip("clean", width=256, height=256, frames=12)).reshape(-1, 3)
    for slot, colour in PALETTE.items():
        rgb = [int(colour[place : place + 2], 16) for place in (1, 3, 5)]
        assert (frame == rgb).all(axis=1).sum() > 20, slot


def test_a_written_specimen_decodes_to_the_same_frames(tmp_path):
    with open_clip(write("melt", tmp_path / "a.mkv", **TINY)) as opened:
        frames = list(opened.frames)
        assert (opened.width, opened.height, opened.rate) == (96, 64, Fraction(24))
    assert all(np.array_equal(one, other) for one, other in zip(frames, drawn("melt"), strict=True))


def test_an_unknown_name_is_refused():
    with pytest.raises(KeyError):
        next(clip("no-such-fault"))


@given(st.integers(1, 40), st.integers(0, 9))
def test_shuffling_loses_no_frame(count, seed):
    assert sorted(order(count, seed)) == list(range(count))
    assert sorted(timing.shuffled_in(4)(count, 1)) == timing.even(count, 1)


@given(st.integers(2, 60), st.floats(0, 3))
def test_every_timing_gives_a_moment_for_each_frame(frames, strength):
    for times in (timing.even, timing.held_for(3), timing.paused, timing.shuffled_in(0), timing.slowed, timing.unclosed, timing.padded):
        moments = times(frames, strength)
        assert len(moments) == frames
        assert all(0 <= moment < 1 for moment in moments)


def test_grain_is_even_and_of_unit_deviation():
    samples = grain((200, 200, 3), 5)
    assert (abs(samples.mean()), samples.std()) == (pytest.approx(0, abs=0.02), pytest.approx(1, abs=0.02))
    assert abs(np.corrcoef(samples[:, :-1].ravel(), samples[:, 1:].ravel())[0, 1]) < 0.02
    assert not np.array_equal(samples, grain((200, 200, 3), 6))


def test_chance_is_pinned():
    """Every clip, and so every number in the documentation, rests on it."""
    assert (round(chance(1, 2), 6), order(5, 3)) == (0.32289, [4, 2, 0, 3, 1])
