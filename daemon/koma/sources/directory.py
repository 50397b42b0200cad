"""The work tree as one snapshot: read what changed, look again, and accept only two views that agree."""

import hashlib
import os
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from koma.core.faults import SourceError
from koma.core.problem import Place, Problem
from koma.core.snapshot import Snapshot, SourceFile, classify
from koma.sources.cache import Cache, CachedFile
from koma.sources.scan import FileStat, scan

# A file written within this time of being hashed may change again without a new mtime, so it is hashed again next time.
RACY_NS = 2_000_000_000
TRIES = 5
MAX_BYTES = 256 * 1024 * 1024


class DirectorySource:
    """Snapshots of watched folders and the templates folder under one root.

    With `settle_seconds`, a reference folder that has changed counts only once it has been quiet for that long; until then it stays as it
    was in the snapshot before. The first snapshot takes everything as it is.
    """

    def __init__(self, root: Path, watch: Sequence[str], templates: str, cache: Cache, *, settle_seconds: float = 0.0) -> None:
        self._root = root
        self.watch = tuple(watch)
        self.templates = templates
        self._cache = cache
        self._settle = settle_seconds
        self._accepted: dict[str, dict[str, SourceFile]] | None = None

    def project_folders(self) -> tuple[str, ...]:
        """Watched folders as they are now: patterns such as `projects/*` opened up, sorted."""
        return expand(self._root, self.watch)

    def snapshot(self) -> Snapshot:
        """Read the tree until two views agree. Raises SourceError if they never do."""
        known = self._cache.files()
        moved = ""
        for _ in range(TRIES):
            folders = self.project_folders()
            stats = scan(str(self._root), [*folders, self.templates])
            files, hashed = self._hash(stats, known)
            gone = known.keys() - files.keys()
            if not hashed and not gone and len(files) == len(stats):
                return self._sort(folders, stats, files)
            again = scan(str(self._root), [*folders, self.templates])
            if again == stats and self.project_folders() == folders:
                if hashed or gone:
                    self._cache.put_files(hashed.values(), gone)
                return self._sort(folders, stats, files)
            known.update(hashed)
            moved = next((new.path for old, new in zip(stats, again, strict=False) if old != new), "a folder")
        raise SourceError(f"{moved} changed on each of {TRIES} looks; the next pass tries again")

    def read(self, files: Sequence[SourceFile]) -> dict[str, bytes]:
        """Path → bytes of files of the snapshot; those whose bytes are no longer the same are left out."""
        found = {}
        for file in files:
            with suppress(OSError):
                content = (self._root / file.path).read_bytes()
                if hashlib.sha256(content).hexdigest() == file.digest:
                    found[file.path] = content
        return found

    def local(self, file: SourceFile) -> Path:
        """Where the file lies."""
        return self._root / file.path

    def _hash(self, stats: list[FileStat], known: dict[str, CachedFile]) -> tuple[dict[str, str], dict[str, CachedFile]]:
        digests: dict[str, str] = {}
        hashed: dict[str, CachedFile] = {}
        for stat in stats:
            old = known.get(stat.path)
            if old is not None and old[1:4] == stat[1:4] and old.seen_ns - old.mtime_ns > RACY_NS:
                digests[stat.path] = old.digest
            elif (fresh := self._hash_one(stat)) is not None:
                digests[stat.path] = fresh.digest
                if old is None or fresh[1:4] != old[1:4] or fresh.digest != old.digest or fresh.seen_ns - fresh.mtime_ns > RACY_NS:
                    hashed[stat.path] = fresh
        return digests, hashed

    def _hash_one(self, stat: FileStat) -> CachedFile | None:
        if stat.link or stat.size > MAX_BYTES:
            return None
        try:
            with open(os.path.join(self._root, stat.path), "rb") as stream:  # noqa: PTH118, PTH123  # thousands of files: pathlib costs as much as hashing
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
        except OSError:
            return None
        return CachedFile(stat.path, stat.size, stat.mtime_ns, stat.inode, time.time_ns(), digest)

    def _sort(self, folders: tuple[str, ...], stats: list[FileStat], digests: dict[str, str]) -> Snapshot:
        documents: dict[str, SourceFile] = {}
        images: dict[str, dict[str, SourceFile]] = {}
        templates: dict[str, SourceFile] = {}
        newest: dict[str, int] = {}
        problems = []
        now = time.time_ns()
        for stat in stats:
            kind, known = classify(stat.path, folders, self.templates), stat.path in digests
            if not known and (kind or self._is_folder(stat)):
                problems.append(_unread(stat))
            if kind == "image":
                folder = stat.path.rpartition("/")[0]
                images.setdefault(folder, {})[stat.path] = SourceFile(stat.path, digests.get(stat.path, ""), stat.size)
                newest[folder] = max(newest.get(folder, 0), stat.mtime_ns if stat.mtime_ns <= now else 0)  # the future says nothing
            elif kind and known:
                (documents if kind == "document" else templates)[stat.path] = SourceFile(stat.path, digests[stat.path], stat.size)
        left = self._settle_down(images, newest)
        pictures = {path: file for folder in sorted(images) for path, file in images[folder].items()}
        return Snapshot(folders, documents, pictures, templates, tuple(problems), unsettled=left)

    def _is_folder(self, stat: FileStat) -> bool:
        """Whether it is a link to a folder: there may be anything in it."""
        return stat.link and (self._root / stat.path).is_dir()

    def _settle_down(self, images: dict[str, dict[str, SourceFile]], newest: dict[str, int]) -> float:
        """Leave folders that are still changing as they were accepted last; seconds until the next of them is quiet, 0 if all are."""
        waits = []
        for folder, mtime in newest.items():
            wait = self._settle - (time.time_ns() - mtime) / 1e9 if self._settle else 0.0
            if wait > 0 and self._accepted is not None:
                waits.append(wait)
                images[folder] = self._accepted.get(folder, {})
        self._accepted = dict(images)
        return min(waits, default=0.0)


def expand(root: Path, watch: Sequence[str]) -> tuple[str, ...]:
    """Folders that patterns such as `projects/*` stand for, relative to the root, sorted; hidden ones left out."""
    found: set[str] = set()
    for pattern in watch:
        if pattern.endswith("/*"):
            base = pattern[:-2]
            if (root / base).is_dir():
                found.update(
                    f"{base}/{entry.name}" for entry in os.scandir(root / base) if entry.is_dir() and not entry.name.startswith(".")
                )
        elif (root / pattern).is_dir():
            found.add(pattern.rstrip("/"))
    return tuple(sorted(found))


def _unread(stat: FileStat) -> Problem:
    if stat.link:
        return Problem(Place(stat.path), "symlink", "this is a symbolic link, and Koma follows none", hint="put the file itself here")
    if stat.size > MAX_BYTES:
        return Problem(Place(stat.path), "too-large", f"{stat.size} bytes", expected=f"at most {MAX_BYTES}", hint="make it smaller")
    return Problem(Place(stat.path), "unreadable", "the file can't be read", hint="check its permissions")
