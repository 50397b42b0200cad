"""All contents of a state file, out of it and into it, in a transaction that the caller holds."""

import sqlite3
from collections.abc import Iterator

from koma.stores.contents import COLUMNS, Contents, Row, Tally, batches, must_be_empty, must_equal, tally

_FROM = {
    "takes": "takes JOIN take_bodies ON id = body_id ORDER BY target, rendition, render_key, number, take_key",
    "published": "published ORDER BY target, rendition",
    "jobs": "jobs ORDER BY seq",
    "flags": "flags ORDER BY name",
}


def contents(connection: sqlite3.Connection) -> Contents:
    """Everything, read while it is asked for."""

    def rows(table: str) -> Iterator[Row]:
        yield from connection.execute(f"SELECT {', '.join(COLUMNS[table])} FROM {_FROM[table]}")  # noqa: S608  # our own names

    return Contents(rows, int(connection.execute("SELECT value FROM serial").fetchone()[0]))


def fill(connection: sqlite3.Connection, given: Contents, where: str) -> Tally:
    """Put everything into an empty store and read it back; what was put there. Raises StoreError; the caller then rolls back."""
    must_be_empty(contents(connection), where)
    copied = Tally()
    for table in COLUMNS:
        for batch in batches(copied.following(table, given.rows(table))):
            _insert(connection, table, batch)
    connection.execute("UPDATE serial SET value = ?", (given.serial - 1,))  # this write raises it by one
    must_equal(copied, tally(contents(connection)), where)
    return copied


def _insert(connection: sqlite3.Connection, table: str, batch: list[Row]) -> None:
    columns = COLUMNS[table]
    if table != "takes":
        connection.executemany(_insertion(table, columns), batch)
        return
    light, last = columns[:-2], connection.execute("SELECT coalesce(max(id), 0) FROM take_bodies").fetchone()[0]
    connection.executemany("INSERT INTO take_bodies (id, facts, body) VALUES (?, ?, ?)", _numbered([row[-2:] for row in batch], last))
    connection.executemany(_insertion("takes", ("body_id", *light)), _numbered([row[:-2] for row in batch], last))


def _insertion(table: str, columns: tuple[str, ...]) -> str:
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"  # noqa: S608  # our own names


def _numbered(rows: list[Row], last: int) -> Iterator[Row]:
    return ((last + number, *row) for number, row in enumerate(rows, 1))
