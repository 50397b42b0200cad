"""Looking over a whole state file: pages, references, schema, and rows that point nowhere. Slow, and for people."""

import sqlite3
from pathlib import Path
from typing import cast

from sqlite_utils import Database
from sqlite_utils.db import Table

from koma.stores.schema import open_new

_MISMATCH = "; stop Koma and move the file away: receipts and objects rebuild it"


def problems(connection: sqlite3.Connection, path: Path) -> list[str]:
    """Return every problem in words, empty when sound. Never raises for a damaged file."""
    database = Database(connection, recursive_triggers=False, execute_plugins=False)
    try:
        found = _pages(database)
        return [f"{path}: {text}" for text in found or [*_references(database), *_schema(database, path), *_orphans(database)]]
    except sqlite3.DatabaseError as error:
        return [f"{path}: {error}{_MISMATCH}"]


def _pages(database: Database) -> list[str]:
    lines = [str(line) for (line,) in database.execute("PRAGMA integrity_check")]
    return [] if lines == ["ok"] else [f"{line}{_MISMATCH}" for line in lines]


def _references(database: Database) -> list[str]:
    return [
        f"a row of {table} refers to a row of {parent} that is gone" for table, _, parent, _ in database.execute("PRAGMA foreign_key_check")
    ]


def _schema(database: Database, path: Path) -> list[str]:
    connection = open_new(path)
    try:
        wanted = _parts(Database(connection, recursive_triggers=False, execute_plugins=False))
    finally:
        connection.close()
    present = _parts(database)
    return [f"{name} is missing or was altered{_MISMATCH}" for name in sorted(wanted) if present.get(name) != wanted[name]]


def _parts(database: Database) -> dict[str, str]:
    return {
        f"{row['type']} {row['name']}": row["sql"] for row in database.query("SELECT type, name, sql FROM sqlite_master WHERE sql NOTNULL")
    }


def _orphans(database: Database) -> list[str]:
    published = cast(Table, database["published"])
    rows = published.rows_where("take_key NOT IN (SELECT take_key FROM takes)", select="path, take_key", order_by="path")
    return [f"{row['path']} is published from take {row['take_key']}, which is not known" for row in rows]
