"""The inbox: a folder where commands leave wishes for the daemon, one JSON file each."""

import json
import os
import uuid
from collections.abc import Sequence
from pathlib import Path

from koma.core.wish import Request, Wish

FORMAT_VERSION = 1


class Inbox:
    """Reads and writes wishes. A file is complete from the moment it has its name; one that can't be read is set aside."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def folder(self) -> Path:
        """Where the files lie."""
        return self._folder

    def leave(self, request: Request) -> None:
        """Leave a wish."""
        self._folder.mkdir(parents=True, exist_ok=True)
        name = uuid.uuid4().hex
        temporary = self._folder / f".{name}"
        document = {"format_version": FORMAT_VERSION, "wish": request.wish, "targets": request.targets, "plan": request.plan}
        with temporary.open("w", encoding="utf-8") as stream:
            json.dump(document, stream)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.rename(self._folder / f"{name}.json")

    def read(self) -> Sequence[Request]:
        """Give every wish that lies here, oldest first."""
        if not self._folder.is_dir():
            return []
        files = sorted(self._folder.glob("*.json"), key=lambda file: (file.stat().st_mtime_ns, file.name))
        return [request for file in files if (request := self._one(file)) is not None]

    def done(self, request: Request) -> None:
        """Remove a wish that was carried out."""
        (self._folder / request.name).unlink(missing_ok=True)

    def _one(self, file: Path) -> Request | None:
        try:
            document = json.loads(file.read_text(encoding="utf-8"))
            return Request(Wish(document["wish"]), tuple(map(str, document.get("targets", ()))), str(document.get("plan", "")), file.name)
        except (OSError, ValueError, KeyError, TypeError):
            file.rename(file.with_suffix(".unreadable"))
            return None
