"""The specimens by name: clean clips that every rule must let pass, and faults with the metric that is there for each."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from koma.core.against import Subject
from koma.measures.specimens import faults, timing
from koma.measures.specimens.city import city
from koma.measures.specimens.figure import OTHER_HAIR, PALETTE, Pose, draw_figure, mixed, pose_at
from koma.measures.specimens.timing import Timing
from koma.pixels.lossless import LosslessWriter
from koma.pixels.picture import Pixels

__all__ = ["CLEAN", "FAULTS", "FRAMES", "HEIGHT", "PALETTE", "RATE", "SPECIMENS", "SUBJECT", "WIDTH", "Specimen", "clip", "write"]

WIDTH = HEIGHT = 512
FRAMES = 48
RATE = Fraction(24)
SUBJECT = Subject("specimen", palette=PALETTE)

Moment = tuple[Pose, float]  # how the character stands, and the moment at which the ground is seen
Staging = Callable[[float, int, int, float], Moment]  # moment, number of the frame, frames, strength → what is drawn


def _together(moment: float, _number: int, _frames: int, _strength: float) -> Moment:
    return pose_at(moment), moment


def _ground_only(moment: float, _number: int, _frames: int, _strength: float) -> Moment:
    return pose_at(0.0), moment


def _figure_on_twos(moment: float, number: int, frames: int, _strength: float) -> Moment:
    return pose_at(number // 2 * 2 / frames), moment


def _other_hair(moment: float, _number: int, _frames: int, strength: float) -> Moment:
    return replace(pose_at(moment), palette=_hair(strength)), moment


def _drifting_hair(moment: float, number: int, frames: int, strength: float) -> Moment:
    return replace(pose_at(moment), palette=_hair(strength * number / max(1, frames - 1))), moment


def _cut_in_the_middle(moment: float, number: int, frames: int, strength: float) -> Moment:
    if number < frames // 2:
        return pose_at(moment), moment
    return replace(pose_at(moment), place=(0.22 * strength, 0.0), scale=1 + 0.35 * strength), moment + 0.4 * strength


def _hair(share: float) -> Mapping[str, str]:
    return {**PALETTE, "hair": mixed(PALETTE["hair"], OTHER_HAIR, min(1.0, share))}


def _unchanged(frame: Pixels, _number: int, _frames: int, _strength: float) -> Pixels:
    return frame


@dataclass(frozen=True, slots=True)
class Specimen:
    """One clip: in words, when, what is drawn, what then happens to frames, and the metric named for its fault ("" for none)."""

    words: str
    times: Timing = timing.even
    staging: Staging = _together
    fault: faults.Fault = _unchanged
    caught_by: str = ""


SPECIMENS: Mapping[str, Specimen] = {
    "clean": Specimen("a loop, every frame drawn anew"),
    "on-twos": Specimen("every drawing stands for two frames", timing.held_for(2)),
    "on-threes": Specimen("every drawing stands for three frames", timing.held_for(3)),
    "figure-on-twos": Specimen("the character on twos, the ground on ones", staging=_figure_on_twos),
    "held": Specimen("moves, holds still for a third of the clip, goes on", timing.paused),
    "pan": Specimen("the ground passes behind a character that stands still", staging=_ground_only),
    "blur": Specimen("blurred, sigma 4 px", fault=faults.blur, caught_by="sharpness"),
    "noise": Specimen("noise on every frame, deviation 16", fault=faults.noise_of(16), caught_by="noise"),
    "jpeg": Specimen("JPEG of quality 10", fault=faults.jpeg, caught_by="blockiness"),
    "flicker-1": Specimen("brightness flickers by 1 %", fault=faults.flicker_of(0.01), caught_by="flicker"),
    "flicker-8": Specimen("brightness flickers by 8 %", fault=faults.flicker_of(0.08), caught_by="flicker"),
    "shuffle-4": Specimen("frames out of order within groups of four", timing.shuffled_in(4), caught_by="flow-smoothness"),
    "shuffle": Specimen("all frames out of order", timing.shuffled_in(0), caught_by="flow-smoothness"),
    "melt": Specimen("the character wobbles, up to 6 px", fault=faults.melt, caught_by="melt"),
    "static": Specimen("one frame, repeated", timing.standing, caught_by="frozen"),
    "static-noise": Specimen("one frame, with other noise each time", timing.standing, fault=faults.noise_of(8), caught_by="motion-speed"),
    "slowed": Specimen("a fiftieth of the motion in the same time", timing.slowed, caught_by="motion-speed"),
    "cut": Specimen("another view from the middle on", staging=_cut_in_the_middle, caught_by="peak-step"),
    "broken-loop": Specimen("the last twelfth of the loop is missing", timing.unclosed, caught_by="loop-seam"),
    "hair-swap": Specimen("the hair has another colour", staging=_other_hair, caught_by="palette-distance"),
    "hair-drift": Specimen("the hair goes over into another colour", staging=_drifting_hair, caught_by="palette-drift"),
    "black-frame": Specimen("one frame is black", fault=faults.one_frame(0), caught_by="black"),
    "grey-frame": Specimen("one frame is grey", fault=faults.one_frame(128), caught_by="blank"),
    "padded-tail": Specimen("the last quarter repeats one frame", timing.padded, caught_by="tail"),
}
CLEAN: tuple[str, ...] = tuple(name for name, specimen in SPECIMENS.items() if not specimen.caught_by)
FAULTS: Mapping[str, str] = {name: specimen.caught_by for name, specimen in SPECIMENS.items() if specimen.caught_by}


def clip(name: str, *, width: int = WIDTH, height: int = HEIGHT, frames: int = FRAMES, strength: float = 1.0) -> Iterator[Pixels]:
    """Frames of a specimen, RGB, one after the other. `strength` is 1 for the fault as described, 0 for none; clean clips take no notice.

    Raises KeyError for a name that SPECIMENS does not hold.
    """
    specimen = SPECIMENS[name]
    ground = city(width, height, frames)
    for number, moment in enumerate(specimen.times(frames, strength)):
        pose, seen = specimen.staging(moment, number, frames, strength)
        frame = ground.seen_at(seen)
        draw_figure(frame, pose)
        yield specimen.fault(frame, number, frames, strength)


def write(name: str, file: Path, *, width: int = WIDTH, height: int = HEIGHT, frames: int = FRAMES, strength: float = 1.0) -> Path:
    """Write a specimen as a lossless clip of 24 frames a second."""
    with LosslessWriter(file, width, height, RATE) as writer:
        for number, frame in enumerate(clip(name, width=width, height=height, frames=frames, strength=strength)):
            writer.add(frame, number)
    return file
