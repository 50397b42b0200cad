"""One project as resolving sees it: its documents by kind and id, and its reference pictures."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from koma.core.document import Doc


class Reference(NamedTuple):
    """One reference picture of a character. `problem` is the code of what is wrong with it, "" if nothing is."""

    path: str
    file_digest: str
    content_digest: str
    problem: str


@dataclass(slots=True)
class World:
    """One project: its documents by kind and id, and its reference pictures by (character, version or "").

    `pictures` are the paths of all pictures there are; `unread` and `held` are as in koma.core.catalog.Folder.
    """

    folder: str
    project: Doc
    bible: Doc | None = None
    style: Doc | None = None
    characters: dict[str, Doc] = field(default_factory=dict)
    locations: dict[str, Doc] = field(default_factory=dict)
    references: dict[tuple[str, str], list[Reference]] = field(default_factory=dict)
    pictures: frozenset[str] = frozenset()
    unread: bool = False
    held: frozenset[tuple[str, str]] = frozenset()
    memo: dict[Any, Any] = field(default_factory=dict)

    def perhaps(self, kind: str, name: str) -> bool:
        """Whether a missing document may be one that only can't be read or used for now."""
        return self.unread or (kind, name) in self.held or (kind, "") in self.held

    @property
    def id(self) -> str:
        """The project's id."""
        return self.project.id


def commons(world: World) -> list[Doc]:
    """Documents whose defaults hold for everything, weakest first."""
    return [doc for doc in (world.project, world.bible) if doc is not None]
