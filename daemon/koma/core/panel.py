"""The resolved panel description: what the animatic backend draws, and the value that its render keys are made of."""

from collections.abc import Mapping
from typing import Any

from koma.core.words import Phase

PANEL_FORMAT = 1
LONGEST_SIDE = 960  # px; a storyboard needs no more, and clips stay quick to draw


def panel_size(width: int, height: int) -> tuple[int, int]:
    """Size of a panel in px: the project's shape, its longest side at most LONGEST_SIDE, both even."""
    scale = min(1.0, LONGEST_SIDE / max(width, height))
    return max(2, round(width * scale / 2) * 2), max(2, round(height * scale / 2) * 2)


def panel_of(values: Mapping[str, Any], project: Mapping[str, Any], phase: str, seed: int, references: Mapping[str, str]) -> dict[str, Any]:
    """Panel of one phase of a resolved shot. `references` maps a character id to the input name of its picture."""
    width, height = panel_size(values["width"], values["height"])
    still = phase == Phase.STILL
    return {
        "format": PANEL_FORMAT,
        "phase": str(phase),
        "project": {"id": project["id"], "title": project.get("title", project["id"])},
        "scene": {"id": values["scene"]["id"], "title": values["scene"]["title"]},
        "shot": values["shot"],
        "width": width,
        "height": height,
        "fps": values["fps"],
        "frames": 1 if still else values["frames"],
        "seed": seed,
        **{key: values[key] for key in ("framing", "angle", "camera", "action", "time", "mood", "weather", "dialogue")},
        "location": _place(values["location"]),
        "characters": [_figure(who, references.get(who["id"])) for who in values["characters"]],
    }


def _place(location: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if location is None else {key: location[key] for key in ("id", "name", "description", "palette", "features")}


def _figure(who: Mapping[str, Any], reference: str | None) -> dict[str, Any]:
    return {
        **{key: who.get(key) or "" for key in ("id", "name", "version", "outfit", "position", "facing", "expression", "pose")},
        "palette": dict(who.get("palette") or {}),
        "height": who.get("height") or 1.0,
        "hair": (who.get("traits") or {}).get("hair", ""),
        "reference": reference,
    }
