"""Which documents there are: by project folder, kind and id, from their heads alone; and what each scene reads, by name.

A scene's targets are a function of the digests of what it reads; while those stay the same, nothing is parsed or resolved.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from koma.core.keys import text_digest
from koma.core.problem import Place, Problem
from koma.core.snapshot import Snapshot

HELD = "held "  # before the kind of a document that says what it is but can't be used


class Head(NamedTuple):
    """What is known of a document without its body. `part` counts the documents of a file; `line` is where it begins; `held` are ids of shots left out for their mistakes."""

    path: str
    part: int
    kind: str
    id: str
    data_digest: str
    line: int
    held: tuple[str, ...]


@dataclass(slots=True)
class Folder:
    """One watched folder: its documents' heads by kind and id, and its reference pictures' digests.

    `unread` says that a file can't be read at all, so nobody knows what it would define; `held` are (kind, id) of documents that can't be
    used, with an empty id where it can't be read.
    """

    path: str
    heads: dict[str, dict[str, Head]] = field(default_factory=dict)
    references: dict[str, str] = field(default_factory=dict)
    unread: bool = False
    held: set[tuple[str, str]] = field(default_factory=set)

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
        folder.unread = any(path.startswith(f"{folder.path}/") for path in unread)
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
    for one, two in ((head, other), (other, head)):
        what = "a second project document" if head.kind == "project" else f"{head.kind} {head.id!r}"
        problems.append(
            Problem(
                Place(one.path, one.line, 1),
                "duplicate-id",
                f"{what} stands at {two.path}:{two.line} as well",
                expected="ids that are unique in their project" if head.kind != "project" else "one project document in a project folder",
                hint="rename or remove one of them; until then neither is used",
            )
        )


def _no_project(folder: Folder) -> Problem:
    return Problem(
        Place(folder.path), "no-project", "this folder has documents, but none of `kind: project`", hint=f"add {folder.path}/project.yaml"
    )


def _same_project(folders: Sequence[Folder], problems: list[Problem]) -> None:
    seen: dict[str, Folder] = {}
    for folder in folders:
        head = folder.project
        if head is None:
            continue
        if head.id in seen:
            where = seen[head.id].project
            problems.append(
                Problem(
                    Place(head.path, head.line, 1),
                    "duplicate-id",
                    f"project {head.id!r} stands at {where.path if where else ''} as well",
                    hint="give this project another id",
                )
            )
            folder.heads.clear()
            folder.unread = True
        else:
            seen[head.id] = folder


def input_digest(folder: Folder, scene: Head, names: Iterable[str], templates: Mapping[str, str], salt: str) -> str:
    """Digest over everything a scene's targets are made from; a name that stands for nothing counts as such."""
    parts = [salt, scene.data_digest, scene.path, ",".join(scene.held)]
    for name in names:
        kind, _, key = name.partition(":")
        if kind == "template":
            value = templates.get(key, "")
        elif kind == "references":
            value = folder.references.get(key, "")
        elif kind == "all":
            value = " ".join(f"{head.data_digest} {head.path}" for _, head in sorted(folder.heads.get(key, {}).items()))
        else:
            head = folder.heads.get(kind, {}).get(key)
            value = f"{head.data_digest} {head.path}" if head else ""
        parts += (name, value)
    return text_digest(*parts)
