"""What commands print: JSON documents, aligned tables, times; and finding the targets that a person named."""

import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from koma.core.errors import KomaError
from koma.core.hints import closest
from koma.core.patterns import matches
from koma.core.shown import json_text, printable, printable_text

FORMAT_VERSION = 1


def print_json(facts: Mapping[str, Any]) -> None:
    """Write one JSON document to standard output, with its `format_version` first."""
    sys.stdout.write(json_text({"format_version": FORMAT_VERSION, **facts}, indent=1, default=str) + "\n")


def print_lines(lines: Iterable[str]) -> None:
    """Write lines to standard output, safe for a terminal."""
    sys.stdout.write("".join(f"{printable(part)}\n" for line in lines for part in line.split("\n")))


def say(text: str) -> None:
    """Tell a person about progress, on standard error."""
    sys.stderr.write(f"{printable_text(text)}\n")
    sys.stderr.flush()


def table(rows: Sequence[Sequence[object]], headings: Sequence[str] = ()) -> list[str]:
    """Lines of an aligned table; numbers stand to the right."""
    cells = [[_cell(value) for value in row] for row in rows]
    everything = [list(headings), *cells] if headings else cells
    widths = [max(len(row[i]) for row in everything) for i in range(len(everything[0]))] if everything else []
    right = [bool(rows) and all(isinstance(row[i], int | float) for row in rows) for i in range(len(widths))]
    return [
        "  ".join(cell.rjust(width) if to_right else cell.ljust(width) for cell, width, to_right in zip(row, widths, right, strict=True))
        .rstrip() for row in everything
    ]  # fmt: skip


def _cell(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def moment(at: float) -> str:
    """Local date and time of seconds since the epoch; "" for 0."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at)) if at else ""


def count(number: int, thing: str) -> str:
    """Say `1 shot`, `2 shots`."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def named(patterns: Sequence[str], ids: Iterable[str]) -> list[str]:
    """Ids that patterns name, in the order of `ids`. Raises KomaError for a pattern that names none, with those that come closest."""
    known = list(dict.fromkeys(ids))
    for pattern in patterns:
        if not any(matches(pattern, target_id) for target_id in known):
            raise KomaError(f"no target is called {pattern!r}", _nearest(pattern, known), exit_code=2)
    return [target_id for target_id in known if any(matches(pattern, target_id) for pattern in patterns)]


def _nearest(pattern: str, ids: Sequence[str]) -> str:
    if not ids:
        return "koma check   (there is no target at all)"
    prefixes = {"/".join(parts[start:end]) for parts in (i.split("/") for i in ids) for start in (0, 1) for end in range(1, len(parts) + 1)}
    inside = sorted(prefix for prefix in prefixes if f"/{prefix}/".endswith(f"/{pattern}/"))
    found = ", ".join(inside[:3]) or closest(pattern, prefixes)
    return f"did you mean {found}?" if found else f"koma plan --all   (lists them; the first is {ids[0]})"


def daemon_of(lock_file: Path) -> str:
    """Say who holds the lock of a workspace; "" if nobody does."""
    from koma.stores.lock import holder_of

    held = holder_of(lock_file)
    if held is None:
        return ""
    return f"process {held.pid} on {held.host}" if held.pid else "another process"
