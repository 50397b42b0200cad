"""Models that gates need: which metrics must never run in a commercial project, and which can't run here; said at the field that asks."""

from collections.abc import Iterator, Mapping
from typing import Any

from koma.core.against import Look
from koma.core.catalog import Folder
from koma.core.document import Doc
from koma.core.model_needs import Need, forbidden, lacking, lacking_problem, licence_problem, needs
from koma.core.models import LockedModel
from koma.core.problem import Problem
from koma.core.tuning import KIND
from koma.engine.documents import Documents


def licence_problems(folder: Folder, project: Doc, documents: Documents, locked: Mapping[str, LockedModel]) -> Iterator[Problem]:
    """Problems of a commercial project whose gates ask for metrics that need a model whose licence forbids commercial use."""
    tunings = {doc.id: doc for doc in _tunings(folder, documents)}
    for need, why in forbidden(needs_of(folder, project, documents), locked):
        asking = tunings.get(need.tuning, project)
        yield licence_problem(need, why, documents.place(asking.file, asking.part, need.field))


def lacking_models(folder: Folder, project: Doc, documents: Documents, locked: Mapping[str, LockedModel]) -> Iterator[Problem]:
    """Warnings about required metrics whose models were never added: a night of takes would wait for a person."""
    found = lacking(needs_of(folder, project, documents), locked)
    tunings = {doc.id: doc for doc in _tunings(folder, documents)}
    for (field, tuning), (metrics, models) in found.items():
        asking = tunings.get(tuning, project)
        yield lacking_problem(metrics, models, documents.place(asking.file, asking.part, field), field)


def needs_of(folder: Folder, project: Doc, documents: Documents) -> tuple[Need, ...]:
    """Learned metrics that the gates of a project ask for."""
    return needs(project.data.get("gates") or {}, _look(folder, project.data, documents), _tunings(folder, documents))


def _tunings(folder: Folder, documents: Documents) -> list[Doc]:
    return [documents.doc(head) for _, head in sorted(folder.heads.get(KIND, {}).items())]


def _look(folder: Folder, project: Mapping[str, Any], documents: Documents) -> Look:
    head = folder.heads.get("style", {}).get(project.get("style") or "")
    look: Look = (documents.doc(head).data.get("look") if head is not None else None) or "drawn"
    return look
