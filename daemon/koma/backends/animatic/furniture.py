"""The storyboard around the picture: the bar with shot, camera and timecode, subtitles, and model-sheet chips."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from PIL import Image, ImageDraw, ImageFont, ImageOps

from koma.backends.animatic.colour import INK, PAPER, RGB, darker, lighter, mix
from koma.backends.animatic.motion import Moment
from koma.backends.animatic.panel import Actor, Camera, Line, Panel
from koma.backends.animatic.shapes import SUPERSAMPLING

CORAL: RGB = (226, 92, 78)
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


@lru_cache(maxsize=32)
def font(size: int) -> Font:
    """Return the typeface that comes with Pillow, with its plain layout so that every machine sets it alike."""
    face = ImageFont.load_default(size=size)
    return face.font_variant(layout_engine=ImageFont.Layout.BASIC) if isinstance(face, ImageFont.FreeTypeFont) else face


def bar_height(height: int) -> int:
    """Height of the bar for a panel of this height, px."""
    return max(12, round(height * 0.088))


def fit(text: str, face: Font, width: float) -> str:
    """Shorten a text to a width with an ellipsis."""
    if face.getlength(text) <= width:
        return text
    while text and face.getlength(text + "...") > width:
        text = text[:-1]
    return text.rstrip() + "..." if text else ""


def wrap(text: str, face: Font, width: float, most: int) -> list[str]:
    """Break a text into at most so many lines."""
    lines: list[str] = []
    current = ""
    for word in text.split():
        longer = f"{current} {word}".strip()
        if face.getlength(longer) > width and current:
            lines.append(current)
            current = word
        else:
            current = longer
    lines.append(current)
    kept = lines[:most]
    kept[-1] = fit(" ".join(lines[most - 1 :]) if len(lines) > most else kept[-1], face, width)
    return [line for line in kept if line]


def timecode(index: int, fps: float) -> str:
    """Seconds and koma, as animators count: `2+07` is the eighth frame of the third second."""
    per_second = max(1, round(fps))
    return f"{index // per_second}+{index % per_second:02d}"


def static_bar(panel: Panel, place: str) -> Image.Image:
    """Draw all of the bar that does not change in a clip."""
    high = bar_height(panel.height)
    bar = Image.new("RGB", (panel.width, high), PAPER)
    draw = ImageDraw.Draw(bar)
    draw.line((0, 0, panel.width, 0), fill=INK, width=max(1, high // 20))
    small, large = font(max(6, round(high * 0.27))), font(max(7, round(high * 0.4)))
    x = _tag(draw, panel.shot, large, high)
    caption = f"{panel.project[1]}  ·  {panel.scene[0]} {panel.scene[1]}" + "".join(
        f"  ·  {word}" for word in (place, panel.time, panel.weather, panel.mood) if word
    )
    right = panel.width * 0.7
    draw.text((x, high * 0.3), fit(caption, small, right - x), fill=mix(INK, PAPER, 0.35), font=small, anchor="lm")
    draw.text(
        (x, high * 0.68),
        fit(panel.action, font(max(6, round(high * 0.31))), right - x),
        fill=INK,
        font=font(max(6, round(high * 0.31))),
        anchor="lm",
    )
    _shooting(bar, panel, small, high, right + high * 0.3)
    return bar


def _tag(draw: ImageDraw.ImageDraw, shot: str, face: Font, high: int) -> float:
    width = face.getlength(shot) + high * 0.5
    pad = high * 0.18
    draw.rounded_rectangle((pad, pad, pad + width, high - pad), radius=high * 0.16, fill=CORAL)
    draw.text((pad + width / 2, high * 0.5), shot, fill=PAPER, font=face, anchor="mm")
    return pad * 2.2 + width


def _shooting(bar: Image.Image, panel: Panel, face: Font, high: int, x: float) -> None:
    draw = ImageDraw.Draw(bar)
    draw.text(
        (x + high * 0.95, high * 0.3),
        panel.framing + ("" if panel.angle == "eye" else f" / {panel.angle}"),
        fill=INK,
        font=face,
        anchor="lm",
    )
    speed = "" if panel.camera.speed == 1.0 or panel.camera.move == "static" else f" x{panel.camera.speed:g}"
    draw.text(
        (x + high * 0.95, high * 0.7),
        f"{panel.camera.move} {panel.camera.direction}".strip() + speed,
        fill=mix(INK, PAPER, 0.35),
        font=face,
        anchor="lm",
    )
    icon = Image.new("RGB", (high * 4, high * 4), PAPER)
    _camera_icon(ImageDraw.Draw(icon), panel.camera, high * 4)
    bar.paste(icon.reduce(4).crop((0, 2, high, high)), (round(x - high * 0.2), 2))


_ARROWS = {"left": 180, "right": 0, "up": -90, "down": 90}


def _camera_icon(draw: ImageDraw.ImageDraw, camera: Camera, size: int) -> None:
    """Draw a little frame with the move in it."""
    unit, middle = size / 10, size / 2
    draw.rounded_rectangle(
        (unit * 1.4, unit * 2.6, size - unit * 1.4, size - unit * 2.6), radius=unit * 0.7, outline=INK, width=round(unit * 0.5)
    )
    direction = camera.direction or {
        "pan": "right",
        "tilt": "up",
        "tracking": "right",
        "orbit": "right",
        "crane": "up",
        "zoom": "in",
        "dolly": "in",
    }.get(camera.move, "")
    if camera.move == "handheld":
        wave = [(middle + (i - 10) * unit * 0.24, middle + math.sin(i * 0.9) * unit * 0.8) for i in range(21)]
        draw.line(wave, fill=CORAL, width=round(unit * 0.6), joint="curve")
    elif camera.move == "static":
        draw.ellipse((middle - unit * 0.7, middle - unit * 0.7, middle + unit * 0.7, middle + unit * 0.7), fill=mix(INK, PAPER, 0.4))
    elif direction in _ARROWS:
        _arrow(draw, (middle, middle), _ARROWS[direction], unit * 2.2, unit)
        if camera.move == "orbit":
            draw.arc(
                (middle - unit * 2.6, middle - unit * 1.9, middle + unit * 2.6, middle + unit * 1.9),
                20,
                160,
                fill=CORAL,
                width=round(unit * 0.5),
            )
    else:
        for dx, dy in ((1, 1), (1, -1), (-1, 1), (-1, -1)):
            at = (middle + dx * unit * 1.7, middle + dy * unit * 1.2)
            angle = math.degrees(math.atan2(-dy, -dx)) + (180 if direction == "out" else 0)
            _arrow(draw, at, angle, unit * 0.8, unit * 0.75)


def _arrow(draw: ImageDraw.ImageDraw, at: tuple[float, float], degrees: float, reach: float, unit: float) -> None:
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))

    def turned(x: float, y: float) -> tuple[float, float]:
        return at[0] + x * cos - y * sin, at[1] + x * sin + y * cos

    draw.line([turned(-reach, 0), turned(reach * 0.5, 0)], fill=CORAL, width=round(unit * 0.65))
    draw.polygon([turned(reach + unit * 0.3, 0), turned(reach * 0.4, -unit), turned(reach * 0.4, unit)], fill=CORAL)


def draw_time(bar: Image.Image, panel: Panel, time: Moment) -> None:
    """Draw timecode and playhead; in a loop the playhead goes round."""
    high = bar.height
    draw = ImageDraw.Draw(bar, "RGBA")
    face = font(max(7, round(high * 0.4)))
    draw.text((bar.width - high * 0.9, high * 0.5), timecode(time.index, panel.fps), fill=INK, font=face, anchor="rm")
    x, y, radius = bar.width - high * 0.45, high * 0.5, high * 0.24
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), outline=mix(INK, PAPER, 0.5))
    if time.loops:
        angle = math.tau * time.progress
        at, dot = (x + math.sin(angle) * radius, y - math.cos(angle) * radius), high * 0.09
        draw.ellipse((at[0] - dot, at[1] - dot, at[0] + dot, at[1] + dot), fill=CORAL)
    elif not time.still:
        draw.pieslice((x - radius, y - radius, x + radius, y + radius), -90, -90 + 360 * time.progress, fill=CORAL)


@dataclass(frozen=True, slots=True)
class Subtitle:
    """What is said at a moment: lines, and how visible they are (0..1)."""

    lines: tuple[Line, ...]
    strength: float


def subtitle_at(panel: Panel, time: Moment) -> Subtitle:
    """Give each line its share of the clip by its length, faded in and out; a still shows them all."""
    said = panel.lines
    if not said:
        return Subtitle((), 0.0)
    if time.still:
        return Subtitle(said[:3], 1.0)
    weights = [len(line.text) + 12 for line in said]
    at = time.progress * sum(weights)
    for line, weight in zip(said, weights, strict=True):
        if at < weight or line is said[-1]:
            seconds_in, seconds_left = (edge / sum(weights) * time.total for edge in (at, weight - at))
            return Subtitle((line,), max(0.0, min(1.0, seconds_in / 0.17, seconds_left / 0.17)))
        at -= weight
    raise AssertionError("the last line takes what is left")


@lru_cache(maxsize=16)
def subtitle_sprite(lines: tuple[Line, ...], colours: tuple[RGB, ...], size: tuple[int, int]) -> Image.Image:
    """Draw lines of dialogue with the speakers' names in their colours, to be pasted at the foot of the picture."""
    width, height = size
    face = font(max(8, round(height * 0.042)))
    step = round(height * 0.054)
    rows: list[tuple[str, str, RGB]] = []
    for line, colour in zip(lines, colours, strict=True):
        name = f"{line.name or line.who}: " if line.name or line.who else ""
        for number, text in enumerate(wrap(name + line.text, face, width * 0.86, 2)):
            head = name if number == 0 and text.startswith(name) else ""
            rows.append((head, text.removeprefix(head), colour))
    sprite = Image.new("RGBA", (width, step * len(rows) + step // 2), (20, 12, 30, 0))
    draw = ImageDraw.Draw(sprite)
    for number, (head, text, colour) in enumerate(rows):
        x = (width - face.getlength(head + text)) / 2
        y = step * (number + 0.6)
        edge = max(1, round(height * 0.004))
        draw.text((x, y), head, fill=(*colour, 255), font=face, anchor="lm", stroke_width=edge, stroke_fill=(20, 12, 30, 235))
        draw.text(
            (x + face.getlength(head), y),
            text,
            fill=(255, 252, 244, 255),
            font=face,
            anchor="lm",
            stroke_width=edge,
            stroke_fill=(20, 12, 30, 235),
        )
    return sprite


def draw_subtitle(picture: Image.Image, said: Subtitle, names: Mapping[str, RGB]) -> None:
    """Paste what is said at the foot of the picture, in place."""
    if not said.lines or said.strength <= 0:
        return
    colours = tuple(lighter(names.get(line.who, (255, 214, 140)), 0.45) for line in said.lines)
    sprite = subtitle_sprite(said.lines, colours, picture.size)
    mask = sprite.getchannel("A").point([round(value * said.strength) for value in range(256)])
    picture.paste(sprite, (0, picture.height - sprite.height - round(picture.height * 0.02)), mask)


def chips(actors: Sequence[Actor], references: Mapping[str, Image.Image], height: int) -> Image.Image | None:
    """Draw the references of a shot as small framed portraits with names, side by side; None without any."""
    shown = [actor for actor in actors if actor.reference in references]
    if not shown:
        return None
    side = max(16, round(height * 0.15))
    gap = max(2, side // 8)
    strip = Image.new("RGBA", ((side + gap) * len(shown) + gap, side + gap * 4))
    for number, actor in enumerate(shown):
        chip = _chip(actor, references[actor.reference or ""], side)
        strip.paste(chip, (gap + number * (side + gap), gap))
    return strip


def _chip(actor: Actor, reference: Image.Image, side: int) -> Image.Image:
    fine = SUPERSAMPLING
    label, edge = max(8, side // 5), max(1, side // 24)
    chip = Image.new("RGBA", (side * fine, (side + label) * fine))
    frame = (0, 0, chip.width - 1, chip.height - 1)
    ImageDraw.Draw(chip).rounded_rectangle(frame, radius=side * fine // 12, fill=(*PAPER, 255), outline=(*INK, 255), width=fine)
    inner = side - 2 * edge
    portrait = ImageOps.fit(reference.convert("RGB"), (inner * fine, inner * fine), centering=(0.5, 0.2))
    chip.paste(portrait, (edge * fine, edge * fine))
    small = chip.reduce(fine)
    face = font(max(6, round(label * 0.62)))
    text = actor.name + (f" · {actor.version}" if actor.version else "")
    colour = darker(actor.palette.get("primary", INK), 0.45)
    ImageDraw.Draw(small).text(
        (side / 2, side - edge + label * 0.5), fit(text, face, side - 4), fill=(*colour, 255), font=face, anchor="mm"
    )
    return small
