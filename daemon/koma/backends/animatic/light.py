"""Light and colour of a shot: what the time of day, the mood and the weather do to sky, figures and the finished picture."""

from dataclasses import dataclass
from functools import lru_cache

from PIL import Image, ImageDraw, ImageFilter

from koma.backends.animatic.colour import RGB, chance, from_hsv
from koma.pixels.colour import parse

Factors = tuple[float, float, float]
_DUSK = 0.3


@dataclass(frozen=True, slots=True)
class Light:
    """The light of a time of day.

    `sky` from zenith over the middle to the horizon; `ambient` multiplies every painted colour; `rim` lines the figures; `lamps` and
    `stars` are 0..1; `disc` is the sun's or moon's colour, or None; `height` is how high it stands, 0 at the horizon to 1.
    """

    sky: tuple[RGB, RGB, RGB]
    ambient: Factors
    rim: RGB
    lamps: float
    stars: float
    disc: RGB | None
    height: float
    moon: bool = False

    @property
    def lamps_lit(self) -> bool:
        """Whether people have switched the lights on."""
        return self.lamps > _DUSK


def _light(sky: str, ambient: Factors, rim: str, shining: tuple[float, float], disc: str, height: float, *, moon: bool = False) -> Light:
    top, middle, low = (parse(colour) for colour in sky.split())
    return Light((top, middle, low), ambient, parse(rim), *shining, parse(disc) if disc else None, height, moon)


_LIGHTS = {
    "": _light("#cfc9d6 #e6dfe2 #f8efe2", (1.0, 0.99, 0.97), "#fffaf0", (0.15, 0.0), "", 0.6),
    "dawn": _light("#5566b4 #e79fb6 #ffe0b2", (0.93, 0.86, 0.92), "#ffd9b0", (0.45, 0.25), "#fff0cf", 0.06),
    "morning": _light("#6db8ee #c3e5f5 #fff2d8", (1.0, 0.98, 0.95), "#fff3d0", (0.05, 0.0), "#fffbe2", 0.42),
    "day": _light("#3f9fe6 #95d2f6 #eefaff", (1.0, 1.0, 1.0), "#ffffff", (0.0, 0.0), "#fffde8", 0.75),
    "noon": _light("#2a8fe2 #7ecbf5 #e2f7ff", (1.0, 1.0, 0.98), "#ffffff", (0.0, 0.0), "#ffffff", 0.95),
    "afternoon": _light("#62aee2 #b9def0 #ffedc8", (1.0, 0.97, 0.89), "#ffefc0", (0.05, 0.0), "#fff6cf", 0.5),
    "sunset": _light("#4a4a9c #e8748a #ffc777", (1.0, 0.82, 0.76), "#ffc27a", (0.6, 0.05), "#ffe9b0", 0.1),
    "dusk": _light("#2a2c68 #7d5a98 #f39b80", (0.82, 0.72, 0.86), "#ffb08a", (0.85, 0.4), "", 0.0),
    "evening": _light("#1f1a4a #553a80 #b8667f", (0.74, 0.66, 0.86), "#ff9f8a", (1.0, 0.6), "#fff2cf", 0.5, moon=True),
    "night": _light("#0a1030 #1a2a60 #42508f", (0.62, 0.66, 0.9), "#a9c4ff", (1.0, 1.0), "#fff6d8", 0.62, moon=True),
}

_LAMPLIGHT: Factors = (1.0, 0.93, 0.86)


def on_figures(light: Light) -> Factors:
    """Return what the hour multiplies the figures' colours by: lamps give back some of the warmth that the night takes."""
    share = 0.3 + 0.35 * light.lamps
    r, g, b = (a + (lamp - a) * share for a, lamp in zip(light.ambient, _LAMPLIGHT, strict=True))
    return r, g, b


_OVERCAST = ("rain", "storm", "cloud", "overcast", "fog", "mist", "snow", "drizzl")


def light_of(time: str, weather: str) -> Light:
    """Light of a time of day, greyer under clouds."""
    light = _LIGHTS[time]
    if not has(weather, *_OVERCAST):
        return light
    grey = tuple(_greyer(colour) for colour in light.sky)
    dim = tuple(factor * 0.93 for factor in light.ambient)
    lamps = min(1.0, light.lamps + 0.25)
    return Light((grey[0], grey[1], grey[2]), (dim[0], dim[1], dim[2] * 1.04), light.rim, lamps, light.stars * 0.25, None, 0.0, light.moon)


def has(text: str, *stems: str) -> bool:
    """Whether one of these word beginnings stands anywhere in a free text."""
    words = text.lower().replace("-", " ").replace("_", " ").replace(",", " ").split()
    return any(word.startswith(stem) for word in words for stem in stems)


def _greyer(colour: RGB) -> RGB:
    level = sum(colour) / 3
    r, g, b = (round(channel * 0.5 + level * 0.46) for channel in colour)
    return r, g, b


@dataclass(frozen=True, slots=True)
class Grade:
    """What a mood does to the finished picture: channel gains, contrast around the middle, colour strength, darkness of the corners."""

    gains: Factors = (1.0, 1.0, 1.0)
    contrast: float = 1.0
    saturation: float = 1.0
    vignette: float = 0.24


_MOODS: tuple[tuple[tuple[str, ...], Grade], ...] = (
    (("tens", "danger", "threat", "urgen", "omin"), Grade((0.93, 1.0, 1.05), 1.14, 0.92, 0.5)),
    (("scar", "fear", "horror", "eeri", "dread"), Grade((0.88, 1.0, 0.95), 1.16, 0.7, 0.6)),
    (("warm", "cozy", "cosy", "tender", "home", "love", "roman"), Grade((1.07, 1.0, 0.91), 1.0, 1.08, 0.28)),
    (("happ", "joy", "cheer", "bright", "excit"), Grade((1.04, 1.03, 0.98), 1.05, 1.18, 0.12)),
    (("play", "funn", "comic", "silly", "mischie"), Grade((1.05, 1.02, 1.0), 1.05, 1.22, 0.1)),
    (("sad", "melanch", "lone", "grief", "wist"), Grade((0.92, 0.97, 1.07), 0.97, 0.72, 0.4)),
    (("calm", "gentl", "peace", "quiet", "seren", "soft"), Grade((1.0, 1.01, 1.0), 0.95, 0.95, 0.2)),
    (("myster", "strang", "magic", "dream", "wonder"), Grade((1.0, 0.95, 1.09), 1.04, 1.08, 0.42)),
    (("hope", "relie", "triumph", "proud"), Grade((1.06, 1.02, 0.95), 1.04, 1.1, 0.18)),
    (("angr", "fur", "rage"), Grade((1.1, 0.95, 0.93), 1.14, 1.1, 0.45)),
)


def grade_of(mood: str) -> Grade:
    """Grade of a mood in free words; a word that is not known gives a small tint of its own."""
    for stems, grade in _MOODS:
        if has(mood, *stems):
            return grade
    if not mood:
        return Grade()
    tint = from_hsv(chance("mood", mood).random(), 0.12, 1.0)
    return Grade((tint[0] / 244, tint[1] / 244, tint[2] / 244))


@lru_cache(maxsize=16)
def _tone(grade: Grade) -> tuple[int, ...]:
    def level(value: int, gain: float) -> int:
        return max(0, min(255, round(((value / 255 - 0.5) * grade.contrast + 0.5) * gain * 255)))

    return tuple(level(value, gain) for gain in grade.gains for value in range(256))


@lru_cache(maxsize=4)
def vignette(size: tuple[int, int], strength: float) -> Image.Image:
    """Mask (L) that darkens the corners; 0 leaves the picture as it is."""
    small = (max(8, size[0] // 8), max(8, size[1] // 8))
    mask = Image.new("L", small, round(255 * strength))
    inset_x, inset_y = small[0] * 0.02, small[1] * -0.02
    ImageDraw.Draw(mask).ellipse((inset_x, inset_y, small[0] - inset_x, small[1] - inset_y), fill=0)
    return mask.filter(ImageFilter.GaussianBlur(max(small) / 9)).resize(size, Image.Resampling.BICUBIC)


def apply_grade(picture: Image.Image, grade: Grade) -> Image.Image:
    """Grade a finished RGB picture."""
    if grade.saturation != 1.0:
        picture = Image.blend(picture.convert("L").convert("RGB"), picture, grade.saturation)
    picture = picture.point(_tone(grade))
    picture.paste((14, 8, 30), (0, 0), vignette(picture.size, grade.vignette))
    return picture
