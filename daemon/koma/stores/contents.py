"""Everything that a store holds, as rows that all stores share: for copying one store into another and proving that nothing was lost."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import islice
from typing import Any, NamedTuple

from koma.core.faults import StoreError
from koma.core.rows import Published, TakeRow

Row = tuple[Any, ...]
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "takes": (*TakeRow._fields, "template", "made_seconds", "finished_at", "facts", "body"),
    "published": Published._fields,
    "jobs": ("job_id", "target", "rendition", "state", "queued_at", "body"),
    "flags": ("name", "value"),
}
TRUTHS = ("decided", "approved")
_BATCH = 200


class Contents(NamedTuple):
    """All of a store as of one moment. `rows` gives the rows of a table in a fixed order, each with its COLUMNS, truth as 0 or 1."""

    rows: Callable[[str], Iterator[Row]]
    serial: int


@dataclass
class Tally:
    """How many rows of each table went by, and a digest over all of them."""

    counts: dict[str, int] = field(default_factory=dict)
    digest: str = ""

    def following(self, table: str, rows: Iterator[Row]) -> Iterator[Row]:
        """Pass rows on and count them."""
        running = sha256(self.digest.encode())
        count = 0
        for row in rows:
            running.update(json.dumps(row).encode() + b"\n")
            count += 1
            yield row
        self.counts[table] = count
        self.digest = running.hexdigest()


def tally(contents: Contents) -> Tally:
    """Go through everything."""
    found = Tally()
    for table in COLUMNS:
        for _ in found.following(table, contents.rows(table)):
            pass
    return found


def must_be_empty(contents: Contents, where: str) -> None:
    """Refuse to copy over what somebody may still need. Raises StoreError."""
    found = {table: count for table, count in tally(contents).counts.items() if count}
    if found:
        said = ", ".join(f"{count} {table}" for table, count in found.items())
        raise StoreError(f"{where}: it is not empty: {said}. Nothing was copied", "move it away, or copy into another one")


def must_equal(copied: Tally, read: Tally, where: str) -> None:
    """Refuse a copy that does not read back as it was written. Raises StoreError."""
    if copied != read:
        raise StoreError(f"{where}: what was copied reads back differently ({copied.counts} became {read.counts}). Nothing was kept")


def batches(rows: Iterator[Row]) -> Iterator[list[Row]]:
    """Give some rows at a time."""
    while batch := list(islice(rows, _BATCH)):
        yield batch
