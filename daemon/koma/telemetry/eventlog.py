"""The event log: one JSON object per line in outputs/.koma/logs/events.jsonl, rotated by size.

A line is whole or it is not there: a reader leaves out a torn line, and a writer that finds one starts on a line of its own.
"""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, NamedTuple

from koma.telemetry.events import Event

FORMAT_VERSION = 1


class Rotation(NamedTuple):
    """At which size a file is put away, in bytes, and how many older ones are kept."""

    bytes: int = 20_000_000
    keep: int = 5


class EventLog:
    """Appends events. Older files are `events.jsonl.1` (newest) and so on, as many as are kept."""

    def __init__(self, path: Path, rotation: Rotation = Rotation()) -> None:  # noqa: B008  # a named tuple never changes
        self._path = path
        self._rotation = rotation
        self._file: IO[bytes] | None = None

    def __call__(self, event: Event) -> None:
        """Append one line; it has left this process when this returns. Raises OSError; the next event begins on a line of its own."""
        try:
            size = self._append(line(event).encode())
        except OSError:
            self.close()
            raise
        if size >= self._rotation.bytes:
            self.close()
            self._rotate()

    def close(self) -> None:
        """Close the file; the next event opens it again."""
        if self._file is not None:
            file, self._file = self._file, None
            with suppress(OSError):
                file.close()

    def _append(self, data: bytes) -> int:
        file = self._open()
        written = file.write(data)
        if written != len(data):
            raise OSError(f"{self._path}: {written} of {len(data)} bytes were written: the disk is full")
        return file.tell()

    def _open(self) -> IO[bytes]:
        if self._file is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            torn = _ends_torn(self._path)
            self._file = self._path.open("ab", buffering=0)  # what a full disk refuses is given up, and not kept for later
            if torn:
                self._file.write(b"\n")
        return self._file

    def _rotate(self) -> None:
        for number in _numbers(self._path):
            older = _numbered(self._path, number)
            if number >= self._rotation.keep:
                older.unlink(missing_ok=True)
            else:
                older.replace(_numbered(self._path, number + 1))
        self._path.replace(_numbered(self._path, 1))


def line(event: Event) -> str:
    """One event as it stands in the log, newline included."""
    record = {"format_version": FORMAT_VERSION, "event": event.name, "at": round(event.at, 3), **event.fields}
    return json.dumps(record, default=str, separators=(",", ":")) + "\n"


def history(path: Path) -> Iterator[dict[str, Any]]:
    """Every event that is still kept, oldest first."""
    for number in _numbers(path):
        yield from _records(_numbered(path, number))
    yield from _records(path)


def follow(path: Path, wait: Callable[[], bool], *, from_start: bool = False) -> Iterator[dict[str, Any]]:
    """Yield events as they are appended, across rotations, also when the file is not there yet.

    `wait` is called when there is nothing to read: it pauses and returns True, or returns False to end.
    """
    tail = _Tail(path, from_start=from_start)
    try:
        while True:
            yield from tail.fresh()
            if not wait():
                return
    finally:
        tail.close()


class _Tail:
    """Reads what is appended to a file, and goes over to its successor after a rotation."""

    def __init__(self, path: Path, *, from_start: bool) -> None:
        self._path = path
        self._file = _try_open(path)
        if self._file is not None and not from_start:
            self._file.seek(0, os.SEEK_END)

    def fresh(self) -> Iterator[dict[str, Any]]:
        """Yield what was appended since the last call."""
        while True:
            newer = self._successor()
            if self._file is not None:
                yield from _new_records(self._file)
            if newer is None:
                return
            self.close()
            self._file = newer

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def _successor(self) -> IO[bytes] | None:
        """Open the file that was begun after this one was put away; the oldest that is left where this one is gone already."""
        if self._file is None:
            return _try_open(self._path)
        mine, found = os.fstat(self._file.fileno()).st_ino, _inodes(self._path)
        if not found or found[0][1] == mine:
            return None
        place = next((at for at, (_, inode) in enumerate(found) if inode == mine), len(found))
        file = _try_open(found[place - 1][0])
        if file is not None and os.fstat(file.fileno()).st_ino != found[place - 1][1]:  # put away meanwhile: the next look finds it
            file.close()
            return None
        return file


def _new_records(file: IO[bytes]) -> Iterator[dict[str, Any]]:
    """Read whole lines from where the file stands; half a line stays for the next call."""
    while True:
        start = file.tell()
        raw = file.readline()
        if not raw.endswith(b"\n"):
            file.seek(start)
            return
        record = _parse(raw)
        if record is not None:
            yield record


def _records(path: Path) -> Iterator[dict[str, Any]]:
    file = _try_open(path)
    if file is not None:
        with file:
            yield from _new_records(file)


def _parse(raw: bytes) -> dict[str, Any] | None:
    try:
        record = json.loads(raw)
    except ValueError:
        return None
    return record if isinstance(record, dict) else None


def _inodes(path: Path) -> list[tuple[Path, int]]:
    """Every file of a log with its inode, the newest first."""
    found = []
    for file in (path, *(_numbered(path, number) for number in reversed(_numbers(path)))):
        with suppress(FileNotFoundError):
            found.append((file, file.stat().st_ino))
    return found


def _numbers(path: Path) -> list[int]:
    """Numbers of the older files, the oldest first."""
    tails = (file.name.removeprefix(f"{path.name}.") for file in path.parent.glob(f"{path.name}.*"))
    return sorted((int(tail) for tail in tails if tail.isdecimal()), reverse=True)


def _try_open(path: Path) -> IO[bytes] | None:
    try:
        return path.open("rb")
    except FileNotFoundError:
        return None


def _ends_torn(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            if file.seek(0, os.SEEK_END) == 0:
                return False
            file.seek(-1, os.SEEK_END)
            return file.read(1) != b"\n"
    except FileNotFoundError:
        return False


def _numbered(path: Path, number: int) -> Path:
    return path.with_name(f"{path.name}.{number}")
