"""The lock that makes one process the only writer: flock on a file, held for life."""

import fcntl
import json
import os
import socket
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from koma.core.faults import StoreError

_NOTE_LIMIT = 4096


class LockHeld(StoreError):  # noqa: N818  # says what happened, as BlockingIOError does
    """Another process writes here. `pid` (0 if unknown) and `host` name it; `since` is epoch seconds (0 if unknown)."""

    def __init__(self, path: Path, pid: int, host: str, since: float) -> None:
        self.path, self.pid, self.host, self.since = path, pid, host, since
        who = f"process {pid} on {host}" if pid else "another process"
        when = time.strftime(", since %Y-%m-%d %H:%M:%S", time.localtime(since)) if since else ""
        super().__init__(f"{path}: held by {who}{when}. One Koma writes at a time: stop that one, or leave the work to it.")


class StateLock:
    """The lock on one file, which stays where it is: a lock file that is removed can be held twice.

    The kernel lets go of it when the process ends, in whatever way. Use as a context manager, or `acquire` and `release`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Take it, or raise LockHeld at once. Nothing happens if this object holds it already."""
        if self._descriptor is not None:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _sign(descriptor)
        except BlockingIOError:
            held = _held(self.path, descriptor)
            os.close(descriptor)
            raise held from None
        except BaseException:
            os.close(descriptor)
            raise
        self._descriptor = descriptor

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


def _sign(descriptor: int) -> None:
    os.utime(descriptor)  # the file system's own clock says since when
    note = {"pid": os.getpid(), "host": socket.gethostname(), "since": os.fstat(descriptor).st_mtime}
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, json.dumps(note).encode(), 0)


def _held(path: Path, descriptor: int) -> LockHeld:
    try:
        note = json.loads(os.pread(descriptor, _NOTE_LIMIT, 0))
        return LockHeld(path, int(note["pid"]), str(note["host"]), float(note["since"]))
    except (ValueError, KeyError, TypeError):  # the holder has not written its note yet
        return LockHeld(path, 0, "", 0.0)
