"""The schema of a database: its version, and migrations that only go forward. Only the holder of the lock migrates."""

import re
from pathlib import Path

import psycopg

from koma.core.faults import StoreError
from koma.core.store_address import redacted
from koma.stores.postgres.connecting import Connection, explained, watched

SCHEMA = 1
MIGRATIONS = Path(__file__).parent / "migrations"


def version(connection: Connection) -> int:
    """Return the version of the schema; 0 where there is none."""
    with watched(connection):
        try:
            row = connection.execute("SELECT value FROM schema_version").fetchone()
        except psycopg.errors.UndefinedTable:
            return 0
        return int(row[0]) if row else 0


def steps() -> list[Path]:
    """Migration files in order. Raises StoreError where they are not numbered 1, 2, 3, ... up to SCHEMA."""
    found = sorted((int(match[1]), path) for path in MIGRATIONS.glob("*.sql") if (match := re.match(r"(\d+)_", path.name)))
    if [number for number, _ in found] != list(range(1, SCHEMA + 1)):
        names = ", ".join(path.name for _, path in found) or "none"
        raise StoreError(f"{MIGRATIONS}: expected migrations 1 to {SCHEMA}, found {names}. Install Koma again.")
    return [path for _, path in found]


def migrate(connection: Connection, address: str) -> None:
    """Apply the missing migrations, each with its version in one transaction. Raises StoreError, Outage."""
    _must_be_utf8(connection, address)
    found = version(connection)
    must_be_known(found, address)
    for number, file in list(enumerate(steps(), 1))[found:]:
        with explained(address, f"migrating to schema {number}"), watched(connection), connection.transaction():
            connection.execute(file.read_text(encoding="utf-8"))
            connection.execute("UPDATE schema_version SET value = %s", [number])


def must_be_known(found: int, address: str) -> None:
    """Refuse what a newer Koma wrote."""
    if found > SCHEMA:
        message = f"{redacted(address)}: written by a newer Koma (schema {found}, this one knows up to {SCHEMA})"
        raise StoreError(message, "install that Koma again, or put back a dump that was made before it")


def must_be_current(found: int, address: str) -> None:
    """Refuse to read what this Koma has not brought up to date yet."""
    must_be_known(found, address)
    if found < SCHEMA:
        message = f"{redacted(address)}: written by an older Koma (schema {found}, this one reads {SCHEMA})"
        raise StoreError(message, "koma run --once   (brings it up to date)")


def _must_be_utf8(connection: Connection, address: str) -> None:
    encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        raise StoreError(
            f"{redacted(address)}: its encoding is {encoding}", "make a database with the encoding UTF8: createdb -E UTF8 -T template0"
        )
