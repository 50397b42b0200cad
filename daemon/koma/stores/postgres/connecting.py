"""Connections to PostgreSQL, and its errors in words that a person can use. An address is only ever shown without its password."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from koma.core.faults import StoreError
from koma.core.store_address import redacted

Connection = psycopg.Connection[tuple[Any, ...]]

STATEMENT_SECONDS = 30
_DEFAULTS = {
    "application_name": "koma",
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,  # milliseconds; a host that is gone is noticed before the patience of the store is over
}
# Of the server's side: no statement hangs, a client that is gone lets go of its locks, and what is committed is on the disk.
_OPTIONS = (
    f"-c statement_timeout={STATEMENT_SECONDS}s -c idle_in_transaction_session_timeout=60s -c synchronous_commit=on "
    "-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3"
)
_ADVICE = (
    ("23", "Nothing was changed."),
    ("22", "Nothing was changed."),
    ("42501", "Give this user the rights to make and use tables there."),
    ("53100", "The disk of the database is full: free some space, then start Koma again."),
    ("57014", f"It took longer than {STATEMENT_SECONDS} s. Look at what else the database is doing, then start Koma again."),
)
_AT_THE_DOOR = (  # what a server says before there is a connection has no code
    ("password", "The password comes from KOMA_STORE, PGPASSWORD or ~/.pgpass, the user from `store` in koma.yaml."),
    ("role ", "Make the user (`createuser`), or correct `store` in koma.yaml."),
    ("database ", "Make the database (`createdb`), or correct `store` in koma.yaml."),
)
_LOOK = "Look at the database, its log, and `store` in koma.yaml, then start Koma again."

logging.getLogger("psycopg").setLevel(logging.CRITICAL)  # what it would log is raised here, in better words


class Outage(Exception):  # noqa: N818  # not an error yet: it is waited out
    """The connection was lost, or none can be had at present."""


def connect(address: str) -> Connection:
    """Open a connection whose transactions are begun by hand. Raises Outage, and StoreError for an address that says nothing."""
    try:
        return psycopg.connect(**parameters(address))
    except psycopg.OperationalError as error:
        raise Outage(said(error)) from error


def parameters(address: str) -> dict[str, Any]:
    """Give the parameters of every connection: those of the address over Koma's own."""
    try:
        given = conninfo_to_dict(address)
    except psycopg.ProgrammingError:  # its words repeat what may be a password
        hint = "write it as postgresql://host:5432/database?user=koma, with special characters as %XX"
        raise StoreError(f"{redacted(address)}: this is no address of a PostgreSQL database", hint) from None
    options = f"{_OPTIONS} {given.pop('options', None) or os.environ.get('PGOPTIONS', '')}".strip()
    return {**_DEFAULTS, **given, "client_encoding": "UTF8", "autocommit": True, "options": options}


@contextmanager
def explained(address: str, doing: str) -> Iterator[None]:
    """Turn an error of PostgreSQL into a StoreError that says which database, what was being done, and what to do."""
    try:
        yield
    except (psycopg.Error, Outage) as error:
        raise StoreError(f"{redacted(address)}: {doing}: {said(error)}. {_advice(error)}") from error


@contextmanager
def watched(connection: Connection) -> Iterator[None]:
    """Raise Outage where the connection is lost inside; any other error goes through as it is."""
    try:
        yield
    except psycopg.Error as error:
        if connection.closed:
            raise Outage(said(error)) from error
        raise


@contextmanager
def whole(connection: Connection) -> Iterator[None]:
    """One transaction that reads everything as of one moment, however long that takes."""
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        connection.execute("SET LOCAL statement_timeout = 0")
        connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        yield


def said(error: BaseException) -> str:
    """Return what PostgreSQL said, on one line and without its full stop."""
    message = error.diag.message_primary if isinstance(error, psycopg.Error) else None
    return " ".join((message or str(error) or type(error).__name__).split()).rstrip(".?")


def _advice(error: BaseException) -> str:
    state = getattr(error, "sqlstate", None) or ("22" if isinstance(error, psycopg.DataError) else "")
    found = [advice for start, advice in _ADVICE if state.startswith(start)]
    found += [advice for words, advice in _AT_THE_DOOR if isinstance(error, Outage) and words in str(error)]
    return next(iter(found), _LOOK)
