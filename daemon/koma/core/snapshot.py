"""One snapshot of everything a plan reads: files by path with a digest each, from the work tree or from one commit."""

from collections.abc import Mapping
from typing import NamedTuple

from koma.core.problem import Problem

IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff"})
TEXT_BYTES = 1024 * 1024  # of a document, manifest, sample or template: a larger one is refused without being read
DOCUMENT_SUFFIXES = frozenset({".yaml", ".yml"})


class SourceFile(NamedTuple):
    """One file: path relative to the workspace, and the sha256 of its bytes (in git mode, for committed files, the blob id).

    A picture that can't be read has an empty digest, and a Problem in the snapshot: what shows it waits.
    """

    path: str
    digest: str
    size: int


PictureRow = tuple[str, str, int, int]
"""What is remembered of a decoded picture: content digest, problem (see koma.core.world.Reference), width and height in px."""


class Snapshot(NamedTuple):
    """Files by class. `project_folders` are watched folders; `digest` changes with any file; `commit` is set in git mode."""

    project_folders: tuple[str, ...]
    documents: Mapping[str, SourceFile]
    images: Mapping[str, SourceFile]
    templates: Mapping[str, SourceFile]
    problems: tuple[Problem, ...] = ()
    commit: str = ""
    dirty: bool = False
    unsettled: float = 0.0  # seconds until a reference folder that is still changing may be read; 0 if none is


def classify(path: str, project_folders: tuple[str, ...], templates: str) -> str:
    """Say what a path is for: `document`, `image`, `template`, or "" for nothing of Koma's."""
    suffix = path[path.rfind(".") :].lower() if "." in path else ""
    if path.startswith(f"{templates}/"):
        return "template"
    for folder in project_folders:
        if not path.startswith(f"{folder}/"):
            continue
        inside = path[len(folder) + 1 :]
        if inside.startswith("templates/"):
            return "template"
        if inside.startswith("references/"):
            return "image" if suffix in IMAGE_SUFFIXES else ""
        return "document" if suffix in DOCUMENT_SUFFIXES and not inside.startswith("proposals/") else ""
    return ""


def unread_documents(snapshot: Snapshot) -> list[str]:
    """Paths of documents, and of folders that may hold some, that are there and can't be read."""
    folders = snapshot.project_folders
    failed = [problem.place.file for problem in snapshot.problems if problem.severity == "error"]
    return [path for path in failed if "document" in (classify(path, folders, "\0"), classify(f"{path}/.yaml", folders, "\0"))]
