"""What there is to know of a database besides what Koma keeps in it: version, speed, who writes, and whether it is careful with data."""

from contextlib import closing
from typing import NamedTuple

from koma.core.store_address import redacted
from koma.ports import Clock
from koma.stores.postgres.connecting import Connection, connect, explained
from koma.stores.postgres.schema import version
from koma.stores.postgres.session import LOCK_CLASS

_TRIES = 5
_CAREFUL = ("fsync", "full_page_writes", "synchronous_commit")
_HOLDER = """
    SELECT writer.pid, writer.host FROM writer
    WHERE EXISTS (
        SELECT FROM pg_locks JOIN pg_namespace ON nspname = current_schema()
        WHERE locktype = 'advisory' AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
            AND classid = %s AND objid = pg_namespace.oid
    )
"""


class About(NamedTuple):
    """`seconds` is the quickest of some round trips; `schema` 0 where there is no store yet; `careless` names settings that are off."""

    shown: str
    server: str  # 15.10
    number: int  # 150010
    seconds: float
    schema: int
    connections: str  # 7 of 100
    writer: str  # process 12 on studio; "" where nobody writes
    careless: tuple[str, ...]


def about(address: str, clock: Clock) -> About:
    """Look at a database on a connection of its own. Raises StoreError where it can't be reached."""
    with explained(address, "looking at the database"), closing(connect(address)) as connection:
        schema = version(connection)
        return About(
            shown=redacted(address),
            server=_setting(connection, "server_version").split()[0],
            number=connection.info.server_version,
            seconds=min(_round_trip(connection, clock) for _ in range(_TRIES)),
            schema=schema,
            connections=_connections(connection),
            writer=_writer(connection) if schema else "",
            careless=tuple(name for name in _CAREFUL if _setting(connection, name) in {"off", "local"}),
        )


def _round_trip(connection: Connection, clock: Clock) -> float:
    began = clock.monotonic()
    connection.execute("SELECT 1")
    return clock.monotonic() - began


def _setting(connection: Connection, name: str) -> str:
    return str(connection.execute("SELECT current_setting(%s)", [name]).fetchall()[0][0])


def _connections(connection: Connection) -> str:
    used = connection.execute("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'").fetchall()[0][0]
    return f"{used} of {_setting(connection, 'max_connections')}"


def _writer(connection: Connection) -> str:
    rows = connection.execute(_HOLDER, [LOCK_CLASS]).fetchall()
    return f"process {rows[0][0]} on {rows[0][1]}" if rows else ""
