"""Style is enforced: which words, LoRAs and checkpoint a project draws with, and the rules that no shot may break."""

from collections.abc import Iterator, Mapping
from typing import Any

from koma.core.problem import Place, Problem
from koma.core.prompt import character_words
from koma.core.world import World


def _style(world: World) -> Mapping[str, Any]:
    return world.style.data if world.style else {}


def checkpoint_of(world: World) -> str | None:
    """Checkpoint of the project, else of its style."""
    return world.project.data.get("checkpoint") or _style(world).get("checkpoint")


def look_of(world: World) -> tuple[list[str], list[str]]:
    """Words of style, project and bible: for the prompt, and for the negative prompt."""
    if "look" not in world.memo:
        bible = (world.bible.data.get("world") or {}) if world.bible else {}
        sources = [_style(world), world.project.data, bible]
        world.memo["look"] = ([s.get("prompt") or "" for s in sources], [s.get("negative") or "" for s in sources])
    return world.memo["look"]  # type: ignore[no-any-return]  # set just above


def loras_of(world: World, values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """LoRAs of style, project and everyone in the shot; the last one of a name wins."""
    found = [*(_style(world).get("loras") or ()), *(world.project.data.get("loras") or ())]
    for who in values["characters"]:
        found += who.get("loras") or ()
    return list({lora["name"]: lora for lora in found}.values())


def lora_row(lora: Mapping[str, Any]) -> dict[str, Any]:
    """Row of a `lora-list` parameter: name, strength, strength_clip."""
    strength = lora.get("strength", 0.8)
    return {"name": lora["name"], "strength": strength, "strength_clip": lora.get("strength_clip", strength)}


def cast_words(world: World, values: Mapping[str, Any]) -> str:
    """Words for everyone in a shot."""
    return "; ".join(words_of(world, who) for who in values["characters"])


def words_of(world: World, who: Mapping[str, Any]) -> str:
    """Words for one character in a shot."""
    key = ("words", id(who))  # shots that cast a character in the same way share one value, which the memo keeps alive
    if key not in world.memo:
        world.memo[key] = character_words(who), who
    return world.memo[key][0]  # type: ignore[no-any-return]  # set just above


def style_problems(world: World, template: str, params: Mapping[str, Any], place: Place) -> list[Problem]:
    """Say which rules of the style and of the project a shot's parameters break."""
    return [
        Problem(place, "style-rule", message, hint=f"change the shot, or the rule in {owner.file}")
        for owner in (world.style, world.project)
        if owner is not None and owner.data.get("rules")
        for message in _broken(owner.data["rules"], template, params)
    ]


def ranges_of(world: World) -> dict[str, dict[str, float]]:
    """Ranges that style and project allow, by parameter; the narrower end of both counts."""
    found: dict[str, dict[str, float]] = {}
    for data in (_style(world), world.project.data):
        for name, bound in ((data.get("rules") or {}).get("parameters") or {}).items():
            known = found.setdefault(name, {})
            known |= {end: narrower(bound[end], known.get(end, bound[end])) for end, narrower in _ENDS.items() if end in bound}
    return found


_ENDS = {"min": max, "max": min}


def _broken(rules: Mapping[str, Any], template: str, params: Mapping[str, Any]) -> Iterator[str]:
    checkpoint = params.get("checkpoint")
    if checkpoint is not None:
        yield from _stray("checkpoint", checkpoint, rules.get("checkpoints"))
    loras = [lora["name"] for lora in params.get("loras") or ()]
    for name in loras:
        yield from _stray("LoRA", name, rules.get("loras"))
    yield from _stray("template", template, rules.get("templates"))
    if rules.get("max_loras") is not None and len(loras) > rules["max_loras"]:
        yield f"{len(loras)} LoRAs, and the style allows {rules['max_loras']}"
    prompt = str(params.get("prompt", "")).casefold()
    yield from (
        f"the prompt says {word!r}, which the style forbids" for word in rules.get("forbid_words") or () if word.casefold() in prompt
    )
    yield from _out_of_bounds(rules.get("parameters") or {}, params)


def _stray(what: str, name: str, allowed: list[str] | None) -> Iterator[str]:
    if allowed is not None and name not in allowed:
        yield f"{what} {name!r} is not among the style's: {', '.join(allowed) or 'it allows none'}"


def _out_of_bounds(bounds: Mapping[str, Mapping[str, float]], params: Mapping[str, Any]) -> Iterator[str]:
    for name, bound in bounds.items():
        value = params.get(name)
        if isinstance(value, (int, float)) and not bound.get("min", value) <= value <= bound.get("max", value):
            yield f"{name} {value} is outside the style's {bound.get('min', '...')} to {bound.get('max', '...')}"
