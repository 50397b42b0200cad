"""The one writer of a database: a session of its own, which holds an advisory lock for life, and an epoch that every write checks.

All writes go through this session, so without the lock there is no write. Who takes the lock raises the epoch, so that a writer which
lost its session while it did not look is refused from then on. Where the connection is lost, the session is made again and the lock is
taken again; where it was lost while a transaction was being committed, the serial says whether it was: nobody else could have raised it.
"""

import os
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import RLock
from typing import Any, Generic, TypeVar

import psycopg

from koma.core.faults import StoreError
from koma.core.store_address import redacted
from koma.stores.lock import LockHeld
from koma.stores.postgres.connecting import Connection, Outage, connect, explained, watched
from koma.stores.postgres.patience import Patience
from koma.stores.postgres.schema import migrate

T = TypeVar("T")
LOCK_CLASS = 0x6B6F6D61  # "koma"; the other half of the key is the schema, so that each has one writer
_LOCK = """
    SELECT pg_try_advisory_lock((%s::bigint << 32) | oid::bigint) FROM pg_namespace WHERE nspname = current_schema()
"""
_WHO = "SELECT pid, backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()"
_END = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = %s AND backend_start = %s"
_HOLDER = "SELECT epoch, serial, pid, host, since FROM writer"
_CLAIM = """
    UPDATE writer SET epoch = epoch + 1, pid = %s, host = %s, since = extract(epoch FROM clock_timestamp()) RETURNING epoch, serial
"""
_BEGIN_WRITE = "UPDATE writer SET serial = serial + 1 WHERE epoch = %s RETURNING serial"


class Changes:
    """The statements of one transaction, counting the rows that they changed."""

    def __init__(self, connection: Connection) -> None:
        self._cursor = connection.cursor()
        self.count = 0

    def execute(self, query: str, parameters: Mapping[str, Any]) -> int:
        """Change rows; how many."""
        changed = self._cursor.execute(query, parameters).rowcount
        self.count += changed
        return changed

    def execute_many(self, query: str, parameters: list[Mapping[str, Any]]) -> None:
        """Change rows with each of these, in this order and one round trip."""
        if parameters:
            self._cursor.executemany(query, parameters)
            self.count += self._cursor.rowcount

    def one(self, query: str, parameters: Mapping[str, Any]) -> tuple[Any, ...] | None:
        """Read one row."""
        return self._cursor.execute(query, parameters).fetchone()


@dataclass(slots=True)
class _Sent(Generic[T]):
    """What is known of a write after its COMMIT was sent: the serial that the row has if it arrived, and the answer."""

    serial: int = 0
    answer: T | None = None


class Writer:
    """The session that writes. Raises LockHeld where another process has it, StoreError where the database can't be used."""

    def __init__(self, address: str, patience: Patience) -> None:
        self._address = address
        self._patience = patience
        self._lock = RLock()
        with explained(address, "opening the state store"):
            self._connection = self._connected()
            try:
                self._epoch, self._serial = self._claim()
            except BaseException:
                self._connection.close()
                raise

    def close(self) -> None:
        """Let go of the lock. May be repeated."""
        with self._lock:
            if not self._connection.closed:
                with suppress(psycopg.Error):  # by itself a server lets go only once it notices that nobody is there
                    self._connection.execute("SELECT pg_advisory_unlock_all()")
            self._connection.close()

    def write(self, doing: str, change: Callable[[Changes], T]) -> T:
        """Make a change in one transaction, and once, whatever happens to the connection. Raises StoreError.

        `change` may be called several times, each time in a transaction of its own, of which one at most is committed.
        """
        sent: _Sent[T] = _Sent()
        with self._lock, explained(self._address, doing):
            return self._patience.through(lambda: self._attempt(change, sent))

    @contextmanager
    def alone(self) -> Iterator[Connection]:
        """One transaction that is tried once, takes as long as it takes, and gives the store a serial of its own. Raises StoreError."""
        with self._lock, explained(self._address, "writing everything"):
            with watched(self._connection), self._connection.transaction():
                self._connection.execute("SET LOCAL statement_timeout = 0")
                self._connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
                self._raised_serial()
                yield self._connection
            self._serial = self._connection.execute(_HOLDER).fetchall()[0][1]

    def _attempt(self, change: Callable[[Changes], T], sent: _Sent[T]) -> T:
        if self._connection.closed:
            self._resume(sent.serial)
        if sent.serial and sent.serial == self._serial:
            return sent.answer  # type: ignore[return-value]  # set together with the serial
        with watched(self._connection), _undone(self._connection):
            self._connection.execute("BEGIN")
            serial = self._raised_serial()
            changes = Changes(self._connection)
            answer = change(changes)
            if not changes.count:
                self._connection.execute("ROLLBACK")
                return answer
            sent.serial, sent.answer = serial, answer
            self._connection.execute("COMMIT")
            self._serial = serial
            return answer

    def _raised_serial(self) -> int:
        row = self._connection.execute(_BEGIN_WRITE, [self._epoch]).fetchone()
        if row is None:
            raise self._taken_over()
        return int(row[0])

    def _connected(self) -> Connection:
        connection = connect(self._address)
        with watched(connection):
            self._self = connection.execute(_WHO).fetchone()
        return connection

    def _claim(self) -> tuple[int, int]:
        """Take the lock, bring the schema up to date, and raise the epoch; epoch and serial."""
        if not self._locked(self._connection):
            raise self._held_by_another()
        migrate(self._connection, self._address)
        with watched(self._connection):
            epoch, serial = self._connection.execute(_CLAIM, [os.getpid(), socket.gethostname()]).fetchall()[0]
        return int(epoch), int(serial)

    def _locked(self, connection: Connection) -> bool:
        with watched(connection):
            row = connection.execute(_LOCK, [LOCK_CLASS]).fetchone()
        if row is None:
            hint = "make it (CREATE SCHEMA), or name another one in the address: ?options=-csearch_path%3DNAME"
            raise StoreError(f"{redacted(self._address)}: there is no schema to keep tables in", hint)
        return bool(row[0])

    def _resume(self, expected: int) -> None:
        """Make the session again after it was lost. `expected` is the serial of a write that may have been committed."""
        before = self._self
        connection = self._connected()
        try:
            self._serial = self._checked(connection, before, expected)
        except BaseException:
            connection.close()
            self._self = before
            raise
        self._connection = connection

    def _checked(self, connection: Connection, before: tuple[Any, ...] | None, expected: int) -> int:
        """Take the lock again on a new connection; the serial. Raises StoreError if somebody else has written meanwhile."""
        with watched(connection):
            connection.execute(_END, before)  # a server that has not noticed yet would hold the lock for the session before
        locked = self._locked(connection)
        with watched(connection):
            epoch, serial, *_ = connection.execute(_HOLDER).fetchall()[0]
        if epoch != self._epoch:
            raise self._taken_over(connection)
        if not locked:
            raise Outage("the session before still holds the lock")
        if serial not in {self._serial, expected}:
            message = f"{redacted(self._address)}: it is not as this Koma left it: writes are missing, or others are there"
            raise StoreError(message, "find out who restored it or wrote to it, then start Koma again")
        return int(serial)

    def _held_by_another(self) -> LockHeld:
        try:
            _, _, pid, host, since = self._connection.execute(_HOLDER).fetchall()[0]
        except psycopg.errors.UndefinedTable:  # the other one is just making it
            pid, host, since = 0, "", 0.0
        return LockHeld(redacted(self._address), pid, host, since)

    def _taken_over(self, connection: Connection | None = None) -> StoreError:
        rows = (connection or self._connection).execute(_HOLDER).fetchall()
        who = f"process {rows[0][2]} on {rows[0][3]}" if rows else "somebody who emptied it"
        return StoreError(
            f"{redacted(self._address)}: another Koma took over: {who}. Nothing was changed", "leave the work to it, or stop it first"
        )


class _undone:  # noqa: N801  # reads as what it makes of a transaction that fails
    """Roll back where something is raised inside, if there is still a connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None and not self._connection.closed:
            try:
                self._connection.execute("ROLLBACK")
            except psycopg.OperationalError:
                self._connection.close()
