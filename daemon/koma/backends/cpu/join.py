"""Joining: the runs of a chain, frame by frame, into one lossless clip of exactly as many frames as are asked for."""

from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

from koma.backends.cpu.document import Join, Part
from koma.backends.cpu.retiming import TooShortError, retimed
from koma.backends.local.worker import RefusedError, Step, Steps
from koma.core.request import FailureClass
from koma.pixels.clip import open_clip
from koma.pixels.lossless import LosslessWriter
from koma.pixels.picture import Pixels, UnreadableError

BATCH = 8  # frames a step: a cancel waits for no more than these
FILE = "joined.mkv"


class _Shape(NamedTuple):
    """What the runs must have in common: width and height in px, frames per second."""

    width: int
    height: int
    rate: Fraction

    def __str__(self) -> str:
        return f"{self.width} x {self.height} at {float(self.rate):g} fps"


def join(task: Join, inputs: Mapping[str, Path], folder: Path) -> Steps:
    """Write the joined clip into a folder. Raises RefusedError, with file names and counts, for runs that don't fit."""
    shape = _common(task, inputs)
    frames = retimed(_source(task.parts, inputs), task.source_rate / task.rate, task.frames)
    written = 0
    with LosslessWriter(folder / FILE, shape.width, shape.height, task.rate) as writer:
        for pixels in _explained(task, frames):
            writer.add(pixels, written)
            written += 1
            if written % BATCH == 0 and written < task.frames:
                yield Step([], written / task.frames)
    yield Step([FILE], 1.0)


def _common(task: Join, inputs: Mapping[str, Path]) -> _Shape:
    first = task.parts[0]
    shape = _shape(first, inputs)
    if shape.rate != task.source_rate:
        wanted = f"the join expects runs at {float(task.source_rate):g} fps"
        raise _refused(f"{_called(first, inputs)} is {shape}, {wanted}")
    for part in {part.input: part for part in task.parts}.values():
        other = _shape(part, inputs)
        if other != shape:
            raise _refused(f"{_called(part, inputs)} is {other}, {_called(first, inputs)} is {shape}: runs of one clip must be alike")
    return shape


def _shape(part: Part, inputs: Mapping[str, Path]) -> _Shape:
    try:
        with open_clip(inputs[part.input]) as clip:
            return _Shape(clip.width, clip.height, clip.rate)
    except (UnreadableError, OSError) as error:
        raise _refused(f"{part.input}: {error}") from error


def _source(parts: tuple[Part, ...], inputs: Mapping[str, Path]) -> Iterator[Pixels]:
    """Every frame of the parts but those that are dropped, one after the other."""
    for part in parts:
        count = 0
        try:
            with open_clip(inputs[part.input]) as clip:
                for count, pixels in enumerate(clip.frames, 1):
                    if count > part.drop:
                        yield pixels
        except (UnreadableError, OSError) as error:
            raise _refused(f"{part.input}: {error}") from error
        if count <= part.drop:
            raise _refused(f"{_called(part, inputs)} has {count} frames, of which {part.drop} are left out: nothing is left of it")


def _explained(task: Join, frames: Iterator[Pixels]) -> Iterator[Pixels]:
    try:
        yield from frames
    except TooShortError as error:
        runs = f"{len(task.parts)} {'run' if len(task.parts) == 1 else 'runs'}"
        said = f"{task.frames} frames at {float(task.rate):g} fps are asked for, but {runs} with {error.had} frames between them at"
        raise _refused(f"{said} {float(task.source_rate):g} fps make {error.made}") from error


def _called(part: Part, inputs: Mapping[str, Path]) -> str:
    return f"{part.input} ({inputs[part.input].name})"


def _refused(message: str) -> RefusedError:
    return RefusedError(FailureClass.INPUT, message)
