"""Look at the world once: snapshot, what is wanted, what there is, and the plan between them. Nothing is changed.

`koma plan`, `koma status` and each pass of the daemon go through here.
"""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from koma.core.action import Observed, Plan, Selection
from koma.core.plan import plan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from koma.core.job import Job
    from koma.core.rows import Published
    from koma.core.snapshot import Snapshot
    from koma.core.words import Rendition
    from koma.engine.wanted import Desires, Wanted
    from koma.ports import Objects, Source, Store, StoreReader

# Suffixes of lossless objects by that of the file people see: backends answer with one of several picture formats.
OBJECT_SUFFIXES = {".png": (".png", ".webp", ".jpg", ".jpeg"), ".mp4": (".mkv",)}


class Survey(NamedTuple):
    """One look: what was read, wanted, found, and what follows."""

    rendition: Rendition
    snapshot: Snapshot
    wanted: Wanted
    observed: Observed
    plan: Plan
    jobs: list[Job]


class Surveyor:
    """Makes surveys of one workspace. `store` and `objects` are asked for only where more than `reader` knows is needed."""

    def __init__(
        self,
        source: Source,
        desires: Desires,
        reader: StoreReader,
        store: Callable[[], Store],
        objects: Callable[[], Objects],
        outputs: Path,
    ) -> None:
        self._source = source
        self._reader = reader
        self._store = store
        self._objects = objects
        self._outputs = outputs
        self.desires = desires

    def survey(self, rendition: Rendition, selection: Selection | None = None) -> Survey:
        """Look once. Raises SourceError if no sound snapshot can be had."""
        snapshot = self._source.snapshot()
        wanted = self.desires.wanted(snapshot, rendition)
        jobs = self._store().jobs() if self._reader.is_working() else []
        observed = self._observe(rendition, jobs)
        blocked = _blocked(wanted, observed.published)
        planned = plan(wanted.targets, observed, selection=selection, blocked=blocked, moved=wanted.moved)
        return Survey(rendition, snapshot, wanted, observed, planned, jobs)

    def _observe(self, rendition: Rendition, jobs: Sequence[Job]) -> Observed:
        published = {row.target: row for row in self._reader.published() if row.rendition == rendition}
        running = {(job.work.target, job.work.render_key): str(job.action) for job in jobs if job.work.rendition == rendition}
        return Observed(
            published,
            lambda keys: [row for row in self._store().take_rows(keys) if row.rendition == rendition],
            missing=missing(str(self._outputs), published.values()),
            running=running,
            flags=self._reader.flags(),
            has_object=self._has_object,
            durations=cache(lambda: self._store().durations()),
        )

    def _has_object(self, file_digest: str, suffix: str) -> bool:
        objects = self._objects()
        return any(objects.has(file_digest, kept) for kept in OBJECT_SUFFIXES[suffix])


def missing(outputs: str, published: Iterable[Published]) -> frozenset[str]:
    """Find published paths whose file is gone or has another size."""
    gone = []
    for row in published:
        try:
            if os.stat(f"{outputs}/{row.path}").st_size != row.size:  # noqa: PTH116  # ten thousand of them in a plan
                gone.append(row.path)
        except OSError:
            gone.append(row.path)
    return frozenset(gone)


def _blocked(wanted: Wanted, published: Mapping[str, Published]) -> list[str]:
    """Open up `*`: a project whose own document can't be read is known only by what it published."""
    if "*" not in wanted.blocked:
        return wanted.blocked
    unknown = {target.split("/", 1)[0] for target in published} - wanted.projects.keys()
    return [prefix for prefix in wanted.blocked if prefix != "*"] + sorted(unknown)
