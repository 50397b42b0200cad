"""The worlds of a snapshot: each project's documents with their bodies, and its reference pictures decoded or known."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from koma.core.catalog import Folder
from koma.core.document import Doc
from koma.core.lfs import POINTER_LIMIT, is_lfs_pointer
from koma.core.models import LockedModel, permitted
from koma.core.problem import Problem
from koma.core.snapshot import PictureRow, Snapshot, SourceFile
from koma.core.world import UNREAD_MODELS, Reference, World
from koma.engine.documents import Documents
from koma.ports import PlanCache, Source


class Worlds:
    """Makes worlds once per snapshot. `look` decodes a picture: content digest, width and height in px; it raises ValueError.

    `models` gives the models that are recorded and what is wrong with that list, `equipment` how their files lie there and which libraries
    do.
    """

    def __init__(
        self,
        source: Source,
        cache: PlanCache,
        documents: Documents,
        snapshot: Snapshot,
        look: Callable[[Path], tuple[str, int, int]],
        models: Callable[[], tuple[Mapping[str, LockedModel], Sequence[Problem]]],
        equipment: Callable[[], Mapping[str, str]],
    ) -> None:
        self._source = source
        self._cache = cache
        self._documents = documents
        self._snapshot = snapshot
        self._look = look
        self._models = models
        self._equipment = equipment
        self._worlds: dict[str, World] = {}

    def world(self, folder: Folder) -> World:
        """World of one project; the folder must have a project document."""
        if folder.path not in self._worlds:
            self._worlds[folder.path] = self._make(folder)
        return self._worlds[folder.path]

    def _make(self, folder: Folder) -> World:
        assert folder.project is not None  # noqa: S101  # callers have one
        project = self._documents.doc(folder.project)
        models, problems = self._models()
        weights = permitted(bool(project.data.get("commercial")), models)
        return World(
            folder.path,
            project,
            bible=_named(self._docs(folder, "story-bible"), project.data.get("bible")),
            style=self._docs(folder, "style").get(project.data.get("style") or ""),
            characters=self._docs(folder, "character"),
            locations=self._docs(folder, "location"),
            tunings=tuple(doc for _, doc in sorted(self._docs(folder, "tuning").items())),
            references=self._references(folder),
            pictures=frozenset(self._snapshot.images),
            unread=folder.unread,
            held=frozenset(folder.held).union(_held_shots(folder), (UNREAD_MODELS,) if problems else ()),
            scene=lambda scene_id: self._scene(folder, scene_id),
            weights=weights,
            equipment={name: how for name, how in self._equipment().items() if not name or name in weights},
        )

    def _scene(self, folder: Folder, scene_id: str) -> Doc | None:
        head = folder.heads.get("scene", {}).get(scene_id)
        return self._documents.doc(head) if head is not None else None

    def _docs(self, folder: Folder, kind: str) -> dict[str, Doc]:
        return {name: self._documents.doc(head) for name, head in folder.heads.get(kind, {}).items()}

    def _references(self, folder: Folder) -> dict[tuple[str, str], list[Reference]]:
        known = self._cache.images()
        learned: dict[str, PictureRow] = {}
        found: dict[tuple[str, str], list[Reference]] = {}
        inside = f"{folder.path}/references/"
        for path, file in sorted(self._snapshot.images.items()):
            if path.startswith(inside):
                who, _, version = path[len(inside) :].rpartition("/")[0].partition("/")
                row = known.get(file.digest) or learned.get(file.digest) or self._decode(file, learned)
                found.setdefault((who, version), []).append(Reference(path, file.digest, *row))
        if learned:
            self._cache.put_images(learned)
        return found

    def _decode(self, file: SourceFile, learned: dict[str, PictureRow]) -> PictureRow:
        """Look at a picture never seen before; one that changed while it was read is not remembered."""
        if not file.digest:
            return "", "unread", 0, 0
        local = self._source.local(file)
        try:
            if file.size <= POINTER_LIMIT and is_lfs_pointer(local.read_bytes()):
                learned[file.digest] = "", "git-lfs-pointer", 0, 0
            else:
                content, width, height = self._look(local)
                learned[file.digest] = content, "", width, height
        except OSError as error:
            return "", error.strerror or str(error), 0, 0
        except ValueError as error:
            learned[file.digest] = "", str(error) or type(error).__name__, 0, 0
        return learned[file.digest]


def _held_shots(folder: Folder) -> set[tuple[str, str]]:
    """Shots that were left out for their mistakes, as documents that can't be used are: ("shot", "s01/sh010")."""
    return {("shot", f"{head.id}/{shot}") for head in folder.heads.get("scene", {}).values() for shot in head.held}


def _named(docs: Mapping[str, Doc], name: str | None) -> Doc | None:
    """Pick the document of that name; without a name, the only one there is."""
    if name:
        return docs.get(name)
    return next(iter(docs.values())) if len(docs) == 1 else None
