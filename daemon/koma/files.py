"""Files that others may have put there: read without following links, and written nowhere but below their folder.

No link is followed on the way, whatever is put in its place between looking and opening.
"""

import os
import stat
from io import BufferedReader
from pathlib import Path

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # opening a pipe must not wait for who writes into it


def open_beneath(root: str | Path, path: str) -> BufferedReader:
    """Open a regular file by its path below a root (POSIX), step by step. The root itself may be a link: whoever set Koma up named it.

    Raises OSError for a link anywhere on the way, and for pipes, sockets and devices.
    """
    *folders, name = path.split("/")
    here = os.open(root, _FOLDER)
    try:
        for folder in folders:
            below = os.open(folder, _FOLDER | os.O_NOFOLLOW, dir_fd=here)
            os.close(here)
            here = below
        return _regular(os.open(name, _FILE, dir_fd=here), path)
    finally:
        os.close(here)


def read_file(file: Path, max_bytes: int) -> bytes:
    """Read a regular file that is no link. Raises OSError for anything else, ValueError for one that has more bytes."""
    with _regular(os.open(file, _FILE), str(file)) as stream:
        content = stream.read(max_bytes + 1)
    if len(content) > max_bytes:
        raise ValueError(f"{file} has more than {max_bytes:,} bytes")
    return content


class LinkedFolderError(OSError):
    """A folder that files are to be written into is a link, and would lead elsewhere."""


def below(root: Path, path: Path) -> Path:
    """Give a path below a root back. Raises LinkedFolderError where a folder on the way is a link."""
    folder = root
    for part in path.parent.relative_to(root).parts:
        folder = folder / part
        if folder.is_symlink():
            raise LinkedFolderError(f"{folder} is a symbolic link, and Koma writes through none: put a real folder there")
    return path


def _regular(descriptor: int, path: str) -> BufferedReader:
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return os.fdopen(descriptor, "rb")
    os.close(descriptor)
    raise OSError(f"{path} is no plain file")
