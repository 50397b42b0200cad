"""The writer's side of opening the state file: pragmas, and migrations that only go forward."""

import re
import sqlite3
from pathlib import Path

from sqlite_utils import Database

from koma.core.faults import StoreError
from koma.stores.reading import SCHEMA, connect, explained, version

MIGRATIONS = Path(__file__).parent / "migrations"


def steps() -> list[Path]:
    """Migration files in order. Raises StoreError where they are not numbered 1, 2, 3, ... up to SCHEMA."""
    found = sorted((int(match[1]), path) for path in MIGRATIONS.glob("*.sql") if (match := re.match(r"(\d+)_", path.name)))
    if [number for number, _ in found] != list(range(1, SCHEMA + 1)):
        names = ", ".join(path.name for _, path in found) or "none"
        raise StoreError(f"{MIGRATIONS}: expected migrations 1 to {SCHEMA}, found {names}. Install Koma again.")
    return [path for _, path in found]


def migrate(connection: sqlite3.Connection, path: str | Path, *, copy_to: Path | None = None) -> None:
    """Apply the missing migrations, each with its version in one transaction; what is there is copied aside before, if asked for."""
    found = version(connection)
    if found > SCHEMA:
        raise StoreError(
            f"{path}: written by a newer Koma (schema {found}, this one knows up to {SCHEMA}). Install that Koma again, "
            f"or put back the copy that it made beside the file ({path}.schema-*)."
        )
    if 0 < found < SCHEMA and copy_to is not None:
        back_up(connection, copy_to)
    database = Database(connection, recursive_triggers=False, execute_plugins=False)
    for number, file in list(enumerate(steps(), 1))[found:]:
        with explained(path, f"migrating to schema {number}"), database.atomic():
            database.executescript(file.read_text(encoding="utf-8"))
            database.execute(f"PRAGMA user_version = {number}")


def back_up(connection: sqlite3.Connection, into: Path) -> None:
    """Write a compact, consistent copy while others read and write; a copy that is already there is replaced whole."""
    draft = into.with_name(f"{into.name}.part")
    draft.unlink(missing_ok=True)
    connection.execute("VACUUM INTO ?", (str(draft),))
    draft.replace(into)


def open_new(path: Path) -> sqlite3.Connection:
    """Return a store in memory at the newest schema, as `path` should be."""
    connection = connect(":memory:")
    migrate(connection, path)
    return connection
