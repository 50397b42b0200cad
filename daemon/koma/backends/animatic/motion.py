"""Time and camera: where a frame lies in its clip, and how the camera looks at the layers then. Pure numbers."""

import math
from dataclasses import dataclass

from koma.backends.animatic.panel import Camera, Panel

POSED_AT = 0.38  # the share of its camera move that a still shows
POSED_SECONDS = 1.13  # the time that a still shows: strides and gestures are open there
FIGURES_DEPTH = 1.0


@dataclass(frozen=True, slots=True)
class Moment:
    """One frame in its clip. `progress` 0..1, `seconds` from the start; a loop turns every rhythm into whole cycles."""

    index: int
    seconds: float
    progress: float
    total: float
    loops: bool
    still: bool

    def turns(self, hertz: float, offset: float = 0.0) -> float:
        """How many cycles of a rhythm have passed, plus an offset in cycles."""
        if self.loops:
            return max(1, round(hertz * self.total)) * self.progress + offset
        return hertz * self.seconds + offset

    def wave(self, hertz: float, offset: float = 0.0) -> float:
        """Sine of a rhythm, -1..1."""
        return math.sin(math.tau * self.turns(hertz, offset))


def moment(panel: Panel, index: int) -> Moment:
    """Say where frame `index` lies in the clip."""
    if panel.phase == "still":
        return Moment(0, POSED_SECONDS, POSED_AT, POSED_SECONDS / POSED_AT, loops=False, still=True)
    total = panel.of / panel.fps
    loops = panel.phase == "loop"
    last = panel.of if loops else max(1, panel.of - 1)
    return Moment(index, index / panel.fps, index / last, total, loops=loops, still=False)


def on_twos(panel: Panel, index: int) -> Moment:
    """Say which drawing a figure shows at frame `index`: a new one on every second frame, as hand-drawn animation has it."""
    return moment(panel, index // 2 * 2)


@dataclass(frozen=True, slots=True)
class View:
    """The camera at one moment.

    `x`, `y` in picture widths and heights, `zoom` for all depths, `dolly` grows with nearness, `roll` in degrees.
    """

    x: float = 0.0
    y: float = 0.0
    zoom: float = 1.0
    dolly: float = 0.0
    orbit: float = 0.0
    follow: bool = False
    roll: float = 0.0

    def shift(self, depth: float) -> tuple[float, float]:
        """How far a layer at this depth (0 sky, 1 figures) moves, in picture widths and heights."""
        if self.follow:
            return -self.x * (depth if depth != FIGURES_DEPTH else 0.0), -self.y * depth
        return -self.x * depth - self.orbit * (depth - FIGURES_DEPTH), -self.y * depth

    def scale(self, depth: float) -> float:
        """How much larger a layer at this depth appears, at least 1."""
        return self.zoom * (1.0 + self.dolly * (0.25 + depth))


def view(camera: Camera, time: Moment) -> View:
    """Look through the camera: eased from start to end, or there and back in a loop."""
    ease = math.sin(math.tau * time.progress) if time.loops else _ease(time.progress) * 2.0 - 1.0
    sign = -1.0 if camera.direction in ("left", "up", "out") else 1.0
    return _MOVES[camera.move](camera, ease * sign, time)


def _ease(p: float) -> float:
    return p * p * p * (p * (p * 6.0 - 15.0) + 10.0)


def _reach(camera: Camera, base: float, most: float) -> float:
    return min(most, base * camera.speed)


def _static(_camera: Camera, _ease: float, _time: Moment) -> View:
    return View()


def _pan(camera: Camera, ease: float, _time: Moment) -> View:
    if camera.direction in ("up", "down"):
        return View(y=ease * _reach(camera, 0.08, 0.16))
    return View(x=ease * _reach(camera, 0.10, 0.22))


def _tilt(camera: Camera, ease: float, _time: Moment) -> View:
    if camera.direction in ("left", "right"):
        return View(x=ease * _reach(camera, 0.05, 0.10), y=ease * _reach(camera, 0.05, 0.1))
    return View(y=ease * _reach(camera, 0.09, 0.18))


def _zoom(camera: Camera, ease: float, _time: Moment) -> View:
    return View(zoom=1.0 + (ease + 1.0) / 2.0 * _reach(camera, 0.16, 0.5))


def _dolly(camera: Camera, ease: float, _time: Moment) -> View:
    if camera.direction in ("left", "right"):
        return View(x=ease * _reach(camera, 0.09, 0.2))
    return View(dolly=(ease + 1.0) / 2.0 * _reach(camera, 0.13, 0.4), y=-0.012 * ease)


def _tracking(camera: Camera, ease: float, _time: Moment) -> View:
    return View(x=ease * _reach(camera, 0.17, 0.3), follow=True)


def _orbit(camera: Camera, ease: float, _time: Moment) -> View:
    return View(orbit=ease * _reach(camera, 0.12, 0.25), zoom=1.02)


def _handheld(camera: Camera, ease: float, time: Moment) -> View:
    amount = _reach(camera, 0.006, 0.02)
    sway = time.wave(0.55) + 0.5 * time.wave(1.3, 0.2) + 0.3 * time.wave(2.4, 0.7)
    heave = time.wave(0.7, 0.4) + 0.5 * time.wave(1.7, 0.1) + 0.3 * time.wave(2.9, 0.5)
    return View(x=sway * amount + ease * amount * 0.4, y=heave * amount, zoom=1.02, roll=time.wave(0.4, 0.3) * amount * 18.0)


def _crane(camera: Camera, ease: float, _time: Moment) -> View:
    reach = _reach(camera, 0.12, 0.2)
    if camera.direction in ("left", "right"):
        return View(x=ease * reach, y=-abs(ease) * reach * 0.3, zoom=1.03)
    return View(y=ease * reach, dolly=(1.0 - ease * 0.5) * 0.03)


_MOVES = {
    "static": _static, "pan": _pan, "tilt": _tilt, "zoom": _zoom, "dolly": _dolly,
    "tracking": _tracking, "orbit": _orbit, "handheld": _handheld, "crane": _crane,
}  # fmt: skip
