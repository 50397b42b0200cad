"""The cast of a shot: character ⊕ version ⊕ outfit, as scene and shot call for them."""

from collections.abc import Mapping
from typing import Any

from koma.core.document import Doc
from koma.core.overlay import Layer, Origins, merge, overlay
from koma.core.world import World, commons

_POSITIONS = ("center", "left", "right")
VISUAL = ("base_prompt", "negative", "traits", "palette", "height", "loras")


def character_layers(world: World, entry: Mapping[str, Any]) -> list[Layer]:
    """Layers of one character as a scene or shot names it: defaults, base, version, outfit."""
    doc = world.characters[entry["id"]]
    version, outfit = _chosen(doc, entry, "version"), _chosen(doc, entry, "outfit")
    layers = [Layer(d.file, d.part, "defaults.character.", d.data.get("defaults", {}).get("character") or {}) for d in commons(world)]
    layers.append(Layer(doc.file, doc.part, "", {key: doc.data[key] for key in VISUAL if key in doc.data}))
    if version:
        layers.append(Layer(doc.file, doc.part, f"versions.{version}.", doc.data.get("versions", {}).get(version) or {}))
    if outfit:
        layers.append(Layer(doc.file, doc.part, f"outfits.{outfit}.", _outfit(doc.data.get("outfits", {}).get(outfit) or {})))
    return layers


def _chosen(doc: Doc, entry: Mapping[str, Any], what: str) -> str:
    return entry.get(what) or doc.data.get(f"default_{what}") or ""


def _outfit(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Read an outfit: its words add to those of the character, and must not replace them."""
    return {(f"outfit_{key}" if key in _OUTFIT else key): value for key, value in fields.items()}


_OUTFIT = ("prompt", "negative")


def resolve_character(world: World, entry: Mapping[str, Any], origins: Origins | None = None, prefix: str = "") -> dict[str, Any]:
    """Resolve one character entry of a shot, without what only the scene or shot says (pose, expression, position)."""
    doc = world.characters[entry["id"]]
    version, outfit = _chosen(doc, entry, "version"), _chosen(doc, entry, "outfit")
    memo_key = ("character", entry["id"], version, outfit)
    if origins is None and memo_key in world.memo:
        return world.memo[memo_key]  # type: ignore[no-any-return]  # the memo holds what this function made
    found = overlay(character_layers(world, entry), (*VISUAL, *(f"outfit_{name}" for name in _OUTFIT)), origins, prefix)
    own = Layer(doc.file, doc.part, f"versions.{version}.", doc.data.get("versions", {}).get(version) or {})
    person = overlay([own], ("age", "emotional_state"), origins, prefix)
    result = {
        "id": doc.id,
        "name": doc.data.get("name", doc.id),
        "version": version,
        "outfit": outfit,
        "age": person.get("age"),
        "emotional_state": person.get("emotional_state"),
        **found,
    }
    if origins is None:
        world.memo[memo_key] = result
    else:
        _trace_character(doc, origins, prefix)
    return result


def _trace_character(doc: Doc, origins: Origins, prefix: str) -> None:
    """Note what a character says of itself: its name, and the version and outfit where no shot names one."""
    for field_name, path in (("name", "name"), ("version", "default_version"), ("outfit", "default_outfit")):
        if path in doc.data:
            origins[f"{prefix}{field_name}"] = (doc.file, doc.part, path)


def cast_of(world: World, scene: Doc, shot: Mapping[str, Any], shot_path: str, origins: Origins | None) -> list[dict[str, Any]]:
    """Characters of a shot: those it names, each over the scene's entry of the same id; the scene's whole cast if it names none."""
    in_scene = {entry["id"]: entry for entry in scene.data.get("characters") or ()}
    named = shot.get("characters")
    common = (scene.data.get("defaults") or {}).get("character") or {}
    cast = []
    for number, entry in enumerate(in_scene.values() if named is None else named):
        who = entry["id"]
        layers = [Layer(scene.file, scene.part, "defaults.character.", common)]
        if who in in_scene:
            layers.append(Layer(scene.file, scene.part, f"characters.{who}.", in_scene[who]))
        if named is not None:
            layers.append(Layer(scene.file, scene.part, f"{shot_path}characters.{who}.", entry))
        cast.append(_cast_member(world, layers, origins, f"characters.{who}.", number))
    return cast


def _cast_member(world: World, layers: list[Layer], origins: Origins | None, prefix: str, number: int) -> dict[str, Any]:
    merged = overlay(layers)
    if origins is not None:
        return _cast_anew(world, merged, layers, origins, prefix, number)
    key = ("cast", number % len(_POSITIONS), repr(merged))
    if key not in world.memo:
        world.memo[key] = _cast_anew(world, merged, layers, None, prefix, number)
    return world.memo[key]  # type: ignore[no-any-return]  # set just above; nobody changes it


def _cast_anew(
    world: World, merged: Mapping[str, Any], layers: list[Layer], origins: Origins | None, prefix: str, number: int
) -> dict[str, Any]:
    base = resolve_character(world, merged, origins, prefix)
    if origins is not None:
        overlay(layers, None, origins, prefix)  # after the character's own fields, because these win over them
    result = {**base, "position": merged.get("position") or _POSITIONS[number % len(_POSITIONS)], "facing": merged.get("facing") or ""}
    for key in VISUAL:
        if key in merged:
            merge(result, key, merged[key])
    doc = world.characters[merged["id"]]
    for kind, plural in (("expression", "expressions"), ("pose", "poses")):
        word = merged.get(kind) or ""
        words = Layer(doc.file, doc.part, f"{plural}.{word}.", doc.data.get(plural, {}).get(word) or {})
        found = overlay([words], None, origins, f"{prefix}{kind}_")
        result |= {kind: word, f"{kind}_prompt": found.get("prompt") or word, f"{kind}_negative": found.get("negative", "")}
    return result
