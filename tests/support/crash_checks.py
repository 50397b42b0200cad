"""What must hold of the small workspace of `support.crash_flow` once Koma has come to rest: everything there says the same."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from koma.publish.objects import FileObjects
from koma.stores.sqlite import SqliteStore
from support.crash_flow import SERVER
from support.ledger import renders

# What may differ between two lives that came to the same end: times, and which attempt it was.
_FLEETING = frozenset(
    {"prompt_id", "attempt", "attempts", "times", "submitted_at", "started_at", "finished_at", "queued_at", "seconds", "at"}
)
_OWN = ".koma"
_NO_TRACE = re.compile(r"\.db-(wal|shm)$|\.db\.schema-")  # there or not, as the store sees fit


class Standing(NamedTuple):
    """How a workspace stands: what lies in outputs/ (path → what it says), names of all other files, rows of the store, renders."""

    outputs: Mapping[str, str]
    others: frozenset[str]
    published: frozenset[Any]
    takes: frozenset[Any]
    renders: Mapping[str, int]


def standing(root: Path) -> Standing:
    """Look at everything."""
    outputs = root / "outputs"
    store = SqliteStore(outputs / _OWN / "state.db", readonly=True)
    try:
        published, takes = frozenset(store.published()), frozenset(store.take_rows())
    finally:
        store.close()
    mine = {_name(file, outputs): _says(file) for file in _files(outputs) if _OWN not in file.parts}
    others = {_name(file, root) for file in _files(root) if _OWN in file.parts and not _NO_TRACE.search(file.name)}
    return Standing(mine, frozenset(others), published, takes, renders(root.parent / SERVER))


def differences(found: Standing, expected: Standing) -> Iterator[str]:
    """Say what is not as it is after a life without a fault."""
    for name, mine, theirs in zip(Standing._fields, found, expected, strict=True):
        if mine != theirs:
            yield f"{name}: " + ", ".join(_unlike(mine, theirs))


def _unlike(mine: Any, theirs: Any) -> Iterator[str]:
    if isinstance(mine, Mapping):
        mine, theirs = set(mine.items()), set(theirs.items())
    yield from (f"not expected {item}" for item in sorted(map(str, mine - theirs)))
    yield from (f"missing {item}" for item in sorted(map(str, theirs - mine)))


def faults(root: Path) -> Iterator[str]:
    """Say where file, receipt, object and row do not agree, which objects are not what their names say, and what is only half there."""
    outputs = root / "outputs"
    objects = FileObjects(outputs / _OWN / "objects")
    store = SqliteStore(outputs / _OWN / "state.db", readonly=True)
    try:
        yield from store.check()
        for row in store.published():
            yield from _disagreements(outputs, objects, row, store.take(row.take_key))
        yield from (f"a job of {job.work.target} is left in state {job.state}" for job in store.jobs())
    finally:
        store.close()
    for file in sorted((outputs / _OWN / "objects").glob("??/*")):
        if not objects.verify(file.parent.name + file.stem, file.suffix):
            yield f"the object {file.parent.name}/{file.name} has other bytes than its name says"
    yield from (
        f"{_name(file, outputs)} is a half file" for file in _files(outputs) if _OWN not in file.parts and file.name.startswith(".")
    )


def _disagreements(outputs: Path, objects: FileObjects, row: Any, take: Any) -> Iterator[str]:
    file = outputs / row.path
    receipt = json.loads(file.with_suffix(".receipt.json").read_text())
    gate = json.loads(file.with_suffix(".gate.json").read_text())
    delivery = next(made for made in receipt["artifacts"] if made["role"] == "delivery")
    same = {
        "take of the receipt": (receipt["take_key"], row.take_key),
        "verdict of the gate result": (gate["verdict"], row.verdict),
        "size in the receipt": (delivery["size"], row.size),
        "size of the file": (file.stat().st_size, row.size),
        "bytes of the file": (hashlib.sha256(file.read_bytes()).hexdigest(), delivery["file_digest"]),
        "take in the store": (take.take_key if take else "", row.take_key),
    }
    yield from (f"{row.path}: {name}: {found!r} is not {expected!r}" for name, (found, expected) in same.items() if found != expected)
    for made in receipt["artifacts"]:
        if not objects.verify(made["file_digest"], made["suffix"]):
            yield f"{row.path}: its object {made['role']} is gone or damaged"


def prints(root: Path) -> Mapping[str, tuple[int, int]]:
    """Inode and time of change of everything in outputs/ that people look at."""
    outputs = root / "outputs"
    found = ((file, file.stat()) for file in _files(outputs) if _OWN not in file.parts)
    return {_name(file, outputs): (stat.st_ino, stat.st_mtime_ns) for file, stat in found}


def _files(folder: Path) -> Iterator[Path]:
    return (file for file in folder.rglob("*") if file.is_file())


def _name(file: Path, folder: Path) -> str:
    return file.relative_to(folder).as_posix()


def _says(file: Path) -> str:
    if file.suffix == ".json":
        return json.dumps(_lasting(json.loads(file.read_text())), sort_keys=True)
    return "a log" if file.suffix == ".log" else hashlib.sha256(file.read_bytes()).hexdigest()


def _lasting(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _lasting(inner) for name, inner in value.items() if name not in _FLEETING}
    return [_lasting(inner) for inner in value] if isinstance(value, list) else value
