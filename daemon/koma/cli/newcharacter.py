"""A new character from a folder of pictures: which are used, where they go, and the first draft of the document."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from koma.app.workspace import App
from koma.cli.checking import open_work_tree
from koma.cli.printing import count, print_lines
from koma.core.casting import KINDS
from koma.core.catalog import Folder, catalog
from koma.core.character_draft import character_text
from koma.core.errors import KomaError, UsageError
from koma.core.identity import merged_shades
from koma.core.ids import ID_WORDS, RESERVED, is_id, suggest_id
from koma.core.lfs import POINTER_LIMIT, is_lfs_pointer
from koma.core.references import Pool, sort_out
from koma.core.snapshot import IMAGE_SUFFIXES, unread_documents
from koma.core.spec.standard import BASE_VERSION
from koma.core.world import Reference
from koma.pixels.marks import marks_of
from koma.pixels.picture import UnreadableError, read_picture

_KEPT = frozenset({BASE_VERSION, *KINDS.values()})  # names of folders that are no versions
_AGAIN = "nothing was written; look at it, then try again"


class _Found(NamedTuple):
    """Pictures by version ("" for the character itself), and what is not used: (file, why)."""

    pools: dict[str, Pool]
    refused: list[tuple[str, str]]


def new_character(workspace: Path | None, character: str, source: Path, project: str, name: str) -> int:
    """Write document and pictures, and say what was made. Raises KomaError, before anything is written, where that can't be done."""
    if not is_id(character):
        near = suggest_id(character)
        kept = f"{character!r} is kept for Koma or the file system" if character in RESERVED else f"{character!r} is no id"
        raise UsageError(kept, f"koma new character {near} ..." if near else f"use {ID_WORDS}")
    if not source.is_dir():
        raise UsageError(f"there is no folder {source}", "koma new character ID --from FOLDER, with a folder of pictures")
    with open_work_tree(workspace) as app:
        home = _home(app, project, character)
        found = _look(app, source)
        document = app.config.workspace / home.path / "characters" / f"{character}.yaml"
        target = app.config.workspace / home.path / "references" / character
        copies = _copies(found, source, target)
        _refuse_existing([document, *(to for _, to in copies)])
        try:
            text = _text(app, found, source, character, name, document, target)
            _write_all(copies, document, text)
        except UnreadableError as error:
            raise KomaError(f"{error}, though it was a picture just now", _AGAIN) from error
        except OSError as error:
            raise KomaError(f"{error.filename or source}: {error.strerror or error}", _AGAIN) from error
    _tell(document, target, found)
    return 0


def _home(app: App, project: str, character: str) -> Folder:
    """Folder of the project that gets the character, which must not know one of that id."""
    snapshot = app.source.snapshot()
    app.desires.documents.load(snapshot)
    folders, _ = catalog(snapshot, app.desires.documents.heads, unread_documents(snapshot))
    known = {folder.project.id: folder for folder in folders if folder.project is not None}
    if project and project not in known:
        raise UsageError(f"there is no project {project!r}", f"one of {', '.join(sorted(known)) or 'none: koma check says why'}")
    if not project and len(known) != 1:
        hint = f"name one with --project: {', '.join(sorted(known))}" if known else "koma check   (says why there is none)"
        raise UsageError(f"there are {len(known)} projects", hint)
    home = known[project] if project else next(iter(known.values()))
    head = home.heads.get("character", {}).get(character)
    if head is not None:
        raise KomaError(f"there is a character {character!r} already, in {head.path}", "edit that file, or choose another id")
    return home


def _look(app: App, source: Path) -> _Found:
    """Sort the pictures of a folder; each folder in it is a version."""
    groups: dict[str, list[tuple[str, Reference]]] = {}
    refused: list[tuple[str, str]] = []
    for file in _files(source):
        inside = file.relative_to(source)
        version = inside.parent.as_posix() if inside.parent.parts else ""
        why = _unfit(inside, version)
        if why:
            refused.append((inside.as_posix(), why))
        else:
            groups.setdefault(version, []).append(("", _reference(app, file, inside.as_posix())))
    pools = {version: sort_out(references) for version, references in sorted(groups.items())}
    refused += [(one.reference.path, one.words) for found in pools.values() for one in found.refused]
    used = {version: found for version, found in pools.items() if found.used}
    if not used:
        said = "".join(f"\n  {file}: {why}" for file, why in sorted(refused))
        raise KomaError(f"{source} holds no picture that can be used{said}", "pictures are PNG, JPEG or WebP of at least 512 px")
    return _Found(used, sorted(refused))


def _files(source: Path) -> Iterator[Path]:
    """Every file below a folder, in order; hidden ones are passed over."""
    for folder, names, files in os.walk(source):
        names[:] = sorted(name for name in names if not name.startswith("."))
        yield from (Path(folder, name) for name in sorted(files) if not name.startswith("."))


def _unfit(inside: Path, version: str) -> str:
    """Say why a file can't be a reference by its name alone; "" if it can."""
    if inside.suffix.lower() not in IMAGE_SUFFIXES:
        return "its name is not that of a picture"
    if not inside.name.isprintable() or "\\" in inside.name:
        return "its name has characters that a path can't have everywhere"
    if version and (not is_id(version) or version in _KEPT):
        if inside.parts[0] in KINDS.values():
            return f"a folder {inside.parts[0]!r} holds no version; copy it into the character's folder in references/ yourself"
        near = suggest_id(version.rpartition("/")[2])
        hint = f", for instance {near!r}" if near and near not in _KEPT else ""
        return f"{version!r} is no name of a version; rename the folder{hint}"
    return ""


def _reference(app: App, file: Path, inside: str) -> Reference:
    """Look at one picture as the sources do."""
    try:
        if file.stat().st_size <= POINTER_LIMIT and is_lfs_pointer(file.read_bytes()):
            return Reference(inside, inside, "", "git-lfs-pointer")
        content, width, height = app.decoder.look(file)
    except OSError as error:
        return Reference(inside, inside, "", error.strerror or str(error))
    except UnreadableError as error:
        return Reference(inside, inside, "", error.why)
    return Reference(inside, inside, content, "", width, height)


def _copies(found: _Found, source: Path, target: Path) -> list[tuple[Path, Path]]:
    """Which file goes where; a picture that lies in its place already stays there."""
    pairs = ((source / one.path, target / one.path) for pool in found.pools.values() for one in pool.used)
    return [(taken, to) for taken, to in pairs if taken.resolve() != to.resolve()]


def _refuse_existing(files: Sequence[Path]) -> None:
    there = next((file for file in files if file.exists() or file.is_symlink()), None)
    if there is not None:
        raise KomaError(f"{there} is there already, and is left as it is", "move it away, or choose another id; nothing was written")


def _text(app: App, found: _Found, source: Path, character: str, name: str, document: Path, target: Path) -> str:
    workspace = app.config.workspace
    shades = {
        version: merged_shades([marks_of(read_picture(source / one.path)) for one in pool.used]) for version, pool in found.pools.items()
    }
    schema = workspace / "specs" / "character.schema.json"
    return character_text(
        character,
        name or character.replace("-", " ").replace("_", " ").title(),
        [version for version in found.pools if version],
        shades,
        schema=Path(os.path.relpath(schema, document.parent)).as_posix() if schema.is_file() else "",
        folder=f"{target.relative_to(workspace).as_posix()}/",
    )


def _write_all(copies: Sequence[tuple[Path, Path]], document: Path, text: str) -> None:
    """Copy the pictures, then write the document: all of it, or nothing where that fails. Raises KomaError, OSError."""
    written: list[Path] = []
    try:
        for taken, to in copies:
            _write_new(to, taken.read_bytes(), written)
        _write_new(document, text.encode(), written)
    except (KomaError, OSError):
        for file in written:
            file.unlink(missing_ok=True)
        raise


def _write_new(file: Path, content: bytes, written: list[Path]) -> None:
    """Write a file that is not there yet, and note it. Raises KomaError if somebody made it meanwhile; OSError."""
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        with file.open("xb") as stream:
            written.append(file)
            stream.write(content)
    except FileExistsError as error:
        raise KomaError(f"{file} was made by somebody else just now, and is left as it is", "look at it, then try again") from error


def _tell(document: Path, target: Path, found: _Found) -> None:
    lines = [f"A first draft lies in {document}.", f"Pictures in {target}:"]
    lines += [f"  {version or 'the character itself'}: {count(len(pool.used), 'picture')}" for version, pool in found.pools.items()]
    lines += ["Not used:", *(f"  {file}: {why}" for file, why in found.refused)] if found.refused else []
    print_lines(
        [*lines, "Next:", "  correct the draft: its palette is guessed, and nobody has said what the pictures can't", "  koma check"]
    )
