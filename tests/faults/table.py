"""What a row of the fault table is: what was done, how often the fault really fired, what came of it, and whether that is as it must be."""

import json
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. `fired` counts, by kind, the faults that really happened: a kind that never did is a failure of the test."""

    what: str
    target: str
    figure: str
    good: bool
    fired: Mapping[str, int] = field(default_factory=dict)
    notes: str = ""

    @property
    def holds(self) -> bool:
        """Whether the figure is as it must be, and every fault happened at least once."""
        return self.good and all(self.fired.values())


Part = Callable[[float], list[Row]]
"""Measures some rows. The argument is the share of the whole that is done, above 0 and up to 1: `make test` takes a small one."""


def main(part: Part) -> int:
    """Run one part from the command line: `python tests/faults/PART.py [--share 0.05] [--json]`; 1 where a row does not hold."""
    share = float(sys.argv[sys.argv.index("--share") + 1]) if "--share" in sys.argv else 1.0
    began = time.monotonic()
    rows = part(share)
    took = time.monotonic() - began
    for row in rows:
        if "--json" in sys.argv:
            sys.stdout.write(json.dumps(_facts(row, took)) + "\n")
        else:
            sys.stdout.write(f"{'holds' if row.holds else 'FAILS'}  {row.what}: {row.figure} (must be: {row.target})\n")
            for line in filter(None, [_fired(row), row.notes]):
                sys.stdout.write(f"       {line}\n")
    return int(not all(row.holds for row in rows))


def _facts(row: Row, seconds: float) -> dict[str, Any]:
    return {**asdict(row), "fired": dict(row.fired), "holds": row.holds, "part_seconds": round(seconds)}


def _fired(row: Row) -> str:
    return "faults that happened: " + ", ".join(f"{name} {count}" for name, count in row.fired.items()) if row.fired else ""
