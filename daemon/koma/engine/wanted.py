"""What is wanted now: every target of every scene, from the cache where nothing that it reads has changed.

This is the one path for `koma plan` and the daemon. A scene is resolved and its graphs are rendered only when the digest of what it
reads is new; then it is remembered. What that needs is imported only then.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from koma.core.catalog import Folder, Head, Inputs, catalog
from koma.core.rows import line_of
from koma.core.snapshot import unread_documents
from koma.core.target import SHEETS, Target, targets_from_json, targets_to_json
from koma.engine.documents import Documents, problems_from_json, problems_to_json

if TYPE_CHECKING:
    from koma.core.gating import Gating
    from koma.core.models import LockedModel
    from koma.core.problem import Problem
    from koma.core.review import Reviewed
    from koma.core.rows import Published
    from koma.core.snapshot import Snapshot
    from koma.core.words import Rendition
    from koma.core.world import World
    from koma.engine.drafting import Drafting
    from koma.engine.reviews import Reviews
    from koma.engine.templates import Templates
    from koma.engine.worlds import Worlds
    from koma.ports import PlanCache, Source

_ON_PAPER = "animatic"  # the rendition that needs no model; naming it by its class would cost start-up time
MANY = 20  # documents to be read one by one; more are read at once
SceneRow = tuple[str, str, str, str, str]  # see PlanCache.scenes


class Scene(NamedTuple):
    """A scene whose targets are to be looked at one by one."""

    name: str
    targets: list[Target]


class Wanted:
    """All that is wanted: targets, upstream first; every Problem; id prefixes whose documents could not be read; renamed ids (new → old).

    `settled` are ids of targets of which it is known that nothing is to be done for them, `scenes` those that have to be looked at.
    """

    def __init__(self, read: Callable[[Sequence[str]], list[str]]) -> None:
        self._read = read
        self._closed: list[str] = []
        self.has_moves = False
        self.settled: list[str] = []
        self.scenes: list[Scene] = []
        self.problems: list[Problem] = []
        self.blocked: list[str] = []
        self.projects: dict[str, Folder] = {}
        self.resolved_scenes = 0

    @property
    def moved(self) -> dict[str, str]:
        """Renamed ids (new → old)."""
        return {target.id: target.origin_id for target in self.targets if target.origin_id != target.id} if self.has_moves else {}

    @property
    def targets(self) -> list[Target]:
        """Every wanted target, upstream first."""
        closed, self._closed, self.settled = self._closed, [], []
        self.look_at(closed)
        return [target for scene in self.scenes for target in scene.targets]

    def settle(self, name: str, lines: Sequence[str]) -> None:
        """Take note of a scene for which nothing is to be done. Some of the lines may be of targets of others that it reads."""
        self._closed.append(name)
        self.settled += [line.partition(" ")[0] for line in lines if line.startswith(_inside(name))]

    def unsettle(self, ids: Collection[str]) -> None:
        """Look at the scenes of these targets after all."""
        opened = [name for name in self._closed if any(target_id.startswith(_inside(name)) for target_id in ids)]
        if opened:
            prefixes = tuple(map(_inside, opened))
            self._closed = [name for name in self._closed if name not in opened]
            self.settled = [target_id for target_id in self.settled if not target_id.startswith(prefixes)]
            self.look_at(opened)

    def look_at(self, names: Sequence[str]) -> None:
        """Read the targets of scenes. Raises SourceError if the cache was emptied meanwhile."""
        for name, text in zip(names, self._read(names) if names else (), strict=True):
            if not text:
                from koma.core.faults import SourceError  # noqa: PLC0415  # start-up time

                raise SourceError("the cache was emptied while it was read")
            self.scenes.append(Scene(name, list(targets_from_json(text))))


def _inside(name: str) -> str:
    """Beginning of the ids of a scene's targets."""
    return f"{name.partition(':')[2]}/"


def _owners(folder: Folder, project: str) -> list[tuple[str, Head]]:
    """Documents that targets come from, with the beginning of their ids: characters with a sheet, and scenes."""
    sheets = [(f"{project}/{SHEETS}/{head.id}", head) for head in folder.heads.get("character", {}).values() if head.sheet]
    return [*sheets, *((f"{project}/{head.id}", head) for head in folder.heads.get("scene", {}).values())]


def _blocked(folder: Folder, project: str, owners: Sequence[tuple[str, Head]]) -> list[str]:
    """Beginnings of ids whose documents, or parts of documents, can't be read or used."""
    held = [] if folder.broken else [f"{project}/{name}" for kind, name in folder.held if kind == "scene"]
    held += [f"{project}/{SHEETS}/{name}" for kind, name in folder.held if kind == "character"]
    shots = [f"{address}/{shot}".rstrip("/") for address, head in owners for shot in head.held]
    return [*([project] if folder.broken else []), *held, *shots]


class Desires:
    """Works out what is wanted, and keeps what a pass learned for the questions that follow it: documents, worlds, places of fields.

    `drafting` gives the means to resolve scenes, `salt` what else their targets depend on, `look` the content digest and size of a picture,
    `models` the models that are recorded and what is wrong with that list, `equipment` how their files lie there, and under "" which
    libraries do.
    """

    def __init__(
        self,
        source: "Source",
        cache: "PlanCache",
        templates: "Templates",
        drafting: "Callable[[], Drafting]",
        salt: Callable[[], str],
        look: Callable[[Path], tuple[str, int, int]],
        models: "Callable[[], tuple[Mapping[str, LockedModel], Sequence[Problem]]]" = lambda: ({}, ()),
        equipment: "Callable[[], Mapping[str, str]]" = dict,
    ) -> None:
        self._source = source
        self._cache = cache
        self._templates = templates
        self._drafting = drafting
        self._salt = salt
        self._look = look
        self._models = models
        self._equipment = equipment
        self._worlds: Worlds | None = None
        self._reviews: Reviews | None = None
        self.documents = Documents(source, cache)

    def wanted(self, snapshot: "Snapshot", rendition: "Rendition", lying: Collection[str] = frozenset()) -> Wanted:
        """Work out every wanted target of this snapshot. `lying` are the lines (see Lying) of what is there, for settling scenes."""
        self.documents.load(snapshot)
        self._templates.load(snapshot)
        self._snapshot, self._worlds = snapshot, None
        folders, problems = catalog(snapshot, self.documents.heads, [*self.documents.unread, *unread_documents(snapshot)])
        result = Wanted(self._cache.targets)
        result.problems += [*snapshot.problems, *self.documents.problems, *problems, *self._models()[1]]
        cached = self._cache.scenes(rendition)
        fresh: list[SceneRow] = []
        names = [name for folder in folders for name in self._folder(folder, rendition, cached, lying, fresh, result)]
        if fresh or len(names) != len(cached):
            self._cache.put_scenes(fresh, cached.keys() - set(names))
        result.problems = _listed(result.problems)
        return result

    def _folder(
        self,
        folder: Folder,
        rendition: "Rendition",
        cached: Mapping[str, SceneRow],
        lying: Collection[str],
        fresh: list[SceneRow],
        result: Wanted,
    ) -> list[str]:
        """Add everything that one project wants; names of its scenes."""
        project = folder.project
        if project is None:
            result.blocked += ["*"] if folder.broken else []
            return []
        result.projects[project.id] = folder
        owners = _owners(folder, project.id)
        result.blocked += _blocked(folder, project.id, owners)
        salt = f"{rendition} {self._salt()} {folder.unread} {sorted(folder.held)}"
        inputs = Inputs(folder, self._templates.digests(folder.path), salt)
        stale: list[tuple[str, Head]] = []
        names, known = [], []
        for address, head in owners:
            name = f"{rendition}:{address}"
            names.append(name)
            row = cached.get(name)
            if row is not None and row[1] == inputs.digest(head, row[2]):
                known.append(row)
            else:
                stale.append((name, head))
        _add(result, known, lying)
        if stale:
            fresh += self._resolve(folder, stale, rendition, inputs, result)
        doc = self.documents.doc(project)
        result.has_moves = result.has_moves or bool(doc.data.get("moved"))
        if doc.data.get("commercial") or doc.data.get("gates"):
            from koma.engine.model_notes import ModelNotes  # noqa: PLC0415  # start-up time of a plan with nothing to do

            notes = ModelNotes(self.documents, self._cache, lambda: self._models()[0])
            result.problems += notes.problems(folder, doc, self._snapshot, salt, on_paper=rendition == _ON_PAPER)
        return names

    def remember(self, result: Wanted, published: "Mapping[str, Published]", current: Collection[str]) -> None:
        """Remember scenes whose targets are all `current`: while the same is published for them, nothing is to be done.

        What they read of other scenes, and the sheets that they need, must stay as well.
        """
        settled = {
            scene.name: "\n".join([line_of(published[name]) for name in _names(scene.targets, published)])
            for scene in result.scenes
            if scene.targets and all(target.id in current for target in scene.targets)
        }
        if settled:
            self._cache.put_settled(settled)

    def _resolve(
        self, folder: Folder, stale: Sequence[tuple[str, Head]], rendition: "Rendition", inputs: Inputs, result: Wanted
    ) -> list[SceneRow]:
        """Resolve scenes anew; their rows for the cache, but for those that the machine could not see to."""
        from koma.core.problem import MACHINE_TROUBLE  # noqa: PLC0415  # start-up time of a plan with nothing to resolve
        from koma.engine.reads import reads_of  # noqa: PLC0415  # start-up time of a plan with nothing to resolve

        if len(stale) > MANY:
            self.documents.many()
        drafting, world = self._drafting(), self.world(folder)
        drafting.drafts.clear()
        docs = [self.documents.doc(head) for _, head in stale]
        rows: list[SceneRow] = []
        drafted = drafting.scenes(world, docs, rendition, self.documents.place)
        for (name, head), doc, (targets, problems) in zip(stale, docs, drafted, strict=True):
            reads = reads_of(world, doc)
            if not any(problem.code == MACHINE_TROUBLE for problem in problems):
                rows.append((name, inputs.digest(head, reads), reads, problems_to_json(problems), targets_to_json(targets)))
            result.scenes.append(Scene(name, targets))
            result.problems += problems
        result.resolved_scenes += len(stale)
        return rows

    def gatings(self, result: Wanted, by: "Reviewed") -> "dict[str, Gating]":
        """Read what each project says about its phases, and what people decided about them."""
        from koma.core.gating import Gating  # noqa: PLC0415  # start-up time of a plan with nothing to do
        from koma.core.phases import GateSettings  # noqa: PLC0415

        found = {}
        for name, folder in result.projects.items():
            data = self.documents.doc(folder.project).data if folder.project is not None else {}
            found[name] = Gating(GateSettings.from_spec(data), by.approved_phases, by.rejected_phases)
        return found

    def reviewed(self, result: Wanted) -> "Reviewed":
        """Read what people decided, out of all review documents."""
        if self._reviews is None:
            from koma.engine.reviews import Reviews  # noqa: PLC0415  # start-up time of a plan with nothing to do

            self._reviews = Reviews(self.documents)
        return self._reviews.read(result)

    def world(self, folder: Folder) -> "World":
        """World of one project of the last snapshot."""
        if self._worlds is None:
            from koma.engine.worlds import Worlds  # noqa: PLC0415  # start-up time of a plan with nothing to resolve

            self._worlds = Worlds(self._source, self._cache, self.documents, self._snapshot, self._look, self._models, self._equipment)
        return self._worlds.world(folder)


def _listed(problems: "Sequence[Problem]") -> "list[Problem]":
    """Every Problem once, and what a server lacks once for each template."""
    if not any(problem.missing for problem in problems):
        return list(dict.fromkeys(problems))
    from koma.core.preflight import once  # noqa: PLC0415  # start-up time where nothing is missing

    return once(problems)


def _names(targets: Sequence[Target], published: "Mapping[str, Published]") -> list[str]:
    """Ids of targets, and of the published targets of others that they read."""
    read = (name for target in targets for name in (*target.needs, *(part[1] for part in target.reads)))
    return list(dict.fromkeys([*(target.id for target in targets), *(name for name in read if name in published)]))


def _add(result: Wanted, rows: Sequence[SceneRow], lying: Collection[str]) -> None:
    """Add scenes from the cache: those that are settled as they are, the others with their targets."""
    is_there, unsettled = frozenset(lying).issuperset, []
    for name, _, _, problems, settled in rows:
        lines = settled.split("\n")
        if settled and is_there(lines):
            result.settle(name, lines)
        else:
            unsettled.append(name)
        if problems != "[]":
            result.problems += problems_from_json(problems)
    result.look_at(unsettled)
