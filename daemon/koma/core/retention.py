"""Retention: which takes keep their files. Receipts and gate results stay in any case, so nothing that goes is rendered again by itself.

Pure. A take keeps its files while one of these holds:

- it is published, in whatever rendition, or a person approved it
- the plan names it (a pinned take is named so), or a render_key that the plan names or that is published is its own
- its render_key is the newest of its target and rendition
- nobody knows what is wanted of its target: a document could not be read
- its receipt names one of the last commits
- it was in use lately: made, judged, or shown in the outputs folder
"""

from collections.abc import Collection, Sequence
from typing import NamedTuple


class Remembered(NamedTuple):
    """A take as far as keeping its files goes.

    `made_at` is when it was finished, `used_at` when it was made, judged, or taken out of the outputs folder, whichever came last: epoch
    seconds.
    """

    take_key: str
    target: str
    rendition: str
    render_key: str
    commit: str
    made_at: float
    used_at: float
    approved: bool = False


class Needs(NamedTuple):
    """What is needed: take keys, render keys, id prefixes of targets that nobody knows about (`*` for all), commits, and a time.

    Everything in use after `since` (epoch seconds) is kept.
    """

    takes: Collection[str]
    keys: Collection[str]
    unsure: Collection[str]
    commits: Collection[str]
    since: float


def kept(takes: Sequence[Remembered], needs: Needs) -> set[str]:
    """Take keys of those that keep their files."""
    newest = _newest_keys(takes)
    return {take.take_key for take in takes if _is_needed(take, needs) or (take.target, take.rendition, take.render_key) in newest}


def _newest_keys(takes: Sequence[Remembered]) -> set[tuple[str, str, str]]:
    newest: dict[tuple[str, str], Remembered] = {}
    for take in takes:
        place = (take.target, take.rendition)
        if place not in newest or newest[place].made_at <= take.made_at:
            newest[place] = take
    return {(take.target, take.rendition, take.render_key) for take in newest.values()}


def _is_needed(take: Remembered, needs: Needs) -> bool:
    return (
        take.approved
        or take.take_key in needs.takes
        or take.render_key in needs.keys
        or (take.commit != "" and take.commit in needs.commits)
        or take.used_at >= needs.since
        or any(prefix == "*" or take.target.startswith(f"{prefix}/") for prefix in needs.unsure)
    )


def cutoff(now: float, keep_seconds: float, commit_times: Collection[float]) -> float:
    """Epoch seconds since which everything in use is kept: so long ago, or since the first of the last commits, if that is longer."""
    return min([now - keep_seconds, *commit_times])


def newest_commits(takes: Sequence[Remembered], count: int) -> set[str]:
    """Find the commits that receipts named last, as many as are asked for: what is known where git itself knows only the last one."""
    times: dict[str, float] = {}
    for take in takes:
        if take.commit:
            times[take.commit] = max(times.get(take.commit, take.used_at), take.used_at)
    return set(sorted(times, key=times.__getitem__, reverse=True)[:count])
