"""Looking over a whole database: schema, guards, and rows that point nowhere. Slow, and for people."""

from typing import Any

import psycopg

from koma.core.job import TRANSITIONS
from koma.stores.postgres.connecting import Connection, said, whole
from koma.stores.postgres.schema import SCHEMA, version

_REBUILD = "; stop Koma, restore the database or drop its tables: receipts and objects rebuild them"
_PARTS = {
    "table": ("flags", "jobs", "published", "schema_version", "take_bodies", "takes", "transitions", "writer"),
    "index": (
        "flags_pkey", "jobs_job_id_key", "jobs_pkey", "one_live_job", "published_pkey", "take_bodies_pkey",
        "takes_by_key", "takes_by_render_key", "takes_by_template", "takes_id_key", "takes_pkey",
    ),
    "trigger": ("jobs_begin", "jobs_keep_their_target", "jobs_leave", "jobs_step", "takes_stay_decided"),
}  # fmt: skip
_PRESENT = """
    SELECT CASE relkind WHEN 'r' THEN 'table' ELSE 'index' END, relname FROM pg_class
    LEFT JOIN pg_index ON indexrelid = pg_class.oid
    WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'i') AND indisvalid IS NOT false
    UNION ALL
    SELECT 'trigger', tgname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
    WHERE relnamespace = current_schema()::regnamespace AND NOT tgisinternal AND tgenabled IN ('O', 'A')
"""
_ONE_ROW = {
    "schema_version": "SELECT count(*) FROM schema_version",
    "writer": "SELECT count(*) FROM writer",
}
_READ_ALL = {
    "takes": "SELECT count(*) FROM takes WHERE takes::text IS NULL",
    "take_bodies": "SELECT sum(length(facts) + length(body)) FROM take_bodies",
    "published": "SELECT count(*) FROM published WHERE published::text IS NULL",
    "jobs": "SELECT sum(length(body)) FROM jobs",
}
_NO_BODY = "SELECT target, number FROM takes LEFT JOIN take_bodies USING (id) WHERE take_bodies.id IS NULL ORDER BY target, number"
_ORPHANS = "SELECT path, take_key FROM published WHERE take_key NOT IN (SELECT take_key FROM takes) ORDER BY path"


def problems(connection: Connection, shown: str) -> list[str]:
    """Return every problem in words, empty when sound; all of it as of one moment. An error of the database is a problem, too."""
    with whole(connection):
        return [f"{shown}: {text}" for text in _missing(connection) or _contents(connection)]


def _missing(connection: Connection) -> list[str]:
    present = {tuple(row) for row in connection.execute(_PRESENT)}
    wanted = [(kind, name) for kind, names in _PARTS.items() for name in names]
    found = [f"{kind} {name} is missing or was altered{_REBUILD}" for kind, name in wanted if (kind, name) not in present]
    if not any("table " in text for text in found) and version(connection) != SCHEMA:
        found.append(f"its schema is not {SCHEMA}{_REBUILD}")
    return found


def _contents(connection: Connection) -> list[str]:
    return [*_unreadable(connection), *_rows(connection)]


def _unreadable(connection: Connection) -> list[str]:
    found = []
    for table, query in _READ_ALL.items():
        try:
            with connection.transaction():  # a savepoint: what can't be read does not hide the rest
                connection.execute(query).fetchall()
        except (psycopg.InternalError, psycopg.DataError) as error:
            found.append(f"{table}: {said(error)}{_REBUILD}")
    return found


def _rows(connection: Connection) -> list[str]:
    steps = {(before.value, after.value) for before, follow in TRANSITIONS.items() for after in follow}
    found = [f"{table} has not exactly one row{_REBUILD}" for table, query in _ONE_ROW.items() if _all(connection, query) != [(1,)]]
    if set(_all(connection, "SELECT from_state, to_state FROM transitions")) != steps:
        found.append(f"table transitions was altered{_REBUILD}")
    found += [f"take {number} of {target} has lost its body{_REBUILD}" for target, number in _all(connection, _NO_BODY)]
    found += [f"{path} is published from take {take}, which is not known" for path, take in _all(connection, _ORPHANS)]
    return found


def _all(connection: Connection, query: str) -> list[tuple[Any, ...]]:
    return connection.execute(query).fetchall()
