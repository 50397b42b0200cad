"""A small panel description in which every field says something, and ways to change it."""

import copy
from typing import Any

from PIL import Image

WIDTH, HEIGHT = 240, 136

PANEL: dict[str, Any] = {
    "format": 1,
    "phase": "still",
    "project": {"id": "lantern-street", "title": "Lantern Street"},
    "scene": {"id": "s01", "title": "A letter"},
    "shot": "sh010",
    "width": WIDTH,
    "height": HEIGHT,
    "fps": 24,
    "frames": 24,
    "seed": 7,
    "framing": "full",
    "angle": "eye",
    "camera": {"move": "static", "direction": "", "speed": 1.0},
    "action": "reads a letter",
    "time": "dusk",
    "mood": "calm",
    "weather": "",
    "location": {
        "id": "street",
        "name": "The street",
        "description": "a street",
        "palette": ["#c8624c", "#3d7482", "#e6a94a"],
        "features": ["lanterns", "houses"],
    },
    "characters": [
        {
            "id": "sora",
            "name": "Sora",
            "version": "adult",
            "outfit": "coat",
            "position": "left",
            "facing": "right",
            "expression": "neutral",
            "pose": "standing",
            "palette": {
                "hair": "#2c3560",
                "eyes": "#4f8fc9",
                "skin": "#f6d3b8",
                "outfit": "#b9854f",
                "primary": "#3d4f73",
                "accent": "#d84b3c",
            },
            "height": 1.0,
            "hair": "short",
            "reference": "reference:sora",
        },
    ],
    "dialogue": [{"id": "l1", "who": "sora", "name": "Sora", "text": "Who are you?"}],
}


def panel(*changes: tuple[str, Any], **fields: Any) -> dict[str, Any]:
    """Return the panel with some fields changed; a change is (path with dots, value), a field is one at the top."""
    made = copy.deepcopy(PANEL) | fields
    for path, value in changes:
        *parents, last = path.split(".")
        at: Any = made
        for key in parents:
            at = at[int(key) if isinstance(at, list) else key]
        at[int(last) if isinstance(at, list) else last] = copy.deepcopy(value)
    return made


def reference(colour: str = "teal") -> Image.Image:
    """Return a reference picture of one colour."""
    return Image.new("RGB", (64, 64), colour)
