"""From a target id to where it is written: the world of its project, its scene or character, its shot."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from koma.core.document import Doc
from koma.core.target import SHEETS
from koma.core.world import World
from koma.engine.wanted import Desires, Wanted


class Located(NamedTuple):
    """Where a target is written. `doc` is its scene, or the character whose sheet it belongs to; only then there is no `shot`."""

    world: World
    doc: Doc
    shot: Mapping[str, Any] | None


def locate(wanted: Wanted, desires: Desires, target_id: str) -> Located | None:
    """Find where a target is written; None if it is not, any more."""
    project, name, part = target_id.split("/")[:3]
    folder = wanted.projects.get(project)
    kind, doc_id = ("character", part) if name == SHEETS else ("scene", name)
    head = folder.heads.get(kind, {}).get(doc_id) if folder else None
    if folder is None or head is None:
        return None
    doc = desires.documents.doc(head)
    shot = next((shot for shot in doc.data.get("shots") or () if shot["id"] == part), None)
    return None if shot is None and kind == "scene" else Located(desires.world(folder), doc, shot)
