"""Files that are there whole or not at all, also after a power cut: temporary name in the same folder, fsync, rename, fsync folder."""

import os
import shutil
from pathlib import Path

READ_ONLY = 0o444


def sync_file(path: Path) -> None:
    """Flush one file to the disk. Raises OSError; never repeat it after an error, the data may be gone."""
    _sync(path, os.O_RDONLY)


def sync_folder(path: Path) -> None:
    """Flush a folder's entries to the disk."""
    _sync(path, os.O_RDONLY | os.O_DIRECTORY)


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(path: Path) -> None:
    """Make a folder and its parents, each new entry flushed."""
    if path.is_dir():
        return
    make_folder(path.parent)
    path.mkdir(exist_ok=True)
    sync_folder(path.parent)


def write_text(path: Path, text: str) -> None:
    """Replace a file by this text, durably; nothing is touched where it says that already."""
    data = text.encode()
    if path.is_file() and path.read_bytes() == data:
        return
    part = _part(path)
    part.write_bytes(data)
    sync_file(part)
    _into_place(part, path)


def link_or_copy(source: Path, path: Path) -> None:
    """Replace `path` by a read-only hard link to `source`, or by a read-only copy where links are not possible."""
    part = _part(path)
    part.unlink(missing_ok=True)
    if not try_link(source, part):
        shutil.copyfile(source, part)
        part.chmod(READ_ONLY)
        sync_file(part)
    _into_place(part, path)


def try_link(source: Path, path: Path) -> bool:
    """Hard link; False where the file systems do not allow it. Raises FileNotFoundError if the source is gone."""
    try:
        os.link(source, path)
    except FileNotFoundError:
        raise
    except OSError:
        return False
    return True


def move(source: Path, path: Path) -> None:
    """Move a file within one file system, durably."""
    source.replace(path)
    source.unlink(missing_ok=True)  # renaming onto another link of the same file does nothing
    sync_folder(path.parent)
    sync_folder(source.parent)


def _part(path: Path) -> Path:
    make_folder(path.parent)
    return path.with_name(f".{path.name}.part")


def _into_place(part: Path, path: Path) -> None:
    part.replace(path)
    part.unlink(missing_ok=True)  # as in move()
    sync_folder(path.parent)
