"""Targets as wanted: one row per thing that can be made, with its key, edges, gate and where it will lie.

Rows are named tuples of JSON values, because ten thousand of them are read from the cache each time a plan is made.
"""

import json
from collections.abc import Iterable, Sequence
from itertools import repeat
from typing import NamedTuple

LAST = "last"  # part of a clip that others read: its last frame
SHEETS = "characters"  # what stands in the ids of sheets in place of a scene


class Read(NamedTuple):
    """What one target reads of another: input name, the other's id, and which part: "" for all of it, or LAST."""

    name: str
    target: str
    part: str = ""


class Target(NamedTuple):
    """One wanted target in one rendition.

    `base_key` is the digest of graph or panel with take 1's seed; `key` is the render_key where no other target's pixels enter it, else "";
    `reads` are the Reads of others whose pixels do enter (lists of three where they come from the cache), `inputs` are (input name,
    content digest, file digest, suffix) of reference pictures; `needs` are target ids that must have a passed take first.
    `hold` is a Reason word or "". `expect` is what the file contract compares with: width, height in px, frames, fps, motion.
    `sheets` are id prefixes of character sheets of which enough poses must have passed first. `pin` is the take (number, or the first
    digits of its key) at which the target stays whatever changes, "" for none. `lacking_key` is what a take has in place of `measure_key`
    while a metric lacks something, such as a model, that is not there now either.
    `facts_digest` covers the resolved fields; `template_digest` the template's files ("" for the animatic).
    """

    id: str
    rendition: str
    phase: str
    backend: str
    template: str
    family: str
    base_key: str
    key: str
    reads: tuple[Read, ...]
    inputs: tuple[tuple[str, str, str, str], ...]
    needs: tuple[str, ...]
    measure_key: str
    rules_digest: str
    stem: str
    suffix: str
    priority: int
    depth: int
    takes_wanted: int
    takes_limit: int
    estimate_seconds: float
    hold: str
    scene_file: str
    facts_digest: str
    template_digest: str
    origin_id: str
    sheets: tuple[str, ...] = ()
    pin: str = ""
    lacking_key: str = ""

    @property
    def project(self) -> str:
        """First part of the id."""
        return self.id.split("/", 1)[0]


def phase_of(target_id: str) -> str:
    """Tell the phase that a target id counts in; `sheet` for a pose of a character's sheet."""
    return "sheet" if is_of_sheet(target_id) else target_id.split("/")[3]


def is_of_sheet(target_id: str) -> bool:
    """Whether a target is a pose of a character's sheet."""
    return target_id.split("/", 2)[1] == SHEETS


def upstream_first(targets: Sequence[Target]) -> list[Target]:
    """Put targets into an order in which each stands after those that it reads or needs, and phase after phase."""
    waiting = {target.id: target for target in sorted(targets, key=lambda target: target.depth)}
    ordered: list[Target] = []
    while waiting:
        trail = [next(iter(waiting.values()))]
        while trail:
            names = (*trail[-1].needs, *(read[1] for read in trail[-1].reads))
            upstream = next((waiting[name] for name in names if name in waiting and waiting[name] not in trail), None)
            if upstream is not None:
                trail.append(upstream)
            else:
                ordered.append(waiting.pop(trail.pop().id))
    return ordered


_SAME = "="


def targets_to_json(targets: Sequence[Target]) -> str:
    """Write targets column by column; a column that is the same all the way down is written once."""
    columns = [{_SAME: column[0]} if all(value == column[0] for value in column) else column for column in zip(*targets, strict=True)]
    return json.dumps([len(targets), columns], ensure_ascii=False, separators=(",", ":"))


def targets_from_json(text: str) -> Iterable[Target]:
    """Read what `targets_to_json` wrote; tuples inside have become lists."""
    count, columns = json.loads(text)
    return map(Target._make, zip(*(repeat(c[_SAME], count) if type(c) is dict else c for c in columns), strict=True))
