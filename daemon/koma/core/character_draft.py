"""The first draft of a character's document: YAML text with comments, and a palette guessed from pictures. Pure.

The guess is a beginning for a person to correct, and the text says so.
"""

from collections.abc import Callable, Mapping, Sequence

from koma.core.identity import Shade
from koma.core.yamlscalar import scalar

_PAPER = (70.0, 10.0)  # at least this light, and at most this far from grey
_SKIN = ((50.0, 95.0), (3.0, 28.0), (6.0, 40.0))  # ranges of L*, a* and b* that skin is drawn in
_DARK = 72.0


def guess_palette(shades: Sequence[Shade]) -> dict[str, str]:
    """Guess which of the colours of pictures, largest share first, are skin, hair, clothes and accent.

    The largest light grey counts as paper. Skin is the largest colour in the range of drawn skin, hair the largest of the others that
    is not bright, clothes the next one, and the accent what is left and farthest from grey. What is not found is left out.
    """
    left = [shade for shade in shades if shade is not _first(shades, _is_paper)]
    found: dict[str, str] = {}
    for slot, fits in (("skin", _is_skin), ("hair", _is_dark), ("outfit", _is_any)):
        shade = _first(left, fits)
        if shade is not None:
            found[slot] = shade.colour
            left.remove(shade)
    if left:
        found["accent"] = max(left, key=_chroma).colour
    order = ("hair", "skin", "outfit", "accent")
    return {slot: found[slot] for slot in order if slot in found}


def _first(shades: Sequence[Shade], fits: Callable[[Shade], bool]) -> Shade | None:
    return next((shade for shade in shades if fits(shade)), None)


def _chroma(shade: Shade) -> float:
    return float((shade.lab[1] ** 2 + shade.lab[2] ** 2) ** 0.5)


def _is_paper(shade: Shade) -> bool:
    return shade.lab[0] >= _PAPER[0] and _chroma(shade) <= _PAPER[1]


def _is_skin(shade: Shade) -> bool:
    return all(low <= value <= high for value, (low, high) in zip(shade.lab, _SKIN, strict=True))


def _is_dark(shade: Shade) -> bool:
    return shade.lab[0] <= _DARK


def _is_any(_shade: Shade) -> bool:
    return True


def character_text(
    character: str, name: str, versions: Sequence[str], palettes: Mapping[str, Sequence[Shade]], *, schema: str, folder: str
) -> str:
    """Write the document of a new character.

    `palettes` are the colours of the pictures by version, "" for the character itself; `schema` is the path to the schema from the
    document, "" for none; `folder` is where the pictures lie, for the comment.
    """
    lines = [f"# yaml-language-server: $schema={schema}"] if schema else []
    lines += [
        f"# A first draft, made from the pictures in {folder}. Correct what is wrong, and say what the pictures can't.",
        "kind: character",
        f"id: {scalar(character)}",
        f"name: {scalar(name)}",
        "# What is always true of the looks, in words of a prompt:",
        "# base_prompt: young woman, short black hair, freckles",
        "# traits: {hair: bob, build: slight}",
        *_palette("", palettes.get("") or next(iter(palettes.values()), ())),
    ]
    if versions:
        lines += ["# The same person at another age or in another state says only what differs.", "versions:"]
        for version in versions:
            own = _palette("    ", palettes.get(version, ()) if "" in palettes else ())
            lines += [f"  {scalar(version)}:" if own else f"  {scalar(version)}: {{}}", *own]
        lines += [f"default_version: {scalar(versions[0])}"] if "" not in palettes else []
    lines += [
        "# outfits:",
        "#   raincoat: yellow raincoat, too large",
        "# A sheet in eight poses, drawn before any shot:",
        f"# sheet: {{versions: [{', '.join(['base', *map(scalar, versions)])}]}}" if versions and "" in palettes else "# sheet: true",
    ]
    return "\n".join(lines) + "\n"


def _palette(indent: str, shades: Sequence[Shade]) -> list[str]:
    if not shades:
        return []
    seen = ", ".join(f"{shade.colour} {shade.share:.0%}" for shade in shades)
    guessed = [f'{indent}  {slot}: "{colour}"' for slot, colour in guess_palette(shades).items()]
    head = [f"{indent}# Guessed from the pictures, whose colours are {seen}", f"{indent}# (other slots: eyes, primary):"]
    return [*head, f"{indent}palette:", *guessed] if guessed else []
