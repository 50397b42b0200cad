"""Overlays: project ⊕ story bible ⊕ character ⊕ version ⊕ outfit ⊕ scene ⊕ shot gives one resolved shot.

Every overlay is a list of layers, weakest first; a later layer wins field by field, and `Trace` remembers which layer gave each field,
so that `koma explain` and plans can name document and line. Lists are replaced whole, mappings are merged.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from koma.core.document import Doc

VISUAL = ("base_prompt", "negative", "traits", "palette", "height", "loras")


class Layer(NamedTuple):
    """One source of fields: which document, the path inside it, and the fields."""

    file: str
    part: int
    path: str
    fields: Mapping[str, Any]


Origins = dict[str, tuple[str, int, str]]  # resolved field path -> (file, document index, path in that document)


def overlay(layers: Iterable[Layer], keys: Sequence[str] | None = None, origins: Origins | None = None, prefix: str = "") -> dict[str, Any]:
    """Merge layers, weakest first. With `origins`, note where each leaf came from under `prefix`."""
    merged: dict[str, Any] = {}
    for layer in layers:
        for key, value in layer.fields.items():
            if value is None or (keys is not None and key not in keys):
                continue
            _merge(merged, key, value)
            if origins is not None:
                _note(origins, f"{prefix}{key}", value, layer, f"{layer.path}{key}")
    return merged


def _merge(merged: dict[str, Any], key: str, value: Any) -> None:
    old = merged.get(key)
    if type(value) is dict:
        merged[key] = {**old, **value} if type(old) is dict else dict(value)
    else:
        merged[key] = value


def _note(origins: Origins, name: str, value: Any, layer: Layer, path: str) -> None:
    if type(value) is dict:
        for key, inner in value.items():
            _note(origins, f"{name}.{key}", inner, layer, f"{path}.{key}")
    else:
        origins[name] = (layer.file, layer.part, path)


class Reference(NamedTuple):
    """One reference picture of a character. `problem` is the code of what is wrong with it, "" if nothing is."""

    path: str
    file_digest: str
    content_digest: str
    problem: str


@dataclass(slots=True)
class World:
    """One project: its documents by kind and id, and its reference pictures by (character, version or "").

    `pictures` are the paths of all pictures there are; `unread` and `held` are as in koma.core.catalog.Folder.
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
    memo: dict[Any, Any] = field(default_factory=dict)

    def perhaps(self, kind: str, name: str) -> bool:
        """Whether a missing document may be one that only can't be read or used for now."""
        return self.unread or (kind, name) in self.held or (kind, "") in self.held

    @property
    def id(self) -> str:
        """The project's id."""
        return self.project.id


def character_layers(world: World, entry: Mapping[str, Any]) -> list[Layer]:
    """Layers of one character as a scene or shot names it: defaults, base, version, outfit."""
    doc = world.characters[entry["id"]]
    version, outfit = _chosen(doc, entry, "version"), _chosen(doc, entry, "outfit")
    layers = [Layer(d.file, d.part, "defaults.character.", d.data.get("defaults", {}).get("character") or {}) for d in _commons(world)]
    layers.append(Layer(doc.file, doc.part, "", {key: doc.data[key] for key in VISUAL if key in doc.data}))
    if version:
        layers.append(Layer(doc.file, doc.part, f"versions.{version}.", doc.data.get("versions", {}).get(version) or {}))
    if outfit:
        layers.append(Layer(doc.file, doc.part, f"outfits.{outfit}.", _outfit(doc.data.get("outfits", {}).get(outfit) or {})))
    return layers


def _chosen(doc: Doc, entry: Mapping[str, Any], what: str) -> str:
    return entry.get(what) or doc.data.get(f"default_{what}") or ""


def _outfit(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Read an outfit: its `prompt` adds to the character, and must not replace the base prompt."""
    return {("outfit_prompt" if key == "prompt" else key): value for key, value in fields.items()}


def _commons(world: World) -> list[Doc]:
    return [doc for doc in (world.project, world.bible) if doc is not None]


def resolve_character(world: World, entry: Mapping[str, Any], origins: Origins | None = None, prefix: str = "") -> dict[str, Any]:
    """Resolve one character entry of a shot, without what only the scene or shot says (pose, expression, position)."""
    doc = world.characters[entry["id"]]
    version, outfit = _chosen(doc, entry, "version"), _chosen(doc, entry, "outfit")
    memo_key = ("character", entry["id"], version, outfit)
    if origins is None and memo_key in world.memo:
        return world.memo[memo_key]  # type: ignore[no-any-return]  # the memo holds what this function made
    found = overlay(character_layers(world, entry), (*VISUAL, "outfit_prompt"), origins, prefix)
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


def _cast(world: World, scene: Doc, shot: Mapping[str, Any], shot_path: str, origins: Origins | None) -> list[dict[str, Any]]:
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
            _merge(result, key, merged[key])
    doc = world.characters[merged["id"]]
    for kind, plural in (("expression", "expressions"), ("pose", "poses")):
        word = merged.get(kind) or ""
        words = Layer(doc.file, doc.part, f"{plural}.{word}.", doc.data.get(plural, {}).get(word) or {})
        found = overlay([words], None, origins, f"{prefix}{kind}_")
        result |= {kind: word, f"{kind}_prompt": found.get("prompt") or word, f"{kind}_negative": found.get("negative", "")}
    return result


_POSITIONS = ("center", "left", "right")


class Resolved(NamedTuple):
    """One shot, resolved: a tree of JSON values, the origins of its fields when asked for, and its documents' ids that were read."""

    address: str
    values: dict[str, Any]
    origins: Origins


def frames_of(values: Mapping[str, Any], fps: float) -> int:
    """Count frames of a shot: `frames`, else `seconds`, else `duration` as `seconds+koma`; at least 1."""
    if values.get("frames") is not None:
        return int(values["frames"])
    if values.get("seconds") is not None:
        return max(1, round(float(values["seconds"]) * fps))
    if values.get("duration"):
        seconds, _, koma = str(values["duration"]).partition("+")
        return max(1, round(int(seconds or 0) * fps) + int(koma or 0))
    return 48


_LENGTH = ("frames", "seconds", "duration")


def _own(world: World, scene: Doc, shot: Mapping[str, Any]) -> dict[str, Any]:
    """Merge what is written of a shot and of its scene, over the defaults; what all shots of a scene share is merged once."""
    key = ("scene", scene.file, scene.part)
    if key not in world.memo:
        world.memo[key] = overlay(_one_length(_scene_layers(world, scene)))
    own = dict(world.memo[key])
    if any(name in shot for name in _LENGTH):
        own = {name: value for name, value in own.items() if name not in _LENGTH}
    for name, value in shot.items():
        if name != "characters" and value is not None:
            _merge(own, name, value)
    return own


def _shot_layers(world: World, scene: Doc, shot: Mapping[str, Any]) -> list[Layer]:
    written = {key: value for key, value in shot.items() if key != "characters"}
    return [*_scene_layers(world, scene), Layer(scene.file, scene.part, f"shots.{shot['id']}.", written)]


def _scene_layers(world: World, scene: Doc) -> list[Layer]:
    layers = [Layer(d.file, d.part, "defaults.shot.", d.data.get("defaults", {}).get("shot") or {}) for d in _commons(world)]
    layers.append(Layer(scene.file, scene.part, "defaults.shot.", (scene.data.get("defaults") or {}).get("shot") or {}))
    layers.append(Layer(scene.file, scene.part, "", {key: scene.data[key] for key in _SCENE_FIELDS if key in scene.data}))
    return layers


_SCENE_FIELDS = ("location", "time", "mood", "weather", "phases")


def _one_length(layers: list[Layer]) -> list[Layer]:
    """Let the strongest layer that gives a length in any form win over all weaker ones."""
    last = max((i for i, layer in enumerate(layers) if any(key in layer.fields for key in _LENGTH)), default=-1)
    return [
        layer if i == last else layer._replace(fields={k: v for k, v in layer.fields.items() if k not in _LENGTH})
        for i, layer in enumerate(layers)
    ]


def resolve_shot(world: World, scene: Doc, shot: Mapping[str, Any], *, trace: bool = False) -> Resolved:
    """Resolve one shot. With `trace`, `origins` says for each field which document and path gave it."""
    origins: Origins | None = {} if trace else None
    shot_path = f"shots.{shot['id']}."
    own = _own(world, scene, shot) if origins is None else overlay(_one_length(_shot_layers(world, scene, shot)), None, origins, "")
    project = world.project.data
    fps = project.get("fps", 24)
    location = world.locations.get(own.get("location") or "")
    values: dict[str, Any] = {
        "shot": shot["id"],
        "title": own.get("title", ""),
        "framing": own.get("framing", "medium"),
        "angle": own.get("angle", "eye"),
        "camera": {"move": "static", "direction": "", "speed": 1.0, **(own.get("camera") or {})},
        "action": own.get("action", ""),
        "prompt": own.get("prompt", ""),
        "negative": own.get("negative", ""),
        "time": own.get("time") or (location.data.get("time") if location else None) or "",
        "mood": own.get("mood") or "",
        "weather": own.get("weather") or (location.data.get("weather") if location else None) or "",
        "frames": frames_of(own, fps),
        "fps": fps,
        "width": project.get("width", 1024),
        "height": project.get("height", 576),
        "seed": own.get("seed"),
        "phases": list(own.get("phases") or project.get("phases") or ("still", "video")),
        "dialogue": [_line(world, line) for line in own.get("dialogue") or ()],
        "scene": {
            "id": scene.id,
            "title": scene.data.get("title", ""),
            "prompt": scene.data.get("prompt", ""),
            "negative": scene.data.get("negative", ""),
        },
        "location": _location(location),
        "characters": _cast(world, scene, shot, shot_path, origins),
    }
    if origins is not None:
        _trace_shot(origins, own, location)
    return Resolved(f"{world.id}/{scene.id}/{shot['id']}", values, origins or {})


def _trace_shot(origins: Origins, own: Mapping[str, Any], location: Doc | None) -> None:
    """Note where things come from that are worked out: a length in frames, and what a shot has from its location."""
    for name in ("seconds", "duration"):
        if name in origins:
            origins["frames"] = origins[name]
    if location is None:
        return
    overlay([Layer(location.file, location.part, "", location.data)], None, origins, "location.")
    origins["location.id"] = origins["location"]
    for name in ("time", "weather"):
        if not own.get(name) and location.data.get(name):
            origins[name] = (location.file, location.part, name)


def _line(world: World, line: Mapping[str, Any]) -> dict[str, Any]:
    who = line.get("who", "")
    name = world.characters[who].data.get("name", who) if who in world.characters else who
    return {"id": line.get("id", ""), "who": who, "name": name, "text": line.get("text", "")}


def _location(doc: Doc | None) -> dict[str, Any] | None:
    if doc is None:
        return None
    data = doc.data
    return {
        "id": doc.id,
        "name": data.get("name", doc.id),
        "description": data.get("description", ""),
        "prompt": data.get("prompt", ""),
        "negative": data.get("negative", ""),
        "palette": list(data.get("palette") or ()),
        "features": list(data.get("features") or ()),
    }


def flatten(values: Any, prefix: str = "") -> dict[str, Any]:
    """Flat field path → leaf. Items of lists that carry an `id` are addressed by it, others by their index."""
    flat: dict[str, Any] = {}
    _flatten(values, prefix, flat)
    return flat


def _flatten(value: Any, path: str, flat: dict[str, Any]) -> None:
    kind = type(value)
    if kind is dict:
        for key, inner in value.items():
            _flatten(inner, f"{path}.{key}" if path else key, flat)
    elif (kind is list or kind is tuple) and value and type(value[0]) is dict:
        for number, inner in enumerate(value):
            _flatten(inner, f"{path}.{inner.get('id', number)}", flat)
    else:
        flat[path] = list(value) if kind is tuple else value
