"""Ten thousand shots, a thousand of them changed at once: the plan names exactly these, and none once they are changed back."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Collection
from pathlib import Path
from random import Random

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS), str(TESTS / "benchmarks")]  # for `faults`, and for the generator of workspaces

from timing import Run, run
from workspace import PROJECT, SHOTS_IN_SCENE, scene_file

from faults.table import Row, main  # needs the path above

SHOTS, CHANGED = 10_000, 1_000
FEWEST = 300
SEED = 24


def measure(share: float) -> list[Row]:
    """Measure the rows; `share` of the shots."""
    shots = max(FEWEST, round(SHOTS * share))
    with tempfile.TemporaryDirectory(prefix="koma-shots-") as folder:
        workspace = Path(folder) / "workspace"
        # In a process of its own: the memory of a child is never less than that of its parent.
        make = [sys.executable, str(TESTS / "benchmarks/workspace.py"), str(workspace), "--shots", str(shots)]
        subprocess.run(make, check=True, stdout=subprocess.DEVNULL)
        return list(rows(workspace, shots, shots * CHANGED // SHOTS))


def rows(workspace: Path, shots: int, changed: int) -> list[Row]:
    """Plan the workspace as it is, changed, and changed back."""
    still = plan(workspace)
    numbers = sorted(Random(SEED).sample(range(shots), changed))
    before = edit(workspace, numbers)
    moved = plan(workspace)
    for file, text in before.items():
        file.write_text(text, encoding="utf-8")
    back = plan(workspace)
    wanted = {target_of(number) for number in numbers}
    wrong = len(renders(moved) ^ wanted) + others(moved)
    fired = {"shots changed": len(wanted), "files changed": len(before)}
    figure = f"{wrong} wrong of {len(wanted)} changed; {memory(moved)}, {moved.cpu:.1f} s of CPU time"
    idle = f"{doing(still)} and {doing(back)} actions; {memory(still)}"
    return [
        Row(f"{shots} shots, {changed} changed at once", "exact set", figure, wrong == 0, fired, f"seed {SEED}"),
        Row(f"{shots} shots, nothing changed, and all changed back", "0 actions", idle, doing(still) == doing(back) == 0, fired),
    ]


def plan(workspace: Path) -> Run:
    """Plan in a process of its own."""
    done = run([str(Path(sys.executable).parent / "koma"), "--workspace", str(workspace), "plan", "--json"])
    assert done.code == 0, done.out[-2000:]
    return done


def edit(workspace: Path, numbers: Collection[int]) -> dict[Path, str]:
    """Give each of these shots another seed; the files as they were."""
    before: dict[Path, str] = {}
    for number in numbers:
        file = workspace / scene_file(number // SHOTS_IN_SCENE)
        text = file.read_text(encoding="utf-8")
        before.setdefault(file, text)
        old = f"    seed: {number + 1}\n"
        assert text.count(old) == 1
        file.write_text(text.replace(old, f"    seed: {number + 1_000_001}\n"), encoding="utf-8")
    return before


def target_of(number: int) -> str:
    """Id of a shot's still."""
    return f"{PROJECT}/s{number // SHOTS_IN_SCENE:04d}/sh{(number % SHOTS_IN_SCENE + 1) * 10:03d}/still"


def renders(done: Run) -> set[str]:
    """Ids of what would be rendered because it changed."""
    actions = json.loads(done.out)["actions"]
    return {action["target"] for action in actions if (action["action"], action["reason"]) == ("render", "changed")}


def others(done: Run) -> int:
    """Count what a plan says beside the renders: other actions, and Problems."""
    facts = json.loads(done.out)
    return len(facts["actions"]) - len(renders(done)) + len(facts["problems"])


def doing(done: Run) -> int:
    """Count the actions of a plan."""
    return len(json.loads(done.out)["actions"])


def memory(done: Run) -> str:
    """Largest memory of a run in words."""
    return f"peak memory {done.rss:.0f} MB"


if __name__ == "__main__":
    sys.exit(main(measure))
