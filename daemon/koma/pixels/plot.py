"""Line plots of per-frame values as PNG, drawn with Pillow alone. The same values give the same bytes.

Dark on light, and large enough to be read at 640 px: the curve, its threshold dashed, and below it the frames at fault.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

WIDTH, HEIGHT = 960, 320  # px of one plot
_LEFT, _RIGHT, _TOP, _BOTTOM = 104, 24, 48, 56  # px around the curve
_TEXT = 20  # px
_PAPER, _INK, _PALE = (255, 255, 255), (34, 34, 40), (214, 214, 220)
_CURVE, _LIMIT, _FAULT, _FAINT = (32, 84, 160), (178, 34, 34), (214, 94, 0), (246, 214, 186)
_TICKS = 5
_ROOM = 0.08  # of the range of values, above and below
_MANY = 400  # values above which single points are not marked
_SPELT = str.maketrans({"²": "^2"})  # what the font of Pillow does not have

Color = tuple[int, int, int]
Place = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Curve:
    """What is drawn: values (None where a frame has none), the number of the frame that the first one belongs to, frames at fault.

    `places` are the frames of the values, one for each, where these do not follow one another. `threshold` is drawn as a line, with
    `demand` (`>= 0.8`) beside it; `across` says what the values follow one another by.
    """

    title: str
    unit: str
    values: Sequence[float | None]
    first: int = 0
    faults: Sequence[int] = ()
    threshold: float | None = None
    demand: str = ""
    across: str = "frame"
    places: Sequence[int] = ()

    @property
    def frames(self) -> Sequence[int]:
        """Frame of each value."""
        return self.places or range(self.first, self.first + len(self.values))


def plot(curve: Curve) -> Image.Image:
    """Draw one curve, WIDTH x HEIGHT px."""
    image = Image.new("RGB", (WIDTH, HEIGHT), _PAPER)
    sheet = _Sheet(ImageDraw.Draw(image), _Scale.of(curve))
    sheet.axes(curve)
    sheet.faults(curve)
    sheet.curve(curve)
    sheet.limit(curve)
    return image


def overview(curves: Sequence[Curve]) -> Image.Image:
    """Draw all curves, one below the other; at least one is needed."""
    image = Image.new("RGB", (WIDTH, HEIGHT * len(curves)), _PAPER)
    for number, curve in enumerate(curves):
        image.paste(plot(curve), (0, number * HEIGHT))
    return image


def save(image: Image.Image, file: Path) -> None:
    """Write a PNG that holds nothing besides."""
    image.save(file, "PNG", compress_level=6)


@dataclass(frozen=True, slots=True)
class _Scale:
    """Which values and frames the plot spans, and where they lie in it."""

    low: float
    high: float
    first: int
    last: int

    @classmethod
    def of(cls, curve: Curve) -> "_Scale":
        known = [value for value in curve.values if value is not None and math.isfinite(value)]
        known += [] if curve.threshold is None else [curve.threshold]
        low, high = (min(known), max(known)) if known else (0.0, 1.0)
        room = _ROOM * (high - low) or max(abs(high), 1.0) * _ROOM
        first = curve.frames[0]
        return cls(low - room, high + room, first, max(first + 1, curve.frames[-1]))

    def x(self, frame: float) -> float:
        return _LEFT + (frame - self.first) / (self.last - self.first) * (WIDTH - _LEFT - _RIGHT)

    def y(self, value: float) -> float:
        return HEIGHT - _BOTTOM - (value - self.low) / (self.high - self.low) * (HEIGHT - _TOP - _BOTTOM)


@dataclass(frozen=True, slots=True)
class _Sheet:
    """Paper to draw one plot on."""

    pen: ImageDraw.ImageDraw
    scale: _Scale

    def text(self, place: Place, words: str, anchor: str, color: Color = _INK) -> None:
        self.pen.text(place, words.translate(_SPELT), fill=color, font=_face(), anchor=anchor)

    def axes(self, curve: Curve) -> None:
        floor, right = HEIGHT - _BOTTOM, WIDTH - _RIGHT
        for value in ticks(self.scale.low, self.scale.high):
            self.pen.line((_LEFT, self.scale.y(value), right, self.scale.y(value)), fill=_PALE)
            self.text((_LEFT - 8, self.scale.y(value)), f"{value:.6g}", "rm")
        for value in ticks(self.scale.first, self.scale.last, whole=True):
            self.pen.line((self.scale.x(value), floor, self.scale.x(value), floor + 6), fill=_INK)
            half = self.pen.textlength(f"{value:.0f}", _face()) / 2
            self.text((min(self.scale.x(value), WIDTH - half), floor + 8), f"{value:.0f}", "ma")
        self.pen.line((_LEFT, _TOP, _LEFT, floor, right, floor), fill=_INK, width=2)
        self.text((_LEFT, 14), f"{curve.title} [{curve.unit}]" if curve.unit else curve.title, "la")
        self.text((right, HEIGHT - 4), curve.across, "rs")

    def limit(self, curve: Curve) -> None:
        if curve.threshold is None:
            return
        y = self.scale.y(curve.threshold)
        for x in range(_LEFT, WIDTH - _RIGHT, 16):
            self.pen.line((x, y, min(x + 9, WIDTH - _RIGHT), y), fill=_LIMIT, width=2)
        self.text((WIDTH - _RIGHT, 14), curve.demand or f"{curve.threshold:.6g}", "ra", _LIMIT)

    def curve(self, curve: Curve) -> None:
        for run in _runs(curve):
            places = [(self.scale.x(frame), self.scale.y(value)) for frame, value in run]
            self.pen.line(places, fill=_CURVE, width=3, joint="curve")
            if len(curve.values) <= _MANY or len(places) == 1:
                for x, y in places:
                    self.pen.ellipse((x - 3, y - 3, x + 3, y + 3), fill=_CURVE)

    def faults(self, curve: Curve) -> None:
        floor = HEIGHT - _BOTTOM
        for frame in curve.faults:
            if self.scale.first <= frame <= self.scale.last:
                x = self.scale.x(frame)
                self.pen.line((x, _TOP, x, floor - 14), fill=_FAINT)
                self.pen.polygon(((x, floor - 14), (x - 6, floor - 2), (x + 6, floor - 2)), fill=_FAULT)


@cache
def _face() -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Return Pillow's own font, laid out in its simplest way: other ways depend on what the machine has."""
    face = ImageFont.load_default(size=_TEXT)
    return face.font_variant(layout_engine=ImageFont.Layout.BASIC) if isinstance(face, ImageFont.FreeTypeFont) else face


def _runs(curve: Curve) -> Iterator[list[tuple[int, float]]]:
    """Give frames with their values, as far as they follow one another without a gap."""
    run: list[tuple[int, float]] = []
    for frame, value in zip(curve.frames, curve.values, strict=True):
        if value is not None and math.isfinite(value):
            run.append((frame, value))
        elif run:
            yield run
            run = []
    if run:
        yield run


def ticks(low: float, high: float, *, whole: bool = False) -> list[float]:
    """Round values between low and high, about five: steps of 1, 2 or 5 times a power of ten. `whole` gives whole numbers only."""
    rough = (high - low) / _TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)
    step = max(1.0, step) if whole else step
    return [number * step for number in range(math.ceil(low / step), math.floor(high / step) + 1)]
