"""Builds the set of a shot: which features a location asks for, and the far, middle and front layers they are painted on."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from koma.backends.animatic import buildings, nature
from koma.backends.animatic.colour import RGB, chance, darker, from_hsv, lighter, mix
from koma.backends.animatic.furniture import font
from koma.backends.animatic.light import Light, has
from koma.backends.animatic.panel import Location
from koma.backends.animatic.sheet import Layer, Lens, Sheet

FAR, MIDDLE, FRONT = 0.3, 0.75, 1.45
FEATURES: dict[str, tuple[str, ...]] = {
    "houses": ("house", "street", "alley", "lane", "town", "village", "roof", "city", "quarter"),
    "lanterns": ("lantern",),
    "lamps": ("lamp", "streetlight"),
    "shop": ("shop", "stall", "market", "bakery", "cafe", "store", "stand", "noodle"),
    "river": ("river", "canal", "water", "stream", "lake", "pond", "sea", "harbo"),
    "bridge": ("bridge",),
    "boat": ("boat", "ship", "ferry"),
    "tower": ("tower", "clock", "castle"),
    "gate": ("shrine", "torii", "temple", "gate"),
    "trees": ("tree", "forest", "park", "wood", "willow", "maple", "garden"),
    "pines": ("pine", "fir", "cedar"),
    "mountains": ("mountain", "hill", "ridge"),
    "fence": ("fence", "railing", "rail"),
    "stairs": ("stair", "step"),
    "grass": ("grass", "field", "meadow", "flower"),
    "room": ("room", "interior", "kitchen", "workshop", "attic", "indoor", "library"),
    "stars": ("star",),
    "moon": ("moon",),
    "steam": ("steam", "smoke"),
    "rain": ("rain", "puddle"),
    "snow": ("snow",),
    "fireflies": ("firefl", "spark"),
    "petals": ("petal", "blossom", "cherry", "sakura"),
}
_BUILT = frozenset({"houses", "lanterns", "lamps", "shop", "tower"})
_SCENERY = _BUILT | {"trees", "pines", "river", "bridge", "gate", "grass", "room", "mountains", "stairs"}
Painter = Callable[[Sheet], None]


@dataclass(frozen=True, slots=True)
class Set:
    """A place ready to be painted: what is there, words that no painter knows, and its colours."""

    kinds: frozenset[str]
    signs: tuple[str, ...]
    colours: tuple[RGB, ...]
    seed: str


def furnish(location: Location | None) -> Set:
    """Read a location; without features its description is searched, and without any scenery it becomes a small street."""
    if location is None:
        return Set(frozenset(), (), _colours((), "nowhere"), "nowhere")
    words = location.features or tuple(location.description.replace(".", " ").split())
    kinds = {kind for kind, stems in FEATURES.items() if any(has(word, *stems) for word in words)}
    signs = tuple(word for word in location.features if not any(has(word, *stems) for stems in FEATURES.values()))
    if not kinds & _SCENERY:
        kinds.add("houses")
    return Set(frozenset(kinds), signs, _colours(location.palette, location.id), location.id)


def _colours(palette: tuple[RGB, ...], seed: str) -> tuple[RGB, ...]:
    dice = chance("palette", seed)
    hue = dice.random()
    own = [from_hsv(hue + 0.08 * number, dice.uniform(0.25, 0.45), dice.uniform(0.6, 0.85)) for number in range(5)]
    return (*palette, *own[len(palette) :])


def paint_far(place: Set, sheet: Sheet, dice: random.Random) -> None:
    """Paint ridges, roofs and towers at the horizon."""
    fixed = chance("far", place.seed)
    base = mix(place.colours[0], sheet.light.sky[1], 0.45)
    if "mountains" in place.kinds or not place.kinds & _BUILT:
        nature.mountains(sheet, mix((96, 116, 150), base, 0.3), fixed)
    if place.kinds & _BUILT and "room" not in place.kinds:
        nature.skyline(sheet, darker(base, 0.25), dice)
    if "tower" in place.kinds:
        buildings.tower(sheet, fixed.uniform(-1.6, 1.6), 9.0, mix(place.colours[1], (150, 130, 150), 0.4))


def paint_middle(place: Set, sheet: Sheet, dice: random.Random, wet: bool) -> None:
    """Paint the ground and everything that stands on it, from far to near."""
    if "room" in place.kinds:
        buildings.room(sheet, place.colours[0], place.colours[1], dice)
        _signs(place, sheet)
        return
    green = "grass" in place.kinds or bool(place.kinds & {"trees", "pines"} and not place.kinds & _BUILT)
    soil = mix((124, 168, 104), place.colours[-1], 0.2) if green else mix(place.colours[-1], (150, 140, 150), 0.55)
    if "snow" in place.kinds:
        soil = (226, 232, 244)
    nature.ground(sheet, soil, paved=bool(place.kinds & (_BUILT | {"bridge", "gate"})))
    for _, painter in sorted(_stand(place, dice, green=green), key=lambda item: -item[0]):
        painter(sheet)
    if wet:
        nature.reflections(sheet, 0.7, 4.0, (buildings.GLOW, place.colours[0], lighter(place.colours[1], 0.3)), dice)
    _signs(place, sheet)


def _stand(place: Set, dice: random.Random, *, green: bool) -> list[tuple[float, Painter]]:
    """Return everything on the ground with its distance."""
    fixed = chance("set", place.seed)
    things: list[tuple[float, Painter]] = []
    colours, kinds = place.colours, place.kinds
    water = "river" in kinds or "bridge" in kinds or "boat" in kinds
    if water:
        things.append((7.0, lambda sheet: nature.river(sheet, 2.2, 6.2, dice)))
    if "bridge" in kinds:
        things.append((3.4, lambda sheet: buildings.bridge(sheet, 3.4, mix((196, 74, 60), colours[0], 0.25))))
    if "boat" in kinds:
        things.append((3.0, lambda sheet: nature.boat(sheet, 2.1, 2.8)))
    if "gate" in kinds:
        things.append((2.6, lambda sheet: buildings.gate(sheet, 2.6, (204, 78, 60))))
    if "fence" in kinds:
        things.append((1.75, lambda sheet: buildings.fence(sheet, 1.75, (150, 112, 92))))
    if "stairs" in kinds:
        things.append((2.2, lambda sheet: buildings.stairs(sheet, 0.0, (164, 156, 166))))
    if "grass" in kinds:
        things.append((0.4, lambda sheet: nature.grass(sheet, (112, 160, 92), dice)))
    return things + _rows(place, fixed, dice, water=water) + _greens(place, fixed, dice, green=green, water=water)


def _rows(place: Set, fixed: random.Random, dice: random.Random, *, water: bool) -> list[tuple[float, Painter]]:
    """Return the houses along the street and what hangs between them."""
    things: list[tuple[float, Painter]] = []
    colours, kinds = place.colours, place.kinds
    start = 6.4 if water else 0.3
    if kinds & {"houses", "lanterns", "shop", "lamps"}:
        for side in (-1, 1):
            z = start
            for number in range(9):
                far = z * 1.42
                wall = mix(colours[(number + (side > 0)) % len(colours)], (214, 190, 176), 0.3 + 0.2 * fixed.random())
                things.append((z, partial(buildings.house, side=side, depth=(z, far), wall=wall, dice=dice)))
                z = far * 1.02
    if "lanterns" in kinds:
        bright = tuple(mix(colour, (255, 150, 90), 0.4) for colour in colours[:3])
        rows = (7.0,) if water else (1.25, 1.9, 2.9, 4.4)
        things += [(z, partial(buildings.lantern_row, z=z, colours=bright, dice=chance("row", place.seed, z))) for z in rows]
        if water:
            things += [(1.8, partial(_bank_lantern, x=x, colours=bright)) for x in (-2.1, -0.7, 0.75, 2.2)]
    if "lamps" in kinds:
        things += [(z, partial(buildings.street_lamp, x=x, z=z)) for z in (1.7, 3.2, 5.6) for x in (-1.2, 1.2)]
    if "shop" in kinds:
        x, z = fixed.choice((-0.95, 1.0)), 1.62
        things.append((z, partial(buildings.shop, x=x, z=z, colours=(colours[0], darker(colours[1], 0.1)), dice=dice)))
    return things


def _bank_lantern(sheet: Sheet, x: float, colours: tuple[RGB, ...]) -> None:
    sheet.line([(x, 0, 1.8), (x, 1.42, 1.8), (x + 0.2, 1.46, 1.8)], 0.045, darker(buildings.WOOD, 0.3))
    buildings.lantern(sheet, (x + 0.2, 1.08, 1.8), colours[int(abs(x) * 2) % len(colours)], 0.16)


def _greens(place: Set, fixed: random.Random, dice: random.Random, *, green: bool, water: bool) -> list[tuple[float, Painter]]:
    things: list[tuple[float, Painter]] = []
    leaf = (246, 176, 196) if "petals" in place.kinds else mix((104, 152, 98), place.colours[2], 0.18)
    if "trees" in place.kinds or "petals" in place.kinds:
        for _ in range(10 if green else 5):
            z = fixed.choice((fixed.uniform(1.4, 2.0), 6.5 if water else fixed.uniform(2.0, 6.0)))
            x = fixed.choice((-1, 1)) * fixed.uniform(1.0, 1.5) * (1 + 0.25 * z)
            things.append((z, partial(nature.tree, x=x, z=z, leaf=leaf, dice=dice)))
    if "pines" in place.kinds:
        for _ in range(12):
            z = fixed.uniform(1.8, 7.0)
            x = fixed.choice((-1, 1)) * fixed.uniform(0.9, 1.6) * (1 + 0.25 * z)
            things.append((z, partial(nature.pine, x=x, z=z, leaf=(70, 112, 98))))
    return things


def _signs(place: Set, sheet: Sheet) -> None:
    """Put up a signpost for every feature that has no painter of its own."""
    for number, word in enumerate(place.signs[:4]):
        x, z = (-1.15, 1.2, -0.55, 0.65)[number], 1.6 + 0.25 * number
        sheet.line([(x, 0, z), (x, 1.05, z)], 0.06, darker(buildings.WOOD, 0.2))
        half = 0.09 + 0.045 * len(word)
        board = [(x - half, 0.82, z), (x + half, 0.82, z), (x + half + 0.1, 0.97, z), (x + half, 1.12, z), (x - half, 1.12, z)]
        sheet.polygon(board, lighter(buildings.WOOD, 0.35))
        sheet.draw.text(
            sheet.at((x, 0.97, z)),
            word,
            fill=(*darker(buildings.WOOD, 0.6), 255),
            font=font(max(8, round(0.15 * sheet.px(z)))),
            anchor="mm",
        )


def paint_front(place: Set, lens: Lens, margin: tuple[int, int], light: Light, blur: float) -> Layer | None:
    """Paint what stands between the camera and the figures, dark and out of focus."""
    sheet = Sheet(lens, margin, light)
    fixed = chance("front", place.seed)
    side = fixed.choice((-1, 1))
    if place.kinds & {"trees", "petals", "pines"}:
        _branch(sheet, side, (236, 150, 176) if "petals" in place.kinds else (44, 74, 62), fixed)
    elif "lanterns" in place.kinds:
        _big_lantern(sheet, side, place.colours[0])
    elif place.kinds & {"shop", "room"}:
        _curtain(sheet, place.colours[1])
    else:
        return None
    return sheet.finish(FRONT, blur)


def _corner(sheet: Sheet, side: int, across: float, down: float) -> tuple[float, float, float]:
    """Return a world point at distance 1 that lies at a share of the picture, from the chosen upper corner."""
    lens = sheet.lens
    x = (lens.width * (1 - across) if side > 0 else lens.width * across) - lens.width / 2
    return x / lens.unit, lens.eye - (lens.height * down - lens.horizon) / lens.unit, 1.0


def _branch(sheet: Sheet, side: int, leaf: RGB, dice: random.Random) -> None:
    points = [_corner(sheet, side, across, down) for across, down in ((-0.3, 0.0), (0.1, 0.08), (0.3, 0.05))]
    grain = sheet.lens.height / sheet.lens.unit
    sheet.line(points, 0.016 * grain, (48, 34, 46))
    for _ in range(46):
        across, down = dice.uniform(-0.25, 0.33), dice.uniform(-0.16, 0.13)
        if across + down * 1.6 < 0.42:  # noqa: PLR2004 - leaves thin out towards the tip
            sheet.disc(
                _corner(sheet, side, across, down),
                dice.uniform(0.016, 0.034) * grain,
                dice.uniform(0.012, 0.026) * grain,
                mix(darker(leaf, 0.3), leaf, dice.random()),
            )


def _big_lantern(sheet: Sheet, side: int, colour: RGB) -> None:
    grain = sheet.lens.height / sheet.lens.unit
    buildings.lantern(sheet, _corner(sheet, side, 0.045, 0.1), mix(colour, (230, 90, 60), 0.45), 0.13 * grain)


def _curtain(sheet: Sheet, colour: RGB) -> None:
    for number in range(-2, 8):
        left, right = number * 0.17 - 0.02, number * 0.17 + 0.145
        points = [
            _corner(sheet, -1, across, down)
            for across, down in ((left, -0.25), (right, -0.25), (right - 0.005, 0.075), (left + 0.005, 0.085))
        ]
        sheet.polygon(points, darker(colour, 0.35))
