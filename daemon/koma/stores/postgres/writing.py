"""Writing a take (its light row and its body), published rows and jobs, inside a transaction that the caller holds."""

from collections.abc import Mapping, Sequence
from typing import Any

from koma.core.job import Job, JobState
from koma.core.rows import Published
from koma.core.take import Take
from koma.stores.postgres.session import Changes
from koma.stores.rows import job_row, take_body, take_row

_IS_DECIDED = """
    SELECT EXISTS (
        SELECT FROM takes WHERE target = %(target)s AND rendition = %(rendition)s AND render_key = %(render_key)s AND decided
    )
"""
_DECIDE_ALL = """
    UPDATE takes SET decided = true
    WHERE target = %(target)s AND rendition = %(rendition)s AND render_key = %(render_key)s AND NOT decided
"""
_DECIDE_PUBLISHED = """
    UPDATE published SET decided = true
    WHERE target = %(target)s AND rendition = %(rendition)s AND render_key = %(render_key)s AND NOT decided
"""
_PUT_TAKE = """
    WITH put AS (
        INSERT INTO takes (
            take_key, target, rendition, render_key, number, verdict, decided, approved,
            measure_key, rules_digest, object_digest, content_digest, last_digest, template, made_seconds, finished_at
        ) VALUES (
            %(take_key)s, %(target)s, %(rendition)s, %(render_key)s, %(number)s, %(verdict)s, %(decided)s, %(approved)s,
            %(measure_key)s, %(rules_digest)s, %(object_digest)s, %(content_digest)s, %(last_digest)s, %(template)s, %(made_seconds)s,
            %(finished_at)s
        )
        ON CONFLICT (target, rendition, render_key, number, take_key) DO UPDATE SET
            verdict = excluded.verdict, decided = excluded.decided, approved = excluded.approved,
            measure_key = excluded.measure_key, rules_digest = excluded.rules_digest,
            object_digest = excluded.object_digest, content_digest = excluded.content_digest, last_digest = excluded.last_digest,
            template = excluded.template, made_seconds = excluded.made_seconds, finished_at = excluded.finished_at
        RETURNING id
    )
    INSERT INTO take_bodies (id, facts, body) SELECT id, %(facts)s, %(body)s FROM put
    ON CONFLICT (id) DO UPDATE SET facts = excluded.facts, body = excluded.body
"""
_PUT_PUBLISHED = """
    INSERT INTO published
        (target, rendition, take_key, render_key, path, size, verdict, measure_key, rules_digest, content_digest, decided, last_digest)
    VALUES (
        %(target)s, %(rendition)s, %(take_key)s, %(render_key)s, %(path)s, %(size)s, %(verdict)s, %(measure_key)s, %(rules_digest)s,
        %(content_digest)s, %(decided)s, %(last_digest)s
    )
    ON CONFLICT (target, rendition) DO UPDATE SET
        take_key = excluded.take_key, render_key = excluded.render_key, path = excluded.path, size = excluded.size,
        verdict = excluded.verdict, measure_key = excluded.measure_key, rules_digest = excluded.rules_digest,
        content_digest = excluded.content_digest, decided = excluded.decided, last_digest = excluded.last_digest
"""
_ENQUEUE = """
    INSERT INTO jobs (job_id, target, rendition, state, queued_at, body)
    SELECT %(job_id)s, %(target)s, %(rendition)s, %(state)s, %(queued_at)s, %(body)s
    WHERE NOT EXISTS (SELECT FROM jobs WHERE job_id = %(job_id)s)
"""
_END_JOB = """
    UPDATE jobs SET state = %(state)s, queued_at = %(queued_at)s, body = %(body)s, target = %(target)s, rendition = %(rendition)s
    WHERE job_id = %(job_id)s
"""
_ADVANCE = """
    UPDATE jobs SET state = %(state)s, queued_at = %(queued_at)s, body = %(body)s
    WHERE job_id = %(job_id)s AND target = %(target)s AND rendition = %(rendition)s AND state = %(expected)s AND (
        state = %(state)s OR EXISTS (SELECT FROM transitions WHERE from_state = %(expected)s AND to_state = %(state)s)
    )
"""


def put_take(changes: Changes, take: Take) -> None:
    """Insert or replace it; once a take of its target, rendition and render_key is decided, all of them are."""
    row = take_row(take)
    decided = take.decided or _is_decided(changes, row)
    facts, body = take_body(take, decided=decided)
    changes.execute(_PUT_TAKE, row | {"decided": decided, "facts": facts, "body": body})
    if decided:
        changes.execute(_DECIDE_ALL, row)
        changes.execute(_DECIDE_PUBLISHED, row)


def put_published(changes: Changes, published: Published, job: Job | None) -> None:
    """Insert or replace the row of its target and rendition, decided if a take of its render_key is; and the job that ended with it."""
    row = published._asdict()
    changes.execute(_PUT_PUBLISHED, row | {"decided": bool(published.decided) or _is_decided(changes, row)})
    if job is not None:
        changes.execute(_END_JOB, job_row(job))


def drop_published(changes: Changes, target: str, rendition: str) -> None:
    """Delete the row of a target and rendition."""
    where = {"target": target, "rendition": rendition}
    changes.execute("DELETE FROM published WHERE target = %(target)s AND rendition = %(rendition)s", where)


def enqueue(changes: Changes, jobs: Sequence[Job]) -> None:
    """Insert those that are not there."""
    changes.execute_many(_ENQUEUE, [job_row(job) for job in jobs])


def advance(changes: Changes, job: Job, expected: JobState) -> bool:
    """Replace the job if its state is the expected one; whether it was."""
    return changes.execute(_ADVANCE, {**job_row(job), "expected": expected.value}) == 1


def set_flag(changes: Changes, name: str, value: str | None) -> None:
    """Set or remove a flag."""
    row = {"name": name, "value": value}
    if value is None:
        changes.execute("DELETE FROM flags WHERE name = %(name)s", row)
    else:
        put = "INSERT INTO flags VALUES (%(name)s, %(value)s) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
        changes.execute(put, row)


def _is_decided(changes: Changes, row: Mapping[str, Any]) -> bool:
    return changes.one(_IS_DECIDED, row) == (True,)
