"""Template folders of a snapshot: a project's own before the workspace's, read when they are needed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from koma.core.keys import text_digest
from koma.core.problem import Place, Problem
from koma.core.snapshot import TEXT_BYTES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from koma.core.draft import LoadedTemplate
    from koma.core.snapshot import Snapshot, SourceFile
    from koma.core.template import Template
    from koma.ports import PlanCache, Source

MANIFEST, GRAPH = "template.yaml", "graph.json.j2"


class _Folder:
    def __init__(self, path: str) -> None:
        self.path = path
        self.files: dict[str, SourceFile] = {}

    @property
    def digest(self) -> str:
        return text_digest(*(self.files[name].digest if name in self.files else "" for name in (MANIFEST, GRAPH)))


class Templates:
    """Finds and reads templates. Look-up order: project, workspace."""

    def __init__(self, source: Source, workspace_folder: str, cache: PlanCache) -> None:
        self._source = source
        self._cache = cache
        self._workspace = workspace_folder
        self._roots: dict[str, dict[str, _Folder]] = {}
        self._loaded: dict[tuple[str, str], LoadedTemplate | list[Problem]] = {}

    def load(self, snapshot: Snapshot) -> None:
        """Take note of which templates there are in this snapshot; nothing is read yet."""
        self._roots = {}
        for path, file in snapshot.templates.items():
            folder, _, name = path.rpartition("/")
            root, _, template = folder.rpartition("/")
            if name in (MANIFEST, GRAPH) and root:
                self._roots.setdefault(root, {}).setdefault(template, _Folder(folder)).files[name] = file
        there = {(folder.path, folder.digest) for root in self._roots.values() for folder in root.values()} if self._loaded else ()
        self._loaded = {key: loaded for key, loaded in self._loaded.items() if key in there}

    def _visible(self, project_folder: str) -> dict[str, _Folder]:
        return {**self._roots.get(self._workspace, {}), **self._roots.get(f"{project_folder}/templates", {})}

    def names(self, project_folder: str) -> list[str]:
        """Names that a project may use, sorted."""
        return sorted(self._visible(project_folder))

    def digests(self, project_folder: str) -> dict[str, str]:
        """Name → digest of manifest and graph."""
        return {name: folder.digest for name, folder in self._visible(project_folder).items()}

    def of(self, project_folder: str) -> tuple[Mapping[str, LoadedTemplate], Mapping[str, list[Problem]]]:
        """Every template that a project may use, read; and the Problems of those that can't be used, by name."""
        found: dict[str, LoadedTemplate] = {}
        broken: dict[str, list[Problem]] = {}
        for name, folder in self._visible(project_folder).items():
            key = (folder.path, folder.digest)
            if key not in self._loaded:
                self._loaded[key] = self._read(name, folder)
            loaded = self._loaded[key]
            if isinstance(loaded, list):
                broken[name] = loaded
            else:
                found[name] = loaded
        return found, broken

    def _read(self, name: str, folder: _Folder) -> LoadedTemplate | list[Problem]:
        from koma.core.draft import LoadedTemplate  # noqa: PLC0415  # start-up time of a plan with nothing to resolve

        large = [file for file in folder.files.values() if file.size > TEXT_BYTES]
        if large:
            from koma.core.plaintext import too_large  # noqa: PLC0415  # only needed to word a mistake

            return [too_large(file.size, file.path, TEXT_BYTES) for file in large]
        texts = self._source.read(list(folder.files.values()))
        for part in (MANIFEST, GRAPH):
            if f"{folder.path}/{part}" not in texts:
                return [
                    Problem(
                        Place(f"{folder.path}/{part}"),
                        "missing-file",
                        f"template {name!r} has no {part}",
                        hint="every template folder holds template.yaml and graph.json.j2",
                    )
                ]
        manifest = self._manifest(folder, texts[f"{folder.path}/{MANIFEST}"])
        if isinstance(manifest, list):
            return manifest
        if manifest.name != name:
            message = f"the template in the folder {name!r} calls itself {manifest.name!r}"
            hint = "rename the folder, or correct the name"
            return [Problem(Place(f"{folder.path}/{MANIFEST}"), "wrong-name", message, f"name: {name}", hint, "name")]
        graph = texts[f"{folder.path}/{GRAPH}"].decode(errors="replace")
        return LoadedTemplate(name, f"{folder.path}/{GRAPH}", folder.digest, graph, manifest)

    def _manifest(self, folder: _Folder, text: bytes) -> Template | list[Problem]:
        from koma.core.template import Template  # noqa: PLC0415  # start-up time of a plan with nothing to resolve

        name = f"{folder.path} {folder.files[MANIFEST].digest}"
        if known := self._cache.manifest(name):
            return Template.from_json(json.loads(known))
        from koma.core.manifest import parse_template  # noqa: PLC0415  # reads YAML

        manifest = parse_template(text, f"{folder.path}/{MANIFEST}")
        if not isinstance(manifest, list):
            self._cache.put_manifest(name, json.dumps(manifest.to_json()))
        return manifest
