"""One walk over folders: every file with its stat, nothing read."""

import os
from collections.abc import Iterator
from typing import NamedTuple


class FileStat(NamedTuple):
    """A file as the directory says: path relative to the root (POSIX), bytes, mtime in ns, inode, and whether it is a symbolic link."""

    path: str
    size: int
    mtime_ns: int
    inode: int
    link: bool = False


def scan(root: str, folders: list[str]) -> list[FileStat]:
    """Walk folders under `root`, sorted by path; hidden entries are left out, links are listed but never followed."""
    found: list[FileStat] = []
    for folder in folders:
        found += _walk(os.path.join(root, folder), folder)  # noqa: PTH118  # pathlib is three times slower here
    found.sort()
    return found


def _walk(full: str, relative: str) -> Iterator[FileStat]:
    stack = [(full, relative)]
    while stack:
        folder, prefix = stack.pop()
        try:
            entries = os.scandir(folder)
        except (FileNotFoundError, NotADirectoryError):
            continue
        with entries:
            for entry in entries:
                if entry.name.startswith(".") or entry.name == "__pycache__":
                    continue
                path = f"{prefix}/{entry.name}"
                if entry.is_dir(follow_symlinks=False):
                    stack.append((entry.path, path))
                else:
                    stat = entry.stat(follow_symlinks=False)
                    yield FileStat(path, stat.st_size, stat.st_mtime_ns, stat.st_ino, entry.is_symlink())
