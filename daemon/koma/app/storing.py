"""Which store a workspace has: a file of its own, or a database. Each adapter is imported only where it is used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from koma.core.errors import KomaError
from koma.core.store_address import is_postgresql

if TYPE_CHECKING:
    from koma.config import Config
    from koma.ports import Clock, Events, Store
    from koma.stores.postgres.about import About
    from koma.stores.postgres.store import PostgresStore
    from koma.stores.reading import StoreReader as FileReader
    from koma.stores.sqlite import SqliteStore


def is_there(config: Config) -> bool:
    """Whether a store was ever made. Raises StoreError where a database can't be reached."""
    if not is_postgresql(config.store):
        return config.paths.state.exists()
    _must_be_installed()
    from koma.stores.postgres.reading import is_there as is_in_database  # noqa: PLC0415  # start-up time, and an extra

    return is_in_database(config.store)


def open_store(config: Config, clock: Clock, *, writes: bool) -> SqliteStore | PostgresStore:
    """Open the whole store. The one who writes holds the lock of the workspace; of a database it takes the lock here. Raises StoreError."""
    if is_postgresql(config.store):
        _must_be_installed()
        from koma.stores.postgres.store import PostgresStore  # noqa: PLC0415  # start-up time, and an extra

        return PostgresStore(config.store, clock, readonly=not writes)
    from koma.stores.sqlite import SqliteStore  # noqa: PLC0415  # start-up time

    return SqliteStore(config.paths.state, readonly=not writes)


def open_reader(config: Config) -> FileReader | None:
    """Open the few columns that a plan with nothing to do reads; None where that saves nothing over the whole store. Raises StoreError."""
    if is_postgresql(config.store):
        return None
    from koma.stores.reading import StoreReader  # noqa: PLC0415  # start-up time

    return StoreReader(config.paths.state)


def tell_of_outages(config: Config, store: Store, events: Events) -> None:
    """Report when the database of a store goes away while it is needed, and when it is back."""
    if is_postgresql(config.store):
        from koma.stores.postgres.store import PostgresStore  # noqa: PLC0415  # start-up time, and an extra

        if isinstance(store, PostgresStore):
            store.hears(lambda message: events.emit("store_away", message=message), lambda: events.emit("store_back"))


def look_at_database(config: Config, clock: Clock) -> About | None:
    """Look at the database of a workspace; None where it has none. Raises StoreError where it can't be reached."""
    if not is_postgresql(config.store):
        return None
    _must_be_installed()
    from koma.stores.postgres.about import about  # noqa: PLC0415  # start-up time, and an extra

    return about(config.store, clock)


def _must_be_installed() -> None:
    from importlib.util import find_spec  # noqa: PLC0415  # start-up time

    missing = [name for name in ("psycopg", "psycopg_pool") if find_spec(name) is None]
    if missing:
        hint = "make postgres   (or: pip install 'koma[postgres]')"
        raise KomaError(f"`store` names a PostgreSQL database, and {' and '.join(missing)} is not installed", hint)
