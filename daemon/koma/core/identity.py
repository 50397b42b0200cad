"""Identity records: what makes one version of a character look like itself, in numbers that can be checked. Pure.

A record names the pictures that are used and refused, the colours that the document gives beside those that the pictures show, and marks
of the drawing style, each with its definition. What nobody measured is null and says why.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from koma.core.faces import NOBODY, FaceMarks, Looking, faces_of
from koma.core.keys import digest
from koma.core.references import Pool, Refused
from koma.core.world import Reference

RECORD_FORMAT = 1
MARKS_VERSION = "2"
SAME = 10.0  # CIE 1976 difference below which two colours count as one
_SHADES = 8

Lab = tuple[float, float, float]


class Shade(NamedTuple):
    """One colour of a picture: as `#rrggbb`, in CIE 1976 L*a*b* (D65), and its share of the picture, 0..1."""

    colour: str
    lab: Lab
    share: float


class Marks(NamedTuple):
    """What is measured of one picture. The definitions are in DEFINITIONS."""

    shades: tuple[Shade, ...]
    line_density: float
    saturation: float
    contrast: float
    flat_regions: float

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values, for a cache."""
        return {**self._asdict(), "shades": [list(shade) for shade in self.shades]}

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> "Marks":
        """Read what `to_json` gave. Raises LookupError, TypeError, ValueError for anything else."""
        shades = tuple(Shade(str(colour), _lab(lab), float(share)) for colour, lab, share in data["shades"])
        return Marks(shades, *(float(data[name]) for name in DEFINITIONS))


DEFINITIONS = {
    "line_density": (
        "share of the picture, 0..1",
        "how much of the picture is edge: pixels where lightness changes by more than a quarter of its range (Sobel operator)",
    ),
    "saturation": ("0..1", "mean of (max - min) / max over the red, green and blue of each pixel"),
    "contrast": ("0..1", "standard deviation of the lightness L*, divided by 100"),
    "flat_regions": (
        "regions",
        "connected areas of one colour, of at least 0.2 % of the picture, once each pixel has the nearest of its dominant colours",
    ),
}
"""Style markers: unit and definition. All are measured on the picture made smaller to 256 px, without its transparent parts."""


def _lab(values: Sequence[float]) -> Lab:
    lightness, a, b = values
    return float(lightness), float(a), float(b)


def identity_record(
    who: Mapping[str, Any],
    version: str,
    looks: Sequence[Pool],
    overlays: Mapping[str, Pool],
    marks: Mapping[str, Marks],
    lab: Callable[[str], Lab],
    faces: Mapping[str, FaceMarks] = MappingProxyType({}),
    looking: Looking = NOBODY,
) -> dict[str, Any]:
    """Make the record of one version.

    `who` is the resolved character, `looks` the pools that show the version, `overlays` those of outfits, expressions and poses by part
    (`outfits/coat`), `marks` what was measured by content digest, `lab` gives the L*a*b* of `#rrggbb`. `faces` is what `looking` found, by
    content digest.
    """
    used = [reference for found in looks for reference in found.used]
    seen = [marks[reference.content_digest] for reference in used if reference.content_digest in marks]
    shown = merged_shades(seen)
    record = {
        "format_version": RECORD_FORMAT,
        "character": who["id"],
        "name": who["name"],
        "version": version,
        "images": [image(reference) for reference in used],
        "refused": [refusal(refused) for found in looks for refused in found.refused],
        "overlays": {
            part: {"images": [image(r) for r in found.used], "refused": [refusal(r) for r in found.refused]}
            for part, found in overlays.items()
        },
        "palette": {
            "definition": "CIE 1976 L*a*b* of sRGB, white D65; difference: the distance in it to the nearest colour of the pictures",
            "slots": {slot: _slot(colour, lab(colour), shown) for slot, colour in sorted((who.get("palette") or {}).items())},
            "measured": [_shade(shade) for shade in shown],
        },
        "style": style_of(seen, len(used)),
        **faces_of(used, faces, looking),
    }
    return {**record, "digest": _digest(record, used)}


def _digest(record: Mapping[str, Any], used: Iterable[Reference]) -> str:
    """Digest of what is seen: pixels of the pictures that are used, colours, and marks; paths and names are not in it."""
    return digest([record["version"], [r.content_digest for r in used], record["palette"], record["style"]])


def image(reference: Reference) -> dict[str, Any]:
    """Describe a picture that is used, for a record."""
    return {
        "path": reference.path,
        "content_digest": reference.content_digest,
        "file_digest": reference.file_digest,
        "width": reference.width,
        "height": reference.height,
    }


def refusal(refused: Refused) -> dict[str, Any]:
    """Describe a picture that is not used, for a record."""
    return {"path": refused.reference.path, "reason": str(refused.reason), "why": refused.words, "listed": refused.listed}


def _slot(colour: str, value: Lab, shown: Sequence[Shade]) -> dict[str, Any]:
    nearest = min(shown, key=lambda shade: difference(shade.lab, value), default=None)
    found = {"nearest": nearest.colour, "difference": round(difference(nearest.lab, value), 1)} if nearest else {}
    return {"colour": colour.lower(), "lab": list(value), **found}


def _shade(shade: Shade) -> dict[str, Any]:
    return {"colour": shade.colour, "lab": list(shade.lab), "share": round(shade.share, 3)}


def difference(one: Lab, other: Lab) -> float:
    """Distance of two colours in L*a*b* (CIE 1976, delta E*ab)."""
    return float(sum((a - b) ** 2 for a, b in zip(one, other, strict=True)) ** 0.5)


def merged_shades(seen: Sequence[Marks]) -> list[Shade]:
    """Colours of several pictures, each picture counting the same, largest share first.

    Colours less than SAME apart are one, which looks like the largest of them.
    """
    merged: list[Shade] = []
    for shade in sorted((shade for marks in seen for shade in marks.shades), key=lambda shade: (-shade.share, shade.colour)):
        share = shade.share / len(seen)
        near = next((index for index, other in enumerate(merged) if difference(other.lab, shade.lab) < SAME), None)
        if near is None:
            merged.append(shade._replace(share=share))
        else:
            merged[near] = merged[near]._replace(share=merged[near].share + share)
    return sorted(merged, key=lambda shade: (-shade.share, shade.colour))[:_SHADES]


def style_of(seen: Sequence[Marks], count: int) -> dict[str, Any]:
    """Means of the style markers over the pictures that were measured, with how many that were of `count`."""
    markers = {
        name: {
            "value": round(sum(getattr(marks, name) for marks in seen) / len(seen), 4) if seen else None,
            "unit": unit,
            "definition": definition,
        }
        for name, (unit, definition) in DEFINITIONS.items()
    }
    return {"measured": len(seen), "of": count, **markers}
