"""Which reference pictures of a character are used, and which are refused and why. Pure: the pictures were decoded before.

Pictures come in pools: those of the character, of a version, of an outfit, an expression or a pose. What a document lists comes first,
then what lies in the folder, by path. Whatever is refused is told with its reason.
"""

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

from koma.core.casting import KINDS, listed_of, reference_at
from koma.core.document import Doc
from koma.core.problem import Place, Problem, Severity
from koma.core.sheet import versions_of
from koma.core.spec.standard import BASE_VERSION
from koma.core.world import Reference, World

SMALLEST = 512  # px on the shorter side; encoders of reference pictures read 224 px of a face, not of a whole figure


class Refusal(StrEnum):
    """Why a picture is not used."""

    UNREADABLE = "unreadable"
    SMALL = "small"
    DUPLICATE = "duplicate"
    PENDING = "pending"  # a Git LFS pointer, or a file that can't be read now: what reads it waits


class Refused(NamedTuple):
    """A picture that is not used: the reason, in words, and the field of the document that lists it, "" for none."""

    reference: Reference
    reason: Refusal
    words: str
    listed: str = ""


class Pool(NamedTuple):
    """Pictures that show the same: those that are used, in order, and those that are not."""

    used: tuple[Reference, ...] = ()
    refused: tuple[Refused, ...] = ()

    @property
    def pending(self) -> list[Reference]:
        """Pictures that are meant to be used and can't be read yet."""
        return [refused.reference for refused in self.refused if refused.reason is Refusal.PENDING]

    @property
    def blocking(self) -> list[Reference]:
        """Pictures without which nothing can be drawn: pending ones, and unreadable ones that a document lists."""
        return [r.reference for r in self.refused if r.reason is Refusal.PENDING or (r.listed and r.reason is Refusal.UNREADABLE)]


def sort_out(references: Sequence[tuple[str, Reference]]) -> Pool:
    """Sort pictures, each with the field that lists it ("" for none), into used and refused. The first of equal pictures is used."""
    used: dict[str, Reference] = {}
    refused: list[Refused] = []
    for listed, reference in references:
        objection = _objection(reference, used)
        if objection is None:
            used[reference.content_digest] = reference
        else:
            refused.append(Refused(reference, *objection, listed))
    return Pool(tuple(used.values()), tuple(refused))


def _objection(reference: Reference, used: Mapping[str, Reference]) -> tuple[Refusal, str] | None:
    if reference.pending:
        pointer = "it is a Git LFS pointer, not a picture"
        return Refusal.PENDING, pointer if reference.file_digest else "it can't be read for now"
    if reference.problem or not reference.content_digest:
        return Refusal.UNREADABLE, reference.problem or "it can't be decoded"
    shorter = min(reference.width, reference.height)
    if 0 < shorter < SMALLEST:
        size = f"{reference.width} x {reference.height} px"
        return Refusal.SMALL, f"it is {size}, and a reference needs {SMALLEST} px on its shorter side"
    if reference.content_digest in used:
        return Refusal.DUPLICATE, f"it shows the same as {used[reference.content_digest].path}"
    return None


def pool(world: World, doc: Doc, part: str) -> Pool:
    """Pictures of one part of a character: "" for itself, `child` for a version, `outfits/coat`, `expressions/smile`, `poses/walking`."""
    key = ("pool", doc.id, part)
    if key not in world.memo:
        world.memo[key] = sort_out(list(_found(world, doc, part)))
    return world.memo[key]  # type: ignore[no-any-return]  # set just above


def _found(world: World, doc: Doc, part: str) -> Iterator[tuple[str, Reference]]:
    """Give each picture of a part once: listed ones, then those of its folder. Skeletons of poses show nobody."""
    field, files = listed_of(doc, part)
    found = [(field, reference_at(world, file)) for file in files]
    found += [("", reference) for reference in world.references.get((doc.id, part)) or ()]
    seen = {f"{world.folder}/{pose['image']}" for pose in (doc.data.get("poses") or {}).values() if pose.get("image")}
    for listed, reference in found:
        if reference is not None and reference.path not in seen:
            seen.add(reference.path)
            yield listed, reference


def looks(world: World, doc: Doc, version: str) -> list[Pool]:
    """Pools that show a character in one version, first those that are used: the version's own, else the character's."""
    own = [pool(world, doc, version)] if version else []
    if own and (own[0].used or own[0].blocking):
        return own
    return [pool(world, doc, ""), *own]


def pools_of(world: World, who: Mapping[str, Any]) -> list[Pool]:
    """Pools of a character in a shot: its looks, then outfit, expression and pose."""
    doc = world.characters[who["id"]]
    worn = [f"{plural}/{who[kind]}" for kind, plural in KINDS.items() if who.get(kind)]
    return [*looks(world, doc, who["version"]), *(pool(world, doc, part) for part in worn)]


def choose(pools: Sequence[Pool], count: int) -> tuple[Reference, ...]:
    """At most `count` pictures, different ones, in the order of the pools; the first of each pool goes before the second of any."""
    longest = max((len(found.used) for found in pools), default=0)
    chosen: dict[str, Reference] = {}
    for reference in (r for rank in range(longest) for found in pools for r in found.used[rank : rank + 1]):
        if len(chosen) < count:
            chosen.setdefault(reference.content_digest, reference)
    kept = set(chosen.values())
    return tuple(reference for found in pools for reference in found.used if reference in kept)


def refusals(pools: Sequence[Pool]) -> list[Problem]:
    """Problems of pictures that are not used: a warning each, an error where a document lists the picture."""
    return [_problem(refused) for found in pools for refused in found.refused if refused.reference not in found.blocking]


def _problem(refused: Refused) -> Problem:
    severity = Severity.ERROR if refused.listed else Severity.WARNING
    if refused.reason is Refusal.UNREADABLE:
        return picture_problem(refused.reference.path, refused.words)._replace(severity=severity)
    listed = f", though `{refused.listed}` lists it" if refused.listed else ""
    hint = _HINTS[refused.reason]
    return Problem(Place(refused.reference.path), "refused-reference", f"not used{listed}: {refused.words}", hint=hint, severity=severity)


_HINTS = {
    Refusal.SMALL: "put a larger picture in its place",
    Refusal.DUPLICATE: "remove one of them",
}


def picture_problem(path: str, problem: str) -> Problem:
    """Word what is wrong with a reference picture."""
    if problem == "git-lfs-pointer":
        return Problem(Place(path), problem, "this is a Git LFS pointer, not a picture", hint="git lfs pull")
    return Problem(
        Place(path), "unreadable-image", f"this picture can't be decoded: {problem}", hint="export it again, or take it out of references/"
    )


def unreadable(world: World) -> Iterator[tuple[Reference, Problem]]:
    """Give the reference pictures that can't be decoded. Of one whose file can't be read the snapshot tells."""
    for references in world.references.values():
        for reference in references:
            if reference.problem and reference.file_digest:
                yield reference, picture_problem(reference.path, reference.problem)


def sheet_problem(world: World, doc: Doc) -> Problem | None:
    """Say which version of a character has a sheet and no picture to draw it from; its place is for the caller to find."""
    for version in versions_of(doc):
        pools = looks(world, doc, "" if version == BASE_VERSION else version)
        if not any(found.used or found.blocking for found in pools):
            return _without_pictures(doc, version, [refused for found in pools for refused in found.refused])
    return None


def _without_pictures(doc: Doc, version: str, refused: Sequence[Refused]) -> Problem:
    what = f"the sheet of {doc.id}" + (f", version {version}," if version != BASE_VERSION else "")
    why = f" ({len(refused)} refused: {refused[0].reference.path}: {refused[0].words})" if refused else ""
    folder = f"references/{doc.id}/" + (f"{version}/" if version != BASE_VERSION else "")
    expected = f"pictures of at least {SMALLEST} px in {folder}"
    message = f"{what} is drawn from reference pictures, and there is none that can be used{why}"
    return Problem(Place(doc.file), "no-references", message, expected, "add some, or take `sheet` out", "sheet")
