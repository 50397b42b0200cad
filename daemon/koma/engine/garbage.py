"""What nothing needs any more: objects that nothing that is kept names, what kills left half done, retired files past their time.

Mark, then sweep.

Whoever marks must have read everything: a receipt or store that can't be read makes everything look like garbage.
"""

import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from koma.core.job import Job
from koma.core.take import Take

DAY = 86400.0
UNNAMED = "no take and no receipt names it"
_NO_OBJECTS = {"incoming": "an unfinished copy", "damaged": "a damaged object"}
_OBJECT = re.compile(r"[0-9a-f]{64}")
_KEEPS = (".json", ".log")  # of a take whose files go, what is remembered stays


@dataclass(frozen=True, slots=True)
class Litter:
    """One file that nothing needs: its size in bytes, and why it may go."""

    path: Path
    size: int
    why: str


def digests_of(take: Take) -> set[str]:
    """File digests of what a take made and of what it was made from."""
    return {artifact.file_digest for artifact in take.artifacts} | set(digests_in(take.receipt))


def digests_of_job(job: Job) -> set[str]:
    """File digests of what an unfinished job has made, reads, and compares with."""
    made = {artifact.file_digest for artifact in job.artifacts}
    given = {file.file_digest for file in (job.work.request.inputs if job.work.request else ())}
    return made | given | {picture.file_digest for picture in job.work.against.pictures}


def digests_in(value: Any) -> Iterator[str]:
    """Every `file_digest` anywhere in a JSON value: also of fields that this Koma does not know."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if name == "file_digest" and isinstance(inner, str):
                yield inner
            else:
                yield from digests_in(inner)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for inner in value:
            yield from digests_in(inner)


def unmarked(root: Path, keep: Collection[str], now: float, *, whys: Mapping[str, str], grace: float = DAY) -> list[Litter]:
    """Objects that are not marked, and unfinished copies, older than `grace` seconds. `whys` says by digest why one may go."""
    found = []
    for file, size, age in _files(root, now):
        digest = file.parent.name + file.name.partition(".")[0]
        if age > grace and file.parent.name in _NO_OBJECTS and file.parent.parent == root:
            found.append(Litter(file, size, _NO_OBJECTS[file.parent.name]))
        elif age > grace and file.parent == root / "damaged":
            found.append(Litter(file, size, "it was damaged, and put aside"))
        elif age > grace and _OBJECT.fullmatch(digest) and digest not in keep:
            found.append(Litter(file, size, whys.get(digest, UNNAMED)))
    return found


def outlived(root: Path, now: float, seconds: float, why: str = "retired") -> list[Litter]:
    """Files that were put there longer ago than that."""
    return [Litter(file, size, f"{why} {age / DAY:.0f} days ago") for file, size, age in _files(root, now) if age > seconds]


def shown_takes(outputs: Path, gone: Mapping[str, str]) -> list[Litter]:
    """Pictures and clips in `takes/` of takes whose files go; `gone` gives the reason by the digits of a key that file names have."""
    found = []
    for file in _visible(outputs):
        digits = file.name.rpartition(".")[0].rpartition(".")[2]
        if file.parent.name == "takes" and digits in gone and not file.name.endswith(_KEEPS) and not file.is_symlink():
            found.append(Litter(file, 0, gone[digits]))  # a link to an object, whose size counts
    return found


def left_halfway(outputs: Path, now: float, grace: float = DAY) -> list[Litter]:
    """Files below the outputs folder that a kill left under a name for what is not whole yet."""
    parts = (file for file in _visible(outputs) if file.name.startswith(".") and file.name.endswith(".part"))
    facts = ((file, *_size_and_age(file, now)) for file in parts)
    return [Litter(file, size, "half a file") for file, size, age in facts if age > grace]


def _visible(outputs: Path) -> Iterator[Path]:
    """Every file below a folder, but for hidden folders."""
    for folder, names, files in os.walk(outputs):
        names[:] = sorted(name for name in names if not name.startswith("."))
        yield from (Path(folder, file) for file in sorted(files))


def _files(root: Path, now: float) -> Iterator[tuple[Path, int, float]]:
    """Every file below a folder, with bytes, and seconds since it was written or put there, whichever is less."""
    for file in sorted(root.rglob("*")):
        if file.is_file() and not file.is_symlink():
            yield file, *_size_and_age(file, now)


def _size_and_age(file: Path, now: float) -> tuple[int, float]:
    """Bytes, and seconds since then; nothing at all for a file that has gone meanwhile."""
    try:
        stat = file.stat()
    except FileNotFoundError:
        return 0, 0.0
    return stat.st_size, now - max(stat.st_mtime, stat.st_ctime)


def sweep(litter: Iterable[Litter], discard: Callable[[Path], bool]) -> list[Litter]:
    """Delete files, each by `discard`, which says whether it went; those that did."""
    return [item for item in litter if discard(item.path)]


def unlink(file: Path) -> bool:
    """Delete a file; False where it has gone already."""
    try:
        file.unlink()
    except FileNotFoundError:
        return False
    return True


def unlink_below(*roots: Path) -> Callable[[Path], bool]:
    """Make what deletes a file, and the folders that are empty then, up to one of the roots."""

    def discard(file: Path) -> bool:
        gone = unlink(file)
        for folder in file.parents:
            if folder in roots or not folder.is_relative_to(roots[0]) or any(folder.iterdir()):
                break
            folder.rmdir()
        return gone

    return discard
