"""What a target is measured against: the characters of its shot as cast, with their colours and pictures, and the style. Pure."""

from collections.abc import Mapping
from typing import Any

from koma.core.against import Against, Picture, Subject
from koma.core.casting import reference_at
from koma.core.references import looks
from koma.core.world import Reference, World

MOST_PICTURES = 12  # of one character: a mean over more says no more, and each is embedded once per model


def against_of(world: World, values: Mapping[str, Any]) -> Against:
    """Say what a shot, or a pose of a sheet, with these resolved values is measured against."""
    subjects = tuple(subject_of(world, who) for who in values.get("characters") or () if who["id"] in world.characters)
    return Against(subjects, _style(world), look_of(world), bool(world.project.data.get("commercial")))


def cast_key(world: World, values: Mapping[str, Any]) -> tuple[Any, ...]:
    """Everything of these resolved values that `against_of` reads, for the key of a memo: who is in the shot, in which colours."""
    cast = [who for who in values.get("characters") or () if who["id"] in world.characters]
    return tuple([(who["id"], who["version"], *(who.get("palette") or {}).items()) for who in cast])


def subject_of(world: World, who: Mapping[str, Any]) -> Subject:
    """One character as cast: `who` is a resolved entry (`resolve_character`). Pictures are those of its version, else of the character."""
    palette = who.get("palette") or {}
    key = ("subject", who["id"], who["version"], *sorted(palette.items()))
    if key not in world.memo:
        used = [reference for found in looks(world, world.characters[who["id"]], who["version"]) for reference in found.used]
        world.memo[key] = Subject(who["id"], who["version"], dict(palette), tuple(map(_picture, used[:MOST_PICTURES])))
    return world.memo[key]  # type: ignore[no-any-return]  # set just above


def look_of(world: World) -> str:
    """Tell what kind of pictures a project makes: as its style says, else drawn."""
    return (world.style.data.get("look") if world.style is not None else None) or "drawn"


def _style(world: World) -> tuple[Picture, ...]:
    if "style pictures" not in world.memo:
        files = (world.style.data.get("references") or ()) if world.style is not None else ()
        found = [reference_at(world, file) for file in files]
        world.memo["style pictures"] = tuple(_picture(r) for r in found if r is not None and r.content_digest)
    return world.memo["style pictures"]  # type: ignore[no-any-return]  # set just above


def _picture(reference: Reference) -> Picture:
    return Picture(reference.content_digest, reference.file_digest, "." + reference.path.rpartition(".")[2].lower())
