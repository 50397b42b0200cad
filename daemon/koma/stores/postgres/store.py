"""The store in a PostgreSQL database: one writer that holds a lock for life, any number of readers on other machines.

Every method is one transaction. Where the database restarts, calls wait until it is back, and a write is done once all the same.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import Any

from koma.core.faults import StoreError
from koma.core.job import Job, JobState
from koma.core.rows import Published, TakeRow
from koma.core.take import Take
from koma.ports import Clock
from koma.stores.contents import Contents, Tally
from koma.stores.postgres import check, copying, writing
from koma.stores.postgres.connecting import connect, explained, whole
from koma.stores.postgres.patience import Patience
from koma.stores.postgres.reading import PostgresReader
from koma.stores.postgres.session import Changes, T, Writer
from koma.stores.rows import read_body

WRITER_PATIENCE = 60.0  # seconds: longer than a database takes to restart, shorter than a service manager waits for one to stop
READER_PATIENCE = 5.0
_NEWEST = 100
_TAKE_ROWS = """
    SELECT take_key, target, rendition, render_key, number, verdict, decided, approved,
        measure_key, rules_digest, object_digest, content_digest, last_digest
    FROM takes {} ORDER BY target, rendition, render_key, number, take_key
"""
_TAKE = """
    SELECT decided, facts, body FROM takes JOIN take_bodies USING (id)
    WHERE take_key = %s ORDER BY target, rendition LIMIT 1
"""
_FACTS = "SELECT take_key, facts FROM takes JOIN take_bodies USING (id) WHERE take_key = ANY(%s)"
_DURATIONS = """
    SELECT template, made_seconds
    FROM (SELECT DISTINCT template FROM takes WHERE made_seconds > 0) AS templates
    CROSS JOIN LATERAL (
        SELECT made_seconds, finished_at FROM takes WHERE takes.template = templates.template AND made_seconds > 0
        ORDER BY finished_at DESC, made_seconds DESC LIMIT %s
    ) AS newest
    ORDER BY template, finished_at DESC, made_seconds DESC
"""


class PostgresStore(PostgresReader):
    """`koma.ports.Store` in one database; one that is `readonly` never writes.

    A writer waits `patience` seconds for a database that is gone, and raises LockHeld at the start where another process writes.
    """

    def __init__(self, address: str, clock: Clock, *, readonly: bool = False, patience: float | None = None) -> None:
        seconds = patience if patience is not None else READER_PATIENCE if readonly else WRITER_PATIENCE
        waiting = Patience(clock, seconds)
        self._writer = None if readonly else Writer(address, waiting)
        try:
            super().__init__(address, waiting)
        except BaseException:
            if self._writer is not None:
                self._writer.close()
            raise

    def close(self) -> None:
        """Release the connections, and with them the lock. May be repeated."""
        super().close()
        if self._writer is not None:
            self._writer.close()

    def take_rows(self, render_keys: Iterable[str] | None = None) -> list[TakeRow]:
        """Return takes of these keys, or all; by target, rendition, render_key, number."""
        if render_keys is None:
            return list(map(TakeRow._make, self._rows(_TAKE_ROWS.format(""))))
        return list(map(TakeRow._make, self._rows(_TAKE_ROWS.format("WHERE render_key = ANY(%s)"), [*set(render_keys)])))

    def take(self, take_key: str) -> Take | None:
        """One take, whole; the first by target and rendition where several targets have one of this key."""
        for decided, facts, body in self._rows(_TAKE, take_key):
            return replace(read_body(Take, body, self.shown), decided=decided, facts=json.loads(facts))
        return None

    def facts(self, take_keys: Iterable[str]) -> dict[str, Mapping[str, Any]]:
        """take_key → facts of these takes."""
        return {key: json.loads(text) for key, text in self._rows(_FACTS, [*take_keys])}

    def durations(self) -> dict[str, list[float]]:
        """Template → render seconds of its newest takes, newest first, at most 100 each."""
        found: dict[str, list[float]] = {}
        for template, seconds in self._rows(_DURATIONS, _NEWEST):
            found.setdefault(template, []).append(seconds)
        return found

    def jobs(self) -> list[Job]:
        """Jobs on their way, oldest first."""
        return [read_body(Job, body, self.shown) for (body,) in self._rows("SELECT body FROM jobs ORDER BY queued_at, seq")]

    def put_take(self, take: Take) -> None:
        """Insert or replace a take; `decided` holds for all takes of its target, rendition and render_key."""
        self._write(f"storing take {take.number} of {take.target}", lambda changes: writing.put_take(changes, take))

    def put_published(self, published: Published, job: Job | None = None) -> None:
        """Record what lies in outputs/, and the finished job with it. A job that is gone has been recorded before."""
        self._write(f"recording {published.path}", lambda changes: writing.put_published(changes, published, job))

    def drop_published(self, target: str, rendition: str) -> None:
        """Forget that something is published."""
        doing = f"forgetting that {target} is published"
        self._write(doing, lambda changes: writing.drop_published(changes, target, rendition))

    def enqueue(self, jobs: Sequence[Job]) -> None:
        """Add jobs, all or none; one that is already there is left as it is."""
        doing = "queueing jobs: one live job per target and rendition, none that has ended"
        self._write(doing, lambda changes: writing.enqueue(changes, jobs))

    def advance(self, job: Job, expected: JobState) -> bool:
        """Replace a job if its stored state is `expected` and the step is allowed. False if not."""
        doing = f"moving the job of {job.work.target} to {job.state}"
        return self._write(doing, lambda changes: writing.advance(changes, job, expected))

    def set_flag(self, name: str, value: str | None) -> None:
        """Set or remove a flag."""
        self._write(f"setting {name}", lambda changes: writing.set_flag(changes, name, value))

    def check(self) -> list[str]:
        """Integrity problems in words; empty when sound. Reads everything."""
        return self._reading("checking", lambda connection: check.problems(connection, self.shown))

    @contextmanager
    def contents(self) -> Iterator[Contents]:
        """Everything as of one moment, for as long as the block lasts. An outage is not waited out."""
        with explained(self.address, "reading everything"), closing(connect(self.address)) as connection, whole(connection):
            yield copying.contents(connection)

    def fill(self, given: Contents) -> Tally:
        """Copy everything of another store into this one, which must be empty; all or nothing, and read back. Raises StoreError.

        An outage is not waited out: then nothing was copied, or everything was and a second try says so.
        """
        with self._writing("copying another store into it").alone() as connection:
            return copying.fill(connection, given, self.shown)

    def _write(self, doing: str, change: Callable[[Changes], T]) -> T:
        return self._writing(doing).write(doing, change)

    def _writing(self, doing: str) -> Writer:
        if self._writer is None:
            raise StoreError(f"{self.shown}: {doing}: opened for reading only. Only the holder of the lock writes.")
        return self._writer
