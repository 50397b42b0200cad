"""What `koma doctor` says of a PostgreSQL database that is the store."""

from collections.abc import Iterator

from koma.app.storing import look_at_database
from koma.app.workspace import App
from koma.cli.machine import Finding, ok, warn

OLDEST = 140000  # PostgreSQL 14: older ones get no corrections any more
SLOW_SECONDS = 0.02  # a job waits for some thirty of these


def database(app: App) -> Iterator[Finding]:
    """Version, speed, connections, who writes; nothing for a store in a file. Raises StoreError where it can't be reached."""
    found = look_at_database(app.config, app.clock)
    if found is None:
        return
    schema = f"schema {found.schema}" if found.schema else "no store in it yet"
    said = f"PostgreSQL {found.server} at {found.shown}, {found.seconds * 1000:.1f} ms, {found.connections} connections, {schema}"
    said += f", written by {found.writer}" if found.writer else ""
    if found.careless:
        fix = f"turn them on: ALTER SYSTEM SET {found.careless[0]} = on"
        yield warn("database", f"{said}; {', '.join(found.careless)} off: what was stored may be gone after a power failure", fix)
    elif found.number < OLDEST:
        yield warn("database", f"{said}; this version gets no corrections any more", "move to a newer PostgreSQL: pg_dump, pg_restore")
    elif found.seconds > SLOW_SECONDS:
        yield warn("database", f"{said}; every step of a job waits for it", "bring the database nearer, or use `store: sqlite`")
    else:
        yield ok("database", said)
