"""What nothing needs any more: objects that no take, job or receipt names, and retired files past their time. Mark, then sweep.

Whoever marks must have read everything: a receipt or store that can't be read makes everything look like garbage.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from koma.core.job import Job
from koma.core.take import Take

DAY = 86400.0
_OBJECT = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Litter:
    """One file that nothing needs: its size in bytes, and why it may go."""

    path: Path
    size: int
    why: str


def marked(takes: Iterable[Take], jobs: Iterable[Job], receipts: Iterable[Mapping[str, Any]]) -> set[str]:
    """File digests of every object that takes, unfinished jobs and receipts refer to.

    That is artifacts, and pictures that were frozen to render from or to compare with.
    """
    found: set[str] = set()
    for take in takes:
        found.update(artifact.file_digest for artifact in take.artifacts)
        found.update(digests_in(take.receipt))
    for job in jobs:
        found.update(artifact.file_digest for artifact in job.artifacts)
        found.update(given.file_digest for given in (job.work.request.inputs if job.work.request else ()))
        found.update(picture.file_digest for picture in job.work.against.pictures)
    for receipt in receipts:
        found.update(digests_in(receipt))
    return found


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


def unmarked(root: Path, keep: set[str], now: float, grace: float = DAY) -> list[Litter]:
    """Objects that are not marked, and unfinished copies, older than `grace` seconds."""
    found = []
    for file, size, age in _files(root, now):
        digest = file.parent.name + file.name.partition(".")[0]
        if age > grace and file.parent == root / "incoming":
            found.append(Litter(file, size, "an unfinished copy"))
        elif age > grace and _OBJECT.fullmatch(digest) and digest not in keep:
            found.append(Litter(file, size, "no take and no receipt names it"))
    return found


def outlived(root: Path, now: float, seconds: float) -> list[Litter]:
    """Retired files that were put away longer ago than that."""
    return [Litter(file, size, f"retired {age / DAY:.0f} days ago") for file, size, age in _files(root, now) if age > seconds]


def _files(root: Path, now: float) -> Iterator[tuple[Path, int, float]]:
    """Every file below a folder, with bytes, and seconds since it was written or put there, whichever is less."""
    for file in sorted(root.rglob("*")):
        if file.is_file() and not file.is_symlink():
            stat = file.stat()
            yield file, stat.st_size, now - max(stat.st_mtime, stat.st_ctime)


def sweep(litter: Iterable[Litter], root: Path) -> int:
    """Delete files, and folders below `root` that are empty then; how many files went."""
    count = 0
    for item in litter:
        item.path.unlink(missing_ok=True)
        count += 1
        for folder in item.path.parents:
            if folder == root or not folder.is_relative_to(root) or any(folder.iterdir()):
                break
            folder.rmdir()
    return count
