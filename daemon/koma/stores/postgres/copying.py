"""All contents of a database, out of it and into it, in a transaction that the caller holds."""

from collections.abc import Iterator

from koma.stores.contents import COLUMNS, TRUTHS, Contents, Row, Tally, batches, must_be_empty, must_equal, tally
from koma.stores.postgres.connecting import Connection

_FROM = {
    "takes": "takes JOIN take_bodies USING (id) ORDER BY target, rendition, render_key, number, take_key",
    "published": "published ORDER BY target, rendition",
    "jobs": "jobs ORDER BY seq",
    "flags": "flags ORDER BY name",
}


def contents(connection: Connection) -> Contents:
    """Everything, read while it is asked for."""

    def rows(table: str) -> Iterator[Row]:
        names = ", ".join(f"{name}::integer" if name in TRUTHS else name for name in COLUMNS[table])
        with connection.cursor(name="contents") as cursor:  # stays at the server, so that a large store does not come at once
            yield from cursor.execute(f"SELECT {names} FROM {_FROM[table]}")  # noqa: S608  # our own names

    return Contents(rows, connection.execute("SELECT serial FROM writer").fetchall()[0][0])


def fill(connection: Connection, given: Contents, where: str) -> Tally:
    """Put everything into an empty store and read it back; what was put there. Raises StoreError; the caller then rolls back."""
    must_be_empty(contents(connection), where)
    copied = Tally()
    for table in COLUMNS:
        for batch in batches(copied.following(table, given.rows(table))):
            with connection.cursor() as cursor:
                cursor.executemany(_insertion(table), batch)
    connection.execute("UPDATE writer SET serial = %s", [given.serial])
    must_equal(copied, tally(contents(connection)), where)
    return copied


def _insertion(table: str) -> str:
    columns = COLUMNS[table]
    values = ["%s::integer::boolean" if name in TRUTHS else "%s" for name in columns]
    if table != "takes":
        return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join(values)})"  # noqa: S608  # our own names
    light = f"INSERT INTO takes ({', '.join(columns[:-2])}) VALUES ({', '.join(values[:-2])}) RETURNING id"  # noqa: S608  # our own names
    return f"WITH put AS ({light}) INSERT INTO take_bodies (id, facts, body) SELECT id, %s, %s FROM put"  # noqa: S608  # our own names
