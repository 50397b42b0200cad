"""Chains: a clip that is longer than one run, as runs that each begin with the last frame of the one before. Pure."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from koma.core.node_rules import placeholder


class Run(NamedTuple):
    """One run of a chain, a segment; `place` counts from 0.

    It makes `frames` frames at `fps`, of which the join leaves out the first `drop`; what is left begins at frame `first` of the joined
    clip. `follows` says that it begins with the last frame of the run before; if not, it begins anew with the shot's still.
    """

    place: int
    frames: int
    fps: float
    drop: int
    first: int
    follows: bool

    @property
    def part(self) -> str:
        """Name of the segment in its target id: `seg01`, `seg02`, ..."""
        return _segment(self.place + 1)

    @property
    def before(self) -> str:
        """Name of the segment that it follows."""
        return _segment(self.place)


def _segment(number: int) -> str:
    return f"seg{number:02d}"


def is_segment(part: str) -> bool:
    """Whether a part of a phase is a segment, by its name in the target id."""
    return _SEGMENT.fullmatch(part) is not None


_SEGMENT = re.compile(r"seg[0-9]{2,}")


def chain_of(counts: Sequence[int], fps: float, overlap: int, reanchor_every: int | None = None) -> tuple[Run, ...]:
    """Lay runs of these frame counts one after the other. Every `reanchor_every` segments one begins anew, and so repeats no frame."""
    runs: list[Run] = []
    reached = 0
    for place, frames in enumerate(counts):
        follows = place > 0 and not (reanchor_every and place % reanchor_every == 0)
        drop = overlap if follows else 0
        runs.append(Run(place, frames, fps, drop, reached, follows))
        reached += frames - drop
    return tuple(runs)


def join_of(runs: Sequence[Run], frames: int, fps: float) -> dict[str, object]:
    """Say what the CPU is to do with the runs' frames: the document of a join that gives `frames` frames at `fps`."""
    parts = [{"input": placeholder(run.part), "drop": run.drop} for run in runs]
    return {"do": "join", "parts": parts, "frames": frames, "fps": float(fps), "source_fps": float(runs[0].fps)}
