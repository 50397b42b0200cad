"""The sky layer: gradient, sun or moon, stars, clouds."""

import random

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from koma.backends.animatic.colour import RGB, WHITE, lighter, mix
from koma.backends.animatic.light import Light
from koma.backends.animatic.shapes import add_light, gradient
from koma.backends.animatic.sheet import Layer, Lens


def paint_sky(lens: Lens, margin: tuple[int, int], light: Light, features: frozenset[str], dice: random.Random) -> Layer:
    """Paint the whole sky, down to below the horizon."""
    size = (lens.width + 2 * margin[0], lens.height + 2 * margin[1])
    horizon = min(max((lens.horizon + margin[1]) / size[1], 0.25), 1.6)
    picture = gradient(size, [(0.0, light.sky[0]), (horizon * 0.6, light.sky[1]), (horizon, light.sky[2]), (horizon + 1.0, light.sky[2])])
    ground = horizon * size[1]
    _stars(picture, ground, light, features, dice)
    _sun_or_moon(picture, ground, light, features, dice)
    _clouds(picture, ground, light, dice)
    return Layer(picture, None, 0.0, margin)


def _stars(picture: Image.Image, ground: float, light: Light, features: frozenset[str], dice: random.Random) -> None:
    amount = light.stars * 1.6 + 0.3 if "stars" in features else light.stars
    count = round(amount * 150)
    draw = ImageDraw.Draw(picture)
    for number in range(count):
        x, y = dice.uniform(0, picture.width), dice.uniform(0, max(10.0, ground * 0.85))
        tint = mix(WHITE, dice.choice([(255, 226, 190), (190, 214, 255), (255, 255, 255)]), 0.8)
        size = dice.choice((0.5, 0.5, 0.8, 1.0)) * max(1.0, picture.height / 560)
        colour = mix(light.sky[0], tint, dice.uniform(0.35, 1.0))
        draw.ellipse((x - size, y - size, x + size, y + size), fill=colour)
        if number % 19 == 0:
            add_light(picture, (x, y), size * 9, mix((0, 0, 0), tint, 0.6), 2.4)
            for dx, dy in ((size * 4, 0.0), (0.0, size * 4)):
                draw.line((x - dx, y - dy, x + dx, y + dy), fill=mix(colour, tint, 0.5))


def _sun_or_moon(picture: Image.Image, ground: float, light: Light, features: frozenset[str], dice: random.Random) -> None:
    colour = light.disc or ((255, 246, 216) if "moon" in features else None)
    side = dice.choice((0.24, 0.31, 0.66, 0.74))
    if colour is None:
        return
    x, y = picture.width * side, ground * (1.0 - max(light.height, 0.12) * 0.85)
    radius = picture.height * (0.075 if light.moon or "moon" in features else 0.06) * (1.5 if "moon" in features else 1.0)
    add_light(picture, (x, y), radius * 7, mix((0, 0, 0), colour, 0.34 if light.moon else 0.6), 2.2)
    add_light(picture, (x, y), radius * 2.4, mix((0, 0, 0), colour, 0.5), 1.6)
    _disc(picture, x, y, radius, colour, moon=light.moon or "moon" in features)


def _disc(picture: Image.Image, x: float, y: float, radius: float, colour: RGB, *, moon: bool) -> None:
    side = round(radius * 8)
    disc = Image.new("RGBA", (side, side), (*colour, 0))
    draw = ImageDraw.Draw(disc)
    draw.ellipse((0, 0, side - 1, side - 1), fill=(*colour, 255))
    if moon:
        shade = mix(colour, (150, 150, 190), 0.28)
        for cx, cy, size in ((0.34, 0.4, 0.13), (0.62, 0.3, 0.09), (0.58, 0.66, 0.16), (0.3, 0.7, 0.07)):
            draw.ellipse([side * edge for edge in (cx - size, cy - size, cx + size, cy + size)], fill=(*shade, 255))
    small = disc.reduce(4)
    picture.paste(small, (round(x - small.width / 2), round(y - small.height / 2)), small)


def _clouds(picture: Image.Image, ground: float, light: Light, dice: random.Random) -> None:
    """Stacked cloud banks, each with a lit upper and a shaded lower edge."""
    body = mix(light.sky[1], lighter(light.rim, 0.5), 0.5 if light.stars < 0.5 else 0.16)  # noqa: PLR2004 - night clouds are dark
    for _ in range(dice.randint(4, 6)):
        x, y = dice.uniform(0, picture.width), ground * dice.uniform(0.3, 0.82)
        width = picture.width * dice.uniform(0.12, 0.3)
        mask = _bank(picture.size, x, y, width, dice)
        lift = max(2, round(width * 0.02))
        strength = dice.uniform(0.45, 0.85)
        for colour, share, drop in ((mix(body, light.sky[0], 0.35), 0.75, lift), (lighter(body, 0.4), 1.0, 0)):
            level = ImageChops.offset(mask, 0, drop).point([round(value * share * strength) for value in range(256)])
            picture.paste(colour, (0, 0), level)


def _bank(size: tuple[int, int], x: float, y: float, width: float, dice: random.Random) -> Image.Image:
    mask = Image.new("L", (size[0] // 2, size[1] // 2))
    draw = ImageDraw.Draw(mask)
    for _ in range(14):
        along = dice.uniform(-1, 1)
        radius = width * 0.16 * (1.15 - abs(along)) * dice.uniform(0.6, 1.2)
        cx, cy = x + along * width * 0.5, y - dice.uniform(0, 1) * width * 0.12 * (1 - along * along)
        draw.ellipse(((cx - radius) / 2, (cy - radius * 0.7) / 2, (cx + radius) / 2, (cy + radius * 0.5) / 2), fill=255)
    draw.rectangle((0, y / 2 + width * 0.03, size[0], size[1]), fill=0)
    return mask.filter(ImageFilter.GaussianBlur(max(1.0, width / 60))).resize(size)
