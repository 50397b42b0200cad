"""The figures of a shot: lit, animated on twos, each drawn to a sprite of its own and set into the picture."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from PIL import Image, ImageChops

from koma.backends.animatic import figure
from koma.backends.animatic.blocking import Mark, Shooting, lead_of
from koma.backends.animatic.colour import RGB, chance, lighter, mix, scale
from koma.backends.animatic.face import at_moment, expression_of
from koma.backends.animatic.insert import draw_insert
from koma.backends.animatic.light import Light, on_figures
from koma.backends.animatic.motion import FIGURES_DEPTH, Moment, View
from koma.backends.animatic.panel import Actor, Panel
from koma.backends.animatic.poses import pose_of
from koma.backends.animatic.props import prop_of
from koma.backends.animatic.shapes import SUPERSAMPLING, Pen, Point, add_light, gradient, soft_disc
from koma.backends.animatic.sheet import Lens

_INK_WIDTH = 0.0042
_SHINE: RGB = (255, 196, 112)


@dataclass(frozen=True, slots=True)
class Sprite:
    """A drawn figure: picture, mask, where it goes, and the points in the picture that shine."""

    picture: Image.Image
    mask: Image.Image
    at: tuple[int, int]
    shining: tuple[Point, ...]


class Cast:
    """Draws all figures of a panel; keeps the newest drawing of each while neither pose nor camera change."""

    def __init__(self, panel: Panel, light: Light, lens: Lens, shooting: Shooting, marks: Sequence[tuple[Actor, Mark]]) -> None:
        self.panel, self.light, self.lens, self.shooting = panel, light, lens, shooting
        self.marks = marks
        self.lead = lead_of(marks)
        self.prop = prop_of(panel.action)
        self.looks = [figure.look_of(actor, on_figures(light)) for actor, _ in marks]
        self.names = {actor.id: _voice_colour(actor) for actor, _ in marks}
        self._drawn: dict[int, tuple[object, Sprite | None]] = {}

    def draw(self, picture: Image.Image, time: Moment, view: View, speaks: set[str]) -> None:
        """Set all figures into an RGB picture, in place."""
        if self.panel.framing == "insert":
            self._insert(picture, time, view)
            return
        for number, (actor, mark) in enumerate(self.marks):
            acting = self._acting(actor, mark, time, speaks=actor.id in speaks)
            mark = _seen(_travelled(mark, acting, time, view, self.panel), view, self.lens)  # noqa: PLW2901 - the mark as the camera sees it
            key = (time.seconds, mark, actor.id in speaks)
            if self._drawn.get(number, (None,))[0] != key:
                self._drawn[number] = (key, self._sprite(number, mark, acting, picture.size))
            sprite = self._drawn[number][1]
            if sprite:
                _set(picture, sprite, mark, shadow=not mark.shoulder and acting.pose.roll == 0)
                self._shine(picture, sprite, mark.height)

    def _acting(self, actor: Actor, mark: Mark, time: Moment, *, speaks: bool) -> figure.Acting:
        offset = chance("rhythm", actor.id).random()
        lead = actor is self.lead
        return figure.Acting(
            pose=pose_of(actor.pose, self.panel.action if lead else "", time),
            face=at_moment(expression_of(actor.expression), actor.id, time, speaks=speaks),
            facing=mark.facing,
            prop=self.prop if lead else "",
            time=time,
            breath=time.wave(0.33, offset),
            sway=0.05 * time.wave(0.45, offset) + 0.03 * time.wave(0.9, offset * 2),
        )

    def _sprite(self, number: int, mark: Mark, acting: figure.Acting, size: tuple[int, int]) -> Sprite | None:
        reach = mark.height * (1.1 if acting.pose.roll else 0.72)
        box = (
            max(0, round(mark.x - reach)),
            max(0, round(mark.y - mark.height * 1.42)),
            min(size[0], round(mark.x + reach)),
            min(size[1], round(mark.y + mark.height * 0.2)),
        )
        if box[0] >= box[2] or box[1] >= box[3]:
            return None
        sheet = Image.new("RGBa", ((box[2] - box[0]) * SUPERSAMPLING, (box[3] - box[1]) * SUPERSAMPLING))
        pen = _figure_pen(sheet, mark, box[:2], self.shooting.taper, roll=acting.pose.roll, ink=self.looks[number].ink)
        spots = figure.draw_figure(pen, self.looks[number], acting)
        shining = tuple((x / SUPERSAMPLING + box[0], y / SUPERSAMPLING + box[1]) for x, y in map(pen.place, spots))
        return self._lit(sheet, mark, (box[0], box[1]), shining)

    def _lit(self, sheet: Image.Image, mark: Mark, at: tuple[int, int], shining: tuple[Point, ...]) -> Sprite:
        """Shrink, shade towards the ground, and line the side that the light comes from."""
        small = sheet.reduce(SUPERSAMPLING)
        if mark.blurred or mark.shoulder:
            small = _softened(small, max(2, round(mark.height * 0.006)))
        small = small.convert("RGBA")
        mask = small.getchannel("A")
        colours = small.convert("RGB")
        shade = gradient(small.size, [(0.0, (255, 255, 255)), (0.45, (255, 255, 255)), (1.0, (206, 196, 222))])
        colours = ImageChops.multiply(colours, shade)
        if mark.shoulder:
            colours = colours.point([round(value * 0.55) for value in range(256)] * 3)
        width = max(1, round(mark.height * 0.006))
        shifted = Image.new("L", mask.size)
        shifted.paste(mask, (-width if not shining else width, width))
        rim = ImageChops.subtract(mask, shifted).point([round(value * 0.5) for value in range(256)])
        colours.paste(self.light.rim if not shining else _SHINE, (0, 0), rim)
        return Sprite(colours, mask, at, shining)

    def _shine(self, picture: Image.Image, sprite: Sprite, height: float) -> None:
        for spot in sprite.shining:
            power = 0.25 + 0.6 * self.light.lamps
            add_light(picture, spot, min(height * 0.55, 420.0), scale(_SHINE, (power, power * 0.9, power * 0.8)), 2.2)
            add_light(picture, spot, min(height * 0.16, 160.0), scale((255, 232, 180), (power, power, power)), 1.8)

    def _insert(self, picture: Image.Image, time: Moment, view: View) -> None:
        size = picture.size
        sheet = Image.new("RGBa", (size[0] * SUPERSAMPLING, size[1] * SUPERSAMPLING))
        number = next((n for n, (actor, _) in enumerate(self.marks) if actor is self.lead), None)
        look = self.looks[number] if number is not None else None
        zoom, (shift_x, shift_y) = view.scale(FIGURES_DEPTH), view.shift(FIGURES_DEPTH)
        unit = size[1] * 0.92 * zoom * SUPERSAMPLING
        x, y = (0.5 + shift_x * zoom) * sheet.width, (0.5 + shift_y * zoom) * sheet.height
        facing = -1.0 if self.marks and number is not None and self.marks[number][1].facing == "left" else 1.0
        pen = Pen(
            sheet, lambda point: (x + point[0] * unit, y + point[1] * unit), lambda _point: unit, look.ink if look else (52, 38, 58), 0.008
        )
        spot = draw_insert(pen, look, self.prop, facing, time)
        shining = ((pen.place(spot)[0] / SUPERSAMPLING, pen.place(spot)[1] / SUPERSAMPLING),) if spot else ()
        sprite = self._lit(sheet, Mark(0, 0, size[1], "camera"), (0, 0), shining)
        picture.paste(sprite.picture, sprite.at, sprite.mask)
        self._shine(picture, sprite, size[1] * 1.2)


def _softened(picture: Image.Image, steps: int) -> Image.Image:
    """Put a picture out of focus: as if it had been `steps` times smaller."""
    return picture.reduce(steps).resize(picture.size, Image.Resampling.BICUBIC)


def _voice_colour(actor: Actor) -> RGB:
    own = actor.palette.get("primary") or actor.palette.get("outfit") or (255, 214, 140)
    return mix(own, lighter(own, 0.6), 0.5)


def _travelled(mark: Mark, acting: figure.Acting, time: Moment, view: View, panel: Panel) -> Mark:
    """Let someone who walks get somewhere, unless the camera goes with them or the clip is a loop."""
    if not acting.pose.stride or time.loops or time.still or view.follow or mark.shoulder:
        return mark
    way = acting.pose.stride * min(time.total, 2.4) * (time.progress - 0.5) * mark.height
    if mark.facing in ("left", "right"):
        limit = panel.width * 0.3
        return replace(mark, x=mark.x + max(-limit, min(limit, way)) * (-1 if mark.facing == "left" else 1))
    grown = 1.0 + 0.12 * (time.progress - 0.5) * (-1 if mark.facing == "away" else 1)
    return replace(mark, height=mark.height * grown, y=mark.y + mark.height * (grown - 1) * 0.2)


def _seen(mark: Mark, view: View, lens: Lens) -> Mark:
    """Move a mark as the camera moves the layer of the figures, or of the background."""
    depth = FIGURES_DEPTH if not mark.blurred else 0.8
    if mark.shoulder:
        depth = 1.3
    zoom, (shift_x, shift_y) = view.scale(depth), view.shift(depth)
    x = (mark.x - lens.width / 2 + shift_x * lens.width) * zoom + lens.width / 2
    y = (mark.y - lens.height / 2 + shift_y * lens.height) * zoom + lens.height / 2
    return replace(mark, x=x, y=y, height=mark.height * zoom)


def _figure_pen(sheet: Image.Image, mark: Mark, at: tuple[int, int], taper: float, *, roll: float, ink: RGB) -> Pen:
    """Pen in units of the figure's height, with the angle's foreshortening; a figure that lies is turned as a whole."""
    unit = mark.height * SUPERSAMPLING
    x, y = (mark.x - at[0]) * SUPERSAMPLING, (mark.y - at[1]) * SUPERSAMPLING
    taper = 0.0 if mark.shoulder else taper

    def place(point: Point) -> Point:
        across, up = point
        if roll:
            side = -1.0 if mark.facing == "left" else 1.0
            return x + side * (-up - 0.5) * unit, y + (side * across - 0.19) * unit
        share = 1.0 + taper * (-up - 0.5)
        return x + across * share * unit, y + (up + taper * (-up * up / 2 - up / 2)) * unit

    pen = Pen(sheet, place, lambda point: unit * (1.0 if roll else 1.0 + taper * (-point[1] - 0.5)), ink, _INK_WIDTH)
    pen.turned = bool(roll)
    return pen


def _set(picture: Image.Image, sprite: Sprite, mark: Mark, *, shadow: bool) -> None:
    if shadow and mark.y < picture.height + mark.height * 0.1:
        wide, high = max(4, round(mark.height * 0.42)), max(2, round(mark.height * 0.09))
        mask = soft_disc(128, 0.8).resize((wide, high)).point([round(value * 0.5) for value in range(256)])
        picture.paste((26, 16, 44), (round(mark.x - wide / 2), round(mark.y - high / 2)), mask)
    picture.paste(sprite.picture, sprite.at, sprite.mask)
