"""More of a fault is more of its number, and what a veto stopped it still stops when the fault is worse."""

from itertools import pairwise

import pytest

from koma.core import thresholds
from koma.core.metrics import METRICS, Direction
from koma.measures.specimens.clips import clip
from support.measured import readings, specimen

SMALL, WIDE = (192, 192, 24), (256, 144, 48)

# fault, its metric, strengths, size, limit
GRADES = [
    ("blur", "sharpness", (0, 0.25, 0.5, 1, 2), SMALL, thresholds.SHARPNESS_MIN),
    ("noise", "noise", (0, 0.25, 0.5, 1, 2), SMALL, thresholds.NOISE_MAX),
    ("jpeg", "blockiness", (0, 0.5, 1, 1.5, 2), SMALL, thresholds.BLOCKINESS_MAX),
    ("flicker-1", "flicker", (0, 0.5, 1, 2), SMALL, thresholds.FLICKER_MAX),
    ("flicker-8", "flicker", (0, 0.25, 0.5, 1), SMALL, thresholds.FLICKER_MAX),
    ("melt", "melt", (0, 0.5, 1, 1.5), WIDE, thresholds.MELT_MAX),
    ("shuffle-4", "flow-smoothness", (0, 0.5, 0.75, 1), WIDE, thresholds.FLOW_SMOOTHNESS_MIN),
    ("broken-loop", "loop-seam", (0, 0.5, 1, 2), WIDE, thresholds.LOOP_SEAM_MAX),
    ("padded-tail", "tail", (0, 0.5, 1, 2), SMALL, thresholds.TAIL_MAX),
    ("cut", "peak-step", (0, 0.25, 0.5, 1), SMALL, thresholds.PEAK_STEP_MAX),
    ("black-frame", "peak-step", (0, 0.25, 0.5, 1), SMALL, thresholds.PEAK_STEP_MAX),
    ("hair-drift", "palette-drift", (0, 0.25, 0.5, 1), SMALL, thresholds.PALETTE_DRIFT_MAX),
    ("hair-swap", "palette-distance", (0, 0.25, 1), SMALL, thresholds.PALETTE_DISTANCE_MAX),
]


@pytest.mark.parametrize(
    ("fault", "metric", "strengths", "size", "limit"), [pytest.param(*grade, id=f"{grade[0]} in {grade[1]}") for grade in GRADES]
)
def test_more_of_a_fault_is_more_of_its_number(fault, metric, strengths, size, limit):
    values = [specimen(fault, metric, strength, size) for strength in strengths]
    higher_is_better = METRICS[metric].direction is Direction.HIGHER
    badness = [-value if higher_is_better else value for value in values]
    assert all(before < after for before, after in pairwise(badness)), values
    stopped = [value < limit if higher_is_better else value > limit for value in values]
    assert stopped == sorted(stopped)
    assert (stopped[0], stopped[-1]) == (False, True)


def test_more_noise_is_sharper_and_never_less_noisy():
    found = [readings(clip("noise", width=192, height=192, frames=4, strength=s), "sharpness", "noise") for s in (0.5, 1, 2, 3)]
    for metric in ("sharpness", "noise"):
        values = [one[metric].value for one in found]
        assert values == sorted(values)
    assert found[-1]["sharpness"].value > thresholds.SHARPNESS_MAX


def test_the_more_a_clip_is_slowed_the_less_it_moves():
    speeds = [specimen("slowed", "motion-speed", strength) for strength in (0, 0.1, 0.25, 1, 3)]
    assert speeds == sorted(speeds, reverse=True)
    assert {specimen("slowed", "dynamic-degree", strength) for strength in (0.25, 1, 3)} == {0}


def test_blur_and_standing_still_improve_what_a_naive_gate_would_trust():
    """Why sharpness and motion are judged on their own."""
    for metric in ("ssim-consistency", "mae-consistency"):
        clean, blurred, static = (specimen(name, metric) for name in ("clean", "blur", "static"))
        assert clean < blurred < static
