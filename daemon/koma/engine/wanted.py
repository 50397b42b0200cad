"""What is wanted now: every target of every scene, from the cache where nothing that it reads has changed.

This is the one path for `koma plan` and the daemon. A scene is resolved and its graphs are rendered only when the digest of what it
reads is new; then it is remembered. What that needs is imported only then.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from koma.core.catalog import Folder, Head, Inputs, catalog
from koma.core.snapshot import unread_documents
from koma.core.target import Target, targets_from_json, targets_to_json
from koma.engine.documents import Documents, problems_from_json, problems_to_json

if TYPE_CHECKING:
    from koma.core.problem import Problem
    from koma.core.snapshot import Snapshot
    from koma.core.words import Rendition
    from koma.core.world import World
    from koma.engine.drafting import Drafting
    from koma.engine.templates import Templates
    from koma.engine.worlds import Worlds
    from koma.ports import PlanCache, Source

MANY = 20  # documents to be read one by one; more are read at once
SceneRow = tuple[str, str, str, str, str]


class Wanted:
    """All wanted targets, upstream first; every Problem; id prefixes whose documents could not be read; renamed ids (new → old)."""

    def __init__(self) -> None:
        self.targets: list[Target] = []
        self.problems: list[Problem] = []
        self.blocked: list[str] = []
        self.moved: dict[str, str] = {}
        self.projects: dict[str, Folder] = {}
        self.resolved_scenes = 0


class Desires:
    """Works out what is wanted, and keeps what a pass learned for the questions that follow it: documents, worlds, places of fields.

    `drafting` gives the means to resolve scenes, `salt` what else their targets depend on, `content_digest` that of a picture.
    """

    def __init__(
        self,
        source: "Source",
        cache: "PlanCache",
        templates: "Templates",
        drafting: "Callable[[], Drafting]",
        salt: Callable[[], str],
        content_digest: Callable[[Path], str],
    ) -> None:
        self._source = source
        self._cache = cache
        self._templates = templates
        self._drafting = drafting
        self._salt = salt
        self._content_digest = content_digest
        self._worlds: Worlds | None = None
        self.documents = Documents(source, cache)

    def wanted(self, snapshot: "Snapshot", rendition: "Rendition") -> Wanted:
        """Work out every wanted target of this snapshot."""
        self.documents.load(snapshot)
        self._templates.load(snapshot)
        self._snapshot, self._worlds = snapshot, None
        folders, problems = catalog(snapshot, self.documents.heads, [*self.documents.unread, *unread_documents(snapshot)])
        result = Wanted()
        result.problems += [*snapshot.problems, *self.documents.problems, *problems]
        cached = self._cache.scenes(rendition)
        fresh: list[SceneRow] = []
        names = [name for folder in folders for name in self._folder(folder, rendition, cached, fresh, result)]
        if fresh or len(names) != len(cached):
            self._cache.put_scenes(fresh, cached.keys() - set(names))
        result.problems = list(dict.fromkeys(result.problems))
        return result

    def _folder(
        self, folder: Folder, rendition: "Rendition", cached: Mapping[str, SceneRow], fresh: list[SceneRow], result: Wanted
    ) -> list[str]:
        """Add everything that one project wants; names of its scenes."""
        project = folder.project
        if project is None:
            result.blocked += ["*"] if folder.broken else []
            return []
        result.projects[project.id] = folder
        result.blocked += [project.id] if folder.broken else [f"{project.id}/{name}" for kind, name in folder.held if kind == "scene"]
        salt = f"{rendition} {self._salt()} {folder.unread} {sorted(folder.held)}"
        inputs = Inputs(folder, self._templates.digests(folder.path), salt)
        stale: list[tuple[str, Head]] = []
        names = []
        for head in folder.heads.get("scene", {}).values():
            name = f"{rendition}:{project.id}/{head.id}"
            names.append(name)
            result.blocked += [f"{project.id}/{head.id}/{shot}".rstrip("/") for shot in head.held]
            row = cached.get(name)
            if row is not None and row[1] == inputs.digest(head, row[2]):
                _add(result, row)
            else:
                stale.append((name, head))
        if stale:
            fresh += self._resolve(folder, stale, rendition, inputs, result)
        if self.documents.doc(project).data.get("moved"):
            result.moved.update({target.id: target.origin_id for target in result.targets if target.origin_id != target.id})
        return names

    def _resolve(
        self, folder: Folder, stale: Sequence[tuple[str, Head]], rendition: "Rendition", inputs: Inputs, result: Wanted
    ) -> list[SceneRow]:
        """Resolve scenes anew; their rows for the cache."""
        from koma.engine.reads import reads_of  # noqa: PLC0415  # start-up time of a plan with nothing to resolve

        if len(stale) > MANY:
            self.documents.many()
        drafting, world = self._drafting(), self.world(folder)
        drafting.drafts.clear()
        docs = [self.documents.doc(head) for _, head in stale]
        rows: list[SceneRow] = []
        drafted = drafting.scenes(world, docs, rendition, self.documents.place)
        for (name, head), doc, (targets, problems) in zip(stale, docs, drafted, strict=True):
            reads = reads_of(world, doc)
            rows.append((name, inputs.digest(head, reads), reads, targets_to_json(targets), problems_to_json(problems)))
            result.targets += targets
            result.problems += problems
        result.resolved_scenes += len(rows)
        return rows

    def world(self, folder: Folder) -> "World":
        """World of one project of the last snapshot."""
        if self._worlds is None:
            from koma.engine.worlds import Worlds  # noqa: PLC0415  # start-up time of a plan with nothing to resolve

            self._worlds = Worlds(self._source, self._cache, self.documents, self._snapshot, self._content_digest)
        return self._worlds.world(folder)


def _add(result: Wanted, row: SceneRow) -> None:
    result.targets += targets_from_json(row[3])
    if row[4] != "[]":
        result.problems += problems_from_json(row[4])
