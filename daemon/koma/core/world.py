"""One project as resolving sees it: its documents by kind and id, and its reference pictures."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from koma.core.document import Doc


class Reference(NamedTuple):
    """One reference picture of a character: width and height in px, 0 where they are not known.

    `problem` says what is wrong with it, in a code or in words; "" if nothing is.
    """

    path: str
    file_digest: str
    content_digest: str
    problem: str
    width: int = 0
    height: int = 0

    @property
    def pending(self) -> bool:
        """Whether the picture is meant to be there and its pixels can't be had yet: what reads it waits."""
        return not self.file_digest or self.problem == "git-lfs-pointer"


UNREAD_MODELS = ("models", "")
"""What `held` of a world has while the list of models can't be read."""


def _no_scene(_scene_id: str) -> Doc | None:
    return None


@dataclass(slots=True)
class World:
    """One project: its documents by kind and id, and its reference pictures by (character, what they show).

    What they show is the folder below the character's own: "" for the character, `child` for a version, `outfits/coat`,
    `expressions/smile` and `poses/walking` for those.

    `pictures` are the paths of all pictures there are; `unread` and `held` are as in koma.core.catalog.Folder;
    of a shot that was left out `held` has ("shot", "s01/sh010"), "s01/" if its id can't be read.
    `scene` gives a scene by its id, for shots that continue from one of another scene. `weights` are digests of the models that learned
    metrics may load here, by name; `equipment` how their files lie there, and under "" which libraries do; `tunings` its tuning documents
    by id.
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
    scene: Callable[[str], Doc | None] = _no_scene
    weights: Mapping[str, str] = field(default_factory=dict)
    equipment: Mapping[str, str] = field(default_factory=dict)
    tunings: tuple[Doc, ...] = ()
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
