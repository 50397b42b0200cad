"""The object store: one file per content of bytes, named by its sha256, written once and never changed.

Layout: `<root>/ab/cdef…<suffix>`; what is being written lies in `<root>/incoming/` until it is whole.
"""

import hashlib
import os
import re
import tempfile
from pathlib import Path

from koma.publish.durable import READ_ONLY, make_folder, move

_BLOCK = 1 << 20
_DIGEST = re.compile(r"[0-9a-f]{64}")
_SUFFIX = re.compile(r"(\.[a-z0-9]{1,8})?")


class FileObjects:
    """Objects in a folder. Several readers and writers may share it."""

    def __init__(self, root: Path) -> None:
        self._root = root

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

        Bytes are hashed while they are copied, so an object always is what its name says. Raises ValueError if `expect` is
        given and differs, OSError if the file can't be read or the disk is full.
        """
        incoming = self._root / "incoming"
        make_folder(incoming)
        descriptor, name = tempfile.mkstemp(dir=incoming)
        part = Path(name)
        try:
            file_digest = _copy(file, descriptor)
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

    def _keep(self, part: Path, path: Path) -> None:
        if path.is_file() and path.stat().st_size == part.stat().st_size:
            return
        make_folder(path.parent)
        move(part, path)


def _copy(file: Path, descriptor: int) -> str:
    """Copy a file into an open one, flush it, make it read-only; sha256 hex of what was copied."""
    digest = hashlib.sha256()
    with os.fdopen(descriptor, "wb") as target, file.open("rb") as source:
        while block := source.read(_BLOCK):
            digest.update(block)
            target.write(block)
        target.flush()
        os.fchmod(target.fileno(), READ_ONLY)
        os.fsync(target.fileno())
    return digest.hexdigest()


def file_sha256(file: Path) -> str:
    """Sha256 hex of a file's bytes. Raises OSError."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
