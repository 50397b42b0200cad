"""Bad input of every sort: each is told with its place, nothing crashes, and what lies beside it goes on.

`python tests/faults/bad_input.py [--share 0.1]`. Every document lies in a project of its own, beside good documents, in one workspace with
a project that has nothing to do with any of them; `koma check` and `koma plan` look at all of it.
"""

import sys
import tempfile
import time
import traceback
import tracemalloc
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # for `support` and `faults`

from faults.table import Row, main
from koma.core.parse import parse_document
from support.bad_yaml import Bad, mutations, seeds
from support.workspaces import ALL, ANIMATIC_CONFIG, Workspace, story

WANTED = 500
EACH = 44  # documents of each of the ways; some come out sound
OTHERS = ("bad_templates", "bad_media")
PROJECT = "kind: project\nid: {0}\ntitle: T\nwidth: 64\nheight: 64\nfps: 8\n"
BYSTANDER = "kind: scene\nid: bystander\nphases: [still]\nshots: [{id: sh010, seed: 1}]\n"


@dataclass(slots=True)
class Outcome:
    """What came of the documents: refused ones by way, sound ones, and every complaint about Koma."""

    refused: Counter[str] = field(default_factory=Counter)
    sound: int = 0
    complaints: list[str] = field(default_factory=list)
    milliseconds: float = 0.0
    mebibytes: float = 0.0
    check_seconds: float = 0.0


def measure(share: float) -> list[Row]:
    """Give the row of YAML documents, and those of templates and media."""
    rows = [_documents(share)]
    for name in filter(_exists, OTHERS):
        rows += import_module(f"faults.{name}").rows(share)
    return rows


def _exists(name: str) -> bool:
    return Path(__file__).with_name(f"{name}.py").exists()


def _documents(share: float) -> Row:
    found = Outcome()
    bad = mutations(max(2, round(EACH * share)))
    _parse(bad, found)
    with tempfile.TemporaryDirectory(prefix="koma-bad-") as folder:
        try:
            _look(Path(folder), bad, found)
        except Exception:  # noqa: BLE001 - a crash is what is counted here
            found.complaints.append(f"crash: {traceback.format_exc(limit=-6)}")
    refused = sum(found.refused.values())
    figure = (
        f"{refused} documents refused, each with its place; {found.sound} more were sound; {len(found.complaints)} complaints; the slowest "
        f"took {found.milliseconds:.0f} ms, the largest {found.mebibytes:.1f} MiB; `koma check` of all took {found.check_seconds:.1f} s"
    )
    good = not found.complaints and refused >= WANTED * min(1.0, share)
    return Row(
        "bad input: YAML documents",
        f"≥ {WANTED}, 0 crashes, every message located",
        figure,
        good,
        found.refused,
        "\n".join(found.complaints[:20]),
    )


def _parse(bad: Sequence[Bad], found: Outcome) -> None:
    """Read each one alone, for time and memory; memory is watched in a second go, since watching takes time."""
    for one in bad:
        began = time.process_time()
        try:
            parse_document(one.content, "f.yaml")
        except Exception:  # noqa: BLE001 - as above
            found.complaints.append(f"crash on {one.how}, {one.kind}: {one.content[:200]!r}\n{traceback.format_exc(limit=-4)}")
        found.milliseconds = max(found.milliseconds, 1000 * (time.process_time() - began))
    heavy = sorted(bad, key=lambda one: len(one.content))[-20:]
    tracemalloc.start()
    for one in heavy:
        tracemalloc.reset_peak()
        with suppress(Exception):  # it was told above
            parse_document(one.content, "f.yaml")
        found.mebibytes = max(found.mebibytes, tracemalloc.get_traced_memory()[1] / 2**20)
    tracemalloc.stop()


def _look(root: Path, bad: Sequence[Bad], found: Outcome) -> None:
    workspace = story(root, ANIMATIC_CONFIG)
    known = _sound_ones(workspace)
    for number, one in enumerate(bad):
        _drop(workspace, f"m{number:04d}", one.kind, one.content)
    began = time.process_time()
    checked = workspace.koma("check", "--json").json["problems"]
    found.check_seconds = time.process_time() - began
    by_file: dict[str, list[Any]] = {}
    for problem in checked:
        by_file.setdefault(problem["file"], []).append(problem)
    for number, one in enumerate(bad):
        told = by_file.get(f"projects/m{number:04d}/bad.yaml", [])
        _judge(one, told, known[one.kind], found)
    _neighbours(workspace, bad, found)


def _sound_ones(workspace: Workspace) -> Mapping[str, set[tuple[str, str]]]:
    """What is told of each document before anything is done to it: most of them speak of others, which are not there."""
    for kind, text in seeds().items():
        _drop(workspace, f"sound-{kind}", kind, text.encode())
    problems = workspace.koma("check", "--json").json["problems"]
    return {kind: {(p["code"], p["path"]) for p in problems if p["file"] == f"projects/sound-{kind}/bad.yaml"} for kind in seeds()}


def _drop(workspace: Workspace, name: str, kind: str, content: bytes) -> None:
    """Make a project with this document in it. Of project documents there is one in a folder, so a broken one has nothing beside it."""
    if kind != "project":
        workspace.write(f"projects/{name}/project.yaml", PROJECT.format(name))
        workspace.write(f"projects/{name}/bystander.yaml", BYSTANDER)
    workspace.write(f"projects/{name}/bad.yaml", content)


def _judge(bad: Bad, told: Sequence[Mapping[str, Any]], known: set[tuple[str, str]], found: Outcome) -> None:
    """Count a document as refused if something is told of it that is not told of the sound one; and look at what is told."""
    for problem in told:
        if not (problem["line"] >= 1 and problem["column"] >= 1 and problem["message"] and (problem["expected"] or problem["hint"])):
            found.complaints.append(f"{bad.how}, {bad.kind}: not well told: {problem}")
    if any((problem["code"], problem["path"]) not in known for problem in told):
        found.refused[bad.how] += 1
    else:
        found.sound += 1
        found.refused[bad.how] += 0


def _neighbours(workspace: Workspace, bad: Sequence[Bad], found: Outcome) -> None:
    """See that everything good is planned: the project that stands apart, and the scene beside each document."""
    planned = {action["target"] for action in workspace.plan()["actions"] if action["action"] == "render"}
    wanted = {*ALL, *(f"m{number:04d}/bystander/sh010/still" for number, one in enumerate(bad) if one.kind != "project")}
    for target in sorted(wanted - planned):
        number = target.partition("/")[0].removeprefix("m")
        about = bad[int(number)] if number.isdigit() else None
        found.complaints.append(f"{target} is not planned{f': {about.how}, {about.content[:300]!r}' if about else ''}")


if __name__ == "__main__":
    sys.exit(main(measure))
