"""Character sheets: which poses of which versions are drawn, as cuts like those of shots. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from koma.core.document import Doc
from koma.core.draft import Context, Cut
from koma.core.resolve import resolve_shot
from koma.core.spec.standard import BASE_VERSION, POSES, SHEET_TEMPLATE
from koma.core.target import SHEETS
from koma.core.words import Phase
from koma.core.world import World

SIDE = 1024  # px; a sheet's pictures are square

_WORDS = {
    "front": "front view, standing upright, arms at the sides",
    "side": "side view, profile, standing upright",
    "back": "back view, seen from behind, standing upright",
    "three-quarter": "three-quarter view, standing upright",
    "sitting": "sitting",
    "walking": "walking",
    "action": "dynamic action pose",
    "close-up": "face, looking at the camera, neutral expression",
}


def has_sheet(doc: Doc) -> bool:
    """Whether a character document asks for a sheet."""
    return doc.data.get("sheet") is not None


def versions_of(doc: Doc) -> list[str]:
    """Versions that get a sheet: those that the document lists, else all of them, else the character as it stands (`base`)."""
    return list(doc.data["sheet"].get("versions") or doc.data.get("versions") or (BASE_VERSION,))


def poses_of(doc: Doc) -> list[str]:
    """Poses of a character's sheet."""
    return list(doc.data["sheet"].get("poses") or POSES)


def template_of_sheet(doc: Doc) -> str:
    """Name of the template that draws a character's sheet."""
    return str(doc.data["sheet"].get("template") or SHEET_TEMPLATE)


def sheet_cuts(context: Context, doc: Doc, number: int = 1) -> Iterator[Cut]:
    """Give one cut for each version and pose."""
    template = template_of_sheet(doc)
    for version in versions_of(doc):
        address = f"{context.world.id}/{SHEETS}/{doc.id}/{version}"
        for pose in poses_of(doc):
            values = _values(context.world, doc, version, pose)
            yield Cut(doc, {"id": pose}, address, values, Phase.STILL, number, part=pose, template=template)


def sheet_shot(doc: Doc, version: str, pose: str) -> tuple[Doc, Mapping[str, Any]]:
    """Give scene and shot that a pose of a sheet is resolved as: one character before plain paper."""
    entry = {"id": doc.id, "position": "center", **({"version": version} if version != BASE_VERSION else {})}
    shot: Mapping[str, Any] = {
        "id": pose,
        "framing": "close-up" if pose == "close-up" else "full",
        "prompt": f"character sheet, {_WORDS[pose]}, plain white background",
        "characters": [entry],
        "frames": 1,
        "phases": [str(Phase.STILL)],
    }
    return Doc("scene", "sheet", doc.file, doc.part, doc.data_digest, {}), shot


def _values(world: World, doc: Doc, version: str, pose: str) -> dict[str, Any]:
    paper, shot = sheet_shot(doc, version, pose)
    return {**resolve_shot(world, paper, shot).values, "width": SIDE, "height": SIDE, "location": None}
