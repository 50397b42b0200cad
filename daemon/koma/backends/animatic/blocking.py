"""Blocking: where the camera stands for a framing and an angle, and where each figure stands in the picture."""

from collections.abc import Sequence
from dataclasses import dataclass

from koma.backends.animatic.panel import Actor, Panel
from koma.backends.animatic.sheet import Lens


@dataclass(frozen=True, slots=True)
class Shooting:
    """A framing and an angle in numbers.

    `size` is a figure's height and `feet` where it stands, in picture heights from the top; `spread` widens or narrows positions;
    `blur` is the depth of field in picture heights; `eye` is the camera's height in persons; `taper` shrinks what is high (negative)
    or low; `squash` is the foreshortening; `roll` in degrees.
    """

    size: float
    feet: float
    spread: float
    blur: float
    eye: float
    taper: float
    squash: float
    roll: float


_FRAMINGS = {
    "extreme-wide": (0.25, 0.88, 0.72, 0.0),
    "wide": (0.48, 0.92, 0.85, 0.0),
    "full": (0.8, 0.965, 0.9, 0.0012),
    "medium": (1.2, 1.3, 0.95, 0.003),
    "close-up": (1.85, 1.99, 1.05, 0.007),
    "extreme-close-up": (3.7, 3.36, 1.5, 0.012),
    "over-shoulder": (1.15, 1.27, 0.95, 0.004),
    "insert": (2.2, 2.3, 1.0, 0.014),
}
_ANGLES = {
    "eye": (0.8, 0.0, 1.0, 0.0),
    "low": (0.3, -0.2, 1.0, 0.0),
    "high": (1.75, 0.2, 0.93, 0.0),
    "dutch": (0.62, -0.06, 1.0, 8.0),
    "overhead": (2.9, 0.5, 0.74, 0.0),
    "worm": (0.04, -0.38, 1.04, 0.0),
}
_ACROSS = {"far-left": 0.11, "left": 0.3, "center": 0.5, "right": 0.7, "far-right": 0.89, "background": 0.62}
# How far a framing goes by the height of the one it is about: a close-up of a child shows the child, not the air above it.
_LEVELLED = {"full": 0.3, "medium": 0.35, "over-shoulder": 0.6, "close-up": 1.0, "extreme-close-up": 1.0}
_USUAL = 0.8  # the eye height from which angles are counted
BACKGROUND = 0.52  # size of a figure in the background


def shooting_of(panel: Panel) -> Shooting:
    """Put framing and angle together: the closer the framing, the less an angle lifts the camera."""
    size, feet, spread, blur = _FRAMINGS[panel.framing]
    eye, taper, squash, roll = _ANGLES[panel.angle]
    eye = max(0.04, _USUAL + (eye - _USUAL) * min(2.2, 0.55 / size))
    return Shooting(size, feet, spread, blur, eye, taper, squash, roll)


COARSE_FROM = 0.003  # picture heights: a backdrop that is this blurred is painted at half the size


def lens_of(shooting: Shooting, size: tuple[int, int], canvas: tuple[int, int]) -> Lens:
    """Lens of a picture of `size` px in the middle of a canvas."""
    feet = (canvas[1] - size[1]) / 2 + shooting.feet * size[1]
    unit = shooting.size * size[1]
    return Lens(canvas[0], canvas[1], unit, feet - shooting.eye * unit, shooting.eye)


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a figure stands: feet in px on the canvas, height in px; `shoulder` is a figure seen from behind at the edge of the picture."""

    x: float
    y: float
    height: float
    facing: str
    blurred: bool = False
    shoulder: bool = False


def marks_of(panel: Panel, shooting: Shooting, lens: Lens, size: tuple[int, int]) -> list[tuple[Actor, Mark]]:
    """Place all figures, those farther away first."""
    back = _shoulder_of(panel)
    lead = next((actor for actor in panel.actors if actor is not back and actor.position != "background"), None)
    usual = (lead.height if lead else 1.0) ** _LEVELLED.get(panel.framing, 0.0)
    taken: dict[str, int] = {}
    placed: list[tuple[Actor, Mark]] = []
    for actor in panel.actors:
        beside = taken.get(actor.position, 0)
        taken[actor.position] = beside + 1
        mark = _over_shoulder(actor, panel, lens, size) if actor is back else _mark(actor, beside, usual, shooting, lens, size)
        placed.append((actor, mark))
    return sorted(placed, key=lambda item: item[1].height if item[1].shoulder or item[1].blurred else size[1])


def _shoulder_of(panel: Panel) -> Actor | None:
    if panel.framing != "over-shoulder" or not panel.actors:
        return None
    return next((actor for actor in panel.actors if actor.facing == "away"), panel.actors[-1])


def _mark(actor: Actor, beside: int, usual: float, shooting: Shooting, lens: Lens, size: tuple[int, int]) -> Mark:
    across = (
        0.5
        + (_ACROSS[actor.position] - 0.5) * shooting.spread
        + (0.13 * beside if actor.position in ("left", "far-left") else -0.13 * beside)
    )
    far = actor.position == "background"
    near = BACKGROUND if far else 1.0
    x = lens.width / 2 + (across - 0.5) * size[0]
    y = lens.at((0.0, 0.0, 1.0 / near))[1]
    height = lens.unit * near * min(1.6, max(0.4, actor.height / usual)) * shooting.squash
    return Mark(x, y, height, _facing(actor), blurred=far)


def _over_shoulder(actor: Actor, panel: Panel, lens: Lens, size: tuple[int, int]) -> Mark:
    others = [_ACROSS[other.position] for other in panel.actors if other is not actor]
    side = -1 if not others or sum(others) / len(others) >= 0.5 else 1  # noqa: PLR2004 - the middle of the picture
    height = size[1] * 2.0 * min(1.3, max(0.6, actor.height))
    middle = (lens.height - size[1]) / 2
    return Mark(lens.width / 2 + side * size[0] * 0.36, middle + size[1] * 0.26 + height, height, "away", shoulder=True)


def _facing(actor: Actor) -> str:
    if actor.facing:
        return actor.facing
    return {"left": "right", "far-left": "right", "right": "left", "far-right": "left"}.get(actor.position, "camera")


def lead_of(actors: Sequence[tuple[Actor, Mark]]) -> Actor | None:
    """Return the actor that an action is about: the first one who is neither in the background nor seen from behind."""
    return next((actor for actor, mark in actors if not mark.blurred and not mark.shoulder), actors[0][0] if actors else None)
