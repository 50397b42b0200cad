"""What people built: houses, lanterns, shops, bridges, towers, gates, rooms. Each paints itself on a sheet."""

import math
import random
from collections.abc import Sequence

from koma.backends.animatic.colour import RGB, darker, lighter, mix
from koma.backends.animatic.sheet import Sheet, World

GLOW: RGB = (255, 176, 84)
WOOD: RGB = (126, 82, 62)
STREET = 1.55  # half the width of the street, in persons


def house(sheet: Sheet, side: int, depth: tuple[float, float], wall: RGB, dice: random.Random) -> None:
    """Paint a house along the street; `side` is -1 left, 1 right."""
    (near, far), x, top = depth, side * STREET, dice.uniform(1.9, 2.7)
    roof = mix(darker(wall, 0.55), (70, 78, 120), 0.4)
    out = side * (STREET + 2.6)
    sheet.polygon([(x, 0, near), (out, 0, near), (out, top, near), (x, top, near)], darker(wall, 0.28))
    sheet.polygon([(x, 0, near), (x, 0, far), (x, top, far), (x, top, near)], wall)
    sheet.polygon([(x, 0, near), (x, 0, far), (x, 0.28, far), (x, 0.28, near)], darker(wall, 0.35))
    for edge in (near, (near + far) / 2, far):
        _post(sheet, x, edge, top)
    _windows(sheet, x, (near, far), top, dice)
    eave, ridge = x - side * 0.32, top + 0.62
    sheet.polygon([(eave, top - 0.12, near), (eave, top - 0.12, far), (out, ridge, far), (out, ridge, near)], roof)
    sheet.polygon(
        [(eave, top - 0.12, near), (eave, top - 0.02, near), (out, ridge + 0.1, near), (out, ridge - 0.05, near)], lighter(roof, 0.12)
    )
    sheet.polygon([(eave, top - 0.2, near), (eave, top - 0.2, far), (eave, top - 0.06, far), (eave, top - 0.06, near)], lighter(roof, 0.18))


def _post(sheet: Sheet, x: float, z: float, top: float) -> None:
    sheet.polygon([(x, 0, z), (x, 0, z * 1.03), (x, top, z * 1.03), (x, top, z)], darker(WOOD, 0.25))


def _windows(sheet: Sheet, x: float, depth: tuple[float, float], top: float, dice: random.Random) -> None:
    near, far = depth
    columns = 3
    for floor, (low, high) in enumerate(((0.42, 1.12), (1.35, top - 0.28))):
        for column in range(columns):
            a = near + (far - near) * (column + 0.2) / columns
            b = near + (far - near) * (column + 0.8) / columns
            _window(sheet, x, (a, b), (low, high), lit=dice.random() < (0.72 if floor == 0 else 0.5), dice=dice)


def _window(sheet: Sheet, x: float, depth: tuple[float, float], heights: tuple[float, float], *, lit: bool, dice: random.Random) -> None:
    (a, b), (low, high) = depth, heights
    warm = mix(GLOW, (255, 226, 160), dice.random())
    on = lit and sheet.light.lamps_lit
    frame = [(x, low - 0.05, a), (x, low - 0.05, b), (x, high + 0.05, b), (x, high + 0.05, a)]
    pane = [(x, low, a * 1.02), (x, low, b * 0.99), (x, high, b * 0.99), (x, high, a * 1.02)]
    sheet.polygon(frame, darker(WOOD, 0.3))
    sheet.polygon(pane, mix(sheet.lit(warm, a), warm, 0.85) if on else (118, 138, 160), bare=on)
    middle = (a + b) / 2
    sheet.line([(x, low, middle), (x, high, middle)], 0.02, darker(WOOD, 0.3))
    sheet.line([(x, (low + high) / 2, a), (x, (low + high) / 2, b)], 0.02, darker(WOOD, 0.3))
    if on:
        sheet.shine((x, (low + high) / 2, middle), 0.7, warm, 0.5)


def lantern(sheet: Sheet, place: World, colour: RGB, size: float = 0.2) -> None:
    """Paint a round paper lantern with ribs, lit from within."""
    x, y, z = place
    warm = mix(colour, (255, 214, 130), 0.35 + 0.3 * sheet.light.lamps)
    on = sheet.light.lamps_lit
    sheet.line([(x, y + size * 1.9, z), (x, y + size * 1.1, z)], 0.02, darker(WOOD, 0.4))
    sheet.disc(place, size * 0.92, size * 1.12, mix(warm, colour, 0.5), bare=on)
    sheet.disc((x, y - size * 0.05, z), size * 0.66, size * 0.92, warm, bare=on)
    sheet.disc((x, y - size * 0.1, z), size * 0.34, size * 0.62, lighter(warm, 0.6), bare=on)
    for rise in (-0.6, -0.2, 0.2, 0.6):
        half = 0.9 * math.sqrt(1 - rise * rise * 0.72)
        sheet.line(
            [(x - size * half, y + rise * size, z), (x, y + (rise - 0.08) * size, z), (x + size * half, y + rise * size, z)],
            0.012,
            mix(colour, WOOD, 0.5),
            bare=on,
        )
    for rise in (-1.12, 1.0):
        sheet.polygon(
            [
                (x - size * 0.42, y + rise * size, z),
                (x + size * 0.42, y + rise * size, z),
                (x + size * 0.42, y + (rise + 0.16) * size, z),
                (x - size * 0.42, y + (rise + 0.16) * size, z),
            ],
            darker(WOOD, 0.45),
        )
    sheet.line([(x, y - size * 1.1, z), (x, y - size * 1.7, z)], 0.025, mix(colour, (200, 60, 50), 0.5))
    sheet.shine(place, 1.5, mix(warm, GLOW, 0.5), 0.85)
    sheet.shine(place, 0.45, lighter(warm, 0.3), 0.7)


def lantern_row(sheet: Sheet, z: float, colours: Sequence[RGB], dice: random.Random) -> None:
    """Hang a string of lanterns across the street."""
    high, sag = dice.uniform(2.05, 2.35), dice.uniform(0.22, 0.4)
    rope = [(STREET * s, high - sag * (1 - s * s), z) for s in (-1.0, -0.6, -0.2, 0.2, 0.6, 1.0)]
    sheet.line(rope, 0.018, darker(WOOD, 0.5))
    for number, s in enumerate((-0.78, -0.4, 0.0, 0.4, 0.78)):
        colour = colours[(number + int(z * 3)) % len(colours)]
        lantern(sheet, (STREET * s, high - sag * (1 - s * s) - 0.34, z), colour, 0.17)


def street_lamp(sheet: Sheet, x: float, z: float) -> None:
    """Paint a lamp post."""
    iron = (58, 62, 84)
    sheet.line([(x, 0, z), (x, 1.75, z)], 0.06, iron)
    sheet.polygon([(x - 0.12, 0, z), (x + 0.12, 0, z), (x + 0.05, 0.22, z), (x - 0.05, 0.22, z)], iron)
    sheet.polygon(
        [(x - 0.09, 1.72, z), (x + 0.09, 1.72, z), (x + 0.15, 2.0, z), (x - 0.15, 2.0, z)], (255, 232, 176), bare=sheet.light.lamps_lit
    )
    sheet.polygon([(x - 0.18, 2.0, z), (x + 0.18, 2.0, z), (x, 2.18, z)], iron)
    sheet.shine((x, 1.86, z), 1.9, (255, 206, 130), 0.9)


def shop(sheet: Sheet, x: float, z: float, colours: tuple[RGB, RGB], dice: random.Random) -> None:
    """Paint a stall with striped awning, curtain, shelf and a warm inside."""
    wide, high = 0.85, 1.5
    awning, second = colours
    warm = (255, 214, 142)
    on = sheet.light.lamps_lit
    left, right = x - wide, x + wide
    sheet.polygon([(left, 0, z), (right, 0, z), (right, high, z), (left, high, z)], warm if on else (216, 186, 146), bare=on)
    for number in range(6):
        at = left + 0.2 + number * 0.29
        sheet.disc((at, 0.86 + 0.03 * (number % 2), z), 0.09, 0.12 + 0.03 * dice.random(), mix(awning, (240, 220, 180), dice.random()))
    sheet.polygon([(left, 0, z), (right, 0, z), (right, 0.72, z), (left, 0.72, z)], WOOD)
    for plank in (0.24, 0.48):
        sheet.line([(left, plank, z), (right, plank, z)], 0.015, darker(WOOD, 0.35))
    sheet.polygon([(left - 0.08, 0.68, z), (right + 0.08, 0.68, z), (right + 0.08, 0.77, z), (left - 0.08, 0.77, z)], lighter(WOOD, 0.2))
    for post in (left, right):
        sheet.line([(post, 0, z), (post, high + 0.1, z)], 0.08, darker(WOOD, 0.3))
    for number in range(5):
        a = left + number * wide * 0.4
        sheet.polygon(
            [(a + 0.02, high - 0.36, z), (a + wide * 0.38, high - 0.36, z), (a + wide * 0.4, high + 0.02, z), (a, high + 0.02, z)], second
        )
    stripes = 8
    for number in range(stripes):
        a, b = (left - 0.15 + (2 * wide + 0.3) * share / stripes for share in (number, number + 1))
        inner_a, inner_b = (x + (edge - x) * 0.86 for edge in (a, b))
        colour = awning if number % 2 == 0 else (250, 240, 222)
        sheet.polygon([(a, high - 0.06, z), (b, high - 0.06, z), (inner_b, high + 0.42, z), (inner_a, high + 0.42, z)], colour)
        sheet.disc(((a + b) / 2, high - 0.06, z), (b - a) / 2, 0.06, colour)
    sheet.shine((x, 1.0, z), 1.7, warm, 0.75)


def bridge(sheet: Sheet, z: float, colour: RGB) -> None:
    """Paint an arched bridge across the view, with posts and rails."""
    reach = 3.2
    steps = [-1 + 2 * i / 16 for i in range(17)]
    deck = [(reach * s, 0.16 + 0.62 * (1 - s * s), z) for s in steps]
    under = [(reach * s * 0.9, -0.12 + 0.52 * (1 - s * s), z) for s in reversed(steps)]
    sheet.polygon([*deck, *under], darker(colour, 0.3))
    sheet.line(deck, 0.1, colour)
    for number, (x, y, _) in enumerate(deck):
        if number % 2 == 0:
            sheet.line([(x, y - 0.02, z), (x, y + 0.42, z)], 0.06, colour)
            sheet.disc((x, y + 0.45, z), 0.05, 0.06, (226, 178, 92))
    for rise in (0.18, 0.36):
        sheet.line([(x, y + rise, z) for x, y, _ in deck], 0.045, lighter(colour, 0.1))


def tower(sheet: Sheet, x: float, z: float, wall: RGB) -> None:
    """Paint a clock tower far behind the roofs."""
    wide, high = 0.85, 6.2
    sheet.polygon([(x - wide, 0, z), (x + wide, 0, z), (x + wide * 0.86, high, z), (x - wide * 0.86, high, z)], wall)
    sheet.polygon([(x + wide * 0.2, 0, z), (x + wide, 0, z), (x + wide * 0.86, high, z), (x + wide * 0.2, high, z)], darker(wall, 0.25))
    sheet.polygon([(x - wide * 1.15, high, z), (x + wide * 1.15, high, z), (x, high + 2.2, z)], darker(wall, 0.5))
    sheet.polygon([(x - wide, high - 0.25, z), (x + wide, high - 0.25, z), (x + wide, high, z), (x - wide, high, z)], lighter(wall, 0.2))
    on = sheet.light.lamps_lit
    sheet.disc((x, high - 1.15, z), 0.62, 0.62, darker(wall, 0.55))
    sheet.disc((x, high - 1.15, z), 0.54, 0.54, (255, 240, 200), bare=on)
    for angle, length in ((0.8, 0.3), (2.6, 0.44)):
        sheet.line(
            [(x, high - 1.15, z), (x + math.sin(angle) * length, high - 1.15 + math.cos(angle) * length, z)], 0.07, (60, 50, 70), bare=on
        )
    sheet.shine((x, high - 1.15, z), 2.2, (255, 226, 160), 0.7)


def gate(sheet: Sheet, z: float, colour: RGB) -> None:
    """Paint a shrine gate over the path."""
    for side in (-1, 1):
        sheet.line([(side * 1.0, 0, z), (side * 0.92, 2.4, z)], 0.16, colour)
        sheet.polygon([(side * 1.14, 0, z), (side * 0.86, 0, z), (side * 0.86, 0.2, z), (side * 1.14, 0.2, z)], (52, 46, 60))
    sheet.line([(-1.15, 1.95, z), (1.15, 1.95, z)], 0.12, colour)
    sheet.line([(-1.5, 2.52, z), (-0.7, 2.4, z), (0.7, 2.4, z), (1.5, 2.52, z)], 0.2, colour)
    sheet.line([(-1.6, 2.66, z), (-0.7, 2.52, z), (0.7, 2.52, z), (1.6, 2.66, z)], 0.09, (60, 52, 70))


def fence(sheet: Sheet, z: float, colour: RGB) -> None:
    """Paint a low fence across the view."""
    reach = sheet.reach(z)
    for rise in (0.3, 0.6):
        sheet.line([(-reach, rise, z), (reach, rise, z)], 0.05, colour)
    for number in range(int(reach / 0.5) * 2 + 1):
        x = -reach + number * 0.5
        sheet.line([(x, 0, z), (x, 0.72, z)], 0.07, darker(colour, 0.12))


def stairs(sheet: Sheet, x: float, colour: RGB) -> None:
    """Paint a flight of steps that climbs away from the camera."""
    for step in range(9, -1, -1):
        z, low = 2.2 + step * 0.28, step * 0.17
        half = 0.95
        sheet.polygon([(x - half, low, z), (x + half, low, z), (x + half, low + 0.17, z), (x - half, low + 0.17, z)], darker(colour, 0.18))
        sheet.polygon(
            [(x - half, low + 0.17, z), (x + half, low + 0.17, z), (x + half, low + 0.17, z + 0.28), (x - half, low + 0.17, z + 0.28)],
            lighter(colour, 0.2),
        )


def room(sheet: Sheet, wall: RGB, second: RGB, dice: random.Random) -> None:
    """Paint walls, floor, a window with the hour's sky in it, shelves and a hanging lamp."""
    back, half, top = 2.4, 2.9, 2.6
    sheet.polygon([(-half * 9, -3, back), (half * 9, -3, back), (half * 9, 9, back), (-half * 9, 9, back)], lighter(wall, 0.12))
    for side in (-1, 1):
        sheet.polygon([(side * half, -3, 0.4), (side * half, -3, back), (side * half, 9, back), (side * half, 9, 0.4)], darker(wall, 0.12))
    sheet.polygon([(-half * 9, top, back), (half * 9, top, back), (half * 9, 9, back), (-half * 9, 9, back)], darker(wall, 0.2))
    sheet.polygon([(-half * 9, 0, back), (half * 9, 0, back), (half * 3, 0, 0.35), (-half * 3, 0, 0.35)], WOOD)
    for board in range(-9, 10):
        sheet.line([(board * 0.42, 0, back), (board * 0.42, 0, 0.4)], 0.012, darker(WOOD, 0.3))
    _room_window(sheet, dice.choice((-1.15, 1.1)), back)
    for shelf in (1.15, 1.6):
        left, right = dice.choice(((-1.9, -0.55), (0.5, 1.9)))
        _shelf(sheet, (left, shelf, back), right, second, dice)
    lantern(sheet, (dice.uniform(-0.4, 0.4), 2.0, 2.0), (255, 190, 110), 0.17)


def _room_window(sheet: Sheet, x: float, z: float) -> None:
    sky = sheet.light.sky
    sheet.polygon([(x - 0.62, 0.9, z), (x + 0.62, 0.9, z), (x + 0.62, 2.0, z), (x - 0.62, 2.0, z)], darker(WOOD, 0.25))
    for low, colour in ((1.62, sky[0]), (1.28, sky[1]), (0.96, sky[2])):
        sheet.polygon([(x - 0.54, low, z), (x + 0.54, low, z), (x + 0.54, low + 0.36, z), (x - 0.54, low + 0.36, z)], colour, bare=True)
    sheet.line([(x, 0.9, z), (x, 2.0, z)], 0.05, darker(WOOD, 0.25))
    sheet.line([(x - 0.6, 1.45, z), (x + 0.6, 1.45, z)], 0.05, darker(WOOD, 0.25))
    sheet.polygon([(x - 0.72, 0.82, z), (x + 0.72, 0.82, z), (x + 0.72, 0.92, z), (x - 0.72, 0.92, z)], lighter(WOOD, 0.15))


def _shelf(sheet: Sheet, place: World, right: float, colour: RGB, dice: random.Random) -> None:
    left, rise, z = place
    at = left + 0.08
    while at < right - 0.12:
        wide, high = dice.uniform(0.05, 0.11), dice.uniform(0.16, 0.3)
        sheet.polygon(
            [(at, rise, z), (at + wide, rise, z), (at + wide, rise + high, z), (at, rise + high, z)],
            mix(colour, (236, 214, 176), dice.random()),
        )
        at += wide + dice.choice((0.01, 0.01, 0.09))
    sheet.polygon([(left, rise - 0.06, z), (right, rise - 0.06, z), (right, rise, z), (left, rise, z)], darker(WOOD, 0.1))
