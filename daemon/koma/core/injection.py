"""What of the characters goes into a graph: words, pictures, weights, sheet poses, pose pictures, and the share of the canvas for each.

The same for every template that takes characters. Pure; what depends on the character alone is found once per world.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from koma.core.casting import KINDS, input_of, pose_image, reference_at
from koma.core.document import Doc
from koma.core.draft import Input
from koma.core.node_rules import PLACEHOLDER
from koma.core.problem import Place, Problem, Severity
from koma.core.prompt import character_negative
from koma.core.references import choose, pools_of, refusals
from koma.core.sheet import has_sheet, poses_of, versions_of
from koma.core.spec.standard import BASE_VERSION, CHARACTER_HEIGHT, REFERENCE_WEIGHT
from koma.core.style import words_of
from koma.core.target import SHEETS, Read
from koma.core.template import CharacterNeeds, Template
from koma.core.world import Reference, World

_GRID = 8  # px; what a latent picture can be split at
_ORDER = {"far-left": -2, "left": -1, "right": 1, "far-right": 2}
# How much of the canvas a character of height 1.0 fills; a pose for a closer framing is drawn as it is to be seen.
_SHARE = {"extreme-wide": 0.4, "wide": 0.65, "full": 0.95}


class Injected(NamedTuple):
    """What a graph gets of its characters: the parameter `characters`, the pictures and targets that it names, and Problems.

    `sheets` are id prefixes of sheets that have to be drawn first (`p/characters/aki/adult`).
    """

    characters: list[dict[str, Any]]
    inputs: tuple[Input, ...] = ()
    reads: tuple[Read, ...] = ()
    sheets: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()


class Box(NamedTuple):
    """A rectangle of the canvas, in px."""

    x: int
    y: int
    width: int
    height: int


class _Look(NamedTuple):
    """Pictures of one character as cast: references, those that hold the shot, its pose picture, and Problems."""

    references: tuple[Reference, ...]
    blocking: tuple[Reference, ...]
    pose: Reference | None
    problems: tuple[Problem, ...]


def inject(world: World, values: Mapping[str, Any], template: Template, width: int, height: int) -> Injected:
    """Work out what a template gets of the characters of a resolved shot, on a canvas of `width` x `height` px.

    A picture that holds the shot is an input without a content digest. Who is one too many is told in words only, with a warning.
    """
    needs = template.characters
    if needs is None or not values["characters"]:
        return Injected([])
    cast = in_picture_order(values["characters"][: needs.max])
    seen = [_look(world, who, needs) for who in cast]
    regions = regions_of(len(cast), width, height)
    poses = pose_boxes([_sized(who, look.pose) for who, look in zip(cast, seen, strict=True)], regions, values["framing"], height)
    reads = [_sheet_reads(world, who, needs) for who in cast]
    characters = [
        _character(world, who, look, region, pose, read)
        for who, look, region, pose, read in zip(cast, seen, regions, poses, reads, strict=True)
    ]
    problems = [problem for look in seen for problem in look.problems]
    return Injected(
        characters,
        tuple(given for who, look in zip(cast, seen, strict=True) for given in _inputs(who["id"], look)),
        tuple(read for found in reads for read in found),
        tuple(dict.fromkeys(read.target.rpartition("/")[0] for found in reads for read in found)),
        tuple(dict.fromkeys(problems + _left_out(values["characters"][needs.max :], template.name, needs.max))),
    )


def in_picture_order(cast: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Characters from left to right; who stands at the same place keeps the order in which the shot names them."""
    return sorted(cast, key=lambda who: _ORDER.get(who.get("position") or "", 0))


def regions_of(count: int, width: int, height: int) -> list[Box]:
    """Split a canvas into columns of the same width, from left to right; edges lie on the grid of 8 px where there is room for it."""
    grid = _GRID if width >= count * _GRID else 1
    edges = [round(width * number / count / grid) * grid for number in range(count)] + [width]
    return [Box(left, 0, right - left, height) for left, right in pairwise(edges)]


def pose_boxes(figures: Sequence[tuple[float, float] | None], regions: Sequence[Box], framing: str, canvas: int) -> list[Box | None]:
    """Place the pose picture of each character in its region, feet on the lower edge of the canvas, of `canvas` px height.

    A figure is (height of the character, width of its picture as a share of the height), None without a picture. A height of 1.0 fills
    the share of the canvas that the framing gives. All are made smaller by the same factor if one does not fit.
    """
    share = _SHARE.get(framing, 1.0)
    wanted = [(share * canvas * figure[0], share * canvas * figure[0] * figure[1]) if figure else (0.0, 0.0) for figure in figures]
    rooms = zip(wanted, regions, strict=True)
    fit = min([1.0, *(room for (tall, wide), box in rooms if tall for room in (box.height / tall, box.width / wide))])
    return [_standing(tall * fit, wide * fit, region) if tall else None for (tall, wide), region in zip(wanted, regions, strict=True)]


def _standing(tall: float, wide: float, region: Box) -> Box:
    height, width = (max(1, min(room, round(size))) for size, room in ((tall, region.height), (wide, region.width)))
    return Box(region.x + (region.width - width) // 2, region.y + region.height - height, width, height)


def _sized(who: Mapping[str, Any], pose: Reference | None) -> tuple[float, float] | None:
    if pose is None or not pose.height:
        return None
    return who.get("height") or CHARACTER_HEIGHT, pose.width / pose.height


def _look(world: World, who: Mapping[str, Any], needs: CharacterNeeds) -> _Look:
    key = ("look", who["id"], who["version"], *(who.get(kind) for kind in KINDS), needs.references, needs.poses)
    if key not in world.memo:
        world.memo[key] = _look_anew(world, who, needs)
    return world.memo[key]  # type: ignore[no-any-return]  # set just above


def _look_anew(world: World, who: Mapping[str, Any], needs: CharacterNeeds) -> _Look:
    pools = pools_of(world, who) if needs.references else []
    file = pose_image(world.characters[who["id"]], who.get("pose") or "") if needs.poses else ""
    pose = reference_at(world, file) if file else None
    blocking = [reference for found in pools for reference in found.blocking]
    blocking += [pose] if pose is not None and not pose.content_digest else []
    return _Look(choose(pools, needs.references), tuple(blocking), pose, tuple(refusals(pools)))


def _sheet_reads(world: World, who: Mapping[str, Any], needs: CharacterNeeds) -> list[Read]:
    """Poses of the character's sheet that the template reads, as far as the sheet has them for this version."""
    doc, version = world.characters[who["id"]], who["version"] or BASE_VERSION
    if not needs.sheet or not has_sheet(doc) or version not in versions_of(doc):
        return []
    there = poses_of(doc)
    return [Read(f"{doc.id}.sheet.{pose}", f"{world.id}/{SHEETS}/{doc.id}/{version}/{pose}") for pose in needs.sheet if pose in there]


def _inputs(name: str, look: _Look) -> list[Input]:
    """Pictures under the names that the graph knows them by."""
    found = [input_of(f"{name}.{number}", reference) for number, reference in enumerate(look.references, 1)]
    found += [input_of(f"{name}.refused.{number}", reference) for number, reference in enumerate(look.blocking, 1)]
    return [*found, input_of(f"{name}.pose", look.pose)] if look.pose is not None and look.pose.content_digest else found


def _character(world: World, who: Mapping[str, Any], look: _Look, region: Box, pose: Box | None, reads: Sequence[Read]) -> dict[str, Any]:
    """One entry of the parameter `characters`."""
    name = who["id"]
    return {
        "id": name,
        "name": who["name"],
        "version": who["version"],
        "prompt": words_of(world, who),
        "negative": character_negative(who),
        "weight": weight_of(world.characters[name], who),
        "references": [f"{PLACEHOLDER}{name}.{number}" for number in range(1, len(look.references) + 1)],
        "sheet": [PLACEHOLDER + read.name for read in reads],
        "region": region._asdict(),
        "pose": {"image": f"{PLACEHOLDER}{name}.pose", **pose._asdict()} if pose is not None else None,
    }


def weight_of(doc: Doc, who: Mapping[str, Any]) -> float:
    """How strongly pictures of a character count: as pose, expression, outfit, version or character say, the first of them that does."""
    parts = (*reversed(KINDS.items()), ("version", "versions"))
    layers = [(doc.data.get(kind) or {}).get(who.get(word)) or {} for word, kind in parts]
    weights = ((layer.get("references") or {}).get("weight") for layer in (*layers, doc.data))
    return float(next((weight for weight in weights if weight is not None), REFERENCE_WEIGHT))


def _left_out(cast: Sequence[Mapping[str, Any]], template: str, most: int) -> list[Problem]:
    if not cast:
        return []
    names = ", ".join(who["id"] for who in cast)
    message = f"template {template} takes {most} characters with their pictures; {names} will be told in words only"
    hint = "name those first who matter most, or choose another template"
    return [Problem(Place(""), "too-many-characters", message, hint=hint, path="characters", severity=Severity.WARNING)]
