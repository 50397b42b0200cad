"""Words for the picture: the prompt and the negative prompt of one resolved shot.

The order is fixed and part of what a graph's bytes depend on: look, framing, characters, action, place, time, mood, extras.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

_FRAMING = {
    "extreme-wide": "extreme wide shot",
    "wide": "wide shot",
    "full": "full body shot",
    "medium": "medium shot",
    "close-up": "close-up",
    "extreme-close-up": "extreme close-up",
    "over-shoulder": "over-the-shoulder shot",
    "insert": "insert shot",
}
_ANGLE = {
    "eye": "",
    "low": "low angle",
    "high": "high angle",
    "dutch": "dutch angle",
    "overhead": "view from above",
    "worm": "worm's-eye view",
}
_POSITION = {
    "left": "on the left",
    "right": "on the right",
    "far-left": "on the far left",
    "far-right": "on the far right",
    "background": "in the background",
}

# Names of colours as painters and prompt writers use them, with a typical value (sRGB).
_COLOURS = {
    "black": (20, 20, 24), "charcoal": (54, 57, 63), "grey": (128, 128, 128), "silver": (192, 192, 200), "white": (245, 245, 245),
    "red": (200, 30, 40), "crimson": (150, 15, 45), "pink": (240, 150, 180), "orange": (240, 130, 40), "amber": (255, 190, 60),
    "gold": (212, 175, 55), "yellow": (250, 225, 70), "blonde": (235, 210, 140), "brown": (110, 70, 40), "dark brown": (60, 40, 28),
    "tan": (210, 170, 125), "cream": (250, 235, 205), "olive": (110, 115, 50), "green": (50, 150, 70), "dark green": (20, 75, 45),
    "teal": (20, 130, 130), "cyan": (90, 210, 225), "sky blue": (120, 180, 235), "blue": (45, 85, 200), "navy": (28, 36, 85),
    "indigo": (70, 50, 140), "purple": (125, 60, 160), "lavender": (190, 170, 225), "magenta": (200, 50, 150),
}  # fmt: skip


def colour_name(value: str) -> str:
    """Name the colour nearest to `#rrggbb` by squared distance in sRGB; ties go to the first in the table."""
    rgb = tuple(int(value[i : i + 2], 16) for i in (1, 3, 5))
    return min(_COLOURS, key=lambda name: sum((a - b) ** 2 for a, b in zip(rgb, _COLOURS[name], strict=True)))


def _join(parts: Iterable[str | None]) -> str:
    said = [part.strip() for part in parts if part]
    return ", ".join(dict.fromkeys([part.strip(",") for part in said if part]))


_SLOTS = (("hair", "hair"), ("eyes", "eyes"), ("skin", "skin"), ("outfit", "clothes"))


def character_words(who: Mapping[str, Any]) -> str:
    """Words for one resolved character: base prompt, age, traits, palette, outfit, expression, pose, position."""
    palette = who.get("palette") or {}
    colours = [f"{colour_name(palette[slot])} {noun}" for slot, noun in _SLOTS if palette.get(slot)]
    age = who.get("age")
    years = f"{age} years old" if isinstance(age, int) else age
    traits = [str(value) for _, value in sorted((who.get("traits") or {}).items())]
    tail = [who.get("outfit_prompt"), who.get("expression_prompt"), who.get("pose_prompt"), _POSITION.get(who.get("position", ""), "")]
    return _join([who.get("base_prompt"), years, who.get("emotional_state"), *traits, *colours, *tail])


def character_negative(who: Mapping[str, Any]) -> str:
    """Words of the negative prompt for one resolved character: its own, those of its expression and of its pose."""
    return _join(who.get(name) for name in ("negative", "outfit_negative", "expression_negative", "pose_negative"))


def prompt_of(values: Mapping[str, Any], look: Sequence[str], characters: str, triggers: Sequence[str]) -> str:
    """Compose the prompt. `look` are words of style, project and bible, `characters` of everyone in the shot, `triggers` of the LoRAs."""
    location = values["location"] or {}
    place = location.get("prompt") or location.get("description")
    camera = values["camera"]
    move = f"camera {camera['move']} {camera['direction']}".strip() if camera["move"] != "static" else ""
    weather, mood = values["weather"], values["mood"]
    parts = [
        *triggers,
        *look,
        _FRAMING.get(values["framing"], values["framing"]),
        _ANGLE.get(values["angle"], ""),
        characters,
        values["action"],
    ]
    parts += [place, values["scene"]["prompt"], values["time"], weather, f"{mood} mood" if mood else "", values["prompt"], move]
    return _join(parts)


def negative_of(values: Mapping[str, Any], look: Sequence[str]) -> str:
    """Whole negative prompt: look, characters, place, scene, shot."""
    location = values["location"] or {}
    cast = map(character_negative, values["characters"])
    return _join([*look, *cast, location.get("negative"), values["scene"]["negative"], values["negative"]])
