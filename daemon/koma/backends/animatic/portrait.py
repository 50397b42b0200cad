"""One pose of a character sheet: the figure alone on plain paper, with its height in heads, its colours, and a caption."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from PIL import Image, ImageDraw

from koma.backends.animatic.colour import INK, PAPER, RGB, chance, mix
from koma.backends.animatic.face import expression_of
from koma.backends.animatic.figure import Acting, Look, draw_figure, look_of
from koma.backends.animatic.furniture import CORAL, chips, fit, font
from koma.backends.animatic.motion import POSED_AT, POSED_SECONDS, Moment
from koma.backends.animatic.panel import Actor, Panel
from koma.backends.animatic.poses import Joint, Pose, pose_of
from koma.backends.animatic.shapes import Pen, Point, soft_disc

FINE = 3  # drawn this many times larger
_NOW = Moment(0, POSED_SECONDS, POSED_AT, POSED_SECONDS / POSED_AT, loops=False, still=True)
_FEET = 0.83  # of the picture's height, from the top
_TALL = 0.68  # height of a figure
_GROUND = 0.875  # where the caption begins
_COLUMN = 0.235  # of the picture's height: how wide the caption's column of colours and project is
_SMALLEST = 0.6  # of a line's usual size: how far it shrinks before it is shortened


@dataclass(frozen=True, slots=True)
class _Sitting:
    """How a pose of the sheet is struck: pose in words, where the figure faces, expression, and how many times larger it is.

    `arms` are those of the near and the far side, where the pose's own would hide what the view is to show.
    """

    pose: str
    facing: str
    expression: str = ""
    size: float = 1.0
    lift: float = 0.0
    arms: tuple[Joint, Joint] | None = None


_POSES: Mapping[str, _Sitting] = {
    "front": _Sitting("standing", "camera"),
    "side": _Sitting("standing", "profile", arms=((-4.0, 4.0), (-4.0, 4.0))),
    "back": _Sitting("standing", "away"),
    "three-quarter": _Sitting("standing", "right", arms=((-10.0, -2.0), (14.0, 20.0))),
    "sitting": _Sitting("sitting", "camera"),
    "walking": _Sitting("walking", "right"),
    "action": _Sitting("running", "left", "determined", lift=0.06),
    "close-up": _Sitting("standing", "camera", "happy", 2.1),
}


def draw_pose(panel: Panel, references: Mapping[str, Image.Image]) -> Image.Image:
    """Draw the pose that the panel asks for, RGB."""
    actor, struck = panel.actors[0], _POSES[panel.sheet]
    look = look_of(actor, (1.0, 1.0, 1.0))
    picture = _paper(panel, struck)
    _shadow(picture, struck)
    _figure(picture, look, _acting(panel, actor, struck), struck)
    _caption(picture, panel, look)
    portraits = chips(panel.actors, references, picture.height)
    if portraits is not None:
        picture.paste(portraits, (0, 0), portraits)
    return picture


def _acting(panel: Panel, actor: Actor, struck: _Sitting) -> Acting:
    """Let the seed breathe: each take is drawn a little differently."""
    dice = chance("sheet", panel.seed)
    return Acting(
        pose=_pose(struck, dice.uniform(-1.5, 1.5)),
        face=expression_of(actor.expression or struck.expression),
        facing=struck.facing,
        prop="",
        time=_NOW,
        breath=dice.uniform(-1.0, 1.0),
        sway=dice.uniform(-0.05, 0.05),
    )


def _pose(struck: _Sitting, tilt: float) -> Pose:
    pose = pose_of(struck.pose, "", _NOW)
    near, far = struck.arms or (pose.near_arm, pose.far_arm)
    return replace(pose, near_arm=near, far_arm=far, bob=pose.bob + struck.lift, tilt=pose.tilt + tilt)


def _paper(panel: Panel, struck: _Sitting) -> Image.Image:
    """Plain paper, with a line for each head that the figure is tall."""
    picture = Image.new("RGB", (panel.width, panel.height), PAPER)
    if struck.size > 1:
        return picture
    draw, line = ImageDraw.Draw(picture), mix(PAPER, INK, 0.13)
    heads = round(1.0 / (2 * look_of(panel.actors[0], (1.0, 1.0, 1.0)).build.head))
    for number in range(heads + 1):
        y = picture.height * (_FEET - _TALL * number / heads)
        draw.line((picture.width * 0.06, y, picture.width * 0.94, y), fill=line, width=max(1, picture.height // 640))
    return picture


def _shadow(picture: Image.Image, struck: _Sitting) -> None:
    if struck.size > 1:
        return
    wide, high = round(picture.height * 0.3), max(2, round(picture.height * 0.05))
    mask = soft_disc(128, 0.8).resize((wide, high)).point([round(value * (0.3 - struck.lift)) for value in range(256)])
    picture.paste(INK, (round((picture.width - wide) / 2), round(picture.height * (_FEET + 0.005) - high / 2)), mask)


def _figure(picture: Image.Image, look: Look, acting: Acting, struck: _Sitting) -> None:
    unit = picture.height * _TALL * struck.size * FINE
    sheet = Image.new("RGBa", (picture.width * FINE, round(picture.height * _GROUND) * FINE))
    feet = picture.height * FINE * (_FEET + (struck.size - 1) * _TALL)
    pen = Pen(sheet, lambda p: (sheet.width / 2 + p[0] * unit, feet + p[1] * unit), lambda _p: unit, look.ink, 0.0042)
    draw_figure(pen, look, acting)
    small = sheet.reduce(FINE).convert("RGBA")
    picture.paste(small, (0, 0), small)


def _caption(picture: Image.Image, panel: Panel, look: Look) -> None:
    """Write below the figure: the pose, who it is in what, and the project under the character's colours."""
    draw, high = ImageDraw.Draw(picture), picture.height
    actor, top, edge = panel.actors[0], round(high * _GROUND), high * 0.025
    draw.rectangle((0, top, picture.width, high), fill=mix(PAPER, INK, 0.06))
    draw.line((0, top, picture.width, top), fill=INK, width=max(1, high // 320))
    start, end = _tag(draw, panel.sheet, (edge, top + edge), high) + edge, picture.width - edge
    left = end - _COLUMN * high
    first, second = (top + (high - top) * share for share in (0.36, 0.74))
    _line(draw, actor.name, (start, first), 0.042 * high, left - start - edge, INK)
    _swatches(draw, look, (left, first), end - left)
    quiet = mix(INK, PAPER, 0.4)
    wearing, small = " · ".join(word for word in (actor.version, actor.outfit) if word), 0.03 * high
    _line(draw, wearing, (start, second), small, left - start - edge, quiet)
    _line(draw, panel.project[1], (left, second), small, end - left, quiet)


def _tag(draw: ImageDraw.ImageDraw, pose: str, at: Point, high: int) -> float:
    """Write the pose on a coloured tag; returns where that ends."""
    face, (left, top) = font(max(7, round(high * 0.042))), at
    right, bottom = left + face.getlength(pose) + high * 0.04, high - high * 0.025
    draw.rounded_rectangle((left, top, right, bottom), radius=high * 0.015, fill=CORAL)
    draw.text(((left + right) / 2, (top - high * 0.025 + high) / 2), pose, fill=PAPER, font=face, anchor="mm")
    return right


def _line(draw: ImageDraw.ImageDraw, text: str, at: Point, size: float, room: float, ink: RGB) -> None:
    """Write one line, so much smaller than `size` px that it fits, down to _SMALLEST of it; what is longer yet is shortened."""
    length = font(max(6, round(size))).getlength(text)
    face = font(max(6, int(size * min(1.0, max(_SMALLEST, room / max(1.0, length))))))
    draw.text(at, fit(text, face, room), fill=ink, font=face, anchor="lm")


def _swatches(draw: ImageDraw.ImageDraw, look: Look, at: Point, room: float) -> None:
    colours = (look.hair.colour, look.eyes, look.skin, look.garment.cloth, look.garment.legs, look.accent)
    side = room / (1.25 * len(colours) - 0.25)
    for number, colour in enumerate(colours):
        x, y = at[0] + number * side * 1.25, at[1]
        draw.rounded_rectangle((x, y - side / 2, x + side, y + side / 2), radius=side * 0.2, fill=colour, outline=INK)
