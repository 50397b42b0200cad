"""Files that are there whole or not at all, also after a power cut: temporary name in the same folder, fsync, rename, fsync folder.

What was written is read again before it gets its name: a disk that lies about a write is an error like one that says so. A flush that fails
is a FlushError, which nobody catches on the way to the end of the process: the system may have dropped the data and forgotten that it did.
"""

import errno
import hashlib
import os
import shutil
from pathlib import Path

from koma.core.faults import FlushError

READ_ONLY = 0o444
_NO_LINKS = frozenset({errno.EXDEV, errno.EPERM, errno.EACCES, errno.EMLINK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL})


def flush(descriptor: int, path: Path) -> None:
    """Flush an open file or folder to the disk. Raises FlushError."""
    try:
        os.fsync(descriptor)
    except OSError as error:
        message = (
            f"{path} could not be flushed to the disk: {error.strerror}. What was written to it may be lost, so it counts as not done."
        )
        hint = "look at the disk (df, dmesg), then start Koma again: it does that step anew, and renders nothing twice"
        raise FlushError(message, hint) from error


def sync_file(path: Path) -> None:
    """Flush one file to the disk. Raises FlushError."""
    _sync(path, os.O_RDONLY)


def sync_folder(path: Path) -> None:
    """Flush a folder's entries to the disk. Raises FlushError."""
    _sync(path, os.O_RDONLY | os.O_DIRECTORY)


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        flush(descriptor, path)
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
    write_bytes(path, text.encode())


def write_bytes(path: Path, data: bytes) -> None:
    """Replace a file by these bytes, durably; nothing is touched where it holds them already."""
    if path.is_file() and path.read_bytes() == data:
        return
    part = _part(path)
    with part.open("xb") as stream:  # never through a link that somebody put there
        stream.write(data)
    sync_file(part)
    if part.read_bytes() != data:
        raise lied(part)
    _into_place(part, path)


def link_or_copy(source: Path, path: Path) -> None:
    """Replace `path` by a read-only hard link to `source`, or by a read-only copy where links are not possible."""
    part = _part(path)
    if not try_link(source, part):
        shutil.copyfile(source, part)
        part.chmod(READ_ONLY)
        sync_file(part)
        if file_sha256(part) != file_sha256(source):
            raise lied(part)
    _into_place(part, path)


def try_link(source: Path, path: Path) -> bool:
    """Hard link; False where the file systems do not allow it. Raises FileNotFoundError if the source is gone, OSError for a bad disk."""
    try:
        os.link(source, path)
    except OSError as error:
        if error.errno in _NO_LINKS:
            return False
        raise
    return True


def move(source: Path, path: Path) -> None:
    """Move a file within one file system, durably."""
    source.replace(path)
    source.unlink(missing_ok=True)  # renaming onto another link of the same file does nothing
    sync_folder(path.parent)
    sync_folder(source.parent)


def file_sha256(file: Path) -> str:
    """Sha256 hex of a file's bytes. Raises OSError."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def lied(path: Path) -> OSError:
    """Make the error for a file that holds other bytes than were written to it."""
    return OSError(errno.EIO, "the disk took what was written and holds something else", str(path))


def _part(path: Path) -> Path:
    make_folder(path.parent)
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    return part


def _into_place(part: Path, path: Path) -> None:
    part.replace(path)
    part.unlink(missing_ok=True)  # as in move()
    sync_folder(path.parent)
