#!/usr/bin/env python3
"""Draws the reference pictures of this project: one portrait for each version of each character, from the palettes in its documents.

Run it from anywhere: `python projects/lantern-street/draw_references.py`. It writes references/<character>/<version>/portrait.png.
"""

from pathlib import Path
from typing import Any

import yaml
from PIL import Image, ImageDraw

from koma.backends.animatic.colour import INK, PAPER, RGB, lighter, mix
from koma.backends.animatic.face import Expression
from koma.backends.animatic.figure import Acting, Look, draw_figure, look_of
from koma.backends.animatic.furniture import font
from koma.backends.animatic.motion import Moment
from koma.backends.animatic.panel import Actor
from koma.backends.animatic.poses import Pose
from koma.backends.animatic.shapes import Pen, add_light, gradient
from koma.pixels.colour import parse

HERE = Path(__file__).resolve().parent
SIDE = 640  # px
FINE = 3  # drawn this many times larger
WHITE_LIGHT = (1.0, 1.0, 1.0)
NOW = Moment(index=0, seconds=0.0, progress=0.0, total=1.0, loops=False, still=True)


def main() -> None:
    """Draw every version of every character."""
    for file in sorted((HERE / "characters").glob("*.yaml")):
        character = yaml.safe_load(file.read_text(encoding="utf-8"))
        for version, overlay in character["versions"].items():
            target = HERE / "references" / character["id"] / version / "portrait.png"
            target.parent.mkdir(parents=True, exist_ok=True)
            _portrait(_actor(character, version, overlay)).save(target, optimize=True)


def _actor(character: dict[str, Any], version: str, overlay: dict[str, Any]) -> Actor:
    palette = character["palette"] | overlay.get("palette", {})
    traits = character["traits"] | overlay.get("traits", {})
    return Actor(
        id=character["id"],
        name=character["name"],
        version=version,
        outfit=_outfit(character, version),
        position="center",
        facing="right",
        expression="",
        pose="",
        palette={slot: parse(colour) for slot, colour in palette.items()},
        height=1.0,
        hair=traits["hair"],
        reference=None,
    )


def _outfit(character: dict[str, Any], version: str) -> str:
    """Each version in what it is mostly seen in: children in the outfit of their own, adults in the coat."""
    own: dict[str, str] = {"sora": "festival-yukata", "pim": "raincoat"}
    return "lamplighter-coat" if version == "adult" else own[character["id"]]


def _portrait(actor: Actor) -> Image.Image:
    """Head and shoulders, three quarters to the right, over a soft ground with the character's colours below."""
    tint = mix(actor.palette["primary"], (255, 244, 224), 0.62)
    picture = gradient((SIDE, SIDE), [(0.0, lighter(tint, 0.45)), (1.0, tint)])
    add_light(picture, (SIDE * 0.5, SIDE * 0.42), SIDE * 0.62, (70, 58, 40))
    figure = _figure(look_of(actor, WHITE_LIGHT), actor)
    picture.paste(figure, (0, 0), figure)
    _swatches(picture, actor)
    return picture


def _figure(look: Look, actor: Actor) -> Image.Image:
    sheet = Image.new("RGBa", (SIDE * FINE, SIDE * FINE))
    unit = SIDE * FINE * 1.55

    def place(point: tuple[float, float]) -> tuple[float, float]:
        return SIDE * FINE * 0.5 + point[0] * unit, SIDE * FINE * 0.17 + (point[1] + 1.0) * unit

    pen = Pen(sheet, place, lambda _point: unit, look.ink, 0.0036)
    kind = Expression(lift=0.04, blush=0.55) if actor.id == "pim" else Expression(blush=0.4)
    draw_figure(pen, look, Acting(Pose(tilt=3.0), kind, actor.facing, "", NOW, 0.0, 0.03))
    return sheet.reduce(FINE).convert("RGBA")


def _swatches(picture: Image.Image, actor: Actor) -> None:
    draw = ImageDraw.Draw(picture)
    slots: list[RGB] = list(actor.palette.values())
    size, top = SIDE * 0.055, SIDE * 0.925
    for number, colour in enumerate(slots):
        x = SIDE * 0.95 - (len(slots) - number) * size * 1.25
        draw.rounded_rectangle((x, top, x + size, top + size * 0.9), radius=size * 0.25, fill=colour, outline=INK, width=2)
    draw.rounded_rectangle((SIDE * 0.03, top - 4, SIDE * 0.44, top + size * 0.9 + 4), radius=10, fill=PAPER, outline=INK, width=2)
    draw.text((SIDE * 0.05, top + size * 0.45), f"{actor.name}  ·  {actor.version}", fill=INK, font=font(24), anchor="lm")


if __name__ == "__main__":
    main()
