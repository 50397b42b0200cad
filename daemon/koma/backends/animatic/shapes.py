"""Drawing tools: smooth curves, gradients, soft light, and a pen that outlines what it fills."""

import math
from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
from PIL import Image, ImageChops, ImageDraw

from koma.backends.animatic.colour import RGB

Point = tuple[float, float]
SUPERSAMPLING = 2


def smooth(points: Sequence[Point], *, closed: bool, steps: int = 7) -> list[Point]:
    """Run a Catmull-Rom curve through all points."""
    count = len(points)
    if count < 3:  # noqa: PLR2004 - two points are a straight line
        return list(points)
    around = [points[-1], *points, *points[:2]] if closed else [points[0], *points, points[-1]]
    curve: list[Point] = []
    for i in range(count if closed else count - 1):
        curve += _between(around[i : i + 4], steps)
    return curve if closed else [*curve, points[-1]]


def _between(four: Sequence[Point], steps: int) -> list[Point]:
    a, b, c, d = four
    out: list[Point] = []
    for step in range(steps):
        t = step / steps
        p, q, r = t, t * t, t * t * t
        wa, wb, wc, wd = -p + 2 * q - r, 2 - 5 * q + 3 * r, p + 4 * q - 3 * r, r - q
        out.append(((a[0] * wa + b[0] * wb + c[0] * wc + d[0] * wd) / 2, (a[1] * wa + b[1] * wb + c[1] * wc + d[1] * wd) / 2))
    return out


def ribbon(points: Sequence[Point], start: float, end: float) -> list[Point]:
    """Outline a line whose half width goes from `start` to `end`."""
    left: list[Point] = []
    right: list[Point] = []
    last = len(points) - 1
    for i, (x, y) in enumerate(points):
        before, after = points[max(0, i - 1)], points[min(last, i + 1)]
        dx, dy = after[0] - before[0], after[1] - before[1]
        length = math.hypot(dx, dy) or 1.0
        half = start + (end - start) * i / max(1, last)
        left.append((x - dy / length * half, y + dx / length * half))
        right.append((x + dy / length * half, y - dx / length * half))
    return left + right[::-1]


def gradient(size: tuple[int, int], stops: Sequence[tuple[float, RGB]]) -> Image.Image:
    """Paint a vertical gradient; stops are (0..1 from the top, colour), in order."""
    rows = np.linspace(0.0, 1.0, size[1])
    places = [place for place, _ in stops]
    channels = [np.interp(rows, places, [colour[i] for _, colour in stops]) for i in range(3)]
    column = np.stack(channels, axis=1).round().astype(np.uint8)[:, None, :]
    return Image.fromarray(column).resize(size, Image.Resampling.NEAREST)


@lru_cache(maxsize=64)
def soft_disc(diameter: int, power: float = 2.0) -> Image.Image:
    """Make a mask (L) that is bright in the middle and fades to nothing at the rim."""
    half = (diameter - 1) / 2
    axis = (np.arange(diameter) - half) / max(half, 0.5)
    reach = np.clip(1.0 - np.hypot(axis[:, None], axis[None, :]), 0.0, 1.0)
    return Image.fromarray((255 * reach**power).round().astype(np.uint8))


def add_light(picture: Image.Image, centre: Point, radius: float, colour: RGB, power: float = 2.0) -> None:
    """Add a round glow to an RGB picture, in place; what lies outside is cut off."""
    diameter = max(2, round(radius * 2))
    left, top = round(centre[0] - radius), round(centre[1] - radius)
    box = (max(0, left), max(0, top), min(picture.width, left + diameter), min(picture.height, top + diameter))
    if box[0] >= box[2] or box[1] >= box[3]:
        return
    mask = soft_disc(diameter, power).crop((box[0] - left, box[1] - top, box[2] - left, box[3] - top))
    glow = Image.composite(Image.new("RGB", mask.size, colour), Image.new("RGB", mask.size), mask)
    picture.paste(ImageChops.screen(picture.crop(box), glow), box)


class Pen:
    """Draws filled shapes with an ink line around them, in units of its own, on a supersampled RGBA picture.

    `place` maps a point to pixels, `unit` says how many pixels one unit is at a point, `ink` is the outline's half width in units.
    """

    def __init__(
        self, picture: Image.Image, place: Callable[[Point], Point], unit: Callable[[Point], float], ink: RGB, width: float
    ) -> None:
        self.draw = ImageDraw.Draw(picture)
        self.place = place
        self.unit = unit
        self.ink = ink
        self.width = width
        self.turned = False

    def within(self, place: Callable[[Point], Point], factor: float) -> "Pen":
        """Return a pen for a part with coordinates of its own (a head, a hand); `factor` is the part's unit in this pen's."""
        pen = object.__new__(Pen)
        pen.draw, pen.ink, pen.width, pen.turned = self.draw, self.ink, self.width / factor, self.turned
        pen.place = lambda point: self.place(place(point))
        pen.unit = lambda point: self.unit(place(point)) * factor
        return pen

    def shape(self, points: Sequence[Point], fill: RGB, *, inked: bool = True, round_off: bool = True, steps: int = 7) -> None:
        """Fill a closed shape; rounded off unless said otherwise."""
        path = [self.place(point) for point in points]
        path = smooth(path, closed=True, steps=steps) if round_off else path
        if inked:
            self._outline(path, self.unit(points[0]), corners=not round_off)
        self.draw.polygon(path, fill=(*fill, 255))

    def limb(self, points: Sequence[Point], start: float, end: float, fill: RGB) -> None:
        """Draw an arm or a leg: half widths at both ends, round at both ends, all under one ink line."""
        path = smooth([self.place(point) for point in points], closed=False)
        unit = self.unit(points[0])
        for grow, colour in ((self._ink_px(unit), self.ink), (0.0, fill)):
            self.draw.polygon(ribbon(path, start * unit + grow, end * unit + grow), fill=(*colour, 255))
            self._dot(path[0], start * unit + grow, colour)
            self._dot(path[-1], end * unit + grow, colour)

    def stroke(self, points: Sequence[Point], width: float, colour: RGB, *, taper: float = 1.0) -> None:
        """Draw an open line of `width` units that thins to `taper` of it at its end."""
        path = smooth([self.place(point) for point in points], closed=False)
        half = max(0.6, width * self.unit(points[0]) / 2)
        self.draw.polygon(ribbon(path, half, half * taper), fill=(*colour, 255))
        self._dot(path[0], half, colour)
        self._dot(path[-1], half * taper, colour)

    def disc(self, centre: Point, rx: float, ry: float, fill: RGB, *, inked: bool = True) -> None:
        """Fill an ellipse; upright in the picture, or turned with the figure where `turned` says so."""
        if self.turned:
            turns = [math.tau * step / 24 for step in range(24)]
            self.shape([(centre[0] + rx * math.cos(a), centre[1] + ry * math.sin(a)) for a in turns], fill, inked=inked, round_off=False)
            return
        x, y = self.place(centre)
        unit = self.unit(centre)
        grow = self._ink_px(unit) if inked else 0.0
        if inked:
            self.draw.ellipse(
                (x - rx * unit - grow, y - ry * unit - grow, x + rx * unit + grow, y + ry * unit + grow), fill=(*self.ink, 255)
            )
        self.draw.ellipse((x - rx * unit, y - ry * unit, x + rx * unit, y + ry * unit), fill=(*fill, 255))

    def _ink_px(self, unit: float) -> float:
        return max(0.8, self.width * unit)

    def _dot(self, centre: Point, radius: float, colour: RGB) -> None:
        x, y = centre
        self.draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=(*colour, 255))

    def _outline(self, path: Sequence[Point], unit: float, *, corners: bool) -> None:
        half = self._ink_px(unit)
        self.draw.line([*path, path[0]], fill=(*self.ink, 255), width=max(2, round(half * 2)))
        if corners:  # a smooth path needs no joints, and Pillow's own are slow
            for point in path:
                self._dot(point, half, self.ink)
