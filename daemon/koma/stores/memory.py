"""The store in memory: for tests and for trying things, under the same contract as every other."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from koma.core.faults import StoreError
from koma.core.job import TERMINAL, TRANSITIONS, Job, JobState
from koma.core.rows import Lying, Published, TakeRow, line_of
from koma.core.take import Take
from koma.stores.rows import light, made_seconds

_NEWEST = 100


class MemoryStore:
    """`koma.ports.Store` that forgets everything when it goes."""

    def __init__(self) -> None:
        self._serial = 0
        self._takes: dict[tuple[str, str, str, int, str], Take] = {}
        self._published: dict[tuple[str, str], Published] = {}
        self._jobs: dict[str, Job] = {}
        self._flags: dict[str, str] = {}

    def close(self) -> None:
        """Nothing to release."""

    def check(self) -> list[str]:
        """Name published rows whose take is not known."""
        known = {take.take_key for take in self._takes.values()}
        return [f"{p.path} is published from take {p.take_key}, which is not known" for p in self.published() if p.take_key not in known]

    def serial(self) -> int:
        """Grows with every write."""
        return self._serial

    def published(self, targets: Collection[str] | None = None) -> list[Published]:
        """Everything that lies in outputs/, or what lies there for these targets, by target and rendition."""
        return [self._published[key] for key in sorted(self._published) if targets is None or key[0] in targets]

    def lying(self, rendition: str) -> list[Lying]:
        """Tell in short what lies in outputs/ in one rendition."""
        return [(line_of(row), row.path, row.size) for row in self.published() if row.rendition == rendition]

    def is_working(self) -> bool:
        """Whether any job is on its way."""
        return bool(self.jobs())

    def take_rows(self, render_keys: Iterable[str] | None = None) -> list[TakeRow]:
        """Return takes of these keys, or all; by target, rendition, render_key, number."""
        wanted = None if render_keys is None else set(render_keys)
        takes = (self._takes[key] for key in sorted(self._takes))
        return [light(take) for take in takes if wanted is None or take.render_key in wanted]

    def take(self, take_key: str) -> Take | None:
        """One take, whole; the first by target and rendition where several targets have one of this key."""
        return next((self._takes[key] for key in sorted(self._takes) if key[-1] == take_key), None)

    def facts(self, take_keys: Iterable[str]) -> dict[str, Mapping[str, Any]]:
        """take_key → facts of these takes."""
        wanted = set(take_keys)
        return {take.take_key: take.facts for take in self._takes.values() if take.take_key in wanted}

    def durations(self) -> dict[str, list[float]]:
        """Template → render seconds of its newest takes, newest first, at most 100 each."""
        found: dict[str, list[float]] = {}
        for take in sorted(self._takes.values(), key=lambda one: (one.finished_at, one.render_seconds), reverse=True):
            if made_seconds(take) > 0 and len(found.setdefault(take.template, [])) < _NEWEST:
                found[take.template].append(take.render_seconds)
        return found

    def flags(self) -> dict[str, str]:
        """Small named facts."""
        return dict(sorted(self._flags.items()))

    def jobs(self) -> list[Job]:
        """Jobs on their way, oldest first."""
        return sorted(self._jobs.values(), key=lambda job: job.queued_at)

    def put_take(self, take: Take) -> None:
        """Insert or replace a take; `decided` holds for all takes of its target, rendition and render_key."""
        decided = take.decided or self._is_decided(take)
        self._takes[take.target, take.rendition, take.render_key, take.number, take.take_key] = take
        if decided:
            same = {key: one for key, one in self._takes.items() if key[:3] == (take.target, take.rendition, take.render_key)}
            self._takes |= {key: replace(one, decided=True) for key, one in same.items()}
            self._publish_again(take.target, take.rendition)
        self._serial += 1

    def put_published(self, published: Published, job: Job | None = None) -> None:
        """Record what lies in outputs/, and the finished job with it. A job that is gone has been recorded before."""
        if job is not None and job.job_id in self._jobs:
            stored = self._jobs[job.job_id]
            if not _may_become(stored, job):
                raise StoreError(f"recording {published.path}: its job can't go from {stored.state} to {job.state}. Nothing was changed.")
            self._keep(job)
        self._published[published.target, published.rendition] = published
        self._publish_again(published.target, published.rendition)
        self._serial += 1

    def drop_published(self, target: str, rendition: str) -> None:
        """Forget that something is published."""
        if self._published.pop((target, rendition), None) is not None:
            self._serial += 1

    def enqueue(self, jobs: Sequence[Job]) -> None:
        """Add jobs, all or none; one that is already there is left as it is."""
        added: dict[str, Job] = {}
        taken = {(job.work.target, job.work.rendition) for job in self._jobs.values()}
        for job in jobs:
            if job.job_id in self._jobs or job.job_id in added:
                continue
            place = (job.work.target, job.work.rendition)
            if job.state in TERMINAL or place in taken:
                raise StoreError(f"queueing {job.work.target}: it has a live job, or this one has ended. Nothing was changed.")
            taken.add(place)
            added[job.job_id] = job
        self._jobs |= added
        self._serial += bool(added)

    def advance(self, job: Job, expected: JobState) -> bool:
        """Replace a job if its stored state is `expected` and the step is allowed. False if not."""
        stored = self._jobs.get(job.job_id)
        if stored is None or stored.state is not expected or not _may_become(stored, job):
            return False
        self._keep(job)
        self._serial += 1
        return True

    def set_flag(self, name: str, value: str | None) -> None:
        """Set or remove a flag."""
        before = self._flags.get(name)
        if value is None:
            self._flags.pop(name, None)
        else:
            self._flags[name] = value
        self._serial += value is not None or before is not None

    def _is_decided(self, one: Take | Published) -> bool:
        key = (one.target, one.rendition, one.render_key)
        return any(take.decided for other, take in self._takes.items() if other[:3] == key)

    def _publish_again(self, target: str, rendition: str) -> None:
        published = self._published.get((target, rendition))
        if published is not None and self._is_decided(published):
            self._published[target, rendition] = published._replace(decided=True)

    def _keep(self, job: Job) -> None:
        if job.state in TERMINAL:
            self._jobs.pop(job.job_id, None)
        else:
            self._jobs[job.job_id] = job


def _may_become(stored: Job, job: Job) -> bool:
    same_target = (stored.work.target, stored.work.rendition) == (job.work.target, job.work.rendition)
    return same_target and (stored.state is job.state or job.state in TRANSITIONS[stored.state])
