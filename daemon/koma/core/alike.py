"""File names that some disks can't tell apart: equal but for case, or for the Unicode form of the same characters.

Two such files are one file after a copy to another disk, so which of them is meant would depend on the machine.
"""

from collections.abc import Collection, Iterable, Mapping

from koma.core.problem import Place, Problem
from koma.core.snapshot import Snapshot, SourceFile


def apart(snapshot: Snapshot) -> Snapshot:
    """Take out of a snapshot what has such a name, with a Problem at each. A picture stays, without its digest: what shows it waits."""
    twins = alike([*snapshot.documents, *snapshot.images, *snapshot.templates])
    if not twins:
        return snapshot
    return snapshot._replace(
        documents=_without(snapshot.documents, twins),
        images={path: file._replace(digest="") if _is_in(path, twins) else file for path, file in snapshot.images.items()},
        templates=_without(snapshot.templates, twins),
        problems=(*snapshot.problems, *(_problem(path, other) for path, other in sorted(twins.items()))),
    )


def alike(paths: Collection[str]) -> dict[str, str]:
    """Path of a file, or of a folder that one lies in → another in the same folder whose name can't be told from it."""
    names = [*paths, *_folders(paths)]
    if len(set(folded("\0".join(names)).split("\0"))) == len(names):
        return {}
    known: dict[tuple[str, str], list[str]] = {}
    for path in sorted(names):
        folder, _, name = path.rpartition("/")
        known.setdefault((folder, folded(name)), []).append(path)
    return {path: next(other for other in same if other != path) for same in known.values() if len(same) > 1 for path in same}


def folded(text: str) -> str:
    """Give what is left of a text where neither case nor Unicode form counts."""
    if text.isascii():
        return text.lower()
    return _composed(_composed(text).casefold())


def _composed(text: str) -> str:
    from unicodedata import normalize  # noqa: PLC0415  # start-up time where every name is ASCII

    return normalize("NFC", text)


def _folders(paths: Iterable[str]) -> set[str]:
    found: set[str] = set()
    for folder in {path.rpartition("/")[0] for path in paths}:
        while folder and folder not in found:
            found.add(folder)
            folder = folder.rpartition("/")[0]  # noqa: PLW2901  # up to the root
    return found


def _without(files: Mapping[str, SourceFile], twins: Mapping[str, str]) -> dict[str, SourceFile]:
    return {path: file for path, file in files.items() if not _is_in(path, twins)}


def _is_in(path: str, twins: Mapping[str, str]) -> bool:
    return any(path == twin or path.startswith(f"{twin}/") for twin in twins)


def _problem(path: str, other: str) -> Problem:
    same_case = _composed(path) == _composed(other)
    how = "the Unicode form of its characters" if same_case else "upper and lower case"
    message = f"its name differs from that of {ascii(other) if same_case else other} only in {how}"
    return Problem(
        Place(path), "alike-names", message, "names that every disk tells apart", "rename one of them; until then neither is used"
    )
