"""Reading the database: what a plan with nothing to do needs of it, and a pool of connections that several threads share."""

from collections.abc import Callable, Collection, Sequence
from contextlib import closing
from typing import Any, TypeVar

import psycopg
from psycopg_pool import ConnectionPool

from koma.core.rows import Lying, Published
from koma.core.store_address import redacted
from koma.stores.postgres.connecting import Connection, Outage, connect, explained, parameters, said, watched
from koma.stores.postgres.patience import Patience
from koma.stores.postgres.schema import must_be_current, version

T = TypeVar("T")
_CONNECTIONS = 4
_CHECKOUT_SECONDS = 2.0
_RECONNECT_SECONDS = 1.0  # the pool gives an attempt up soon, so that the next one is not put off: patience has the pauses
_PUBLISHED = """
    SELECT target, rendition, take_key, render_key, path, size, verdict, measure_key, rules_digest, content_digest, decided, last_digest
    FROM published {} ORDER BY target, rendition
"""


class PostgresReader:
    """The part of a store that reads columns, never JSON; works beside a writer. Safe to call from several threads.

    `patience` waits out an outage, but not the first one: a database that can't be reached at the start is an error. Raises StoreError.
    """

    def __init__(self, address: str, patience: Patience) -> None:
        self.address = address
        self.shown = redacted(address)
        self._patience = patience
        with explained(address, "opening the state store to read"), closing(connect(address)) as first:
            must_be_current(version(first), address)
        self._pool: ConnectionPool[Connection] = ConnectionPool(
            kwargs=parameters(address),
            min_size=0,
            max_size=_CONNECTIONS,
            timeout=_CHECKOUT_SECONDS,
            reconnect_timeout=_RECONNECT_SECONDS,
            num_workers=1,
            open=True,
        )

    def hears(self, on_away: Callable[[str], None], on_back: Callable[[], None]) -> None:
        """Call these when a call waits for the database, with what it said, and when it is back."""
        self._patience.on_away, self._patience.on_back = on_away, on_back

    def close(self) -> None:
        """Release the connections. May be repeated."""
        self._pool.close()

    def serial(self) -> int:
        """Count of writes: two equal serials mean nothing changed in between."""
        return int(self._rows("SELECT serial FROM writer")[0][0])

    def published(self, targets: Collection[str] | None = None) -> list[Published]:
        """Everything that lies in outputs/, or what lies there for these targets, by target and rendition."""
        if targets is None:
            return list(map(Published._make, self._rows(_PUBLISHED.format(""))))
        return list(map(Published._make, self._rows(_PUBLISHED.format("WHERE target = ANY(%s)"), [*targets])))

    def lying(self, rendition: str) -> list[Lying]:
        """Tell in short what lies in outputs/ in one rendition."""
        return self._rows("SELECT line, path, size FROM published WHERE rendition = %s", rendition)

    def is_working(self) -> bool:
        """Whether any job is on its way."""
        return bool(self._rows("SELECT EXISTS (SELECT FROM jobs)")[0][0])

    def flags(self) -> dict[str, str]:
        """Small named facts."""
        return dict(self._rows("SELECT name, value FROM flags ORDER BY name"))

    def _rows(self, query: str, *given: Any) -> list[Any]:
        return self._reading("reading", lambda connection: connection.execute(query, given).fetchall())

    def _reading(self, doing: str, read: Callable[[Connection], T]) -> T:
        with explained(self.address, doing):
            return self._patience.through(lambda: self._attempt(read))

    def _attempt(self, read: Callable[[Connection], T]) -> T:
        try:
            connection = self._pool.getconn()
        except psycopg.OperationalError as error:
            raise Outage(said(error)) from error
        try:
            with watched(connection):
                return read(connection)
        except Outage:
            self._pool.check()  # the others were lost with it, most likely
            raise
        finally:
            self._pool.putconn(connection)


def is_there(address: str) -> bool:
    """Whether a store was ever made there. Raises StoreError where the database can't be reached."""
    with explained(address, "looking for the state store"), closing(connect(address)) as connection:
        return version(connection) > 0


def rows_of(connection: Connection, query: str, given: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """All rows of a query."""
    return connection.execute(query, given).fetchall()
