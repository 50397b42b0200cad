"""Reading the state file with sqlite3 alone: all that a plan with nothing to do needs, so nothing slow to import stands here.

`user_version` is the schema's version: the number of the last file of `migrations/` that was applied.
"""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import contextmanager
from threading import RLock

from koma.core.faults import StoreError
from koma.core.rows import Lying, Published

TYPE_CHECKING = False  # `typing` itself costs start-up time
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from typing import Any

SCHEMA = 2
_BUSY_SECONDS = 10.0
_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_ADVICE = {
    sqlite3.SQLITE_BUSY: "Another process is writing to it; let it finish, then try again.",
    sqlite3.SQLITE_FULL: "The disk is full: free some space, then start Koma again.",
    sqlite3.SQLITE_CONSTRAINT: "Nothing was changed.",
}
_REBUILD = (
    "The file is damaged or no state store; stop Koma, move it away together with its -wal and -shm files, "
    "and start again: receipts and objects rebuild it."
)
_LOOK = "Look at the disk and at who may read and write this file, then start Koma again."
_PUBLISHED = """
    SELECT target, rendition, take_key, render_key, path, size, verdict, measure_key, rules_digest, content_digest, decided, last_digest
    FROM published {} ORDER BY target, rendition
"""
_LYING = "SELECT line, path, size FROM published WHERE rendition = ?"


class StoreReader:
    """The part of a store that reads columns, never JSON. Works beside a writer, and where there is no file yet (then it is empty).

    A file of an older schema, or none, is seen as it was when opened; any other shows each new transaction. Safe to call from
    several threads. Raises StoreError.
    """

    def __init__(self, path: str | os.PathLike[str], connection: sqlite3.Connection | None = None) -> None:
        self._file = os.fspath(path)
        self._lock = RLock()
        self._connection = connection or open_reader(self._file)

    def close(self) -> None:
        """Release the file. May be repeated."""
        with self._lock:
            self._connection.close()

    def serial(self) -> int:
        """Count of writes: two equal serials mean nothing changed in between, not even to another file in its place."""
        return int(self._rows("SELECT value FROM serial")[0][0])

    def published_rows(self, targets: Collection[str] | None = None) -> list[tuple[Any, ...]]:
        """Return what lies in outputs/ as tuples in the order of Published's fields, by target and rendition; truth is 0 or 1."""
        if targets is None:
            return self._rows(_PUBLISHED.format(""))
        return self._rows(_PUBLISHED.format("WHERE target IN (SELECT value FROM json_each(?))"), json.dumps([*targets]))

    def published(self, targets: Collection[str] | None = None) -> list[Published]:
        """Everything that lies in outputs/, or what lies there for these targets, by target and rendition."""
        return list(map(Published._make, self.published_rows(targets)))

    def lying(self, rendition: str) -> list[Lying]:
        """Tell in short what lies in outputs/ in one rendition."""
        return self._rows(_LYING, rendition)

    def is_working(self) -> bool:
        """Whether any job is on its way."""
        return bool(self._rows("SELECT EXISTS (SELECT 1 FROM jobs)")[0][0])

    def flags(self) -> dict[str, str]:
        """Small named facts."""
        return dict(self._rows("SELECT name, value FROM flags ORDER BY name"))

    def _rows(self, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
        with self._lock, explained(self._file, "reading"):
            return self._connection.execute(query, parameters).fetchall()


@contextmanager
def explained(path: str | os.PathLike[str], doing: str) -> Iterator[None]:
    """Turn an error of SQLite into a StoreError that says which file, what was being done, and what to do."""
    try:
        yield
    except sqlite3.Error as error:
        raise StoreError(f"{os.fspath(path)}: {doing}: {error}. {_advice(error)}") from error


def _advice(error: sqlite3.Error) -> str:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the low byte is the class of the error
    return _REBUILD if code in _DAMAGED else _ADVICE.get(code, _LOOK)


def connect(name: str, *, uri: bool = False) -> sqlite3.Connection:
    """Open a connection whose transactions are begun by hand, for a caller that has a lock of its own."""
    return sqlite3.connect(name, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False, uri=uri)


def version(connection: sqlite3.Connection) -> int:
    """Return the schema version of an open file; 0 for an empty one."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def open_reader(path: str) -> sqlite3.Connection:
    """Open for reading; a file that is missing or of an older schema becomes a migrated copy in memory. Raises StoreError."""
    with explained(path, "opening the state store to read"):
        connection = _connect_to_read(path) if os.path.exists(path) else connect(":memory:")  # noqa: PTH110  # pathlib is slow to import
        try:
            if version(connection) == SCHEMA:
                return connection
            return _migrated_copy(connection, path)
        except BaseException:
            connection.close()
            raise


def _connect_to_read(path: str) -> sqlite3.Connection:
    name = "file:" + path.replace("%", "%25").replace("?", "%3f").replace("#", "%23") + "?mode=ro"
    connection = connect(name, uri=True)
    try:
        version(connection)
    except sqlite3.OperationalError:
        connection.close()
        if os.path.exists(f"{path}-wal"):  # noqa: PTH110  # pathlib is slow to import
            raise
        # In a folder that may not be written, WAL can't make its index; without a WAL file nobody writes either.
        return connect(f"{name}&immutable=1", uri=True)
    except BaseException:
        connection.close()
        raise
    return connection


def _migrated_copy(source: sqlite3.Connection, path: str) -> sqlite3.Connection:
    from koma.stores.schema import migrate  # noqa: PLC0415  # imports sqlite-utils, and is rarely needed

    copy = connect(":memory:")
    try:
        source.backup(copy)
        migrate(copy, path)
    except BaseException:
        copy.close()
        raise
    source.close()
    return copy
