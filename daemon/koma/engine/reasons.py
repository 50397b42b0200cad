"""Why: for each target that is to change, the fields that differ from its last take, and where their new values stand."""

from collections.abc import Mapping, Sequence
from typing import Any

from koma.core.action import Action, Change
from koma.core.changes import DIGEST, Difference, differences
from koma.core.document import Doc
from koma.core.draft import Draft
from koma.core.facts import facts_of
from koma.core.overlay import Origins
from koma.core.owners import owners_of, setter_of
from koma.core.problem import Place
from koma.core.resolve import resolve_shot
from koma.core.sheet import sheet_shot
from koma.core.target import Target
from koma.core.words import Reason
from koma.core.world import World
from koma.engine.drafting import Drafting
from koma.engine.locating import Located, locate
from koma.engine.survey import Survey
from koma.engine.wanted import MANY, Desires
from koma.ports import Store


class Reasons:
    """Finds out what changed, for actions whose reason is `changed`."""

    def __init__(self, survey: Survey, desires: Desires, drafting: Drafting, store: Store) -> None:
        self._survey = survey
        self._desires = desires
        self._drafting = drafting
        self._store = store
        self._origins: dict[str, Origins] = {}
        self._places: dict[Any, Place | None] = {}

    def explained(self, actions: Sequence[Action]) -> list[Action]:
        """Give the same actions with `changed` filled in."""
        rows = self._survey.observed.published
        wanted = [a for a in actions if a.reason is Reason.CHANGED and a.target is not None and a.target_id in rows]
        old = self._store.facts([rows[action.target_id].take_key for action in wanted])
        if len(wanted) > MANY:
            self._desires.documents.many()
        changed = {a.target_id: self._changes(a.target, old.get(rows[a.target_id].take_key) or {}) for a in wanted if a.target is not None}
        return [a._replace(changed=changed[a.target_id]) if a.target_id in changed else a for a in actions]

    def place(self, target: Target, field: str) -> Place | None:
        """Where the effective value of a resolved field stands."""
        found = locate(self._survey.wanted, self._desires, target.id)
        return self._place(found, target, field) if found else None

    def _changes(self, target: Target, old: Mapping[str, Any]) -> tuple[Change, ...]:
        found = locate(self._survey.wanted, self._desires, target.id)
        if found is None:
            return ()
        if old.get(DIGEST) == target.facts_digest:
            quick = _template_only(old, target)
            if quick is not None:
                return tuple(self._located(found, target, change) for change in quick)
        draft = self._drafting.draft(found, target, self._desires.documents.place)
        if draft is None:
            return ()
        new = facts_of(found.world, draft, target.facts_digest)
        return tuple(self._located(found, target, change) for change in differences(old, new))

    def _located(self, found: Located, target: Target, change: Difference) -> Change:
        place = self._place(found, target, change.field) or Place(found.doc.file)
        return Change(change.field, change.old, change.new, place.file, place.line, place.column)

    def _place(self, found: Located, target: Target, field: str) -> Place | None:
        world, scene = found.world, found.doc
        kind, _, rest = field.partition(".")
        match kind:
            case "template":
                return Place(self._template_file(target) or rest)
            case "inputs":
                return self._picture(world, target, rest)
            case "parameters":
                return self._parameter(found, target, rest)
            case "project" | "style" | "bible" | "scene":
                return self._of(scene if kind == "scene" else getattr(world, kind), f"world.{rest}" if kind == "bible" else rest)
            case _:
                resolve = self._of_character if kind == "characters" else self._resolved
                return resolve(found, target, field)

    def _of(self, doc: Doc | None, path: str) -> Place | None:
        return self._desires.documents.place(doc.file, doc.part, path) if doc is not None else None

    def _template_file(self, target: Target) -> str:
        draft = self._drafting.drafts.get(f"{target.id}:{target.rendition}")
        return draft.template.file if draft and draft.template else f"templates/{target.template}/graph.json.j2"

    def _picture(self, world: World, target: Target, name: str) -> Place | None:
        digests = {given[2] for given in target.inputs if given[0] == name}
        paths = (r.path for references in world.references.values() for r in references if r.file_digest in digests)
        return next((Place(path) for path in paths), None)

    def _parameter(self, found: Located, target: Target, name: str) -> Place | None:
        world = found.world
        setter = setter_of(owners_of(world, found.doc, found.shot or {}), target.template, name)
        if setter is not None:
            return self._of(setter.doc, f"{setter.path}parameters.{target.template}.{name}")
        owner = next((doc for doc in (world.project, world.style) if doc is not None and name in doc.data), None)
        return self._of(owner, name) or Place(self._template_file(target))

    def _of_character(self, written: Located, target: Target, field: str) -> Place | None:
        """Place of a character's field. What the character's own document says holds for every shot that casts it in the same way."""
        draft = self._drafting.drafts.get(f"{target.id}:{target.rendition}")
        who = field.split(".")[1]
        cast = next((member for member in (draft.values["characters"] if draft else ()) if member["id"] == who), None)
        key = (id(cast), field)  # shots that cast it in the same way share one value, which the draft keeps alive
        if cast is None or key not in self._places:
            found = self._resolved(written, target, field)
            if cast is None or found is None or found.file == written.doc.file:
                return found
            self._places[key] = found
        return self._places[key]

    def _resolved(self, written: Located, target: Target, field: str) -> Place | None:
        world, scene, shot = written
        origins = self._traced(written, target)
        written_as = f"shots.{shot['id']}.{field}" if shot else field.partition(".")[2].partition(".")[2] or "sheet"
        name = field
        while name and name not in origins:
            name = name.rpartition(".")[0]
        if not name:
            return self._of(world.project, field) if field in world.project.data else self._of(scene, written_as)
        file, part, path = origins[name]
        if shot is None and path.startswith("shots."):
            return self._of(scene, "sheet")
        key = (file, part, f"{path}{field[len(name) :]}")  # a line of a dialogue stands inside the list that was given whole
        if key not in self._places:
            self._places[key] = self._desires.documents.place(*key)
        return self._places[key]

    def _traced(self, written: Located, target: Target) -> Origins:
        """Say where the values of a shot, or of a pose of a sheet, come from."""
        address = target.id if written.shot is None else "/".join(target.id.split("/")[:3])
        if address not in self._origins:
            scene, shot = (written.doc, written.shot) if written.shot else sheet_shot(written.doc, *target.id.split("/")[-2:])
            self._origins[address] = resolve_shot(written.world, scene, shot, trace=True).origins
        return self._origins[address]


def _template_only(old: Mapping[str, Any], target: Target) -> list[Difference] | None:
    """Differences of a target whose resolved fields are as they were, if its template is all that can differ; None if it may be more."""
    name = f"template.{target.template}"
    if not target.template_digest or name not in old or old[name] == target.template_digest:
        return None
    if any(old.get(f"inputs.{given[0]}") != given[1] for given in target.inputs):
        return None
    return [Difference(name, old[name], target.template_digest)]


def facts_now(world: World, draft: Draft) -> dict[str, Any]:
    """Facts of a draft, without the digest that only comparing needs."""
    return {name: value for name, value in facts_of(world, draft).items() if name != DIGEST}
