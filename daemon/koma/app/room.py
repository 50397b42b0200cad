"""Room on disk for one workspace: which folders it takes, and what the daemon knew of it last, in a file that outlives it."""

from __future__ import annotations

import json
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from koma.core.room import Reserve, Room, Space, room, words
from koma.engine.disk import Known
from koma.publish.space import spaces

if TYPE_CHECKING:
    from koma.config import Config


class WorkspaceRoom:
    """Looks at the file systems of outputs, objects, state, and of what backends on this machine have on its way."""

    def __init__(self, config: Config) -> None:
        paths = config.paths
        self.folders = {
            "outputs": paths.outputs,
            "objects": paths.objects,
            "state": paths.state.parent,
            "scratch": Path(tempfile.gettempdir()),
        }
        self.reserve = Reserve(config.disk.reserve_percent, config.disk.reserve_bytes)
        self._file = paths.private / "room.json"

    def spaces(self) -> list[Space]:
        """Look at each file system, as it is now."""
        return spaces(self.folders)

    def known(self) -> Known:
        """Read what was known last; the beginning where there is nothing to be read."""
        try:
            document = json.loads(self._file.read_bytes())
            return Known(int(document["largest"]), Room(document["room"]))
        except (OSError, ValueError, KeyError, TypeError):
            return Known()

    def remember(self, known: Known) -> None:
        """Keep it for the next start, as far as a full disk allows."""
        part = self._file.with_suffix(".new")
        with suppress(OSError):
            part.write_text(json.dumps({"largest": known.largest, "room": int(known.room)}), encoding="utf-8")
            part.rename(self._file)

    def message(self) -> str:
        """Say what lacks, for a command that stands beside the daemon; "" while there is enough."""
        found, known = self.spaces(), self.known()
        return words(found, self.reserve, known.largest, room(found, self.reserve, known.largest, known.room))
