"""Takes as the engine makes them: from a finished or failed job, with receipt; and which take is to lie in the outputs folder."""

from collections.abc import Mapping
from dataclasses import replace

from koma.core.choose import choose, merit
from koma.core.job import Job
from koma.core.receipt import finished_take
from koma.core.review import kept_word
from koma.core.rows import Published, TakeRow
from koma.core.scores import key_of
from koma.core.take import Take
from koma.core.words import ActionKind, Verdict
from koma.ports import Store


class TakeMissingError(Exception):
    """A job speaks of a take that the store does not know."""


def whole_take(store: Store, job: Job, take_key: str) -> Take | None:
    """Return a take under the job's own target: one that was moved to another id brings its takes along."""
    take = store.take(take_key)
    return None if take is None else replace(take, target=job.work.target, rendition=job.work.rendition)


def take_of(job: Job, old: Take | None, versions: Mapping[str, str], now: float) -> Take:
    """Build the take that a job tells of: a new one, a failed one, or the old one with new measurements or another verdict.

    `versions` are those of the backend and of Koma. Raises TakeMissingError if the job only measured or judged a take that is not there.
    """
    if job.action is not ActionKind.RENDER:
        return _judged_again(job, old)
    if job.failure is not None:
        # A render that failed says nothing about files: without artifacts it is never published, measured or approved.
        return finished_take(replace(job, artifacts=(), measurements=(), gate=None), job.finished_at or now, versions)
    take = replace(finished_take(job, now, versions), measure_key=_measure_key(job))
    return take if old is None else replace(take, decided=take.decided or old.decided, approved=old.approved)


def _judged_again(job: Job, old: Take | None) -> Take:
    if old is None:
        raise TakeMissingError(f"take {job.work.number} of {job.work.target} is not in the store; run `koma plan` to see what it needs")
    work = job.work
    passed = job.gate is not None and job.gate.verdict is Verdict.PASSED
    gate = kept_word(job.gate, old.gate)
    judged = replace(old, measurements=job.measurements, rules_digest=work.rules_digest, gate=gate, decided=old.decided or passed)
    return replace(judged, measure_key=_measure_key(job))


def _measure_key(job: Job) -> str:
    return key_of(job.measurements, job.work.measure_key, job.work.lacking_key)


def key_to_lie(store: Store, job: Job) -> tuple[str, str]:
    """Return (take_key that is to lie in the outputs folder for the job's target, take_key that lies there now); "" for none."""
    there = _published(store, job)
    published_key = there.take_key if there is not None else ""
    if job.action in {ActionKind.RESTORE, ActionKind.PUBLISH}:
        return job.work.take_key, published_key
    return _chosen(store, job, there) or published_key, published_key


def must_publish(store: Store, job: Job) -> bool:
    """Whether the outputs folder has to change: another take is to lie there, or the one that lies there was judged again."""
    wanted, there = key_to_lie(store, job)
    return bool(wanted) and (wanted != there or wanted == job.work.take_key)


def _chosen(store: Store, job: Job, there: Published | None) -> str:
    rows = _rows(store, job)
    merits = {row.take_key: merit(take.gate) for row in rows if (take := store.take(row.take_key)) is not None}
    passed = there is not None and (there.decided or there.verdict == Verdict.PASSED)
    return choose(rows, job.work.takes_wanted, job.work.takes_limit, there, published_passed=passed, merits=merits).take_key


def _rows(store: Store, job: Job) -> list[TakeRow]:
    own = (job.work.target, job.work.rendition)
    return [row for row in store.take_rows([job.work.render_key]) if (row.target, row.rendition) == own]


def _published(store: Store, job: Job) -> Published | None:
    own = (job.work.target, job.work.rendition)
    return next((row for row in store.published([own[0]]) if (row.target, row.rendition) == own), None)
