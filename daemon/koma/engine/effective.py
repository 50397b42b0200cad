"""Where the effective value of each field of a shot stands: which document, and which path inside it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from koma.core.document import Doc
from koma.core.draft import Draft
from koma.core.overlay import Origins
from koma.core.resolve import resolve_shot
from koma.core.sheet import sheet_shot
from koma.core.world import World

_DOCUMENTS = frozenset({"project", "style", "bible", "scene"})
_PROJECT = frozenset({"width", "height", "fps"})
_LENGTH = ("frames", "seconds", "duration")
_PROMPTED = {"expression_prompt": ("expression", "expressions"), "pose_prompt": ("pose", "poses")}


class Spot(NamedTuple):
    """A field path in a document: file, number of the document in it, path."""

    file: str
    document: int
    path: str


@dataclass(frozen=True, slots=True)
class Effective:
    """The values of one resolved shot, with where each comes from."""

    world: World
    scene: Doc
    shot: Mapping[str, Any]
    draft: Draft
    origins: Origins

    def spot(self, field: str) -> Spot | None:
        """Where a field of the draft's facts stands; None for a value that nobody wrote."""
        kind, _, rest = field.partition(".")
        if kind in _DOCUMENTS:
            return self._of_document(kind, rest)
        match kind:
            case "parameters":
                return self._parameter(rest)
            case "template":
                return self._template()
            case "characters":
                return self._traced(field) or self._of_character(rest)
            case _:
                return self._traced(field) if kind == "location" else self._of_shot(field)

    def _of_document(self, kind: str, rest: str) -> Spot | None:
        if kind == "bible":
            return _in(self.world.bible, f"world.{rest}")
        return _in({"project": self.world.project, "style": self.world.style, "scene": self.scene}[kind], rest)

    def _traced(self, field: str) -> Spot | None:
        name = field
        while name and name not in self.origins:
            name = name.rpartition(".")[0]
        if not name:
            return None
        file, number, path = self.origins[name]
        return Spot(file, number, path + field[len(name) :])  # items of a list have places of their own

    def _of_shot(self, field: str) -> Spot | None:
        if field in _PROJECT:
            return _in(self.world.project, field) if self.scene.kind == "scene" else None
        if field == "shot":
            return Spot(self.scene.file, self.scene.part, f"shots.{self.shot['id']}.id")
        names = _LENGTH if field == "frames" else (field, f"location.{field}") if field in ("time", "weather") else (field,)
        found = next((spot for name in names if (spot := self._traced(name))), None)
        return found or (_in(self.world.project, "phases") if field == "phases" else None)

    def _of_character(self, rest: str) -> Spot | None:
        who, _, field = rest.partition(".")
        doc = self.world.characters.get(who)
        chosen: Mapping[str, Any] = next((c for c in self.draft.values.get("characters", ()) if c["id"] == who), {})
        if field in _PROMPTED:
            word, plural = _PROMPTED[field]
            return _in(doc, f"{plural}.{chosen.get(word)}.prompt") or self._traced(f"characters.{who}.{word}")
        if field in ("age", "emotional_state"):
            return _in(doc, f"versions.{chosen.get('version')}.{field}")
        return _in(doc, f"default_{field}") if field in ("version", "outfit") else _in(doc, field)

    def _parameter(self, name: str) -> Spot | None:
        if self.draft.template is None:
            return None
        path = f"parameters.{self.draft.template.name}.{name}"
        owners = (
            (self.shot, self.scene, f"shots.{self.shot['id']}."),
            (self.scene.data, self.scene, ""),
            (self.world.project.data, self.world.project, ""),
        )
        for data, doc, prefix in owners:
            if _has(data, path):
                return Spot(doc.file, doc.part, f"{prefix}{path}")
        return _in(self.world.style, name) or _in(self.world.project, name)

    def _template(self) -> Spot | None:
        if self.scene.kind == "character":
            return _in(self.scene, "sheet.template")
        path = f"templates.{self.draft.phase}"
        if _has(self.shot, path):
            return Spot(self.scene.file, self.scene.part, f"shots.{self.shot['id']}.{path}")
        return _in(self.scene, path) or _in(self.world.project, path)


def effective(world: World, scene: Doc, draft: Draft) -> Effective:
    """Trace the shot, or the pose of a sheet, of a draft that could be resolved."""
    if scene.kind == "character":
        paper, pose = sheet_shot(scene, *draft.id.split("/")[-2:])
        traced = resolve_shot(world, paper, pose, trace=True).origins
        return Effective(
            world, scene, draft.shot, draft, {field: spot for field, spot in traced.items() if not spot[2].startswith("shots.")}
        )
    shot_id = draft.address.rpartition("/")[2]
    shot = next(shot for shot in scene.data["shots"] if shot["id"] == shot_id)
    return Effective(world, scene, shot, draft, resolve_shot(world, scene, shot, trace=True).origins)


def _in(doc: Doc | None, path: str) -> Spot | None:
    return Spot(doc.file, doc.part, path) if doc is not None and _has(doc.data, path) else None


def _has(data: Any, path: str) -> bool:
    for step in path.split("."):
        if not isinstance(data, Mapping) or data.get(step) is None:
            return False
        data = data[step]
    return True
