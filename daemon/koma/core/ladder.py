"""What to submit when memory runs out: a target's parameters after each rung of its template's ladder. Pure."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from koma.core.template import Template

SIZE = ("width", "height")
LENGTH = ("frames", "fps")  # what a clip must have, whatever it takes
_ACROSS, _DOWN = ("x", "width"), ("y", "height")


class Rung(NamedTuple):
    """One step down: what is given up so far, in words, all parameters, and what it changes in what the file contract compares with."""

    name: str
    params: dict[str, Any]
    expect: dict[str, Any]


def rungs(template: Template, params: Mapping[str, Any], *, segment: bool = False) -> list[Rung]:
    """Every step down from bound parameters, the least harmful first; it ends before one that would change the length of a clip.

    The size of a `segment` is never changed: it is joined with others. Places of characters in a picture shrink with it.
    """
    fixed = (*LENGTH, *SIZE) if segment else LENGTH
    found: list[Rung] = []
    for number in range(1, len(template.ladder) + 1):
        reduced = template.reduced(params, number)
        changed = {name: value for name, value in reduced.items() if value != params.get(name)}
        if any(name in changed for name in fixed):
            break
        if changed and (not found or reduced != found[-1].params):
            name = ", ".join(f"{name}: {value}" for name, value in sorted(changed.items()))
            found.append(Rung(name, _with_places(reduced, params), {key: reduced[key] for key in SIZE if key in changed}))
    return found


def _with_places(reduced: dict[str, Any], params: Mapping[str, Any]) -> dict[str, Any]:
    cast = reduced.get("characters")
    if not cast or all(reduced.get(name) == params.get(name) for name in SIZE):
        return reduced
    across, down = (reduced[name] / params[name] if params.get(name) else 1.0 for name in SIZE)
    return {**reduced, "characters": [_moved(who, across, down) for who in cast]}


def _moved(who: Mapping[str, Any], across: float, down: float) -> dict[str, Any]:
    boxes = {name: _box(who[name], across, down) for name in ("region", "pose") if who.get(name)}
    return {**who, **boxes}


def _box(box: Mapping[str, Any], across: float, down: float) -> dict[str, Any]:
    sides = {name: int(box[name] * across) for name in _ACROSS} | {name: int(box[name] * down) for name in _DOWN}
    return {**box, **sides, "width": max(1, sides["width"]), "height": max(1, sides["height"])}
