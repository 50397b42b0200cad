"""Names of everything that a scene's targets are made from, other than the scene itself."""

from collections.abc import Mapping, Sequence
from typing import Any

from koma.core.casting import listed_pictures
from koma.core.comfyui_draft import DEFAULT_TEMPLATES
from koma.core.document import Doc
from koma.core.world import World


def reads_of(world: World, scene: Doc) -> str:
    """Give the names, sorted, one a line: `character:aki`, `references:aki/child`, `template:still`, `all:style`."""
    data = scene.data
    names = {f"project:{world.id}", "all:story-bible", "all:style"}
    shots: Sequence[Mapping[str, Any]] = data.get("shots") or ()
    for owner in (data, *shots):
        names |= _owner_reads(world, owner)
    names |= {f"template:{name}" for name in (world.project.data.get("templates") or {}).values()}
    names |= {f"template:{name}" for name in DEFAULT_TEMPLATES.values()}
    return "\n".join(sorted(names))


def _owner_reads(world: World, owner: Mapping[str, Any]) -> set[str]:
    names = {f"template:{name}" for name in (owner.get("templates") or {}).values()}
    names |= {f"character:{line['who']}" for line in owner.get("dialogue") or ()}
    if owner.get("location"):
        names.add(f"location:{owner['location']}")
    for entry in owner.get("characters") or ():
        names |= _character_reads(world, entry)
    return names


def _character_reads(world: World, entry: Mapping[str, Any]) -> set[str]:
    who = entry["id"]
    doc = world.characters.get(who)
    version = entry.get("version") or (doc.data.get("default_version") if doc else None) or ""
    names = {f"character:{who}", f"references:{who}"}
    names |= {f"references:{who}/{version}"} if version else set()
    listed = listed_pictures(doc, version) if doc else ()
    return names | {f"references:{file.removeprefix('references/').rpartition('/')[0]}" for _, file in listed}
