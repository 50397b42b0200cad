"""Names of everything that a scene's targets are made from, other than the scene itself."""

from collections.abc import Mapping, Sequence
from typing import Any

from koma.core.casting import folder_of, picture_folders
from koma.core.comfyui_draft import DEFAULT_TEMPLATES, MATCH
from koma.core.document import Doc
from koma.core.sheet import has_sheet, template_of_sheet, versions_of
from koma.core.spec.standard import BASE_VERSION
from koma.core.start import scenes_before
from koma.core.tuning import thresholds
from koma.core.world import World


def reads_of(world: World, doc: Doc) -> str:
    """Give the names, sorted, one a line: `character:aki`, `references:aki/child`, `template:still`, `all:style`."""
    names = {f"project:{world.id}", "all:story-bible", "all:style", "all:tuning"}
    names |= {f"references:{folder}" for folder in _style_folders(world)}
    names |= {f"character:{entry['character']}" for doc in world.tunings for entry in thresholds(doc) if "character" in entry}
    names |= _sheet_reads(world, doc) if doc.kind == "character" else _scene_reads(world, doc)
    return "\n".join(sorted(names))


def _scene_reads(world: World, scene: Doc) -> set[str]:
    data = scene.data
    names = {f"scene:{name}" for name in scenes_before(world, scene)}
    shots: Sequence[Mapping[str, Any]] = data.get("shots") or ()
    for owner in (data, *shots, world.project.data):
        names |= _owner_reads(world, owner)
    return names | {f"template:{name}" for name in DEFAULT_TEMPLATES.values()}


def _sheet_reads(world: World, doc: Doc) -> set[str]:
    if not has_sheet(doc):
        return set()
    entries = [{"id": doc.id} if version == BASE_VERSION else {"id": doc.id, "version": version} for version in versions_of(doc)]
    return {f"template:{template_of_sheet(doc)}"}.union(*(_character_reads(world, entry) for entry in entries))


def _style_folders(world: World) -> set[str]:
    files = (world.style.data.get("references") or ()) if world.style is not None else ()
    return {folder_of(file) for file in files}


def _owner_reads(world: World, owner: Mapping[str, Any]) -> set[str]:
    names = {f"template:{name}" for name in (owner.get("templates") or {}).values()}
    names |= {f"template:{step}" for steps in (owner.get("finish") or {}).values() for step in steps or () if step != MATCH}
    names |= {f"references:{folder_of(file)}" for file in (owner.get("control") or {}).values() if file}
    names |= {f"character:{line['who']}" for line in owner.get("dialogue") or ()}
    if owner.get("location"):
        names.add(f"location:{owner['location']}")
    for entry in owner.get("characters") or ():
        names |= _character_reads(world, entry)
    return names


def _character_reads(world: World, entry: Mapping[str, Any]) -> set[str]:
    return {f"character:{entry['id']}", *(f"references:{folder}" for folder in picture_folders(world, entry))}
