"""Hair: styles in free words, drawn behind and before the head. Coordinates in head radii."""

import math
from dataclasses import dataclass

from koma.backends.animatic.colour import RGB, chance, darker, lighter
from koma.backends.animatic.light import has
from koma.backends.animatic.shapes import Pen, Point

_STYLES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("bald", ("bald", "shaved")),
    ("twintails", ("twin", "pigtail", "bunches")),
    ("ponytail", ("ponytail", "pony", "tail")),
    ("bun", ("bun", "topknot", "knot")),
    ("braid", ("braid", "plait")),
    ("curly", ("curl", "afro", "wavy", "fluffy")),
    ("spiky", ("spik", "messy", "tousl", "wild", "unruly")),
    ("bob", ("bob", "chin", "shoulder")),
    ("long", ("long", "flowing", "waist")),
)
_FRINGES: tuple[tuple[tuple[Point, ...], float], ...] = (
    (((0.66, 0.06), (0.24, -0.02), (-0.2, 0.0), (-0.62, 0.07)), -0.3),
    (((0.72, 0.12), (0.4, -0.06), (-0.06, 0.06), (-0.52, 0.2)), -0.42),
    (((0.6, -0.04), (0.12, 0.12), (-0.34, -0.02), (-0.7, 0.12)), -0.34),
)


@dataclass(frozen=True, slots=True)
class Hair:
    """How one character wears their hair."""

    style: str
    fringe: int
    colour: RGB
    tie: RGB


def hair_of(words: str, who: str, colour: RGB, tie: RGB) -> Hair:
    """Read free words; without any known one the character's id chooses between short styles."""
    style = next((name for name, stems in _STYLES if has(words, *stems)), "")
    dice = chance("hair", who, words if not style and not has(words, "short") else "")
    return Hair(
        style or dice.choice(("short", "short", "spiky", "bob") if not words else ("short",)), dice.randrange(len(_FRINGES)), colour, tie
    )


def draw_back(pen: Pen, hair: Hair, turn: float, sway: float) -> None:
    """Draw what hangs behind head and shoulders."""
    shade = darker(hair.colour, 0.26)
    back = -0.22 * turn
    match hair.style:
        case "bald":
            return
        case "long":
            low = [
                (1.16, 0.9),
                (1.2 + sway * 0.5, 2.0),
                (0.8 + sway, 2.62),
                (0.3 + sway, 2.4),
                (-0.2 + sway, 2.66),
                (-0.8 + sway, 2.45),
                (-1.2 + sway * 0.5, 2.0),
                (-1.16, 0.9),
            ]
            pen.shape([(back + x, y) for x, y in [(-0.9, -0.75), (0.0, -1.1), (0.9, -0.75), *low]], shade)
        case "bob":
            pen.shape(
                [
                    (back + x, y)
                    for x, y in (
                        (-0.95, -0.7),
                        (0, -1.1),
                        (0.95, -0.7),
                        (1.2, 0.3),
                        (1.08 + sway * 0.3, 1.0),
                        (0, 1.08),
                        (-1.08 + sway * 0.3, 1.0),
                        (-1.2, 0.3),
                    )
                ],
                shade,
            )
        case "curly":
            for number in range(13):
                angle = math.radians(-128 + number * 256 / 12)
                pen.disc((back + 1.08 * math.sin(angle), -1.02 * math.cos(angle) + 0.02), 0.36, 0.36, shade)
        case _:
            pen.disc((back, -0.02), 1.1, 1.08, shade)
            _tails(pen, hair, turn, sway, shade)


def _tails(pen: Pen, hair: Hair, turn: float, sway: float, shade: RGB) -> None:
    if hair.style == "ponytail":
        side = -1.0 if turn > 0 else 1.0
        draw_tail(pen, (side * 0.72, -0.62), side, sway, colour=shade, size=1.0, tie=hair.tie)
    elif hair.style == "twintails":
        for side in (-1.0, 1.0):
            draw_tail(pen, (side * 0.98, -0.32), side, sway, colour=shade, size=0.9, tie=hair.tie)
    elif hair.style == "bun":
        draw_bun(pen, (-0.42 * turn, -1.16), hair)


def draw_bun(pen: Pen, at: Point, hair: Hair) -> None:
    """Draw a bun with its middle at a point."""
    pen.disc(at, 0.42, 0.38, hair.colour)
    pen.stroke([(at[0] - 0.2, at[1] + 0.02), (at[0], at[1] - 0.14), (at[0] + 0.2, at[1])], 0.05, darker(hair.colour, 0.25))
    pen.stroke([(at[0] - 0.3, at[1] + 0.32), (at[0] + 0.3, at[1] + 0.32)], 0.14, hair.tie)


def draw_tail(pen: Pen, root: Point, side: float, sway: float, *, colour: RGB, size: float, tie: RGB) -> None:
    """Draw a tail of hair that hangs from its root to one side (-1 left, 1 right)."""
    x, y = root
    outer = [(0.0, -0.1), (0.62, -0.2), (0.98 + sway, 0.5), (0.7 + sway * 1.6, 1.65), (0.5 + sway, 1.0), (0.28, 0.5)]
    pen.shape([(x + side * dx * size, y + dy * size) for dx, dy in outer], colour)
    pen.disc((x + side * 0.06, y), 0.13, 0.15, tie)


def draw_front(pen: Pen, hair: Hair, turn: float, sway: float) -> None:
    """Draw the cap of hair with its fringe, side locks and shine, over the face."""
    if hair.style == "bald":
        pen.stroke([(-0.5, -0.72), (-0.2, -0.86), (0.15, -0.88)], 0.07, lighter(hair.colour, 0.6), taper=0.4)
        return
    pen.shape(_crown(hair) + _fringe(hair, turn), hair.colour, round_off=False)
    _shine(pen, hair, turn)
    if hair.style in ("long", "bob", "braid", "twintails"):
        for side in (-1, 1):
            pen.shape(
                [(side * 1.1, -0.2), (side * 1.17, 0.5), (side * 1.0 + sway * 0.3, 1.08), (side * 0.9, 0.5), (side * 0.92, 0.0)],
                hair.colour,
            )
    if hair.style == "braid":
        _braid(pen, hair, -1.0 if turn > 0 else 1.0, sway)


def _crown(hair: Hair) -> list[Point]:
    """From the left side lock over the top to the right one."""
    points = []
    for step in range(33):
        angle = math.radians(-118 + step * 236 / 32)
        radius = 1.1
        if hair.style == "spiky":
            radius += 0.17 * abs(((step / 4) % 1.0) * 2 - 1) * (1 if 3 < step < 30 else 0.3)  # noqa: PLR2004 - the ends lie at the cheeks
        elif hair.style == "curly":
            radius += 0.08 * abs(math.sin(step * 0.8))
        points.append((radius * math.sin(angle), -radius * 1.03 * math.cos(angle)))
    return points


def _fringe(hair: Hair, turn: float) -> list[Point]:
    """From the right side lock along the tips of the fringe to the left one."""
    tips, notch = _FRINGES[hair.fringe]
    shift = 0.2 * turn
    path: list[Point] = [(0.86, 0.1)]
    before = (0.82 + shift * 0.4, notch + 0.1)
    path.append(before)
    for number, (x, y) in enumerate(tips):
        tip = (x + shift, y)
        following = tips[number + 1][0] + shift if number + 1 < len(tips) else -0.82 + shift * 0.4
        after = ((x + shift) * 0.35 + following * 0.65, notch + (0.08 if number == len(tips) - 1 else 0.0))
        path += _bend(before, (x + shift + 0.14, y - 0.16), tip) + _bend(tip, (x + shift - 0.1, y - 0.2), after)
        before = after
    return [*path, (-0.86, 0.1)]


def _bend(a: Point, control: Point, b: Point) -> list[Point]:
    return [
        (
            (1 - t) ** 2 * a[0] + 2 * t * (1 - t) * control[0] + t * t * b[0],
            (1 - t) ** 2 * a[1] + 2 * t * (1 - t) * control[1] + t * t * b[1],
        )
        for t in (0.25, 0.5, 0.75, 1.0)
    ]


def _shine(pen: Pen, hair: Hair, turn: float) -> None:
    light = lighter(hair.colour, 0.2)
    shift = 0.16 * turn
    upper = [(shift + 0.84 * math.sin(a), -0.92 * math.cos(a) + 0.12) for a in (-0.95, -0.7, -0.45, -0.2, 0.05, 0.3, 0.55)]
    lower = [(x * 0.97, y + (0.15 if number % 2 else 0.06)) for number, (x, y) in enumerate(reversed(upper))]
    pen.shape(upper + lower, light, inked=False, steps=3)


def _braid(pen: Pen, hair: Hair, side: float, sway: float) -> None:
    for number in range(6):
        size = 0.25 - 0.02 * number
        pen.disc(
            (side * (0.92 + 0.05 * number) + sway * 0.12 * number, 0.85 + 0.29 * number),
            size,
            size * 0.85,
            hair.colour if number % 2 else darker(hair.colour, 0.12),
        )
    end = (side * 1.2 + sway * 0.72, 2.52)
    pen.disc(end, 0.12, 0.1, hair.tie)


def draw_behind(pen: Pen, hair: Hair, sway: float) -> None:
    """Draw the hair of someone who looks away: the whole back of the head."""
    if hair.style == "bald":
        return
    low = {"long": 2.5, "bob": 1.02}.get(hair.style, 0.72)
    half = 1.14 if hair.style in ("long", "bob") else 1.06
    crown = [(x, y) for x, y in _crown(hair) if y < 0.1]  # noqa: PLR2004 - the upper half
    pen.shape(
        [
            *crown,
            (half, 0.4),
            (half * 0.86 + sway, low),
            (0.3 + sway, low - 0.1),
            (-0.2 + sway, low + 0.06),
            (-half * 0.86 + sway, low),
            (-half, 0.4),
        ],
        hair.colour,
        round_off=False,
    )
    _shine(pen, hair, 0.0)
    for x in (-0.5, -0.1, 0.34, 0.7):
        pen.stroke([(x * 0.5, -0.3), (x, low * 0.75)], 0.03, darker(hair.colour, 0.22))


def draw_hanging(pen: Pen, hair: Hair, sway: float) -> None:
    """Draw what hangs over the back of someone who looks away: tails, bun, braid."""
    if hair.style == "ponytail":
        _hanging_tail(pen, hair, sway)
    elif hair.style in ("bun", "twintails"):
        _tails(pen, hair, 0.0, sway, darker(hair.colour, 0.1))
    elif hair.style == "braid":
        _braid(pen, hair, 0.15, sway)


def _hanging_tail(pen: Pen, hair: Hair, sway: float) -> None:
    """Draw a ponytail from behind: it hangs down the middle."""
    right = [(0.14, -0.5), (0.38, 0.0), (0.34, 0.7)]
    pen.shape([*right, (0.06 + sway, 1.5), *((-x, y) for x, y in reversed(right))], darker(hair.colour, 0.12))
    pen.disc((0.0, -0.46), 0.17, 0.13, hair.tie)
