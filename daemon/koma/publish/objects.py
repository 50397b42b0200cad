"""The object store: one file per content of bytes, named by its sha256, written once and never changed.

Layout: `<root>/ab/cdef…<suffix>`; what is being written lies in `<root>/incoming/` until it is whole.
"""

import hashlib
import os
import re
import tempfile
from contextlib import suppress
from pathlib import Path
from threading import Lock

from koma.publish.durable import READ_ONLY, file_sha256, flush, lied, make_folder, move

INCOMING = "incoming"
DAMAGED = "damaged"
_BLOCK = 1 << 20
_DIGEST = re.compile(r"[0-9a-f]{64}")
_SUFFIX = re.compile(r"(\.[a-z0-9]{1,8})?")


class FileObjects:
    """Objects in a folder. Several readers and writers may share it."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._lock = Lock()

    def path(self, file_digest: str, suffix: str) -> Path:
        """Where that object lies or would lie. Raises ValueError for what is no digest or suffix."""
        if not (_DIGEST.fullmatch(file_digest) and _SUFFIX.fullmatch(suffix)):
            raise ValueError(f"not the name of an object: {file_digest!r}{suffix!r} (64 hex digits and a short lower-case suffix)")
        return self._root / file_digest[:2] / f"{file_digest[2:]}{suffix}"

    def has(self, file_digest: str, suffix: str) -> bool:
        """Whether it is there."""
        return self.path(file_digest, suffix).is_file()

    def put(self, file: Path, *, expect: str = "") -> str:
        """Copy a file in, durably, under its own suffix in lower case; nothing happens if it is there.

        Bytes are hashed while they are copied, and again as they lie on the disk, so an object always is what its name says. Raises
        ValueError if `expect` is given and differs, OSError if the file can't be read or the disk is full, FlushError.
        """
        incoming = self._root / INCOMING
        make_folder(incoming)
        descriptor, name = tempfile.mkstemp(dir=incoming)
        part = Path(name)
        try:
            file_digest = _copy(file, descriptor, part)
            if expect and file_digest != expect:
                raise ValueError(f"{file}: its bytes are not those expected: sha256 {file_digest}, expected {expect}")
            self._keep(part, self.path(file_digest, file.suffix.lower()))
        finally:
            part.unlink(missing_ok=True)
        return file_digest

    def verify(self, file_digest: str, suffix: str) -> bool:
        """Read an object again: whether it is there and still what its name says."""
        path = self.path(file_digest, suffix)
        return path.is_file() and file_sha256(path) == file_digest

    def is_sound(self, file_digest: str, suffix: str) -> bool:
        """Whether it is there and still what its name says; one that is not goes to `damaged/`, and is gone from then on."""
        if self.verify(file_digest, suffix):
            return True
        path = self.path(file_digest, suffix)
        with self._lock:
            if path.is_file():
                make_folder(self._root / DAMAGED)
                move(path, self._root / DAMAGED / f"{file_digest}{suffix}")
        return False

    def discard(self, file: Path, used_since: float) -> bool:
        """Delete an object or unfinished copy; False where it is gone, or was put once more after `used_since` (epoch seconds)."""
        with self._lock:
            try:
                stat = file.stat()
            except FileNotFoundError:
                return False
            if max(stat.st_mtime, stat.st_ctime) > used_since:
                return False
            file.unlink()
            if file.parent.name != INCOMING and not any(file.parent.iterdir()):
                file.parent.rmdir()
            return True

    def _keep(self, part: Path, path: Path) -> None:
        with self._lock:  # what is put again is not deleted at the same moment
            if path.is_file() and path.stat().st_size == part.stat().st_size:
                _touch(path)
                return
            make_folder(path.parent)
            move(part, path)


def _touch(path: Path) -> None:
    """Give it another time of change, and leave the rest as it is: `discard` sees that it was put just now."""
    stat = path.stat()
    with suppress(PermissionError):  # the file of another user
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def _copy(file: Path, descriptor: int, part: Path) -> str:
    """Copy a file into an open one, flush it, make it read-only, read it again; sha256 hex of what was copied."""
    digest = hashlib.sha256()
    with os.fdopen(descriptor, "wb") as target, file.open("rb") as source:
        while block := source.read(_BLOCK):
            digest.update(block)
            target.write(block)
        target.flush()
        os.fchmod(target.fileno(), READ_ONLY)
        flush(target.fileno(), part)
    if file_sha256(part) != digest.hexdigest():
        raise lied(part)
    return digest.hexdigest()
