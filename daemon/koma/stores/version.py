"""Which SQLite this Python brings, and whether that one is known to be safe."""

import sqlite3

SAFE_FROM = (3, 51, 3)


def sqlite_version() -> str:
    """Version of the SQLite library."""
    return sqlite3.sqlite_version


def is_safe() -> bool:
    """Whether this SQLite is free of the race that could damage a WAL file when two connections wrote and checkpointed at once."""
    return sqlite3.sqlite_version_info >= SAFE_FROM
