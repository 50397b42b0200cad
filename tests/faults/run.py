"""Every part of the fault tests, one after the other, whole: `make faults`. `--write` puts the table into README.md."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
PARTS = (
    "kills",
    "disk_errors",
    "submit_protocol",
    "real_server",
    "server_faults",
    "checkouts",
    "bad_input",
    "fuzzing",
    "store_model",
    "database_restarts",
    "broken_outputs",
    "soak",
    "many_shots",
)
BEGIN, END = "<!-- table -->", "<!-- end of table -->"


def main() -> int:
    """Run the parts that are named, or all; 1 if a row does not hold."""
    wanted = [name for name in sys.argv[1:] if not name.startswith("-")] or list(PARTS)
    rows = [row for name in wanted for row in _rows(name)]
    if "--write" in sys.argv:
        _write(rows)
    bad = [row for row in rows if not row["holds"]]
    sys.stdout.write(f"\n{len(rows) - len(bad)} of {len(rows)} rows hold\n")
    return int(bool(bad))


def _rows(name: str) -> list[dict[str, Any]]:
    sys.stdout.write(f"== {name}\n")
    sys.stdout.flush()
    done = subprocess.run([sys.executable, str(HERE / f"{name}.py"), "--json"], stdout=subprocess.PIPE, text=True, check=False)
    rows = [json.loads(line) | {"part": name} for line in done.stdout.splitlines() if line.startswith("{")]
    if not rows:
        rows = [
            {"part": name, "what": name, "target": "", "figure": f"ended with {done.returncode} and no row", "holds": False, "fired": {}}
        ]
    for row in rows:
        sys.stdout.write(f"{'holds' if row['holds'] else 'FAILS'}  {row['what']}: {row['figure']} (must be: {row['target']})\n")
        for kind, count in row["fired"].items():
            sys.stdout.write(f"       {kind}: {count}\n")
    return rows


def _write(rows: list[dict[str, Any]]) -> None:
    """Replace the lines of these parts in the table, and leave the others."""
    file = HERE / "README.md"
    before, rest = file.read_text().split(BEGIN)
    old, after = rest.split(END)
    lines = [line for line in old.splitlines() if line.startswith("| ") and "`" in line]
    fresh = {row["part"] for row in rows}
    kept = [line for line in lines if line.rsplit("`", 2)[1].rpartition("/")[2].removesuffix(".py") not in fresh]
    found = [*kept, *map(_line, rows)]
    found.sort(key=lambda line: PARTS.index(line.rsplit("`", 2)[1].rpartition("/")[2].removesuffix(".py")))
    head = ["| what | must be | last figure | command |", "|---|---|---|---|"]
    file.write_text(before + BEGIN + "\n" + "\n".join([*head, *found]) + "\n" + END + after)


def _line(row: dict[str, Any]) -> str:
    figure = row["figure"] if row["holds"] else f"**{row['figure']}**"
    return f"| {row['what']} | {row['target']} | {figure} | `.venv/bin/python tests/faults/{row['part']}.py` |"


if __name__ == "__main__":
    sys.exit(main())
