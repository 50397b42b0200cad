"""Which metrics there are: id, unit, direction, version and definition, as constants.

Planning needs ids and versions and no picture; so they stand here, and what computes them in koma.measures, one file each.
Whoever changes what a metric computes raises its version here: scores of another version are measured again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Direction(StrEnum):
    """Which values are good ones."""

    HIGHER = "higher"
    LOWER = "lower"
    EXACT = "exact"  # compared with what was asked for


@dataclass(frozen=True, slots=True)
class MetricSpec:
    """What a number means. `unit` is "" for plain counts and ratios; `reference` says where the definition comes from."""

    id: str
    version: str
    unit: str
    direction: Direction
    definition: str
    reference: str


_OWN = "defined by Koma"
_SMALL = "the frame reduced by area averaging until its longer side is 256 px (never enlarged)"

_SPECS = (
    MetricSpec(
        "decodes",
        "1",
        "",
        Direction.EXACT,
        "1 if the container holds all that it announces and every frame decodes without error, else 0",
        _OWN,
    ),
    MetricSpec("width", "1", "px", Direction.EXACT, "width of every decoded frame", _OWN),
    MetricSpec("height", "1", "px", Direction.EXACT, "height of every decoded frame", _OWN),
    MetricSpec("frame-count", "1", "frames", Direction.EXACT, "frames counted by decoding all of them; 1 for a picture", _OWN),
    MetricSpec("frame-rate", "1", "fps", Direction.EXACT, "frame rate of the video stream, roundings of n * 1000 / 1001 taken back", _OWN),
    MetricSpec("duration", "1", "s", Direction.EXACT, "decoded frames divided by the frame rate", _OWN),
    MetricSpec(
        "blank",
        "1",
        "ratio",
        Direction.LOWER,
        f"share of frames that are nearly one colour: on {_SMALL}, the standard deviation of R, of G and of B are all below 2.0 (of 255)",
        _OWN,
    ),
    MetricSpec(
        "black",
        "1",
        "ratio",
        Direction.LOWER,
        f"share of frames that are black: on {_SMALL}, Rec. 709 luma has a mean below 8 and a maximum below 32 (of 255)",
        _OWN,
    ),
    MetricSpec(
        "frozen",
        "1",
        "ratio",
        Direction.LOWER,
        f"share of consecutive frame pairs without motion: on {_SMALL}, the mean absolute difference of R, G and B is below 0.25 (of 255)",
        _OWN,
    ),
    MetricSpec(
        "sharpness",
        "1",
        "luma²",
        Direction.HIGHER,
        "median over frames of the variance of the 4-neighbour Laplacian (inner pixels) of Rec. 709 luma (0..255), on the frame reduced by"
        " area averaging until its longer side is 512 px (never enlarged)",
        "variance of the Laplacian: Pech-Pacheco et al., Diatom autofocusing in brightfield microscopy, ICPR 2000",
    ),
)

METRICS: Mapping[str, MetricSpec] = {spec.id: spec for spec in _SPECS}
METRIC_IDS = frozenset(METRICS)
