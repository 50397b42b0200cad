"""What is wanted now: every target of every scene, from the cache where nothing that it reads has changed.

This is the one path for `koma plan` and the daemon. A scene is resolved and its graphs are rendered only when the digest of what it
reads is new; then it is remembered.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from koma.core.catalog import Folder, Head, catalog, input_digest
from koma.core.comfyui_draft import DEFAULT_TEMPLATES
from koma.core.problem import Problem
from koma.core.resolve import Doc, Reference, World
from koma.core.snapshot import Snapshot, SourceFile
from koma.core.target import Target, target_from_row
from koma.core.words import Rendition
from koma.engine.documents import Documents, problems_from_json, problems_to_json
from koma.engine.drafting import Drafting
from koma.engine.templates import Templates
from koma.ports import PlanCache, Source

MANY = 20  # documents to be read one by one; more are read at once


@dataclass(slots=True)
class Wanted:
    """All wanted targets, upstream first; every Problem; id prefixes whose documents could not be read; renamed ids (new → old)."""

    targets: list[Target] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    blocked: list[str] = field(default_factory=list)
    moved: dict[str, str] = field(default_factory=dict)
    projects: dict[str, Folder] = field(default_factory=dict)
    resolved_scenes: int = 0


class Desires:
    """Keeps what a pass learned for the questions that follow it: drafts of single targets, places of fields."""

    def __init__(
        self, source: Source, cache: PlanCache, templates: Templates, drafting: Drafting, content_digest: Callable[[Path], str]
    ) -> None:
        self._source = source
        self._cache = cache
        self._templates = templates
        self._drafting = drafting
        self._content_digest = content_digest
        self.documents = Documents(source, cache)
        self._worlds: dict[str, World] = {}
        self._snapshot: Snapshot | None = None

    def wanted(self, snapshot: Snapshot, rendition: Rendition) -> Wanted:
        """Work out every wanted target of this snapshot."""
        self._snapshot, self._worlds = snapshot, {}
        self._drafting.drafts.clear()
        self.documents.load(snapshot)
        self._templates.load(snapshot)
        folders, problems = catalog(snapshot, self.documents.heads, self.documents.unread)
        result = Wanted(problems=[*snapshot.problems, *self.documents.problems, *problems])
        cached = self._cache.scenes(rendition)
        fresh: list[tuple[str, str, str, str, str]] = []
        names: set[str] = set()
        for folder in folders:
            self._folder(folder, rendition, cached, fresh, names, result)
        gone = cached.keys() - names
        if fresh or gone:
            self._cache.put_scenes(fresh, gone)
        result.problems = list(dict.fromkeys(result.problems))
        return result

    def _folder(
        self,
        folder: Folder,
        rendition: Rendition,
        cached: Mapping[str, tuple[str, str, str, str, str]],
        fresh: list[tuple[str, str, str, str, str]],
        names: set[str],
        result: Wanted,
    ) -> None:
        project = folder.project
        if project is None:
            if folder.broken:
                result.blocked.append("*")
            return
        result.projects[project.id] = folder
        result.blocked += [project.id] if folder.broken else [f"{project.id}/{name}" for kind, name in folder.held if kind == "scene"]
        templates = self._templates.digests(folder.path)
        salt = f"{rendition} {self._drafting.salt} {folder.unread} {sorted(folder.held)}"
        stale: list[tuple[str, Head]] = []
        scenes = folder.heads.get("scene", {})
        for head in scenes.values():
            name = f"{rendition}:{project.id}/{head.id}"
            names.add(name)
            result.blocked += [f"{project.id}/{head.id}/{shot}".rstrip("/") for shot in head.held]
            row = cached.get(name)
            if row is not None and row[1] == input_digest(folder, head, row[2].split("\n"), templates, salt):
                _add(result, row)
            else:
                stale.append((name, head))
        self._resolve(folder, stale, rendition, templates, salt, fresh, result)
        if self._has_moves(folder):
            result.moved.update({target.id: target.origin_id for target in result.targets if target.origin_id != target.id})

    def _resolve(
        self,
        folder: Folder,
        stale: Sequence[tuple[str, Head]],
        rendition: Rendition,
        templates: Mapping[str, str],
        salt: str,
        fresh: list[tuple[str, str, str, str, str]],
        result: Wanted,
    ) -> None:
        if not stale:
            return
        if len(stale) > MANY:
            self.documents.many()
        world = self.world(folder)
        docs = [self.documents.doc(head) for _, head in stale]
        for (name, head), doc, (targets, problems) in zip(
            stale, docs, self._drafting.scenes(world, docs, rendition, self.documents.place), strict=True
        ):
            reads = reads_of(world, doc)
            row = (
                name,
                input_digest(folder, head, reads, templates, salt),
                "\n".join(reads),
                json.dumps(targets, ensure_ascii=False, separators=(",", ":")),
                problems_to_json(problems),
            )
            fresh.append(row)
            result.resolved_scenes += 1
            result.targets += targets
            result.problems += problems

    def world(self, folder: Folder) -> World:
        """Make the world of one project: its documents with bodies, and its reference pictures decoded or known."""
        if folder.path not in self._worlds:
            self._worlds[folder.path] = self._make_world(folder)
        return self._worlds[folder.path]

    def _make_world(self, folder: Folder) -> World:
        assert folder.project is not None  # noqa: S101  # callers have one
        project = self.documents.doc(folder.project)
        world = World(folder.path, project)
        world.characters = self._docs(folder, "character")
        world.locations = self._docs(folder, "location")
        world.bible = _named(self._docs(folder, "story-bible"), project.data.get("bible"))
        world.style = self._docs(folder, "style").get(project.data.get("style") or "")
        world.references = self._references(folder)
        world.unread, world.held = folder.unread, frozenset(folder.held)
        return world

    def _docs(self, folder: Folder, kind: str) -> dict[str, Doc]:
        return {name: self.documents.doc(head) for name, head in folder.heads.get(kind, {}).items()}

    def _references(self, folder: Folder) -> dict[tuple[str, str], list[Reference]]:
        assert self._snapshot is not None  # noqa: S101  # wanted() sets it
        known = self._cache.images()
        learned: dict[str, tuple[str, str]] = {}
        found: dict[tuple[str, str], list[Reference]] = {}
        inside = f"{folder.path}/references/"
        for path, file in sorted(self._snapshot.images.items()):
            if not path.startswith(inside):
                continue
            who, _, version = path[len(inside) :].rpartition("/")[0].partition("/")
            content, problem = known.get(file.digest) or learned.setdefault(file.digest, self._decode(file))
            found.setdefault((who, version), []).append(Reference(path, file.digest, content, problem))
        if learned:
            self._cache.put_images(learned)
        return found

    def _decode(self, file: SourceFile) -> tuple[str, str]:
        from koma.core.lfs import POINTER_LIMIT, is_lfs_pointer  # noqa: PLC0415  # only for pictures never seen before

        try:
            if file.size <= POINTER_LIMIT and is_lfs_pointer(self._source.local(file).read_bytes()):
                return "", "git-lfs-pointer"
            return self._content_digest(self._source.local(file)), ""
        except (OSError, ValueError) as error:
            return "", str(error) or type(error).__name__

    def _has_moves(self, folder: Folder) -> bool:
        assert folder.project is not None  # noqa: S101  # callers have one
        return bool(self.documents.doc(folder.project).data.get("moved"))


def _add(result: Wanted, row: tuple[str, str, str, str, str]) -> None:
    result.targets += map(target_from_row, json.loads(row[3]))
    if row[4] != "[]":
        result.problems += problems_from_json(row[4])


def _named(docs: Mapping[str, Doc], name: str | None) -> Doc | None:
    """Pick the document of that name; without a name, the only one there is."""
    if name:
        return docs.get(name)
    return next(iter(docs.values())) if len(docs) == 1 else None


def reads_of(world: World, scene: Doc) -> list[str]:
    """Names of everything the targets of a scene are made from, other than the scene itself."""
    data = scene.data
    names = {f"project:{world.id}", "all:story-bible", "all:style"}
    shots: Sequence[Mapping[str, Any]] = data.get("shots") or ()
    for owner in (data, *shots):
        if owner.get("location"):
            names.add(f"location:{owner['location']}")
        for entry in owner.get("characters") or ():
            names |= _character_reads(world, entry)
        names |= {f"character:{line['who']}" for line in owner.get("dialogue") or () if line.get("who")}
        names |= {f"template:{name}" for name in (owner.get("templates") or {}).values()}
    names |= {f"template:{name}" for name in (world.project.data.get("templates") or {}).values()}
    names |= {f"template:{name}" for name in DEFAULT_TEMPLATES.values()}
    return sorted(names)


def _character_reads(world: World, entry: Mapping[str, Any]) -> set[str]:
    who = entry["id"]
    doc = world.characters.get(who)
    version = entry.get("version") or (doc.data.get("default_version") if doc else None) or ""
    names = {f"character:{who}", f"references:{who}"}
    return names | {f"references:{who}/{version}"} if version else names
