"""Project ⊕ story bible ⊕ scene ⊕ shot, with its cast, gives one resolved shot.

`Origins` remember which layer gave each field, so that `koma explain` and plans can name document and line.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from koma.core.cast import cast_of
from koma.core.document import Doc
from koma.core.overlay import Layer, Origins, merge, overlay
from koma.core.spec.standard import PHASES
from koma.core.world import World, commons


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


def phases_of(world: World, scene: Doc, shot: Mapping[str, Any]) -> list[str]:
    """Phases that a shot takes part in, without resolving it: as it says itself, else its scene, the defaults, the project."""
    return list(shot.get("phases") or _shared(world, scene).get("phases") or world.project.data.get("phases") or PHASES)


def _shared(world: World, scene: Doc) -> Mapping[str, Any]:
    """Merge what all shots of a scene share, once."""
    key = ("scene", scene.file, scene.part)
    if key not in world.memo:
        world.memo[key] = overlay(_one_length(_scene_layers(world, scene)))
    return world.memo[key]  # type: ignore[no-any-return]  # set just above


def _own(world: World, scene: Doc, shot: Mapping[str, Any]) -> dict[str, Any]:
    """Merge what is written of a shot and of its scene, over the defaults."""
    own = dict(_shared(world, scene))
    if any(name in shot for name in _LENGTH):
        own = {name: value for name, value in own.items() if name not in _LENGTH}
    for name, value in shot.items():
        if name != "characters" and value is not None:
            merge(own, name, value)
    return own


def _shot_layers(world: World, scene: Doc, shot: Mapping[str, Any]) -> list[Layer]:
    written = {key: value for key, value in shot.items() if key != "characters"}
    return [*_scene_layers(world, scene), Layer(scene.file, scene.part, f"shots.{shot['id']}.", written)]


def _scene_layers(world: World, scene: Doc) -> list[Layer]:
    layers = [Layer(d.file, d.part, "defaults.shot.", d.data.get("defaults", {}).get("shot") or {}) for d in commons(world)]
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
        "phases": phases_of(world, scene, shot),
        "dialogue": [_line(world, line) for line in own.get("dialogue") or ()],
        "scene": {
            "id": scene.id,
            "title": scene.data.get("title", ""),
            "prompt": scene.data.get("prompt", ""),
            "negative": scene.data.get("negative", ""),
        },
        "location": _location(location),
        "characters": cast_of(world, scene, shot, shot_path, origins),
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
