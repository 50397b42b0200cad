"""Which runs of a template make a clip of a wanted length, and what one that is too long is told."""

from collections.abc import Sequence

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from koma.core.media import Media
from koma.core.runs import frames_of
from koma.core.template import Chain, FrameRule, Rate, Template
from koma.core.words import BackendKind, Phase

SVD = FrameRule(exact=(25,))
WAN = FrameRule(min=5, max=81, step=4, offset=1)


def template(frames: FrameRule | None, rate: Rate | None, chain: Chain | None = None) -> Template:
    return Template("demo", "", "", Phase.VIDEO, BackendKind.COMFYUI, "x", {}, {}, Media.FRAMES, 4.0, 10.0, rate, frames, chain=chain)


RUNS = {
    "five runs of 25 make 121, which covers 120": (SVD, Rate(24, 6, 30), Chain("image"), 120, 24, (25,) * 5),
    "a rate inside of the range is the rate of the run": (SVD, Rate(24, 6, 30), Chain("image"), 121, 23.976, (25,) * 5),
    "a frame more takes a run more": (SVD, Rate(24, 6, 30), Chain("image"), 122, 24, (25,) * 6),
    "half a minute is a longer chain": (SVD, Rate(24, 6, 30), Chain("image"), 720, 24, (25,) * 30),
    "a short shot is one run whose tail is trimmed": (SVD, Rate(24, 6, 30), Chain("image"), 7, 24, (25,)),
    "one run of a native rate that can't be changed": (WAN, Rate(16, 16, 16), None, 81, 16, (81,)),
    "frames at another rate are counted in time": (WAN, Rate(16, 16, 16), None, 120, 24, (81,)),
    "the last run is as short as it can be": (WAN, Rate(16, 16, 16), Chain("image"), 130, 24, (81, 9)),
    "a lower rate than the least takes more frames": (FrameRule(min=1, max=60), Rate(24, 12, 30), None, 10, 6, (40,)),
    "runs that repeat nothing add all they have": (FrameRule(exact=(10,)), Rate(8, 8, 8), Chain("image", overlap=0), 20, 8, (10, 10)),
    "runs that repeat more add less": (FrameRule(exact=(10,)), Rate(8, 8, 8), Chain("image", overlap=6), 20, 8, (10,) * 4),
    "a picture takes whatever is asked for": (None, None, None, 481, 60, (481,)),
}  # fmt: skip


@pytest.mark.parametrize(("frames", "rate", "chain", "wanted", "fps", "runs"), RUNS.values(), ids=RUNS)
def test_which_runs_make_a_clip(frames, rate, chain, wanted, fps, runs):
    assert template(frames, rate, chain).runs(wanted, fps) == runs


TOO_LONG = {
    "one run is not enough": (
        SVD,
        Rate(24, 6, 30),
        None,
        26,
        24,
        "can't make 26 frames at 24 frames/s: it makes exactly 25 in its one run",
    ),
    "one run is not enough at its own rate": (WAN, Rate(16, 16, 16), None, 200, 24, "(134 at its own 16 frames/s): it makes 5 to 81"),
    "a chain has a longest": (SVD, Rate(24, 6, 30), Chain("image", max=2), 50, 24, "at most 49 in 2 runs of 25"),
}


@pytest.mark.parametrize(("frames", "rate", "chain", "wanted", "fps", "words"), TOO_LONG.values(), ids=TOO_LONG)
def test_what_is_too_long_is_told_with_what_could_be_made(frames, rate, chain, wanted, fps, words):
    said = template(frames, rate, chain).runs(wanted, fps)
    assert isinstance(said, str)
    assert words in said


@pytest.mark.parametrize(
    ("rate", "fps", "run"),
    [(Rate(24, 6, 30), 23.976, 23.976), (Rate(16, 16, 16), 24, 16), (Rate(24, 12, 30), 60, 24), (None, 12, 12)],
    ids=["the shot's, where the model can", "its own, where not", "its own, beyond the range", "any, for a picture"],
)
def test_the_rate_of_a_run(rate, fps, run):
    assert template(SVD, rate).run_rate(fps) == run


rules = st.builds(FrameRule, exact=st.lists(st.integers(2, 90), min_size=1, unique=True).map(sorted).map(tuple)) | st.builds(
    FrameRule, min=st.integers(1, 40), max=st.integers(50, 90), step=st.integers(1, 9), offset=st.integers(0, 9)
)


def joined(runs: Sequence[int], overlap: int) -> int:
    """Frames that are left of runs once the repeated ones are dropped."""
    return sum(runs) - overlap * (len(runs) - 1)


speeds = st.floats(1, 120) | st.sampled_from([12, 16, 23.976, 24, 25, 29.97, 30, 60])


@given(rules, st.integers(0, 12), st.integers(1, 400), speeds, speeds)
def test_runs_can_be_made_cover_the_shot_and_no_fewer_or_shorter_ones_do(rule, overlap, wanted, fps, native):
    assume(rule.counts[-1] > overlap)
    demo = template(rule, Rate(native, native, native), Chain("image", overlap, 100_000))
    runs = demo.runs(wanted, fps)
    assert isinstance(runs, tuple)
    assert all(rule.allows(count) for count in runs)

    made, ratio = joined(runs, overlap), native / fps
    assert made > (wanted - 1) * ratio + 0.5 - 1e-3  # with the frame that lies nearest to the last one
    assert made >= wanted * ratio - 1e-3

    needed = frames_of(wanted, fps, native)
    fewer = [(*runs[:-1], count) for count in rule.counts if count < runs[-1]] + ([runs[:-1]] if len(runs) > 1 else [])
    assert not any(joined(other, overlap) >= needed for other in fewer)


@given(rules, st.integers(1, 400))
def test_without_a_chain_there_is_one_run_or_a_sentence(rule, wanted):
    made = template(rule, Rate(24, 24, 24)).runs(wanted, 24)
    assert made == (min(count for count in rule.counts if count >= wanted),) if wanted <= rule.counts[-1] else isinstance(made, str)
