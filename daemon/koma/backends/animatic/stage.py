"""One shot, ready to be drawn: paints what stays the same once, then composes any frame of it. A frame depends on its index alone."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from PIL import Image, ImageChops

from koma.backends.animatic import furniture, particles
from koma.backends.animatic.blocking import COARSE_FROM, lens_of, marks_of, shooting_of
from koma.backends.animatic.cast import Cast
from koma.backends.animatic.colour import chance
from koma.backends.animatic.light import apply_grade, grade_of, light_of
from koma.backends.animatic.motion import Moment, View, moment, on_twos, view
from koma.backends.animatic.panel import Panel
from koma.backends.animatic.place import FAR, FRONT, MIDDLE, furnish, paint_far, paint_front, paint_middle
from koma.backends.animatic.sheet import GLOW_SHARE, Layer, Lens, Sheet, look
from koma.backends.animatic.sky import paint_sky

_SKY = 0.0


@dataclass(frozen=True, slots=True)
class Backdrop:
    """The painted layers from far to near, the light of the lamps, and what stands before the figures."""

    layers: tuple[Layer, ...]
    glow: Layer
    front: Layer | None


class Stage:
    """Draws the frames of one panel. Holds painted layers and the newest drawings, which are only ever a saving of time."""

    def __init__(self, panel: Panel, references: Mapping[str, Image.Image]) -> None:
        self.panel = panel
        self.size = (panel.width, panel.height - furniture.bar_height(panel.height))
        self.light = light_of(panel.time, panel.weather)
        self.grade = grade_of(panel.mood)
        self.place = furnish(panel.location)
        self.shooting = shooting_of(panel)
        self.views = [self._view(moment(panel, index)) for index in range(panel.of)]
        self.canvas = _canvas(self.size, max(abs(view.roll) for view in self.views))
        self.lens = lens_of(self.shooting, self.size, self.canvas)
        self.behind = self.lens.coarser(2 if self.shooting.blur >= COARSE_FROM else 1)
        self.effects = particles.effects_of(panel.weather, self.place.kinds if "room" not in self.place.kinds else frozenset())
        self.backdrop = self._paint()
        self.cast = Cast(panel, self.light, self.lens, self.shooting, marks_of(panel, self.shooting, self.lens, self.size))
        self.bar = furniture.static_bar(panel, panel.location.name if panel.location else "")
        self.chips = furniture.chips(panel.actors, references, self.size[1])
        self._resting: tuple[View, Image.Image, Image.Image | None] | None = None

    def draw(self, index: int) -> Image.Image:
        """Compose frame `index` of the run (RGB, the panel's size)."""
        index = self._in_clip(index)
        time, view = moment(self.panel, index), self.views[index]
        picture = self._behind(view, time)
        said = furniture.subtitle_at(self.panel, time)
        speaks = {line.who for line in said.lines if said.strength > 0.3 and not time.still}  # noqa: PLR2004 - the line can be read by then
        if time.still and said.lines:
            speaks = {said.lines[0].who}
        self.cast.draw(picture, on_twos(self.panel, index), view, speaks)
        if self.backdrop.front:
            self.backdrop.front.onto(picture, view)
        particles.draw_effects(picture, self.effects, self.panel.seed, time, self.light)
        picture = apply_grade(_upright(picture, view.roll, self.size), self.grade)
        furniture.draw_subtitle(picture, said, self.cast.names)
        return self._framed(picture, time)

    def _in_clip(self, index: int) -> int:
        """Frame of the whole clip: beyond its end a loop begins again, and anything else stands still."""
        frame = self.panel.start + index
        return frame % self.panel.of if self.panel.phase == "loop" else min(frame, self.panel.of - 1)

    def _view(self, time: Moment) -> View:
        seen = view(self.panel.camera, time)
        return View(seen.x, seen.y, seen.zoom, seen.dolly, seen.orbit, seen.follow, seen.roll + self.shooting.roll)

    def _paint(self) -> Backdrop:
        panel, light, place = self.panel, self.light, self.place
        dice = chance("details", panel.seed)
        blur = self.shooting.blur * self.behind.height
        sky = paint_sky(self.behind, self._margin(_SKY, self.behind), light, place.kinds, chance("sky", panel.seed))
        far = Sheet(self.behind, self._margin(FAR, self.behind), light)
        if panel.location:
            paint_far(place, far, dice)
        middle = Sheet(self.behind, self._margin(MIDDLE, self.behind), light)
        paint_middle(place, middle, dice, wet=bool({"rain"} & set(self.effects) or place.kinds & {"river", "bridge"}))
        far.bake_glow()
        front = paint_front(place, self.lens, self._margin(FRONT, self.lens), light, max(1.5, self.size[1] * 0.009))
        return Backdrop((sky, far.finish(FAR, blur), middle.finish(MIDDLE, blur * 0.9)), middle.finish_glow(MIDDLE), front)

    def _margin(self, depth: float, lens: Lens) -> tuple[int, int]:
        shifts = [seen.shift(depth) for seen in self.views]
        across, down = (max(abs(shift[axis]) for shift in shifts) for axis in (0, 1))
        return math.ceil(across * lens.width) + 2, math.ceil(down * lens.height) + 2

    def _behind(self, view: View, time: Moment) -> Image.Image:
        """Sky, far and middle layers as the camera sees them, in lamp light that trembles a little."""
        if self._resting is None or self._resting[0] != view:
            self._resting = (view, *self._look(view))
        _, picture, glow = self._resting
        if glow is not None:
            level = 0.9 + 0.07 * time.wave(0.9) + 0.04 * time.wave(2.3, 0.4)
            picture = ImageChops.screen(picture, glow.point([round(value * level) for value in range(256)] * 3))
        return picture.copy() if picture.size == self.canvas else picture.resize(self.canvas, Image.Resampling.BILINEAR)

    def _look(self, view: View) -> tuple[Image.Image, Image.Image | None]:
        picture = Image.new("RGB", (self.behind.width, self.behind.height))
        for layer in self.backdrop.layers:
            layer.onto(picture, view)
        if self.light.lamps <= 0:
            return picture, None
        glow = self.backdrop.glow
        return picture, look(glow.colours, glow.box(view, picture.size), picture.size, GLOW_SHARE)

    def _framed(self, picture: Image.Image, time: Moment) -> Image.Image:
        if self.chips:
            picture.paste(self.chips, (0, 0), self.chips)
        whole = Image.new("RGB", (self.panel.width, self.panel.height))
        whole.paste(picture, (0, 0))
        bar = self.bar.copy()
        furniture.draw_time(bar, self.panel, time)
        whole.paste(bar, (0, self.size[1]))
        return whole


def _canvas(size: tuple[int, int], roll: float) -> tuple[int, int]:
    """Size that still covers the picture when it is turned by `roll` degrees."""
    cos, sin = math.cos(math.radians(roll)), math.sin(math.radians(roll))
    width, height = size[0] * cos + size[1] * sin, size[1] * cos + size[0] * sin
    return size if not roll else (math.ceil(width / 2) * 2 + 2, math.ceil(height / 2) * 2 + 2)


def _upright(picture: Image.Image, roll: float, size: tuple[int, int]) -> Image.Image:
    """Turn the canvas and cut the picture out of its middle."""
    if picture.size == size:
        return picture
    cos, sin = math.cos(math.radians(roll)), math.sin(math.radians(roll))
    middle, half = (picture.width / 2, picture.height / 2), (size[0] / 2, size[1] / 2)
    matrix = (cos, sin, middle[0] - half[0] * cos - half[1] * sin, -sin, cos, middle[1] + half[0] * sin - half[1] * cos)
    return picture.transform(size, Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)
