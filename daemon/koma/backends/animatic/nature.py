"""What grew or was always there: ground, water, trees, mountains, grass, a boat on the river."""

import math
import random
from itertools import pairwise

from koma.backends.animatic.colour import RGB, darker, lighter, mix
from koma.backends.animatic.sheet import Sheet

WATER: RGB = (70, 120, 168)


def ground(sheet: Sheet, colour: RGB, *, paved: bool) -> None:
    """Paint the ground from the horizon to below the picture: brighter far away, paved in perspective."""
    steps = (40.0, 16.0, 9.0, 6.0, 4.2, 3.0, 2.2, 1.6, 1.15, 0.8, 0.5, 0.3, 0.12)
    for far, near in pairwise(steps):
        reach = sheet.reach(far) + 1
        tone = darker(colour, min(0.34, 0.5 / max(near, 0.8) * 0.5))
        sheet.polygon([(-reach, 0, far), (reach, 0, far), (reach, 0, near), (-reach, 0, near)], tone)
    if paved:
        _paving(sheet, darker(colour, 0.3))


def _paving(sheet: Sheet, colour: RGB) -> None:
    for number in range(-14, 15):
        sheet.line([(number * 0.5, 0, 30.0), (number * 0.5, 0, 0.3)], 0.006, colour)
    z = 0.5
    while z < 14:  # noqa: PLR2004 - farther joints are finer than a pixel
        sheet.line([(-sheet.reach(z) - 1, 0, z), (sheet.reach(z) + 1, 0, z)], 0.012, colour)
        z *= 1.22


def river(sheet: Sheet, near: float, far: float, dice: random.Random) -> None:
    """Paint water across the view with the sky in it, banks and glints."""
    water = mix(WATER, mix(sheet.light.sky[1], sheet.light.sky[2], 0.4), 0.62)
    reach = sheet.reach(far) + 2
    sheet.polygon([(-reach, 0, far), (reach, 0, far), (reach, 0, near), (-reach, 0, near)], water)
    for _ in range(70):
        z = dice.uniform(near * 1.04, far)
        x, half = dice.uniform(-1, 1) * sheet.reach(z), dice.uniform(0.1, 0.4)
        sheet.line([(x - half, 0, z), (x + half, 0, z)], 0.014, lighter(water, dice.uniform(0.15, 0.6)))
    for z, height in ((far, 0.12), (near, 0.1)):
        edge = sheet.reach(z) + 2
        sheet.polygon([(-edge, 0, z), (edge, 0, z), (edge, height, z), (-edge, height, z)], (122, 116, 128))


def reflections(sheet: Sheet, near: float, far: float, colours: tuple[RGB, ...], dice: random.Random) -> None:
    """Let coloured lights tremble on water or on wet stone."""
    for _ in range(26):
        z, x = dice.uniform(near, far), 0.0
        x = dice.uniform(-0.9, 0.9) * sheet.reach(z)
        colour = dice.choice(colours)
        for step in range(4):
            at = (x + dice.uniform(-0.05, 0.05), 0.0, z * (1 - 0.05 * step))
            sheet.shine(at, 0.3 - 0.04 * step, colour, 0.28)


def boat(sheet: Sheet, x: float, z: float) -> None:
    """Paint a little boat with a lantern at its bow."""
    wood = (116, 74, 58)
    sheet.blob([(x - 0.8, 0.28, z), (x - 0.55, 0.02, z), (x, -0.04, z), (x + 0.55, 0.02, z), (x + 0.85, 0.34, z), (x, 0.16, z)], wood)
    sheet.line([(x - 0.8, 0.28, z), (x, 0.16, z), (x + 0.85, 0.34, z)], 0.05, lighter(wood, 0.25))
    sheet.line([(x + 0.7, 0.3, z), (x + 0.72, 0.75, z)], 0.03, wood)
    sheet.disc((x + 0.72, 0.66, z), 0.07, 0.09, (255, 206, 120), bare=True)
    sheet.shine((x + 0.72, 0.66, z), 1.1, (255, 190, 100), 0.9)


def tree(sheet: Sheet, x: float, z: float, leaf: RGB, dice: random.Random) -> None:
    """Paint a round tree: trunk, branches and three tones of leaf clusters."""
    high = dice.uniform(1.9, 2.6)
    bark = (96, 66, 62)
    sheet.blob(
        [
            (x - 0.16, 0, z),
            (x + 0.16, 0, z),
            (x + 0.07, high * 0.5, z),
            (x + 0.05, high * 0.8, z),
            (x - 0.06, high * 0.8, z),
            (x - 0.07, high * 0.5, z),
        ],
        bark,
    )
    sheet.line([(x, high * 0.55, z), (x + 0.3, high * 0.85, z)], 0.07, bark)
    sheet.line([(x, high * 0.5, z), (x - 0.32, high * 0.8, z)], 0.07, bark)
    clusters = [(dice.uniform(-0.72, 0.72), dice.uniform(-0.34, 0.42), dice.uniform(0.24, 0.42)) for _ in range(16)]
    for tone, lift, size in ((darker(leaf, 0.32), -0.1, 1.12), (leaf, 0.0, 0.95), (lighter(leaf, 0.28), 0.12, 0.5)):
        for dx, dy, radius in clusters:
            sheet.disc((x + dx - 0.06 * lift, high + dy + lift, z), radius * size, radius * size * 0.86, tone)


def pine(sheet: Sheet, x: float, z: float, leaf: RGB) -> None:
    """Paint a pine of stacked skirts."""
    sheet.line([(x, 0, z), (x, 0.6, z)], 0.14, (90, 64, 60))
    for layer in range(4):
        low, half = 0.35 + layer * 0.52, 0.72 - layer * 0.15
        sheet.polygon([(x - half, low, z), (x + half, low, z), (x, low + 0.95, z)], darker(leaf, 0.3 - layer * 0.06))
        sheet.polygon([(x - half, low, z), (x - half * 0.1, low + 0.06, z), (x, low + 0.95, z)], lighter(leaf, 0.08))


def mountains(sheet: Sheet, colour: RGB, dice: random.Random) -> None:
    """Paint two ridges at the horizon."""
    for z, rise, tone in ((13.0, 4.6, lighter(colour, 0.2)), (10.0, 2.6, colour)):
        reach = sheet.reach(z) * 1.05
        phase = dice.uniform(0, 6)
        ridge = []
        for step in range(33):
            s = step / 32
            height = rise * (0.55 + 0.3 * math.sin(s * 7 + phase) + 0.18 * math.sin(s * 17 + phase * 2) + 0.06 * math.sin(s * 41))
            ridge.append((-reach + 2 * reach * s, max(0.2, height), z))
        sheet.polygon([(-reach, -2, z), *ridge, (reach, -2, z)], tone)


def skyline(sheet: Sheet, colour: RGB, dice: random.Random) -> None:
    """Paint the roofs of the town behind, with a few lit windows."""
    for z, tone in ((11.0, lighter(colour, 0.1)), (8.5, colour)):
        x, reach = -sheet.reach(z) * 1.05, sheet.reach(z) * 1.05
        while x < reach:
            wide, high = dice.uniform(0.9, 1.9), dice.uniform(1.5, 3.1)
            sheet.polygon([(x, -1, z), (x + wide, -1, z), (x + wide, high, z), (x, high, z)], tone)
            sheet.polygon([(x - 0.15, high, z), (x + wide + 0.15, high, z), (x + wide / 2, high + 0.6, z)], darker(tone, 0.35))
            _far_windows(sheet, (x, z), wide, high, dice)
            x += wide + dice.choice((0.0, 0.1, 0.4))


def _far_windows(sheet: Sheet, place: tuple[float, float], wide: float, high: float, dice: random.Random) -> None:
    x, z = place
    for _ in range(dice.randint(1, 4)):
        at, rise = x + dice.uniform(0.15, wide - 0.25), dice.uniform(0.8, high - 0.2)
        if sheet.light.lamps_lit:
            sheet.polygon(
                [(at, rise, z), (at + 0.14, rise, z), (at + 0.14, rise + 0.2, z), (at, rise + 0.2, z)], (255, 214, 130), bare=True
            )
            sheet.shine((at, rise, z), 0.6, (255, 180, 90), 0.5)


def grass(sheet: Sheet, colour: RGB, dice: random.Random) -> None:
    """Paint tufts and small flowers over the ground."""
    for _ in range(120):
        z = 0.6 + dice.random() ** 2 * 6
        x = dice.uniform(-1, 1) * sheet.reach(z)
        high = dice.uniform(0.06, 0.16)
        tone = mix(darker(colour, 0.2), lighter(colour, 0.3), dice.random())
        for lean in (-0.05, 0.0, 0.05):
            sheet.line([(x + lean * 0.4, 0, z), (x + lean, high, z)], 0.014, tone)
        if dice.random() < 0.16:  # noqa: PLR2004 - about one tuft in six flowers
            sheet.disc((x, high + 0.02, z), 0.03, 0.03, dice.choice([(255, 236, 150), (255, 190, 206), (240, 240, 255)]))
