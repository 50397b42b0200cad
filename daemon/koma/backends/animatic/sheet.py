"""Painted layers: a sheet with perspective to paint on, and the finished layer that the camera looks at."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from koma.backends.animatic.colour import RGB, mix, scale
from koma.backends.animatic.light import Light
from koma.backends.animatic.motion import View
from koma.backends.animatic.shapes import SUPERSAMPLING, Point, add_light, smooth

Box = tuple[int, int, int, int]
World = tuple[float, float, float]  # across, up from the ground, away from the camera; the figures stand at 1
_BRIGHTEST = 124  # many lamps together shine no brighter than this, so that a street at night stays a night
_SOFT_LIMIT = [round(_BRIGHTEST * (1.0 - math.exp(-value / _BRIGHTEST))) for value in range(256)]
GLOW_SHARE = 4  # glows are soft: a quarter of the size carries them


@dataclass(frozen=True, slots=True)
class Lens:
    """How the world falls on the picture.

    `unit` px is one person's height at distance 1, `horizon` px from the top, `eye` the camera's height in persons.
    """

    width: int
    height: int
    unit: float
    horizon: float
    eye: float

    def coarser(self, share: int) -> "Lens":
        """Return the same view, painted `share` times smaller."""
        width, height = -(-self.width // share), -(-self.height // share)
        return Lens(width, height, self.unit / share, self.horizon / share, self.eye)

    def at(self, point: World) -> Point:
        """Pixels of a world point, before the camera moves."""
        x, y, z = point
        return self.width / 2 + x * self.unit / z, self.horizon + (self.eye - y) * self.unit / z


@dataclass(frozen=True, slots=True)
class Layer:
    """A finished layer: colours, mask (None where it covers everything), depth (0 sky, 1 figures) and margins in px around the picture."""

    colours: Image.Image
    mask: Image.Image | None
    depth: float
    margin: tuple[int, int]
    painted: Box | None = None  # the part of the layer that is not empty; None is all of it

    def onto(self, picture: Image.Image, view: View) -> None:
        """Paint what the camera sees of this layer over an RGB picture, in place."""
        seen = self.box(view, picture.size)
        target = self._target(seen, picture.size)
        if target is None:
            return
        step = (seen[2] - seen[0]) / picture.width, (seen[3] - seen[1]) / picture.height
        box = (seen[0] + target[0] * step[0], seen[1] + target[1] * step[1], seen[0] + target[2] * step[0], seen[1] + target[3] * step[1])
        size = (target[2] - target[0], target[3] - target[1])
        picture.paste(look(self.colours, box, size), target[:2], look(self.mask, box, size) if self.mask else None)

    def _target(self, seen: tuple[float, float, float, float], size: tuple[int, int]) -> Box | None:
        """Return the part of the picture that this layer touches."""
        if self.painted is None:
            return 0, 0, size[0], size[1]
        across, down = size[0] / (seen[2] - seen[0]), size[1] / (seen[3] - seen[1])
        left, top = math.floor((self.painted[0] - 1 - seen[0]) * across), math.floor((self.painted[1] - 1 - seen[1]) * down)
        right, bottom = math.ceil((self.painted[2] + 1 - seen[0]) * across), math.ceil((self.painted[3] + 1 - seen[1]) * down)
        box = (max(0, left), max(0, top), min(size[0], right), min(size[1], bottom))
        return box if box[0] < box[2] and box[1] < box[3] else None

    def box(self, view: View, size: tuple[int, int]) -> tuple[float, float, float, float]:
        """Return the part of the layer that fills the picture."""
        shift_x, shift_y = view.shift(self.depth)
        zoom = view.scale(self.depth)
        x = self.margin[0] + size[0] / 2 - shift_x * size[0]
        y = self.margin[1] + size[1] / 2 - shift_y * size[1]
        half_x, half_y = size[0] / 2 / zoom, size[1] / 2 / zoom
        x = min(max(x, half_x), self.colours.width - half_x)
        y = min(max(y, half_y), self.colours.height - half_y)
        return x - half_x, y - half_y, x + half_x, y + half_y


def look(picture: Image.Image, box: tuple[float, float, float, float], size: tuple[int, int], share: int = 1) -> Image.Image:
    """Cut a box with fractions out of a picture that is `share` times smaller than the box says, at a size."""
    left, top, right, bottom = (edge / share for edge in box)
    whole = all(abs(edge - round(edge)) < 1e-6 for edge in (left, top, right, bottom))  # noqa: PLR2004 - a resting camera needs no filter
    if whole and (round(right - left), round(bottom - top)) == size:
        return picture.crop((round(left), round(top), round(right), round(bottom)))
    inside = (max(0.0, left), max(0.0, top), min(float(picture.width), right), min(float(picture.height), bottom))
    return picture.resize(size, Image.Resampling.BILINEAR, box=inside)


class Sheet:
    """Where one layer is painted, in perspective, with the light of the hour and the haze of distance."""

    def __init__(self, lens: Lens, margin: tuple[int, int], light: Light) -> None:
        self.lens, self.margin, self.light = lens, margin, light
        self.size = (lens.width + 2 * margin[0], lens.height + 2 * margin[1])
        self.image = Image.new("RGBa", (self.size[0] * SUPERSAMPLING, self.size[1] * SUPERSAMPLING))
        self.draw = ImageDraw.Draw(self.image)
        glow_size = (math.ceil(self.size[0] / GLOW_SHARE), math.ceil(self.size[1] / GLOW_SHARE))
        self.glow = Image.new("RGB", glow_size)

    def at(self, point: World) -> Point:
        """Supersampled pixels of a world point."""
        x, y = self.lens.at(point)
        return (x + self.margin[0]) * SUPERSAMPLING, (y + self.margin[1]) * SUPERSAMPLING

    def px(self, z: float) -> float:
        """Supersampled pixels of one world unit at a distance."""
        return self.lens.unit / z * SUPERSAMPLING

    def reach(self, z: float) -> float:
        """Half the width of the world that the sheet shows at a distance."""
        return self.size[0] / 2 * z / self.lens.unit

    def lit(self, colour: RGB, z: float) -> RGB:
        """Colour as it looks in this light and at this distance."""
        haze = 1.0 - math.exp(-max(0.0, z - 1.0) * 0.075)
        return mix(scale(colour, self.light.ambient), self.light.sky[2], haze * 0.85)

    def polygon(self, points: Sequence[World], colour: RGB, *, bare: bool = False) -> None:
        """Fill a straight-edged face; `bare` colours shine by themselves."""
        z = min(point[2] for point in points)
        fill = colour if bare else self.lit(colour, z)
        self.draw.polygon([self.at(point) for point in points], fill=(*fill, 255))

    def blob(self, points: Sequence[World], colour: RGB, *, bare: bool = False) -> None:
        """Fill a rounded shape."""
        fill = colour if bare else self.lit(colour, points[0][2])
        self.draw.polygon(smooth([self.at(point) for point in points], closed=True), fill=(*fill, 255))

    def line(self, points: Sequence[World], width: float, colour: RGB, *, bare: bool = False) -> None:
        """Draw a smooth line, `width` in world units."""
        fill = colour if bare else self.lit(colour, points[0][2])
        thick = max(1, round(width * self.px(points[0][2])))
        self.draw.line(smooth([self.at(point) for point in points], closed=False), fill=(*fill, 255), width=thick, joint="curve")

    def disc(self, centre: World, rx: float, ry: float, colour: RGB, *, bare: bool = False) -> None:
        """Fill an upright ellipse."""
        x, y = self.at(centre)
        unit = self.px(centre[2])
        fill = colour if bare else self.lit(colour, centre[2])
        self.draw.ellipse((x - rx * unit, y - ry * unit, x + rx * unit, y + ry * unit), fill=(*fill, 255))

    def shine(self, centre: World, radius: float, colour: RGB, strength: float = 1.0) -> None:
        """Let something glow, as far as it is dark enough for lamps."""
        power = self.light.lamps * strength
        if power <= 0.02:  # noqa: PLR2004 - nobody sees less
            return
        x, y = self.at(centre)
        share = SUPERSAMPLING * GLOW_SHARE
        size = max(1.5, radius * self.px(centre[2]) / share)
        power *= min(1.0, (0.22 * self.lens.height / share / size * 2.5) ** 0.7)
        add_light(self.glow, (x / share, y / share), min(size, 600.0), scale(colour, (power, power, power)))

    def finish(self, depth: float, blur: float = 0.0) -> Layer:
        """Close the sheet; `blur` in px."""
        small = self.image.reduce(SUPERSAMPLING)
        if blur > 0.3:  # noqa: PLR2004 - less is no blur at all
            small = small.filter(ImageFilter.GaussianBlur(blur))
        colours, mask = _bleed(small)
        return Layer(colours, mask, depth, self.margin, mask.getbbox())

    def finish_glow(self, depth: float) -> Layer:
        """Return the light of its lamps, `GLOW_SHARE` times smaller, as a layer to be added."""
        return Layer(self.glow.point(_SOFT_LIMIT * 3), None, depth, self.margin)

    def bake_glow(self) -> None:
        """Add the light of its lamps to what is painted, for layers whose lamps do not tremble."""
        glow = self.glow.point(_SOFT_LIMIT * 3).resize(self.image.size, Image.Resampling.BILINEAR)
        bands = self.image.split()
        lit = ImageChops.screen(Image.merge("RGB", bands[:3]), ImageChops.multiply(glow, Image.merge("RGB", [bands[3]] * 3)))
        self.image = Image.merge("RGBa", (*lit.split(), bands[3]))


def _bleed(premultiplied: Image.Image) -> tuple[Image.Image, Image.Image]:
    """Split colours from mask; where nothing was painted the mean colour stands, so that edges do not darken when resampled."""
    values = np.frombuffer(premultiplied.tobytes(), np.uint8).reshape(premultiplied.height, premultiplied.width, 4)
    alpha = values[..., 3].astype(np.uint16)
    seen = alpha > 0
    if not seen.any():
        return Image.new("RGB", premultiplied.size), Image.new("L", premultiplied.size)
    colours = np.minimum(255, values[..., :3].astype(np.uint16) * 255 // np.maximum(alpha, 1)[..., None]).astype(np.uint8)
    colours[~seen] = colours[seen].mean(axis=0).round().astype(np.uint8)
    return Image.fromarray(colours), Image.fromarray(np.ascontiguousarray(values[..., 3]))
