"""The disk is full, fails, or lies, at one system call after the other: Koma says so or tries again, and nothing is lost or half there.

The runs are those of `support.crash_flow`. A run that was struck must end as ever or with words for a person, and the next one must bring
everything to where it would have been.
"""

import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # for `support` and `faults`

from faults.kills import place
from faults.table import Row, main  # needs the path above
from support.crashing import Bench, Ended, Life, Point, all_of, evenly, spread
from support.tracing import FLUSHES, WRITES, Call, changes, why_not

POINTS, LEAST = 400, 600  # points for each of the two errors; the least that must have happened of both
LASTING = 40  # points from which on a disk stays full
FLUSHED, LIED = 80, 120
FULL, BROKEN = "error=ENOSPC", "error=EIO"
DEEP = 16
TRACEBACK = 70  # exit status of a run that would have ended in one

Strike = Callable[[Bench], Life]


def measure(share: float) -> list[Row]:
    """Measure the rows; `share` of the points."""
    if missing := why_not():
        return [Row("ENOSPC and EIO at each state-touching system call", f">= {LEAST}, 0 bad", missing, good=False)]
    folder = Path(tempfile.mkdtemp(prefix="koma-disk-errors-", dir=place()))
    try:
        lives = all_of(folder, partial(_plan, share), 2 if share >= 1 else 1)
        return [_errors(lives, share), _lasting(lives), _flushes(lives), _lies(lives)]
    finally:
        shutil.rmtree(folder)


def _plan(share: float, bench: Bench) -> Sequence[tuple[str, Life]]:
    once = [partial(_strike, "once", point=point, what=what, deep=not number % DEEP) for number, point, what in _both(bench, share)]
    full = [point for point in bench.points if point.call.name in WRITES or point.call.name in {"mkdir", "link"}]
    lasting = [partial(_strike, "lasting", point=point, what=FULL, lasts=True) for point in evenly(full, _share(LASTING, share))]
    flushes = [point for point in bench.points if point.call.name == "fsync" and not point.is_of_database]
    flushed = [partial(_strike, "flush", point=point, what=BROKEN) for point in evenly(flushes, _share(FLUSHED, share))]
    lied = [
        partial(_strike, "lie", point=point, what=f"retval={point.call.result}")
        for point in evenly([point for point in bench.points if _may_lie(point)], _share(LIED, share))
    ]
    return [*once, *lasting, *flushed, *lied]


def _both(bench: Bench, share: float) -> Iterator[tuple[int, Point, str]]:
    for what in (FULL, BROKEN):
        for number, point in enumerate(spread(bench.points, _share(POINTS, share))):
            yield number, point, what


def _share(count: int, share: float) -> int:
    return max(2, round(count * share))


def _may_lie(point: Point) -> bool:
    """Whether what is written there is proved: files that are kept, and what a server sent and what is packed of it, frame by frame.

    SQLite has its own checksums, what is known of a server is asked for again, and logs are only for people.
    """
    path = point.call.paths[0]
    kept = "/.koma/" not in path or "/objects/" in path
    return point.call.name in WRITES and (kept or (path.endswith((".png", ".mkv")) and "/tmp/" in path))  # noqa: S108


def _strike(group: str, bench: Bench, **options: object) -> tuple[str, Life]:
    life = bench.strike(**options)
    return group, life._replace(bad=[*_manners(life.ended, bench.statuses[life.point.step]), *life.bad])


def _manners(ended: Ended, expected: int) -> Iterator[str]:
    """Say what a person would not understand of how a run ended. One whose every write is refused can't say anything."""
    mute = any(call.injected and call.arguments.startswith("2<") for call in ended.calls)
    if ended.status == TRACEBACK or "Traceback" in ended.said:
        yield f"it ended with a traceback: {ended.said[-1200:]}"
    elif ended.status != expected and "koma: " not in ended.said and not mute:
        yield f"it ended with {ended.status} and said nothing of it: {ended.said[-600:]}"


def _of(lives: Sequence[tuple[str, Life]], group: str) -> tuple[list[Life], list[Life]]:
    """Give the lives of one group that were really struck, and those of them in which something was bad."""
    fired = [life for name, life in lives if name == group and life.struck is not None]
    return fired, [life for life in fired if life.bad]


def _errors(lives: Sequence[tuple[str, Life]], share: float) -> Row:
    fired, bad = _of(lives, "once")
    kinds = Counter(life.what.partition("=")[2] for life in fired)
    return Row(
        "ENOSPC and EIO at each state-touching system call",
        f">= {LEAST}, 0 bad",
        f"{len(fired)} errors, {len(bad)} bad",
        not bad and len(fired) >= LEAST * min(1.0, share),
        {"ENOSPC": kinds["ENOSPC"], "EIO": kinds["EIO"]},
        _notes(bad),
    )


def _lasting(lives: Sequence[tuple[str, Life]]) -> Row:
    fired, bad = _of(lives, "lasting")
    return Row(
        "a disk that is full from one call on",
        "0 bad",
        f"{len(fired)} runs, {len(bad)} bad",
        not bad,
        {"calls refused": sum(call.injected for life in fired for call in life.ended.calls)},
        _notes(bad),
    )


def _flushes(lives: Sequence[tuple[str, Life]]) -> Row:
    """Tell of Koma's own flushes. SQLite has its own way with one that fails: what was to be committed is not, and that ends Koma too."""
    fired, bad = _of(lives, "flush")
    going_on = [life for life in fired if life.ended.status != 1]
    again = [f"{life.point}: flushed again" for life in fired if flushed_again(life.ended.calls)]
    return Row(
        "a flush that fails: the end, a word for a person, and a new start",
        "0 flushed again, 0 bad",
        f"{len(fired)} failed flushes, {len(again)} flushed again, {len(going_on)} went on, {len(bad)} bad",
        not bad and not again and not going_on,
        {"failed flushes": len(fired)},
        _notes(bad) + "\n       ".join([*again[:5], *map(str, [life.point for life in going_on][:5])]),
    )


def flushed_again(calls: Sequence[Call]) -> bool:
    """Whether a file or folder whose flush failed was flushed once more without having been changed meanwhile."""
    failed: set[str] = set()
    for call in calls:
        if call.name not in FLUSHES:
            failed.difference_update(*([call.paths, [path.rpartition("/")[0] for path in call.paths]] if changes(call) else []))
        elif failed.intersection(call.paths):
            return True
        elif call.injected:
            failed.update(call.paths)
    return False


def _lies(lives: Sequence[tuple[str, Life]]) -> Row:
    fired, bad = _of(lives, "lie")
    return Row(
        "a write that is said to be done and is not",
        "0 accepted",
        f"{len(fired)} lies, {len(bad)} accepted",
        not bad,
        {"lies": len(fired)},
        _notes(bad),
    )


def _notes(bad: Sequence[Life]) -> str:
    return "\n       ".join(map(str, bad[:5]))


if __name__ == "__main__":
    sys.exit(main(measure))
