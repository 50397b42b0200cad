"""The resolved panel description: what the animatic backend draws, and the value that its render keys are made of."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from koma.core.node_rules import placeholder
from koma.core.words import Phase

PANEL_FORMAT = 1
LONGEST_SIDE = 960  # px; a storyboard needs no more, and clips stay quick to draw
SHEET_SIZE = 640  # px, both sides of a pose of a character sheet


class Span(NamedTuple):
    """Which part of a clip a panel makes: `frames` frames from frame `start` on, from 0, of a clip of `of` frames.

    What lies beyond the clip repeats its last frame.
    """

    start: int
    frames: int
    of: int


def panel_size(width: int, height: int) -> tuple[int, int]:
    """Size of a panel in px: the project's shape, its longest side at most LONGEST_SIDE, both even."""
    scale = min(1.0, LONGEST_SIDE / max(width, height))
    return max(2, round(width * scale / 2) * 2), max(2, round(height * scale / 2) * 2)


def panel_of(
    values: Mapping[str, Any],
    project: Mapping[str, Any],
    phase: str,
    seed: int,
    references: Mapping[str, str],
    *,
    span: Span | None = None,
    follows: str = "",
) -> dict[str, Any]:
    """Panel of one phase of a resolved shot; the phase `animatic` looks at the video. `references`: character id → input name.

    `span` is for a segment of a clip. `follows` names the input (`last`) that is the first frame of this segment, as it is.
    """
    width, height = panel_size(values["width"], values["height"])
    still = phase == Phase.STILL
    return {
        "format": PANEL_FORMAT,
        "phase": str(Phase.VIDEO if phase == Phase.ANIMATIC else phase),
        "project": _titled(project),
        "scene": {"id": values["scene"]["id"], "title": values["scene"]["title"]},
        "shot": values["shot"],
        "width": width,
        "height": height,
        "fps": values["fps"],
        "frames": 1 if still else span.frames if span else values["frames"],
        "seed": seed,
        **({"span": {"start": span.start, "of": span.of}} if span else {}),
        **({"follows": placeholder(follows)} if follows else {}),
        **{key: values[key] for key in ("framing", "angle", "camera", "action", "time", "mood", "weather", "dialogue")},
        "location": _place(values["location"]),
        "characters": [_figure(who, references.get(who["id"])) for who in values["characters"]],
    }


def sheet_panel_of(
    who: Mapping[str, Any],
    project: Mapping[str, Any],
    pose: str,
    seed: int,
    references: Mapping[str, str],
    size: int = SHEET_SIZE,
) -> dict[str, Any]:
    """Panel of one pose of a character's sheet: `who` is the resolved character, `pose` a word of its poses, `size` the sides in px."""
    return {
        "format": PANEL_FORMAT,
        "phase": str(Phase.STILL),
        "sheet": pose,
        "project": _titled(project),
        "width": size,
        "height": size,
        "frames": 1,
        "seed": seed,
        "characters": [_figure(who, references.get(who["id"]))],
    }


def _titled(project: Mapping[str, Any]) -> dict[str, str]:
    return {"id": project["id"], "title": project.get("title", project["id"])}


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
