"""Clips as runs of a model: which frame counts and rates one run can have, and which runs make a clip of a wanted length."""

from dataclasses import dataclass
from math import ceil, floor

_HAIR = 1e-6  # of a frame: what rounding of rates such as 23.976 may leave over


@dataclass(frozen=True, slots=True)
class Rate:
    """Frames per second: the rate the model was made for, and the least and most that it can be asked for."""

    native: float
    min: float
    max: float


@dataclass(frozen=True, slots=True)
class FrameRule:
    """Which frame counts can be made: those in `exact` if there are any, else `offset` + k times `step` from `min` to `max`."""

    exact: tuple[int, ...] = ()
    min: int = 1
    max: int = 1
    step: int = 1
    offset: int = 0

    @property
    def counts(self) -> tuple[int, ...] | range:
        """Every count that can be made, from the least up."""
        return self.exact or range(self.min + (self.offset - self.min) % self.step, self.max + 1, self.step)

    def allows(self, frames: int) -> bool:
        """Whether this many frames can be made in one run."""
        return frames in self.counts

    def nearest(self, frames: int) -> tuple[int, ...]:
        """Give the counts that come closest from below and from above, where there are such."""
        below = max((count for count in self.counts if count <= frames), default=None)
        above = min((count for count in self.counts if count >= frames), default=None)
        return tuple(sorted({count for count in (below, above) if count is not None}))

    def __str__(self) -> str:
        if self.exact:
            return "exactly " + " or ".join(str(count) for count in self.exact)
        steps = f", {self.offset % self.step} more than a multiple of {self.step}" if self.step > 1 else ""
        return f"{self.min} to {self.max}{steps}"


@dataclass(frozen=True, slots=True)
class Chain:
    """Runs of one another: the input that takes the last frame of the run before, frames that a later run repeats, and runs at most."""

    input: str
    overlap: int = 1
    max: int = 60


def frames_of(wanted: int, fps: float, run_fps: float) -> int:
    """Frames at `run_fps` that fill the time of `wanted` frames at `fps`, and hold the one nearest to the last of them."""
    ratio = run_fps / fps
    return max(ceil(wanted * ratio - _HAIR), floor((wanted - 1) * ratio + 0.5) + 1)


def counts_of(needed: int, rule: FrameRule, chain: Chain | None) -> tuple[int, ...]:
    """Give the frame counts of as few runs as make `needed` frames, the last one as short as it can be; () where that is too many runs.

    Each run after the first repeats `chain.overlap` frames, which the join drops. Without a chain there is one run at most.
    """
    overlap, most = (chain.overlap, chain.max) if chain else (0, 1)
    longest = rule.counts[-1]
    later = max(0, ceil((needed - longest) / (longest - overlap)))
    if later + 1 > most:
        return ()
    missing = needed - later * (longest - overlap)  # what the last run has to hold, its repeated frames included
    return (*(longest,) * later, min(count for count in rule.counts if count >= missing))
