"""Which documents there are: by project folder, kind and id, from their heads alone; and what each scene reads, by name.

A scene's targets are a function of the digests of what it reads; while those stay the same, nothing is parsed or resolved.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from koma.core.keys import text_digest
from koma.core.problem import Place, Problem
from koma.core.snapshot import Snapshot

HELD = "held "  # before the kind of a document that says what it is but can't be used


class Head(NamedTuple):
    """What is known of a document without its body.

    `part` counts the documents of a file; `line` is where it begins; `held` are ids of shots left out for their mistakes;
    `sheet` says that it is a character with a sheet.
    """

    path: str
    part: int
    kind: str
    id: str
    data_digest: str
    line: int
    held: tuple[str, ...]
    sheet: bool = False


class Folder:
    """One watched folder: its documents' heads by kind and id, and its reference pictures' digests.

    `unread` says that a file can't be read at all, so nobody knows what it would define; `held` are (kind, id) of documents that can't be
    used, with an empty id where it can't be read.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.heads: dict[str, dict[str, Head]] = {}
        self.references: dict[str, str] = {}
        self.unread = False
        self.held: set[tuple[str, str]] = set()

    @property
    def broken(self) -> bool:
        """Whether something that is missing may only be unreadable for now."""
        return self.unread or any(not name or kind == "project" for kind, name in self.held)

    @property
    def project(self) -> Head | None:
        """Its one project document."""
        return next(iter(self.heads.get("project", {}).values()), None)


def catalog(snapshot: Snapshot, heads: Mapping[str, Sequence[Head]], unread: Iterable[str]) -> tuple[list[Folder], list[Problem]]:
    """Sort documents into their folders. Ids that stand twice are Problems at both places, and neither document counts."""
    folders = [Folder(path) for path in snapshot.project_folders]
    problems: list[Problem] = []
    for folder in folders:
        _fill(folder, snapshot, heads, problems)
        folder.unread = any(f"{path}/".startswith(f"{folder.path}/") for path in unread)
        if folder.project is None and folder.heads and not folder.broken:
            problems.append(_no_project(folder))
    _same_project(folders, problems)
    return folders, problems


def _fill(folder: Folder, snapshot: Snapshot, heads: Mapping[str, Sequence[Head]], problems: list[Problem]) -> None:
    inside = f"{folder.path}/"
    for path in snapshot.documents:
        if path.startswith(inside):
            for head in heads.get(path, ()):
                _add(folder, head, problems)
    for kind, name in folder.held:
        folder.heads.get(kind, {}).pop(name, None)
    listed: dict[str, list[str]] = {}
    for path, file in snapshot.images.items():
        if path.startswith(f"{inside}references/"):
            listed.setdefault(path[len(inside) + 11 :].rpartition("/")[0], []).extend((path, file.digest))
    folder.references = {name: text_digest(*parts) for name, parts in listed.items()}


def _add(folder: Folder, head: Head, problems: list[Problem]) -> None:
    if head.kind.startswith(HELD):
        folder.held.add((head.kind.removeprefix(HELD), head.id))
        return
    known = folder.heads.setdefault(head.kind, {})
    other = next(iter(known.values()), None) if head.kind == "project" else known.get(head.id)
    if other is None:
        known[head.id] = head
        return
    folder.held.add((head.kind, other.id))
    problems += _twice(head, other)


def _twice(one: Head, other: Head) -> list[Problem]:
    """Say at both places that they want the same id."""
    project = one.kind == "project"
    what = "a project document" if project else f"{one.kind} {one.id!r}"
    wanted = "one project document in a project folder, and an id of its own" if project else "ids that are unique in their project"
    hint = "rename or remove one of them; until then neither is used"
    return [
        Problem(Place(here.path, here.line, 1), "duplicate-id", f"{what} stands at {there.path}:{there.line} as well", wanted, hint)
        for here, there in ((one, other), (other, one))
    ]


def _no_project(folder: Folder) -> Problem:
    return Problem(
        Place(folder.path), "no-project", "this folder has documents, but none of `kind: project`", hint=f"add {folder.path}/project.yaml"
    )


def _same_project(folders: Sequence[Folder], problems: list[Problem]) -> None:
    """Use no folder whose project has the id of another's: which of the two a published file belongs to can't be known."""
    known: dict[str, list[tuple[Folder, Head]]] = {}
    for folder in folders:
        if head := folder.project:
            known.setdefault(head.id, []).append((folder, head))
    for same in known.values():
        for (_, one), (_, other) in pairwise(same):
            problems += _twice(one, other)
        for folder, _ in same if len(same) > 1 else ():
            folder.heads.clear()
            folder.unread = True


class Inputs:
    """Digests of everything that scenes of one folder read, by name; a name that stands for nothing counts as such."""

    def __init__(self, folder: Folder, templates: Mapping[str, str], salt: str) -> None:
        self._folder = folder
        self._templates = templates
        self._salt = salt
        self._lists: dict[str, str] = {}

    def digest(self, scene: Head, names: str) -> str:
        """Digest over everything that a scene's targets are made from; `names` are those of what it reads, one a line."""
        if names not in self._lists:
            self._lists[names] = text_digest(self._salt, *(part for name in names.split("\n") for part in (name, self._value(name))))
        return text_digest(self._lists[names], scene.data_digest, scene.path, *scene.held)

    def _value(self, name: str) -> str:
        kind, _, key = name.partition(":")
        if kind == "template":
            return self._templates.get(key, "")
        if kind == "references":
            return self._folder.references.get(key, "")
        found = self._folder.heads.get(key if kind == "all" else kind, {})
        heads = sorted(found.items()) if kind == "all" else [(key, found[key])] if key in found else []
        return " ".join(" ".join((head.data_digest, head.path, *head.held)) for _, head in heads)
