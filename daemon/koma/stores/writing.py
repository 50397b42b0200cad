"""Opening the state file for its one writer."""

import sqlite3
from pathlib import Path

from koma.core.faults import StoreError
from koma.stores.reading import SCHEMA, connect, explained, version

WAL_BYTES = 16 << 20  # of the write-ahead log that stay on disk


def open_writer(path: Path) -> sqlite3.Connection:
    """Open for writing, made and brought to the newest schema as needed. Raises StoreError."""
    _make_folder(path.parent)
    with explained(path, "opening the state store"):
        connection = connect(str(path))
        try:
            _prepare(connection)
            _bring_up(connection, path)
        except BaseException:
            connection.close()
            raise
    return connection


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{folder}: can't make the folder of the state store: {error.strerror}. Choose another `paths.state`.") from error


def _prepare(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute(f"PRAGMA journal_size_limit = {WAL_BYTES}")


def _bring_up(connection: sqlite3.Connection, path: Path) -> None:
    found = version(connection)
    if found != SCHEMA:
        from koma.stores.schema import migrate  # noqa: PLC0415  # imports sqlite-utils, and is rarely needed

        migrate(connection, path, copy_to=path.with_name(f"{path.name}.schema-{found}"))
