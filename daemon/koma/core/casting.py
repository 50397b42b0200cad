"""Whether everything that a shot names is there: characters, versions, outfits, locations, and reference pictures."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from koma.core.document import Doc
from koma.core.draft import Context, Input
from koma.core.hints import closest
from koma.core.problem import Problem
from koma.core.world import Reference, World


def check_shot(context: Context, scene: Doc, shot: Mapping[str, Any]) -> bool:
    """Whether everything that the shot names is there; what is not is a Problem, unless it may only be unreadable for now."""
    named = [_known(context, scene, *name) for name in _names(context.world, scene, shot)]  # a list: every mistake is reported
    return all([*named, *(_has_pictures(context, entry) for entry in _entries(scene, shot))])


def _entries(scene: Doc, shot: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [*(shot.get("characters") or ()), *(scene.data.get("characters") or ())]


def _has_pictures(context: Context, entry: Mapping[str, Any]) -> bool:
    """Whether the pictures that a character's document names are there; those of a version matter to who is cast in it."""
    doc = context.world.characters.get(entry["id"])
    if doc is None:
        return True
    missing = _missing_pictures(context.world, doc, entry)
    for path, file in missing:
        place = context.place(doc.file, doc.part, path)
        hint = "put it there, or take it out of `references`"
        problem = Problem(place, "missing-reference", f"there is no picture {file}", "a picture under references/", hint, path)
        if problem not in context.problems:
            context.problems.append(problem)
    return not missing


def _missing_pictures(world: World, doc: Doc, entry: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Give (field path, path) of pictures that the document names for this entry and that are not there. Found once for the same looks."""
    key = ("missing pictures", *map(entry.get, _LOOKS))
    if key not in world.memo:
        world.memo[key] = [(path, file) for path, file in _named_pictures(doc, entry) if f"{world.folder}/{file}" not in world.pictures]
    return world.memo[key]  # type: ignore[no-any-return]  # set just above


KINDS = {"outfit": "outfits", "expression": "expressions", "pose": "poses"}
"""What a shot names of a character besides the version, with the folder and field that hold it."""

_LOOKS = ("id", "version", *KINDS)


def listed_of(doc: Doc, part: str) -> tuple[str, Sequence[str]]:
    """Give the field path, and the paths relative to the project folder, of pictures that a character's document lists for one part of it.

    The part is "" for the character, `child` for a version, `outfits/coat`, `expressions/smile` or `poses/walking` for those.
    """
    kind, _, name = part.rpartition("/")
    kind = kind or "versions"
    fields = (doc.data.get(kind) or {}).get(name) or {} if name else doc.data
    path = f"{kind}.{name}.references.files" if name else "references.files"
    return path, (fields.get("references") or {}).get("files") or ()


def listed_pictures(doc: Doc, version: str) -> list[tuple[str, str]]:
    """Give (field path, path relative to the project folder) of pictures that a character's document names for one version."""
    return _listed(doc, dict.fromkeys((version, "")))


def _listed(doc: Doc, parts: Iterable[str]) -> list[tuple[str, str]]:
    return [(path, file) for part in parts for path, files in (listed_of(doc, part),) for file in files]


def parts_of(doc: Doc, entry: Mapping[str, Any]) -> list[str]:
    """Parts of a character that an entry of a scene or shot brings into play, with the defaults of its document; see `listed_of`."""
    version = entry.get("version") or doc.data.get("default_version") or ""
    named = {**entry, "outfit": entry.get("outfit") or doc.data.get("default_outfit")}
    return list(dict.fromkeys([version, "", *(f"{kind}/{named[word]}" for word, kind in KINDS.items() if named.get(word))]))


def _named_pictures(doc: Doc, entry: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Give (field path, path relative to the project folder) of every picture that the document names for this entry."""
    found = _listed(doc, parts_of(doc, entry))
    pose = entry.get("pose") or ""
    image = pose_image(doc, pose)
    return [*found, (f"poses.{pose}.image", image)] if image else found


def pose_image(doc: Doc, pose: str) -> str:
    """Path, relative to the project folder, of a pose's skeleton; "" for none."""
    return ((doc.data.get("poses") or {}).get(pose) or {}).get("image") or ""


def picture_folders(world: World, entry: Mapping[str, Any]) -> set[str]:
    """Folders below references/ that an entry of a scene or shot reads pictures from: `aki`, `aki/child`, `aki/outfits/coat`."""
    key = ("picture folders", *map(entry.get, _LOOKS))
    if key not in world.memo:
        world.memo[key] = _picture_folders(world, entry)
    return world.memo[key]  # type: ignore[no-any-return]  # set just above; nobody changes it


def _picture_folders(world: World, entry: Mapping[str, Any]) -> set[str]:
    who = entry["id"]
    doc = world.characters.get(who)
    if doc is None:
        return {who}
    folders = {f"{who}/{part}".rstrip("/") for part in parts_of(doc, entry)}
    return folders | {folder_of(file) for _, file in _named_pictures(doc, entry)}


def folder_of(file: str) -> str:
    """Folder below references/ that a picture of a project lies in; "" for references/ itself."""
    return file.removeprefix("references/").rpartition("/")[0]


def _names(world: World, scene: Doc, shot: Mapping[str, Any]) -> Iterator[tuple[str, str, str, Mapping[str, Any]]]:
    """Give (field path, what it is, name, what is known by such names) of everything that a shot names."""
    shot_path = f"shots.{shot['id']}"
    if location := shot.get("location") or scene.data.get("location"):
        yield f"{shot_path}.location" if shot.get("location") else "location", "location", location, world.locations
    for prefix, entries in ((f"{shot_path}.characters", shot.get("characters")), ("characters", scene.data.get("characters"))):
        for entry in entries or ():
            yield from _member(world, f"{prefix}.{entry['id']}", entry)
    for line in shot.get("dialogue") or ():
        yield f"{shot_path}.dialogue.{line['id']}.who", "character", line["who"], world.characters


def _member(world: World, path: str, entry: Mapping[str, Any]) -> Iterator[tuple[str, str, str, Mapping[str, Any]]]:
    yield f"{path}.id", "character", entry["id"], world.characters
    doc = world.characters.get(entry["id"])
    for word, plural in (("version", "versions"), ("outfit", "outfits")):
        if doc is not None and entry.get(word):
            yield f"{path}.{word}", f"{word} of {entry['id']}", entry[word], doc.data.get(plural) or {}


def _known(context: Context, scene: Doc, path: str, what: str, name: str, known: Mapping[str, Any]) -> bool:
    if name in known:
        return True
    if not context.world.perhaps(what, name):
        near = closest(name, known)
        problem = Problem(
            context.place(scene.file, scene.part, path),
            "missing-reference",
            f"there is no {what} called {name!r}",
            expected=f"one of {', '.join(sorted(known)) or 'none: nothing of that kind is defined'}",
            hint=f"did you mean {near!r}?" if near else f"define {name!r}, or correct the name",
            path=path,
        )
        if problem not in context.problems:
            context.problems.append(problem)
    return False


def portrait(world: World, who: Mapping[str, Any]) -> Reference | None:
    """First reference picture of a character in a shot: one that its document names, else of its version's folder, else of its own."""
    listed = listed_pictures(world.characters[who["id"]], who["version"])
    found = [reference_at(world, file) for _, file in listed]
    found += world.references.get((who["id"], who["version"])) or world.references.get((who["id"], "")) or ()
    return next((reference for reference in found if reference is not None), None)


def reference_at(world: World, file: str) -> Reference | None:
    """Find a reference picture by its path relative to the project folder."""
    if "pictures" not in world.memo:
        world.memo["pictures"] = {reference.path: reference for references in world.references.values() for reference in references}
    known: Mapping[str, Reference] = world.memo["pictures"]
    return known.get(f"{world.folder}/{file}")


def input_of(name: str, reference: Reference) -> Input:
    """Read a reference picture under an input name."""
    return Input(name, reference.content_digest, reference.file_digest, "." + reference.path.rsplit(".", 1)[-1].lower())
