"""File events as wake-ups: that something happened is passed on, what happened is thrown away.

Events can be missed (a full queue, a network disk, a limit on watches), so nothing depends on them: the daemon also looks by itself.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

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
_Identity = tuple[int, int]


class Watch:
    """Watches folders and all below them; calls `wake` from a thread of its own on every change.

    A folder that is missing is watched once it is there and `refresh` is called; so is one that was deleted and made again.
    """

    def __init__(self, folders: Sequence[Path], wake: Callable[[], None]) -> None:
        self._folders = tuple(folders)
        self._handler = _Waker(wake)
        self._observer: BaseObserver = Observer()
        self._watches: dict[Path, tuple[_Identity, ObservedWatch]] = {}

    def start(self) -> list[str]:
        """Begin; what could not be watched, in words."""
        self._observer.start()
        return self.refresh()

    def refresh(self) -> list[str]:
        """Watch folders that have appeared or were replaced since; what could not be watched, in words. Call it on every rescan."""
        return [trouble for folder in self._folders if (trouble := self._renew(folder))]

    def stop(self) -> None:
        """End; no call of `wake` begins after this."""
        self._observer.stop()
        self._observer.join()
        self._watches.clear()

    def _renew(self, folder: Path) -> str:
        found = _identity(folder)
        known = self._watches.get(folder)
        if known is not None and known[0] == found:
            return ""
        if known is not None:
            self._observer.unschedule(known[1])
            del self._watches[folder]
        if found is None:
            return f"{folder}: there is no such folder; it will be watched once it is there"
        try:
            watch = self._observer.schedule(self._handler, str(folder), recursive=True, event_filter=_CHANGES)
        except OSError as error:
            return f"{folder}: can't be watched ({error.strerror}); changes are found by the regular look instead"
        self._watches[folder] = (found, watch)
        return ""


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
