"""The work tree as one snapshot: read what changed, look again, and accept only two views that agree.

Nothing can have changed between the two and gone back, since the kernel's ctime is part of a view: so what is accepted is the tree as it
was at one moment. That this moment lies in no checkout is known from git's lock on the index, which is looked for between the views.
"""

import hashlib
import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from io import BufferedReader
from pathlib import Path
from typing import NamedTuple

from koma.core.alike import apart
from koma.core.faults import SourceError
from koma.core.problem import Place, Problem
from koma.core.shown import printable
from koma.core.snapshot import Snapshot, SourceFile, classify
from koma.files import open_beneath
from koma.sources.cache import Cache, CachedFile
from koma.sources.scan import FileStat, scan
from koma.sources.worktree import index_lock

# A file written within this time of being hashed may change again without a new mtime, so it is hashed again next time.
RACY_NS = 2_000_000_000
TRIES = 5
MAX_BYTES = 256 * 1024 * 1024
# Git pauses for less than this between two files of a checkout. A lock that is older was left behind by a git that was killed.
LOCKED_SECONDS = 30.0
_FOLDER = "folder"  # a kind besides those of `classify`: a link or a closed folder, with who knows what in it


class _View(NamedTuple):
    """One look: project folders, the files that count, and what each of them is for."""

    folders: tuple[str, ...]
    stats: list[FileStat]
    kinds: list[str]


class DirectorySource:
    """Snapshots of watched folders and the templates folder under one root.

    What changed is read once it has been still for `quiet_seconds`; `pause` waits for that, less with every try, so that a file that never
    rests holds nothing up for long. While git holds its lock on the work tree, all must have been still for LOCKED_SECONDS.

    With `settle_seconds`, a reference folder that has changed counts only once it has been quiet for that long; until then it stays as it
    was in the snapshot before. The first snapshot takes everything as it is.
    """

    def __init__(
        self,
        root: Path,
        watch: Sequence[str],
        templates: str,
        cache: Cache,
        *,
        settle_seconds: float = 0.0,
        quiet_seconds: float = 0.0,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._root = root
        self.watch = tuple(watch)
        self.templates = templates
        self._cache = cache
        self._settle = settle_seconds
        self._quiet = quiet_seconds
        self._pause = pause
        self._bases = sorted({*(pattern.removesuffix("/*").rstrip("/") for pattern in watch), templates}, key=len, reverse=True)
        self._accepted: dict[str, dict[str, SourceFile]] | None = None
        self._locked: tuple[int, int] = (0, 0)

    def project_folders(self) -> tuple[str, ...]:
        """Watched folders as they are now: patterns such as `projects/*` opened up, sorted."""
        return expand(self._root, self.watch)

    def snapshot(self) -> Snapshot:
        """Read the tree until two views agree. Raises SourceError if they never do, or where a disk fails."""
        try:
            return self._snapshot()
        except OSError as error:
            raise SourceError(f"{error.filename or self._root} can't be read: {error.strerror}", "is the disk there?") from error

    def _snapshot(self) -> Snapshot:
        known = self._cache.files()
        why = ""
        for tried in range(TRIES):
            view = self._look()
            fresh, gone = _news(view, known)
            why = self._at_work(view, fresh) if fresh or gone else ""
            if why:
                self._pause(self._quiet)
                continue
            if fresh or gone:
                self._pause(self._unrest(fresh) / 2**tried)
            files, hashed = self._hash(view.stats, known)
            if not (hashed or gone) and len(files) == len(view.stats):
                return self._sort(view, files)
            again = self._look()
            if again == view:
                self._keep(hashed, gone)
                return self._sort(view, files)
            known.update(hashed)
            why = f"{_moved(view, again)} changed on each of {TRIES} looks; the next pass tries again"
        raise SourceError(why)

    def _keep(self, hashed: Mapping[str, CachedFile], gone: set[str]) -> None:
        if hashed or gone:
            self._cache.put_files(hashed.values(), gone)

    def _look(self) -> _View:
        folders = self.project_folders()
        stats, kinds = [], []
        closed = {folder: stat for folder in folders if (stat := self._closed(folder)) is not None}
        found = scan(str(self._root), [*(folder for folder in folders if folder not in closed), self.templates])
        for stat in [*closed.values(), *found]:
            kind = classify(stat.path, folders, self.templates) or (_FOLDER if self._is_folder(stat) else "")
            if kind:
                stats.append(stat)
                kinds.append(kind)
        return _View(folders, stats, kinds)

    def _closed(self, folder: str) -> FileStat | None:
        """Give the stat of a project folder that is not looked into: a link, or one whose name is spelled out here; None for any other."""
        full = self._root / folder
        if full.is_symlink() and folder not in self._bases:
            return FileStat(folder, 0, 0, 0, link=True)
        return None if full.is_dir() else FileStat(folder, 0, 0, 0, shut=True, odd=True)

    def _unrest(self, fresh: Sequence[FileStat]) -> float:
        """Seconds until what changed has been still for long enough, by the clock of the disk; what was taken away leaves no time."""
        if not fresh:
            return self._quiet
        age = (time.time_ns() - max(stat.ctime_ns for stat in fresh)) / 1e9
        return min(self._quiet, max(0.0, self._quiet - age))

    def _at_work(self, view: _View, fresh: Sequence[FileStat]) -> str:
        """Say that git is changing this tree; "" where it is not, or where nothing has moved for so long that it can't be."""
        found = index_lock([self._root / folder for folder in (*view.folders, self.templates)])
        if found is None:
            return ""
        lock, locked_ns = found
        newest, now = max([locked_ns, *(stat.ctime_ns for stat in fresh)]), time.monotonic_ns()
        if self._locked[0] != newest:
            self._locked = (newest, now)
        # Seen for that long counts as well: what is dated in the future, by a clock that went wrong, would never be old.
        still = max(time.time_ns() - newest, now - self._locked[1]) / 1e9
        if still >= LOCKED_SECONDS:
            return ""
        return (
            f"git is changing files: it holds {lock}, which counts until all is still for {LOCKED_SECONDS:.0f} s; if no git runs, remove it"
        )

    def read(self, files: Sequence[SourceFile]) -> dict[str, bytes]:
        """Path → bytes of files of the snapshot; those whose bytes are no longer the same are left out."""
        found = {}
        for file in files:
            with suppress(OSError):
                with self._open(file.path) as stream:
                    content = stream.read()
                if hashlib.sha256(content).hexdigest() == file.digest:
                    found[file.path] = content
        return found

    def _open(self, path: str) -> BufferedReader:
        """Open a file. Folders that the settings name may be links; below them none is followed, whenever it was put there."""
        base = next(base for base in self._bases if path.startswith(f"{base}/"))
        return open_beneath(self._root / base, path[len(base) + 1 :])

    def local(self, file: SourceFile) -> Path:
        """Where the file lies."""
        return self._root / file.path

    def _hash(self, stats: list[FileStat], known: dict[str, CachedFile]) -> tuple[dict[str, str], dict[str, CachedFile]]:
        digests: dict[str, str] = {}
        hashed: dict[str, CachedFile] = {}
        for stat in stats:
            old = known.get(stat.path)
            if old is not None and old[1:5] == stat[1:5] and old.seen_ns - old.mtime_ns > RACY_NS:
                digests[stat.path] = old.digest
            elif (fresh := self._hash_one(stat)) is not None:
                digests[stat.path] = fresh.digest
                if old is None or fresh[1:5] != old[1:5] or fresh.digest != old.digest or fresh.seen_ns - fresh.mtime_ns > RACY_NS:
                    hashed[stat.path] = fresh
        return digests, hashed

    def _hash_one(self, stat: FileStat) -> CachedFile | None:
        if stat.link or stat.shut or stat.odd or stat.size > MAX_BYTES:
            return None
        try:
            with self._open(stat.path) as stream:
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
        except OSError:
            return None
        return CachedFile(stat.path, stat.size, stat.mtime_ns, stat.inode, stat.ctime_ns, time.time_ns(), digest)

    def _sort(self, view: _View, digests: dict[str, str]) -> Snapshot:
        documents: dict[str, SourceFile] = {}
        images: dict[str, dict[str, SourceFile]] = {}
        templates: dict[str, SourceFile] = {}
        newest: dict[str, int] = {}
        problems = []
        now = time.time_ns()
        for stat, kind in zip(view.stats, view.kinds, strict=True):
            known = stat.path in digests
            if not known:
                problems.append(_unread(stat))
            if kind == "image":
                folder = stat.path.rpartition("/")[0]
                images.setdefault(folder, {})[stat.path] = SourceFile(stat.path, digests.get(stat.path, ""), stat.size)
                newest[folder] = max(newest.get(folder, 0), stat.mtime_ns if stat.mtime_ns <= now else 0)  # the future says nothing
            elif kind != _FOLDER and known:
                (documents if kind == "document" else templates)[stat.path] = SourceFile(stat.path, digests[stat.path], stat.size)
        left = self._settle_down(images, newest)
        pictures = {path: file for folder in sorted(images) for path, file in images[folder].items()}
        return apart(Snapshot(view.folders, documents, pictures, templates, tuple(problems), unsettled=left))

    def _is_folder(self, stat: FileStat) -> bool:
        """Whether there may be anything in it: a folder that can't be listed, or a link to one."""
        return stat.shut or (stat.link and (self._root / stat.path).is_dir())

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
                names = (entry.name for entry in os.scandir(root / base) if entry.is_dir() and not entry.name.startswith("."))
                found.update(f"{base}/{printable(name)}" for name in names)
        elif (root / pattern).is_dir():
            found.add(pattern.rstrip("/"))
    return tuple(sorted(found))


def _news(view: _View, known: Mapping[str, CachedFile]) -> tuple[list[FileStat], set[str]]:
    """Files of a view that are not as they were when they were last hashed, and paths of those that are gone."""
    fresh = [stat for stat in view.stats if (old := known.get(stat.path)) is None or old[1:5] != stat[1:5]]
    return fresh, known.keys() - {stat.path for stat in view.stats}


def _moved(view: _View, again: _View) -> str:
    return next((new.path for old, new in zip(view.stats, again.stats, strict=False) if old != new), "a folder")


def _unread(stat: FileStat) -> Problem:
    if stat.odd:
        message = "its name holds characters that can't be shown, or bytes that are not UTF-8 (they are spelled out here)"
        return Problem(Place(stat.path), "odd-name", message, "a name of visible characters", "rename it")
    if stat.shut:
        return Problem(Place(stat.path), "unreadable", "the folder can't be listed", hint="check its permissions")
    if stat.link:
        return Problem(Place(stat.path), "symlink", "this is a symbolic link, and Koma follows none", hint="put the file itself here")
    if stat.size > MAX_BYTES:
        return Problem(Place(stat.path), "too-large", f"{stat.size} bytes", expected=f"at most {MAX_BYTES}", hint="make it smaller")
    return Problem(Place(stat.path), "unreadable", "the file can't be read", hint="check its permissions")
