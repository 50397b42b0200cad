"""Whether git is at work on files that Koma watches: the lock that it holds on the index while it changes a work tree.

Only the file's presence and age are looked at. Nothing is run, and no lock is ever taken: a lock of ours would break what people do.
"""

import os
from collections.abc import Iterable
from pathlib import Path

_GITDIR = "gitdir:"


def index_lock(folders: Iterable[Path]) -> tuple[Path, int] | None:
    """Find the newest `index.lock` of the work trees that these folders lie in, with its mtime in ns; None without one.

    A program that git itself started with an index of its own, such as a hook, has nothing to wait for: git waits for it.
    """
    if "GIT_INDEX_FILE" in os.environ:
        return None
    found = [(lock, mtime) for folder in {_git_folder(folder) for folder in folders} if folder for lock, mtime in _lock(folder)]
    return max(found, key=lambda one: one[1], default=None)


def _lock(folder: Path) -> Iterable[tuple[Path, int]]:
    lock = folder / "index.lock"
    try:
        return [(lock, lock.stat().st_mtime_ns)]
    except OSError:
        return []


def _git_folder(folder: Path) -> Path | None:
    """Find the git folder of the work tree around a folder. A work tree besides the first, or a submodule, names it in a file."""
    here = Path(os.path.realpath(folder))
    for around in (here, *here.parents):
        git = around / ".git"
        if git.is_dir():
            return git
        if git.is_file():
            return _named(git)
    return None


def _named(file: Path) -> Path | None:
    try:
        line = file.read_text(encoding="utf-8", errors="surrogateescape").strip()
    except OSError:
        return None
    return Path(os.path.normpath(file.parent / line.removeprefix(_GITDIR).strip())) if line.startswith(_GITDIR) else None
