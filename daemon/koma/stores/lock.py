"""The lock that makes one process the only writer: flock on a file, held for life."""

import errno
import fcntl
import json
import os
import socket
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from koma.core.faults import StoreError
from koma.core.filesystem import SHARED, filesystem_of
from koma.core.jsontext import read_json

_NOTE_LIMIT = 4096
_LOOKS = 5  # who only asks holds the lock for a moment, and must not keep a daemon from starting
_LOOK_SECONDS = 0.1
_NO_LOCKS = frozenset({errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL})
_MOUNTS = Path("/proc/self/mountinfo")


class LockHeld(StoreError):  # noqa: N818  # says what happened, as BlockingIOError does
    """Another process writes here. `pid` (0 if unknown) and `host` name it; `since` is epoch seconds (0 if unknown)."""

    def __init__(self, path: Path | str, pid: int, host: str, since: float) -> None:
        self.path, self.pid, self.host, self.since = path, pid, host, since
        who = f"process {pid} on {host}" if pid else "another process"
        when = time.strftime(", since %Y-%m-%d %H:%M:%S", time.localtime(since)) if since else ""
        super().__init__(f"{path}: held by {who}{when}. One Koma writes at a time: stop that one, or leave the work to it.")


class StateLock:
    """The lock on one file, which stays where it is: a lock file that is removed can be held twice.

    The kernel lets go of it when the process ends, in whatever way. Use as a context manager, or `acquire` and `release`. With
    `local_only` a disk that other machines use is refused. `pause` waits between two looks at a lock that is held.
    """

    def __init__(self, path: Path, *, local_only: bool = False, pause: Callable[[float], None] = time.sleep) -> None:
        self.path = path
        self._local_only = local_only
        self._pause = pause
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Take it, or raise LockHeld. Nothing happens if this object holds it already. Raises StoreError where locks don't work."""
        if self._descriptor is not None:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if self._local_only:
            _refuse_shared(self.path)
        for _ in range(_LOOKS - 1):
            try:
                self._descriptor = _taken(self.path)
            except LockHeld:
                self._pause(_LOOK_SECONDS)
            else:
                return
        self._descriptor = _taken(self.path)

    def check(self) -> None:
        """Raise StoreError where the file that is held is not the one of that name any more: another process could hold the new one."""
        if self._descriptor is not None and not _is_at(self._descriptor, self.path):
            message = f"{self.path} was removed or replaced while this process held it, so another one could write here as well"
            raise StoreError(message, "start Koma again, and leave that file where it is")

    def release(self) -> None:
        """Let go. May be repeated."""
        if self._descriptor is not None:
            os.ftruncate(self._descriptor, 0)
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)  # a child that is just starting may still share the descriptor
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.release()


def holder_of(path: Path) -> LockHeld | None:
    """Say who holds a lock, as the error that taking it would raise; None if nobody does. Nothing is taken or written."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _held(path, descriptor)
    finally:
        os.close(descriptor)
    return None


def _taken(path: Path) -> int:
    """Descriptor of the locked file. Raises LockHeld, StoreError."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _sign(descriptor)
    except BlockingIOError:
        held = _held(path, descriptor)
        os.close(descriptor)
        raise held from None
    except OSError as error:
        os.close(descriptor)
        raise (_no_locks(path, error) if error.errno in _NO_LOCKS else error) from error
    return descriptor


def _refuse_shared(path: Path) -> None:
    """Raise StoreError for a disk that other machines use too: they may not see this lock, and SQLite's log needs memory in common."""
    try:
        kind = filesystem_of(str(path.parent.resolve()), _MOUNTS.read_text(encoding="utf-8", errors="surrogateescape"))
    except OSError:
        return
    if kind in SHARED:
        message = f"{path.parent} lies on {kind}, where a lock and the state store's log may not hold between machines"
        raise StoreError(message, "set paths.state to a folder on a disk of this machine; outputs and objects may stay where they are")


def _no_locks(path: Path, error: OSError) -> StoreError:
    message = f"{path}: its file system knows no locks ({error.strerror}), so two Komas could write at once"
    return StoreError(message, "set paths.state to a folder on a disk of this machine")


def _is_at(descriptor: int, path: Path) -> bool:
    held = os.fstat(descriptor)
    try:
        there = path.stat()
    except OSError:
        return False
    return (there.st_dev, there.st_ino) == (held.st_dev, held.st_ino)


def _sign(descriptor: int) -> None:
    os.utime(descriptor)  # the file system's own clock says since when
    note = {"pid": os.getpid(), "host": socket.gethostname(), "since": os.fstat(descriptor).st_mtime}
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, json.dumps(note).encode(), 0)


def _held(path: Path, descriptor: int) -> LockHeld:
    try:
        note = read_json(os.pread(descriptor, _NOTE_LIMIT, 0), _NOTE_LIMIT)
        return LockHeld(path, int(note["pid"]), str(note["host"]), float(note["since"]))
    except (ValueError, KeyError, TypeError):  # the holder has not written its note yet
        return LockHeld(path, 0, "", 0.0)
