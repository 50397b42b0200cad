"""What is known of the server that answered last, in files that outlive the daemon: nodes and models, memory, versions, render times."""

from __future__ import annotations

from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING

from koma import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from typing import Any

    from koma.core.node_rules import Signatures
    from koma.core.preflight import ServerMemory
    from koma.core.words import Rendition

MAX_BYTES = 64 * 1024 * 1024  # of one file; node signatures of a server with many packs have a few million


class KnownServer:
    """Reads those files, in the workspace's private folder; they are written by whoever asks the server."""

    def __init__(self, private: Path) -> None:
        self.signatures_file = private / "object_info.json"
        self.memory_file = private / "memory.json"
        self.versions_file = private / "versions.json"
        self.qualified_file = private / "qualified.json"

    @cached_property
    def signatures(self) -> Signatures:
        """Node signatures to check graphs against: those of the server that was seen last, else the recorded ones."""
        from koma.core.node_rules import Signatures  # noqa: PLC0415  # start-up time of a plan with nothing to do
        from koma.core.signatures import read_recorded  # noqa: PLC0415  # start-up time of a plan with nothing to do
        from koma.templating.signatures import load_recorded  # noqa: PLC0415  # start-up time of a plan with nothing to do

        recorded, said = load_recorded(), _read(self.signatures_file)
        return recorded if said is None else Signatures(read_recorded(said), live=True, elsewhere=recorded)

    @cached_property
    def memory(self) -> ServerMemory | None:
        """Graphics memory of the server that was seen last; None if none was."""
        from koma.core.preflight import memory_from_json  # noqa: PLC0415  # start-up time of a plan with nothing to do

        said = _read(self.memory_file)
        return memory_from_json(said) if said is not None else None

    def forget(self) -> None:
        """Read again next time what the server has: another one answered."""
        self.__dict__.pop("signatures", None)
        self.__dict__.pop("memory", None)

    def seconds(self, rendition: Rendition) -> Mapping[str, Sequence[float]]:
        """Render seconds that `koma qualify` measured, by template."""
        from koma.core.qualified import seconds_by_template  # noqa: PLC0415  # start-up time of a plan with nothing to do

        return seconds_by_template(_read(self.qualified_file) or {}, rendition)

    def versions(self) -> str:
        """Digest of the versions that answered last, which strict projects have in their keys."""
        return digest_of(self.versions_file)

    def salt(self) -> str:
        """Name everything of it that targets depend on."""
        return f"{digest_of(self.signatures_file) or __version__} {digest_of(self.memory_file)} {self.versions()}"


def _read(file: Path) -> dict[str, Any] | None:
    """Read what was kept, None where nothing was, or where it is damaged: the server is asked again when it answers."""
    from koma.core.jsontext import read_json  # noqa: PLC0415  # start-up time of a plan with nothing to do

    try:
        found = read_json(file.read_bytes(), MAX_BYTES)
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def digest_of(file: Path) -> str:
    """Digest of a file's bytes, "" if there is none."""
    try:
        return sha256(file.read_bytes()).hexdigest()
    except OSError:
        return ""
