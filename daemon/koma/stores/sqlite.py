"""The embedded store: one SQLite file, one writer, any number of readers in other processes.

Every method is one transaction. The paths that planning takes use sqlite3 and json alone.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from koma.core.faults import StoreError
from koma.core.job import Job, JobState
from koma.core.rows import Published, TakeRow
from koma.core.take import Take
from koma.stores.put import put_published, put_take
from koma.stores.reading import StoreReader, explained
from koma.stores.rows import job_row, read_body
from koma.stores.writing import open_writer

if TYPE_CHECKING:
    from koma.stores.contents import Contents, Tally

_NEWEST = 100
_SCAN_FROM = 2000  # for more keys than this, reading all rows is faster than looking each key up
_RENDER_KEY = 3  # its column in both queries below
_ALL_TAKE_ROWS = """
    SELECT take_key, target, rendition, render_key, number, verdict, decided, approved,
        measure_key, rules_digest, object_digest, content_digest, last_digest
    FROM takes ORDER BY target, rendition, render_key, number, take_key
"""
_SOME_TAKE_ROWS = """
    SELECT take_key, target, rendition, render_key, number, verdict, decided, approved,
        measure_key, rules_digest, object_digest, content_digest, last_digest
    FROM takes WHERE render_key IN (SELECT value FROM json_each(?))
    ORDER BY target, rendition, render_key, number, take_key
"""
_TAKE = """
    SELECT decided, facts, body FROM takes JOIN take_bodies ON id = body_id
    WHERE take_key = ? ORDER BY target, rendition LIMIT 1
"""
_FACTS = "SELECT take_key, facts FROM takes JOIN take_bodies ON id = body_id WHERE take_key IN (SELECT value FROM json_each(?))"
_TEMPLATES = "SELECT DISTINCT template FROM takes WHERE made_seconds > 0"
_DURATIONS = """
    SELECT made_seconds FROM takes WHERE template = ? AND made_seconds > 0
    ORDER BY finished_at DESC, made_seconds DESC LIMIT ?
"""
_ENQUEUE = """
    INSERT INTO jobs (job_id, target, rendition, state, queued_at, body)
    SELECT :job_id, :target, :rendition, :state, :queued_at, :body
    WHERE NOT EXISTS (SELECT 1 FROM jobs WHERE job_id = :job_id)
"""
_END_JOB = """
    UPDATE jobs SET state = :state, queued_at = :queued_at, body = :body, target = :target, rendition = :rendition
    WHERE job_id = :job_id
"""
_ADVANCE = """
    UPDATE jobs SET state = :state, queued_at = :queued_at, body = :body
    WHERE job_id = :job_id AND target = :target AND rendition = :rendition AND state = :expected
        AND (state = :state OR EXISTS (SELECT 1 FROM transitions WHERE from_state = :expected AND to_state = :state))
"""


class SqliteStore(StoreReader):
    """`koma.ports.Store` on one file; one that is `readonly` never writes."""

    def __init__(self, path: Path, *, readonly: bool = False) -> None:
        self.path = path
        self._readonly = readonly
        super().__init__(path, None if readonly else open_writer(path))

    def take_rows(self, render_keys: Iterable[str] | None = None) -> list[TakeRow]:
        """Return takes of these keys, or all; by target, rendition, render_key, number."""
        return list(map(TakeRow._make, self._take_rows(render_keys)))

    def _take_rows(self, render_keys: Iterable[str] | None) -> list[tuple[Any, ...]]:
        if render_keys is None:
            return self._rows(_ALL_TAKE_ROWS)
        wanted = set(render_keys)
        if len(wanted) <= _SCAN_FROM:
            return self._rows(_SOME_TAKE_ROWS, _list(wanted))
        return [row for row in self._rows(_ALL_TAKE_ROWS) if row[_RENDER_KEY] in wanted]

    def take(self, take_key: str) -> Take | None:
        """One take, whole; the first by target and rendition where several targets have one of this key."""
        for decided, facts, body in self._rows(_TAKE, take_key):
            return replace(read_body(Take, body, str(self.path)), decided=decided == 1, facts=json.loads(facts))
        return None

    def facts(self, take_keys: Iterable[str]) -> dict[str, Mapping[str, Any]]:
        """take_key → facts of these takes."""
        return {key: json.loads(text) for key, text in self._rows(_FACTS, _list(take_keys))}

    def durations(self) -> dict[str, list[float]]:
        """Template → render seconds of its newest takes, newest first, at most 100 each."""
        with self._reading() as connection:
            templates = connection.execute(_TEMPLATES).fetchall()
            return {name: [seconds for (seconds,) in connection.execute(_DURATIONS, (name, _NEWEST))] for (name,) in templates}

    def jobs(self) -> list[Job]:
        """Jobs on their way, oldest first."""
        return [read_body(Job, body, str(self.path)) for (body,) in self._rows("SELECT body FROM jobs ORDER BY queued_at, seq")]

    def put_take(self, take: Take) -> None:
        """Insert or replace a take; `decided` holds for all takes of its target, rendition and render_key."""
        with self._writing(f"storing take {take.number} of {take.target}") as connection:
            put_take(connection, take)

    def put_published(self, published: Published, job: Job | None = None) -> None:
        """Record what lies in outputs/, and the finished job with it. A job that is gone has been recorded before."""
        with self._writing(f"recording {published.path}") as connection:
            put_published(connection, published)
            if job is not None:
                connection.execute(_END_JOB, job_row(job))

    def drop_published(self, target: str, rendition: str) -> None:
        """Forget that something is published."""
        with self._writing(f"forgetting that {target} is published") as connection:
            connection.execute("DELETE FROM published WHERE target = ? AND rendition = ?", (target, rendition))

    def enqueue(self, jobs: Sequence[Job]) -> None:
        """Add jobs, all or none; one that is already there is left as it is."""
        with self._writing("queueing jobs: one live job per target and rendition, none that has ended") as connection:
            connection.executemany(_ENQUEUE, [job_row(job) for job in jobs])

    def advance(self, job: Job, expected: JobState) -> bool:
        """Replace a job if its stored state is `expected` and the step is allowed. False if not."""
        with self._writing(f"moving the job of {job.work.target} to {job.state}") as connection:
            return connection.execute(_ADVANCE, {**job_row(job), "expected": expected.value}).rowcount == 1

    def set_flag(self, name: str, value: str | None) -> None:
        """Set or remove a flag."""
        with self._writing(f"setting {name}") as connection:
            if value is None:
                connection.execute("DELETE FROM flags WHERE name = ?", (name,))
            else:
                connection.execute("INSERT OR REPLACE INTO flags (name, value) VALUES (?, ?)", (name, value))

    def check(self) -> list[str]:
        """Integrity problems in words; empty when sound. Reads the whole file."""
        from koma.stores.check import problems  # noqa: PLC0415  # imports sqlite-utils, which is slow to import

        with self._lock:
            return problems(self._connection, self.path)

    def tidy(self) -> None:
        """Bring what the write-ahead log holds into the file, and empty it, as far as no other process reads."""
        with self._lock, explained(self.path, "emptying the write-ahead log"):
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def back_up(self, into: Path) -> None:
        """Write a compact, consistent copy of the file; the writer may go on meanwhile."""
        from koma.stores.schema import back_up  # noqa: PLC0415  # imports sqlite-utils, which is slow to import

        with self._lock, explained(self.path, f"copying to {into}"):
            back_up(self._connection, into)

    @contextmanager
    def contents(self) -> "Iterator[Contents]":
        """Everything as of one moment, for as long as the block lasts; nobody else uses this store meanwhile."""
        from koma.stores import copying  # noqa: PLC0415  # rarely needed

        with self._reading() as connection:
            yield copying.contents(connection)

    def fill(self, given: "Contents") -> "Tally":
        """Copy everything of another store into this one, which must be empty; all or nothing, and read back. Raises StoreError."""
        from koma.stores import copying  # noqa: PLC0415  # rarely needed

        with self._writing("copying another store into it") as connection:
            return copying.fill(connection, given, str(self.path))

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._lock, explained(self.path, "reading"):
            self._connection.execute("BEGIN")
            try:
                yield self._connection
            finally:
                self._connection.execute("ROLLBACK")

    @contextmanager
    def _writing(self, doing: str) -> Iterator[sqlite3.Connection]:
        if self._readonly:
            raise StoreError(f"{self.path}: {doing}: opened for reading only. Only the holder of the lock writes.")
        connection = self._connection
        with self._lock, explained(self.path, doing):
            connection.execute("BEGIN IMMEDIATE")
            before = connection.total_changes
            try:
                yield connection
                if connection.total_changes != before:
                    connection.execute("UPDATE serial SET value = value + 1")
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise


def _list(keys: Iterable[str]) -> str:
    return json.dumps(list(keys))
