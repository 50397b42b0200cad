"""Tiny named values for tests of planning: one world with two characters, its scenes and shots, targets, takes and published rows."""

import json
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from koma.core.action import Observed
from koma.core.desire import draft_document, finish
from koma.core.document import Doc
from koma.core.draft import Context, LoadedTemplate
from koma.core.graph import canonical_graph
from koma.core.keys import digest, render_key
from koma.core.media import Media
from koma.core.parameter import Parameter, ParameterType
from koma.core.problem import Place
from koma.core.rows import Published, TakeRow
from koma.core.target import Read, Target
from koma.core.template import FrameRule, Rate, Template, TemplateInput
from koma.core.words import BackendKind, Phase, Rendition, Verdict
from koma.core.world import Reference, World

PROJECT = {"kind": "project", "id": "p", "title": "Lantern Street", "width": 640, "height": 360, "fps": 12, "phases": ["still"]}
AKI = {
    "kind": "character",
    "id": "aki",
    "name": "Aki",
    "base_prompt": "young woman",
    "palette": {"hair": "#101010", "eyes": "#2244cc"},
    "traits": {"hair": "bob", "build": "slight"},
    "versions": {"child": {"age": 8, "base_prompt": "small girl", "height": 0.6}, "adult": {"age": 22}},
    "outfits": {"coat": {"prompt": "long coat", "palette": {"outfit": "#334455"}}, "yukata": {"prompt": "indigo yukata"}},
    "expressions": {"smile": {"prompt": "small smile", "negative": "teeth"}},
    "poses": {"walking": {"prompt": "walking, lantern in hand"}},
}
REN = {"kind": "character", "id": "ren", "name": "Ren", "base_prompt": "old man", "palette": {"hair": "#eeeeee"}}
ALLEY = {"kind": "location", "id": "alley", "name": "Alley", "prompt": "narrow alley", "time": "night", "weather": "rain"}


def hexed(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def merged(*layers: dict[str, Any]) -> dict[str, Any]:
    """Merge nested mappings, the later over the earlier; a value of None takes the field away."""
    result: dict[str, Any] = {}
    for layer in layers:
        for key, value in layer.items():
            old = result.get(key)
            result[key] = merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return {key: value for key, value in result.items() if value is not None}


def doc(data: dict[str, Any], file: str = "", part: int = 0) -> Doc:
    """One parsed document, named after its id."""
    return Doc(data["kind"], data["id"], file or f"projects/p/{data['id']}.yaml", part, digest(data), data)


def world(
    *,
    characters: tuple[dict[str, Any], ...] = (AKI, REN),
    locations: tuple[dict[str, Any], ...] = (ALLEY,),
    bible=None,
    style=None,
    **project,
) -> World:
    """One project; keyword arguments are fields of its own document."""
    made = World("projects/p", doc(merged(PROJECT, project), "projects/p/project.yaml"))
    made.characters = {data["id"]: doc(data) for data in characters}
    made.locations = {data["id"]: doc(data) for data in locations}
    made.bible = doc({"kind": "story-bible", "id": "bible", **bible}) if bible is not None else None
    made.style = doc({"kind": "style", "id": "ink", **style}) if style is not None else None
    return made


def reference(name: str = "face", problem: str = "") -> Reference:
    """One reference picture."""
    return Reference(f"projects/p/references/aki/{name}.png", hexed(f"{name} file"), "" if problem else hexed(f"{name} pixels"), problem)


def shot(name: str = "sh010", **fields: Any) -> dict[str, Any]:
    return {"id": name, "characters": [{"id": "aki"}], "frames": 24, "seed": 7, **fields}


def scene(*shots: dict[str, Any], **fields: Any) -> Doc:
    """Scene s01 in the alley."""
    return doc({"kind": "scene", "id": "s01", "title": "Alley encounter", "location": "alley", "shots": list(shots or (shot(),)), **fields})


def _number(low: float | None = None, default: Any = None) -> Parameter:
    return Parameter(ParameterType.FLOAT, default=default, min=low)


def _whole(default: Any = None) -> Parameter:
    return Parameter(ParameterType.INT, default=default)


_STILL = {
    "prompt": Parameter(ParameterType.STRING),
    "negative": Parameter(ParameterType.STRING, default=""),
    "seed": _whole(),
    "width": _whole(),
    "height": _whole(),
    "checkpoint": Parameter(ParameterType.MODEL, default="base.safetensors"),
    "loras": Parameter(ParameterType.LORA_LIST, default=[]),
    "steps": _whole(20),
    "cfg": _number(0.0, 7.0),
}
_VIDEO = {"seed": _whole(), "width": _whole(), "height": _whole(), "frames": _whole(), "fps": _number(1.0)}


def template(name: str = "still", **changes: Any) -> LoadedTemplate:
    """The template `still`, or a video template that reads the shot's still."""
    video = name != "still"
    fields: dict[str, Any] = {
        "name": name,
        "title": name,
        "description": "",
        "phase": Phase.VIDEO if video else Phase.STILL,
        "backend": BackendKind.COMFYUI,
        "family": "svd" if video else "sd15",
        "parameters": _VIDEO if video else _STILL,
        "inputs": {"image": TemplateInput("still")} if video else {},
        "media": Media.FRAMES if video else Media.IMAGE,
        "vram_gb": 4.0,
        "estimate_seconds": 180.0 if video else 15.0,
        "rate": Rate(12, 6, 30) if video else None,
        "frames": FrameRule((24,)) if video else None,
        "file": f"templates/{name}/template.yaml",
    }
    return LoadedTemplate(name, f"templates/{name}/graph.json.j2", hexed(name), "", Template(**{**fields, **changes}))


TEMPLATES = {"still": template(), "svd-video": template("svd-video")}


def place(file: str, part: int, path: str) -> Place:
    """A place that says which field it is: lines count from the length of the path."""
    return Place(file, part * 100 + len(path) + 1, 1)


def context(of: World | None = None, rendition: Rendition = Rendition.FINAL, **templates: LoadedTemplate) -> Context:
    return Context(of or world(), rendition, {**TEMPLATES, **templates}, place)


def rows(of: Context, *scenes: Doc) -> list[Target]:
    """Target rows of scenes, as the engine makes them; a graph here is the list of its parameters."""
    made = []
    for one in scenes or (scene(),):
        for draft in draft_document(of, one):
            graph = {"1": {"class_type": "Any", "inputs": {**(draft.params or {}), "filename_prefix": "koma"}}}
            drawn = digest(draft.panel) if draft.panel is not None else digest(canonical_graph(graph)) if draft.params is not None else ""
            made.append(finish(of, draft, drawn, one))
    return [Target._make(json.loads(json.dumps(row))) for row in made]


def target(name: str = "sh010/still", **changes: Any) -> Target:
    """One wanted target of scene s01; `sh020/video` reads its shot's still unless told otherwise."""
    address, _, phase = name.rpartition("/")
    still = phase == Phase.STILL
    upstream = f"p/s01/{address}/still"
    made = Target(
        id=f"p/s01/{name}",
        rendition="final",
        phase=phase,
        backend="comfyui",
        template="still" if still else "svd-video",
        family="sd15" if still else "svd",
        base_key=hexed(f"graph of {name}"),
        key="",
        reads=() if still else (Read("image", upstream),),
        inputs=(),
        needs=() if still else (upstream,),
        measure_key="m1",
        rules_digest="r1",
        stem=f"p/s01/{name}",
        suffix=".png" if still else ".mp4",
        priority=0,
        depth=0 if still else 2,
        takes_wanted=1,
        takes_limit=3,
        estimate_seconds=15.0 if still else 180.0,
        hold="",
        scene_file="projects/p/s01.yaml",
        facts_digest="f1",
        template_digest="t1",
        origin_id=f"p/s01/{name}",
    )
    return but(made, **changes)


def but(of: Target, **changes: Any) -> Target:
    """The same target, but for these columns; its key follows."""
    other = of._replace(**changes)
    return other._replace(key=render_key(other.backend, other.base_key, ()) if other.base_key and not other.reads else "")


def pixels(of: Target, key: str, number: int = 1) -> str:
    """Content digest of a take in these tests."""
    return hexed(f"pixels {of.id} {key} {number}")


def row(of: Target, key: str, number: int = 1, verdict: Verdict = Verdict.PASSED, **changes: Any) -> TakeRow:
    """One take of a target; a take in error has no object."""
    made = verdict is not Verdict.ERROR
    whole = TakeRow(
        take_key=hexed(f"take {of.id} {key} {number}"),
        target=of.id,
        rendition=of.rendition,
        render_key=key,
        number=number,
        verdict=str(verdict),
        decided=verdict is Verdict.PASSED,
        approved=False,
        measure_key=of.measure_key if made else "",
        rules_digest=of.rules_digest if made else "",
        object_digest=hexed(f"object {of.id} {key} {number}") if made else "",
        content_digest=pixels(of, key, number) if made else "",
    )
    return whole._replace(**changes)


def published(of: Target, take: TakeRow) -> Published:
    """What lies in outputs/ when this take was published."""
    shown = (take.render_key, f"{of.stem}{of.suffix}", 10, take.verdict, take.measure_key, take.rules_digest, take.content_digest)
    return Published(of.id, of.rendition, take.take_key, *shown, decided=take.decided)


@dataclass
class Shelf:
    """What a store and an outputs folder remember, in the form that planning observes."""

    takes: list[TakeRow] = field(default_factory=list)
    published: dict[str, Published] = field(default_factory=dict)
    missing: set[str] = field(default_factory=set)
    running: dict[tuple[str, str], str] = field(default_factory=dict)
    flags: dict[str, str] = field(default_factory=dict)
    objects_gone: bool = False
    durations: dict[str, list[float]] = field(default_factory=dict)

    def add(self, of: Target, *takes: TakeRow, publish: TakeRow | None = None) -> None:
        self.takes += takes
        if publish is not None:
            self.published[of.id] = published(of, publish)

    def observed(self) -> Observed:
        def rows_of(keys):
            wanted = set(keys)
            return [take for take in self.takes if take.render_key in wanted]

        return Observed(
            published=self.published,
            takes=rows_of,
            missing=self.missing,
            running=self.running,
            flags=self.flags,
            has_object=lambda *_: not self.objects_gone,
            durations=lambda: self.durations,
        )


def key_of(of: Target, *contents: str) -> str:
    """Render key of a target whose reads have these pixels."""
    return render_key(of.backend, of.base_key, [(name, content) for (name, _, _), content in zip(of.reads, contents, strict=True)])


def made(*targets: Target, shelf: Shelf | None = None) -> Shelf:
    """Shelf on which every target is published with a passed take, upstream first."""
    shelf = shelf or Shelf()
    content: dict[str, str] = {}
    for one in targets:
        key = key_of(one, *(content[upstream] for _, upstream, _ in one.reads))
        take = row(one, key)
        shelf.add(one, take, publish=take)
        content[one.id] = take.content_digest
    return shelf
