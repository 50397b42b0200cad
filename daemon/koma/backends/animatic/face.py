"""Faces: expressions in free words → brows, eyes, mouth and the small signs that comics use. Coordinates in head radii."""

from dataclasses import dataclass, replace

from koma.backends.animatic.colour import INK, RGB, WHITE, chance, darker, lighter, mix
from koma.backends.animatic.light import has
from koma.backends.animatic.motion import Moment
from koma.backends.animatic.shapes import Pen, Point

MOUTH: RGB = (132, 44, 62)
TONGUE: RGB = (232, 112, 118)
BLUSH: RGB = (244, 108, 108)
TURN = 0.23  # how far the face moves to the side that it looks at


@dataclass(frozen=True, slots=True)
class Expression:
    """A face.

    `brow` is the slope (positive is angry), `lift` raises the brows, `open` the eyes (1 is awake); `sign` is a comic sign or empty.
    """

    brow: float = 0.0
    lift: float = 0.0
    open: float = 1.0
    eyes: str = "open"
    mouth: str = "smile"
    blush: float = 0.35
    sign: str = ""
    pupil: float = 1.0


_FACES: tuple[tuple[tuple[str, ...], Expression], ...] = (
    (("laugh", "giggl", "delight", "overjoy", "beam"), Expression(lift=0.08, eyes="happy", mouth="laugh", blush=0.75)),
    (("happ", "joy", "smil", "cheer", "glad", "warm", "content", "fond"), Expression(lift=0.04, mouth="smile", blush=0.6)),
    (("grin", "excit", "eager", "thrill", "hopeful"), Expression(lift=0.1, open=1.06, mouth="grin", blush=0.6, sign="sparkle")),
    (("determin", "resolut", "focus", "serious", "brav", "stern"), Expression(brow=0.11, open=0.88, mouth="firm", blush=0.15)),
    (("angr", "fur", "annoy", "grump", "cross", "pout"), Expression(brow=0.19, open=0.8, mouth="frown", blush=0.3, sign="anger")),
    (("cry", "tear", "weep", "sob"), Expression(brow=-0.16, open=0.8, mouth="wavy", blush=0.6, sign="tear")),
    (("sad", "sorrow", "gloom", "melanch", "lone", "disappoint"), Expression(brow=-0.16, open=0.72, mouth="frown", blush=0.2)),
    (
        ("surpris", "shock", "startl", "amaz", "astonish", "awe", "wonder", "curious"),
        Expression(lift=0.17, open=1.2, mouth="round", blush=0.4, pupil=0.74),
    ),
    (
        ("worr", "nerv", "anxi", "afraid", "scar", "embarr", "awkward", "shy"),
        Expression(brow=-0.13, lift=0.05, open=1.0, mouth="wavy", blush=0.7, sign="sweat"),
    ),
    (("tir", "sleep", "weary", "exhaust", "bored"), Expression(brow=-0.05, open=0.42, mouth="flat", blush=0.2, sign="sleep")),
    (("smug", "sly", "mischie", "teas", "smirk", "playful", "proud"), Expression(brow=0.05, lift=0.05, open=0.78, mouth="cat", blush=0.5)),
    (("calm", "peace", "seren", "gentl", "relie"), Expression(open=0.1, eyes="rest", mouth="smile", blush=0.45)),
    (("confus", "puzzl", "doubt", "skeptic"), Expression(brow=-0.04, lift=0.1, mouth="flat", sign="question")),
    (("neutral", "blank", "plain"), Expression(mouth="flat", blush=0.2)),
)


def expression_of(word: str) -> Expression:
    """Expression of a free word; none is friendly, one that is not known gets brows of its own."""
    for stems, face in _FACES:
        if has(word, *stems):
            return face
    if not word:
        return Expression()
    dice = chance("expression", word)
    return Expression(
        brow=dice.uniform(-0.08, 0.08),
        lift=dice.uniform(0.0, 0.08),
        open=dice.uniform(0.8, 1.05),
        mouth=dice.choice(("smile", "flat", "cat")),
    )


def at_moment(face: Expression, who: str, time: Moment, *, speaks: bool) -> Expression:
    """Blink now and then, and move the mouth while speaking."""
    if not time.still:
        phase = time.turns(0.31, chance("blink", who).random()) % 1.0
        if phase < 0.035 * max(1.0, 4.0 / max(time.total, 0.5)) and face.eyes == "open":
            face = replace(face, open=0.08)
    if speaks:
        beat = int(time.turns(3.1, 0.2) * 2) % 4
        shape = ("talk", face.mouth, "round", "talk-wide")[beat]
        if time.still:
            shape = "talk-wide" if face.mouth in _LINES else face.mouth
        face = replace(face, mouth=shape)
    return face


@dataclass(frozen=True, slots=True)
class Tones:
    """Colours of a face under the light of the shot."""

    skin: RGB
    eyes: RGB
    brow: RGB
    ink: RGB


def draw_face(pen: Pen, face: Expression, turn: float, tones: Tones) -> None:
    """Draw cheeks, eyes, nose and mouth; `turn` is -1 (looks left) to 1."""
    shift = TURN * turn
    for side in (-1, 1):
        draw_cheek(pen, (side * 0.6 + shift * 0.8, 0.47), face.blush, tones)
        _eye(pen, side, turn, face, tones)
    pen.stroke([(shift * 1.25 - 0.02, 0.36), (shift * 1.3 + 0.02, 0.39)], 0.04, darker(tones.skin, 0.3))
    _mouth(pen, shift * 1.1, face.mouth, tones)


def draw_brows(pen: Pen, face: Expression, turn: float, tones: Tones) -> None:
    """Draw the brows; they show through the fringe."""
    for side in (-1, 1):
        x = side * 0.42 + TURN * turn
        y = -0.25 - face.lift
        inner, outer = (x - side * 0.17, y + face.brow), (x + side * 0.19, y - face.brow * 0.6 + 0.04)
        pen.stroke(
            [inner, ((inner[0] + outer[0]) / 2, min(inner[1], outer[1]) - 0.03 + abs(face.brow) * 0.3), outer],
            0.075,
            tones.brow,
            taper=0.55,
        )


def draw_cheek(pen: Pen, at: Point, blush: float, tones: Tones) -> None:
    """Draw one cheek; `blush` 0..1."""
    pen.disc(at, 0.16, 0.09, mix(tones.skin, mix(BLUSH, tones.skin, 0.3), blush * 0.7), inked=False)
    if blush > 0.5:  # noqa: PLR2004 - a strong blush gets its hatching
        for dx in (-0.06, 0.02):
            pen.stroke([(at[0] + dx + 0.04, at[1] - 0.04), (at[0] + dx, at[1] + 0.04)], 0.022, mix(tones.skin, BLUSH, 0.7))


def _eye(pen: Pen, side: int, turn: float, face: Expression, tones: Tones) -> None:
    x, y = side * 0.41 + TURN * turn, 0.15
    wide = 0.18 * (0.76 if side * turn > 0 else 1.0)
    if face.eyes == "happy":
        pen.stroke([(x - wide, y + 0.07), (x, y - 0.13), (x + wide, y + 0.07)], 0.075, tones.ink)
    elif face.open < 0.3 or face.eyes == "rest":  # noqa: PLR2004 - as good as closed
        pen.stroke([(x - wide, y + 0.06), (x, y + 0.14), (x + wide, y + 0.06)], 0.07, tones.ink)
    else:
        draw_iris(pen, (x, y), (wide, 0.26 * face.open), gaze=x + 0.04 * turn, pupil=face.pupil, tones=tones)
        _lash(pen, side, (x, y), (wide, 0.26 * face.open), slope=face.brow * 0.9, tones=tones)


def draw_iris(pen: Pen, at: Point, size: Point, *, gaze: float, pupil: float, tones: Tones) -> None:
    """Draw an open eye without its lashes: half its width and height are `size`, `gaze` is where its iris is, across."""
    (_, y), (wide, high), small = at, size, pupil
    pen.disc(at, wide, high, mix(WHITE, tones.skin, 0.12), inked=False)
    pen.disc((gaze, y + 0.01), wide * 0.8 * small, high * 0.92 * small, darker(tones.eyes, 0.55), inked=False)
    pen.disc((gaze, y + high * 0.22), wide * 0.66 * small, high * 0.62 * small, tones.eyes, inked=False)
    pen.disc((gaze, y + high * 0.42), wide * 0.44 * small, high * 0.3 * small, lighter(tones.eyes, 0.5), inked=False)
    pen.disc((gaze, y), wide * 0.36 * small, high * 0.42 * small, darker(tones.eyes, 0.85), inked=False)
    pen.disc((gaze - wide * 0.3, y - high * 0.38), wide * 0.33, high * 0.29, WHITE, inked=False)
    pen.disc((gaze + wide * 0.32, y + high * 0.4), wide * 0.17, high * 0.15, WHITE, inked=False)


def _lash(pen: Pen, side: int, at: Point, size: Point, *, slope: float, tones: Tones) -> None:
    (x, y), (wide, high) = at, size
    inner, outer = (x - side * wide * 1.02, y - high * 0.45 + slope), (x + side * wide * 1.2, y - high * 0.36 - slope * 0.4)
    top = [(x - side * wide * 0.45, y - high * 0.98 + slope * 0.6), (x + side * wide * 0.5, y - high * 0.96)]
    pen.stroke([inner, *top, outer, (x + side * wide * 1.34, y - high * 0.62)], 0.085, tones.ink, taper=0.4)
    pen.stroke([(x - wide * 0.5, y + high * 0.97), (x + wide * 0.5, y + high * 0.97)], 0.025, mix(tones.ink, tones.skin, 0.35))


_LINES: dict[str, list[Point]] = {
    "smile": [(-0.15, 0.58), (0.0, 0.655), (0.15, 0.58)],
    "firm": [(-0.12, 0.625), (0.0, 0.64), (0.13, 0.605)],
    "flat": [(-0.11, 0.63), (0.11, 0.63)],
    "frown": [(-0.13, 0.69), (0.0, 0.615), (0.13, 0.69)],
    "wavy": [(-0.17, 0.62), (-0.09, 0.665), (0.0, 0.6), (0.09, 0.665), (0.17, 0.62)],
    "cat": [(-0.17, 0.575), (-0.085, 0.66), (0.0, 0.595), (0.085, 0.66), (0.17, 0.575)],
}
_OPEN: dict[str, tuple[float, float]] = {"laugh": (0.24, 0.28), "grin": (0.2, 0.19), "talk": (0.12, 0.11), "talk-wide": (0.15, 0.2)}


def _mouth(pen: Pen, x: float, kind: str, tones: Tones) -> None:
    if kind == "round":
        pen.disc((x, 0.65), 0.085, 0.115, MOUTH)
    elif kind in _OPEN:
        half, deep = _OPEN[kind]
        pen.shape(
            [
                (x - half, 0.54),
                (x, 0.57),
                (x + half, 0.54),
                (x + half * 0.72, 0.54 + deep * 0.75),
                (x, 0.54 + deep),
                (x - half * 0.72, 0.54 + deep * 0.75),
            ],
            MOUTH,
        )
        pen.disc((x, 0.54 + deep * 0.78), half * 0.5, deep * 0.2, TONGUE, inked=False)
    else:
        pen.stroke([(x + dx, y) for dx, y in _LINES[kind]], 0.05, mix(tones.ink, MOUTH, 0.35))


def draw_sign(pen: Pen, sign: str, turn: float, time: Moment) -> None:
    """Draw the comic sign of an expression beside the head."""
    if sign in _SIGNS:
        _SIGNS[sign](pen, -1.0 if turn > 0 else 1.0, time)


def _sweat(pen: Pen, side: float, time: Moment) -> None:
    slip = 0.06 * time.wave(0.8)
    x, y = side * 0.98, -0.28 + slip
    pen.shape([(x, y - 0.26), (x + 0.13, y + 0.04), (x, y + 0.15), (x - 0.13, y + 0.04)], (156, 214, 246))
    pen.disc((x - 0.04, y + 0.02), 0.03, 0.05, WHITE, inked=False)


def _anger(pen: Pen, side: float, time: Moment) -> None:
    x, y, size = side * 0.86, -0.78, 0.2 + 0.025 * time.wave(2.0)
    for a, b in ((1, 1), (1, -1), (-1, 1), (-1, -1)):
        pen.stroke([(x + a * size, y + b * 0.06), (x + a * 0.07, y + b * 0.07), (x + a * 0.06, y + b * size)], 0.07, (226, 64, 60))


def _tear(pen: Pen, _side: float, time: Moment) -> None:
    for side in (-1, 1):
        y = 0.5 + 0.07 * time.wave(0.9, side * 0.25)
        pen.shape(
            [(side * 0.46, y - 0.2), (side * 0.46 + 0.08, y + 0.03), (side * 0.46, y + 0.1), (side * 0.46 - 0.08, y + 0.03)],
            (160, 216, 250),
        )


def _sparkle(pen: Pen, side: float, time: Moment) -> None:
    for dx, dy, size, offset in ((1.32, -0.66, 0.2, 0.0), (1.56, -0.2, 0.12, 0.4), (-1.4, -0.5, 0.13, 0.7)):
        big = size * (0.75 + 0.3 * time.wave(1.1, offset))
        x = side * dx
        star = [
            (x, dy - big),
            (x + big * 0.22, dy - big * 0.22),
            (x + big, dy),
            (x + big * 0.22, dy + big * 0.22),
            (x, dy + big),
            (x - big * 0.22, dy + big * 0.22),
            (x - big, dy),
            (x - big * 0.22, dy - big * 0.22),
        ]
        pen.shape(star, (255, 236, 150), round_off=False)


def _sleep(pen: Pen, side: float, time: Moment) -> None:
    for number, size in enumerate((0.12, 0.17)):
        x, y = side * (1.05 + 0.3 * number), -0.85 - 0.36 * number + 0.05 * time.wave(0.5, number * 0.3)
        pen.stroke([(x - size, y - size), (x + size, y - size)], 0.06, INK)
        pen.stroke([(x + size, y - size), (x - size, y + size)], 0.06, INK)
        pen.stroke([(x - size, y + size), (x + size, y + size)], 0.06, INK)


def _question(pen: Pen, side: float, time: Moment) -> None:
    x, y = side * 1.2, -0.95 + 0.04 * time.wave(0.7)
    pen.stroke([(x - 0.14, y - 0.12), (x - 0.04, y - 0.28), (x + 0.13, y - 0.16), (x + 0.02, y), (x, y + 0.12)], 0.09, INK)
    pen.disc((x, y + 0.28), 0.05, 0.05, INK, inked=False)


_SIGNS = {"sweat": _sweat, "anger": _anger, "tear": _tear, "sparkle": _sparkle, "sleep": _sleep, "question": _question}
