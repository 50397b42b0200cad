"""The inbox: a folder where commands leave wishes for the daemon, one JSON file each."""

import json
import os
import uuid
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from koma.core.wish import MAX_BYTES, Request, read_request
from koma.files import read_file

FORMAT_VERSION = 1
AT_ONCE = 1000  # wishes that are read in one go


class Inbox:
    """Reads and writes wishes. A file is complete from the moment it has its name; one that can't be read is set aside."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def folder(self) -> Path:
        """Where the files lie."""
        return self._folder

    def leave(self, request: Request) -> str:
        """Leave a wish; the name of its file."""
        self._folder.mkdir(parents=True, exist_ok=True)
        name = uuid.uuid4().hex
        temporary = self._folder / f".{name}"
        document = {
            "format_version": FORMAT_VERSION,
            "wish": request.wish,
            "targets": request.targets,
            "plan": request.plan,
            "days": request.days,
        }
        with temporary.open("w", encoding="utf-8") as stream:
            json.dump(document, stream)
            stream.flush()
            os.fsync(stream.fileno())
        return temporary.rename(self._folder / f"{name}.json").name

    def read(self) -> Sequence[Request]:
        """Give the wishes that lie here, oldest first; of very many the first ones, and the rest once these are done."""
        if not self._folder.is_dir():
            return []
        files = sorted(self._folder.glob("*.json"), key=_age)[:AT_ONCE]
        return [request for file in files if (request := self._one(file)) is not None]

    def done(self, request: Request) -> None:
        """Remove a wish that was carried out."""
        (self._folder / request.name).unlink(missing_ok=True)

    def _one(self, file: Path) -> Request | None:
        try:
            return read_request(read_file(file, MAX_BYTES), file.name)
        except (OSError, ValueError):
            self._set_aside(file)
            return None

    def _set_aside(self, file: Path) -> None:
        """Let it lie under a name that is not read; where even that can't be done it is passed over."""
        with suppress(OSError):
            file.rename(file.with_suffix(".unreadable"))


def _age(file: Path) -> tuple[int, str]:
    """Sort by time; a link counts for itself, and what vanished meanwhile comes first."""
    try:
        return file.lstat().st_mtime_ns, file.name
    except OSError:
        return 0, file.name
