"""What the gates of a project say against the models that are recorded, kept in the cache: a plan without work has no time for it."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from koma.core.keys import text_digest
from koma.engine.documents import Documents, problems_from_json, problems_to_json

if TYPE_CHECKING:
    from koma.core.catalog import Folder
    from koma.core.document import Doc
    from koma.core.models import LockedModel
    from koma.core.problem import Problem
    from koma.core.snapshot import Snapshot
    from koma.ports import PlanCache

Recorded = Callable[[], "Mapping[str, LockedModel]"]
_READ = ("project", "style", "tuning")  # kinds of documents that enter, with their lines


class ModelNotes:
    """Problems of projects with the models that their gates need. `locked` gives the models that are recorded."""

    def __init__(self, documents: Documents, cache: "PlanCache", locked: Recorded) -> None:
        self._documents = documents
        self._cache = cache
        self._locked = locked

    def problems(self, folder: "Folder", project: "Doc", snapshot: "Snapshot", salt: str, *, on_paper: bool) -> "list[Problem]":
        """Problems of one project; `salt` stands for everything that enters besides its documents. What is `on_paper` needs no model."""
        commercial, gated = bool(project.data.get("commercial")), bool(project.data.get("gates")) and not on_paper
        if not commercial and not gated:
            return []
        name = f"models {_digest(folder, snapshot, salt)}"
        known = self._cache.notes([name]).get(name)
        if known is not None:
            return problems_from_json(known)
        found = self._found(folder, project, commercial=commercial, gated=gated)
        self._cache.put_notes({name: problems_to_json(found)})
        return found

    def _found(self, folder: "Folder", project: "Doc", *, commercial: bool, gated: bool) -> "list[Problem]":
        from koma.engine.licences import lacking_models, licence_problems  # noqa: PLC0415  # start-up time of a plan with nothing to do

        locked = self._locked()
        found = [*licence_problems(folder, project, self._documents, locked)] if commercial else []
        return found + ([*lacking_models(folder, project, self._documents, locked)] if gated else [])


def _digest(folder: "Folder", snapshot: "Snapshot", salt: str) -> str:
    paths = sorted({head.path for kind in _READ for head in folder.heads.get(kind, {}).values()})
    return text_digest(salt, *(part for path in paths for part in (path, snapshot.documents[path].digest)))
