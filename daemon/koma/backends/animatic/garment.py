"""Clothes in free words: cut, colours, and small differences that tell one outfit from another."""

from dataclasses import dataclass

from koma.backends.animatic.colour import RGB, chance
from koma.backends.animatic.light import has
from koma.backends.animatic.panel import Actor

_KINDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("coat", ("coat", "trench", "rain", "cloak", "cape", "jacket", "winter", "parka")),
    ("robe", ("yukata", "kimono", "robe", "haori", "festival")),
    ("dress", ("dress", "gown", "skirt", "pinafore")),
    ("apron", ("apron", "baker", "cook", "keeper", "work")),
    ("uniform", ("uniform", "school", "sailor", "suit")),
    ("hoodie", ("hood", "sweat", "pullover", "sweater", "knit")),
)
_FRONTS = 4  # trims of a hem: none, a band, dots, two bands
_SCARVES = 4  # of those whose outfit says nothing, one in so many wears a scarf


@dataclass(frozen=True, slots=True)
class Garment:
    """What a character wears. `pattern` is how the hem is trimmed, 0 not at all to 3."""

    kind: str
    cloth: RGB
    legs: RGB
    trim: RGB
    pattern: int
    scarf: bool
    hood: bool
    cuffs: bool


def garment_of(actor: Actor, cloth: RGB, legs: RGB, trim: RGB) -> Garment:
    """Read an outfit; words that say nothing choose cut and trim by chance, the same every time."""
    kind = next((name for name, stems in _KINDS if has(actor.outfit, *stems)), "")
    dice = chance("garment", actor.id, actor.outfit, actor.version)
    pattern, cuffs = dice.randrange(_FRONTS), dice.choice((False, True))
    scarf = has(actor.outfit, "scarf", "winter") or (not actor.outfit and not dice.randrange(_SCARVES))
    return Garment(kind or dice.choice(("shirt", "hoodie")), cloth, legs, trim, pattern, scarf, has(actor.outfit, "rain", "cloak"), cuffs)
