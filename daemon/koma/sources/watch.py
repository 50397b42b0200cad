"""File events as wake-ups: that something happened is passed on, what happened is thrown away.

Events can be missed (a full queue, a network disk, a limit on watches, a file with another name elsewhere), so nothing depends on them: the
daemon also looks by itself. What can be known to be unwatched is said in words.
"""

import errno
import os
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from watchdog.events import (
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver, ObservedWatch

from koma.core.filesystem import filesystem_of, is_silent

# Not the events of opening and reading: a pass reads every file, and would wake itself.
_CHANGES: list[type[FileSystemEvent]] = [
    FileCreatedEvent,
    FileModifiedEvent,
    FileClosedEvent,
    FileDeletedEvent,
    FileMovedEvent,
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
]
_INSTEAD = "changes there are found by the regular look instead"
_MORE = "allow more: sysctl fs.inotify.max_user_watches"
_LIMIT = Path("/proc/sys/fs/inotify/max_user_watches")
_MOUNTS = Path("/proc/self/mountinfo")
_SELF = Path("/proc/self")
_Identity = tuple[int, int]


class _Watched(NamedTuple):
    """A folder under watch: which one it is, its watch, how many folders in it have none (see `_unwatched`), and the limit then."""

    identity: _Identity
    watch: ObservedWatch
    missed: int
    limit: str

    def stands(self, real: Path, found: _Identity | None) -> bool:
        """Whether there is nothing to be mended: the same folder, watched as before, and no more room for what is not."""
        room = self.missed > 0 and self.limit != _text(_LIMIT)
        return self.identity == found and self.missed == _unwatched(real) and not room


class Watch:
    """Watches folders and all below them; calls `wake` from a thread of its own on every change.

    `folders` is asked anew by `refresh`, which also watches what has appeared, or was replaced, or lost its watch. Links at the top are
    followed, links inside are not.
    """

    def __init__(self, folders: Callable[[], Iterable[Path]], wake: Callable[[], None]) -> None:
        self._folders = folders
        self._handler = _Waker(wake)
        self._observer: BaseObserver | None = None
        self._watched: dict[Path, _Watched] = {}
        self._said: frozenset[str] = frozenset()

    def start(self) -> list[str]:
        """Begin; what could not be watched, in words."""
        return self.refresh()

    def refresh(self) -> list[str]:
        """Bring the watches up to date; what can't be watched, in words, each time it comes to be so. Call it on every rescan."""
        troubles = frozenset(self._refresh())
        fresh, self._said = sorted(troubles - self._said), troubles
        return fresh

    def stop(self) -> None:
        """End; no call of `wake` begins after this."""
        if self._observer is not None:
            self._observer.stop()
            self._observer.join()
        self._observer = None
        self._watched.clear()

    def _refresh(self) -> Iterator[str]:
        if self._observer is not None and not self._observer.is_alive():
            self.stop()
        if self._observer is None:
            try:
                self._observer = _observer()
            except OSError as error:
                yield f"no folder can be watched ({error.strerror}); {_INSTEAD}"
                return
        folders = {Path(os.path.realpath(folder)): folder for folder in self._folders()}
        for gone in self._watched.keys() - folders.keys():
            self._drop(self._observer, gone)
        for real, folder in folders.items():
            yield from self._renew(self._observer, real, folder)

    def _renew(self, observer: BaseObserver, real: Path, folder: Path) -> Iterator[str]:
        found, known = _identity(real), self._watched.get(real)
        if known is not None and not known.stands(real, found):
            self._drop(observer, real)
            known = None
        if found is None:
            yield f"{folder}: there is no such folder; it will be watched once it is there"
            return
        if known is None:
            try:
                watch = observer.schedule(self._handler, str(real), recursive=True, event_filter=_CHANGES)
            except OSError as error:
                more = f"; {_MORE}" if error.errno == errno.ENOSPC else ""
                yield f"{folder}: can't be watched ({error.strerror}); {_INSTEAD}{more}"
                return
            known = self._watched[real] = _Watched(found, watch, _unwatched(real), _text(_LIMIT))
        if known.missed > 0:
            yield f"{folder}: {known.missed} folders in it can't be watched; {_INSTEAD}; {_MORE}"
        if is_silent(kind := filesystem_of(str(real), _text(_MOUNTS))):
            yield f"{folder}: lies on {kind}, where a change made elsewhere raises no event; {_INSTEAD}"

    def _drop(self, observer: BaseObserver, real: Path) -> None:
        known = self._watched.pop(real, None)
        if known is not None:
            with suppress(KeyError, OSError):  # its thread ended by itself when the folder was deleted
                observer.unschedule(known.watch)


def _observer() -> BaseObserver:
    """Start watchdog. Raises OSError where the system gives no further watcher."""
    # A folder that appears while its parent is walked is watched twice. That does no harm, and the warning is as long as the whole tree.
    warnings.filterwarnings("ignore", message="Callback with id", category=RuntimeWarning, module="watchdog")
    observer = Observer()
    observer.start()
    return observer


class _Waker(FileSystemEventHandler):
    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake

    def on_any_event(self, event: FileSystemEvent) -> None:  # noqa: ARG002  # the port of watchdog; its content is thrown away
        self._wake()


def _identity(folder: Path) -> _Identity | None:
    try:
        facts = folder.stat()
    except OSError:
        return None
    return (facts.st_dev, facts.st_ino)


def _unwatched(folder: Path) -> int:
    """Count folders from here down that the kernel does not watch for this process: watchdog passes over those that it can't watch.

    -1 where the folder itself is not watched, as far as is known: some layered file systems list it under another number.
    """
    watched = _kernel_watches()
    inodes = list(_inodes(folder))
    return sum(inode not in watched for inode in inodes) if inodes and inodes[0] in watched else -1


def _inodes(folder: Path) -> Iterator[int]:
    stack = [str(folder)]
    while stack:
        here = stack.pop()
        with suppress(OSError), os.scandir(here) as entries:
            yield os.stat(here).st_ino  # noqa: PTH116  # hundreds of folders on every pass
            stack += [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]


def _kernel_watches() -> frozenset[int]:
    """Inodes that this process watches, from the kernel's own list (proc(5), fdinfo of inotify); empty where there is none."""
    found: set[int] = set()
    with suppress(OSError):
        for descriptor in (_SELF / "fd").iterdir():
            with suppress(OSError):
                if "inotify" in str(descriptor.readlink()):
                    found |= _listed(_text(_SELF / "fdinfo" / descriptor.name))
    return frozenset(found)


def _listed(info: str) -> set[int]:
    lines = (line.split() for line in info.splitlines() if line.startswith("inotify "))
    return {int(field[4:], 16) for line in lines for field in line if field.startswith("ino:")}


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return ""
