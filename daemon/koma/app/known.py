"""What is known of the server that answered last, in files that outlive the daemon: nodes and models, memory, versions, render times."""

from __future__ import annotations

import json
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING

from koma import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from koma.core.node_rules import Signatures
    from koma.core.preflight import ServerMemory
    from koma.core.words import Rendition


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
        from koma.templating.signatures import load_recorded  # noqa: PLC0415  # start-up time of a plan with nothing to do

        recorded = load_recorded()
        if not self.signatures_file.is_file():
            return recorded
        return Signatures(json.loads(self.signatures_file.read_bytes()), live=True, elsewhere=recorded)

    @cached_property
    def memory(self) -> ServerMemory | None:
        """Graphics memory of the server that was seen last; None if none was."""
        from koma.core.preflight import memory_from_json  # noqa: PLC0415  # start-up time of a plan with nothing to do

        return memory_from_json(json.loads(self.memory_file.read_bytes())) if self.memory_file.is_file() else None

    def forget(self) -> None:
        """Read again next time what the server has: another one answered."""
        self.__dict__.pop("signatures", None)
        self.__dict__.pop("memory", None)

    def seconds(self, rendition: Rendition) -> Mapping[str, Sequence[float]]:
        """Render seconds that `koma qualify` measured, by template."""
        from koma.core.qualified import seconds_by_template  # noqa: PLC0415  # start-up time of a plan with nothing to do

        try:
            return seconds_by_template(json.loads(self.qualified_file.read_bytes()), rendition)
        except (OSError, ValueError):
            return {}

    def versions(self) -> str:
        """Digest of the versions that answered last, which strict projects have in their keys."""
        return digest_of(self.versions_file)

    def salt(self) -> str:
        """Name everything of it that targets depend on."""
        return f"{digest_of(self.signatures_file) or __version__} {digest_of(self.memory_file)} {self.versions()}"


def digest_of(file: Path) -> str:
    """Digest of a file's bytes, "" if there is none."""
    try:
        return sha256(file.read_bytes()).hexdigest()
    except OSError:
        return ""
