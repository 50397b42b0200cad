"""Carrying a colour match out: a clip is read twice, once to find the transform and once to apply it; a picture is read once."""

from collections.abc import Generator, Mapping
from pathlib import Path

from koma.backends.cpu.document import Match
from koma.backends.cpu.match import Histogram, Table, matched, table_of
from koma.backends.local.worker import RefusedError, Step, Steps
from koma.core.request import FailureClass
from koma.pixels.clip import open_clip
from koma.pixels.lossless import LosslessWriter, write_picture
from koma.pixels.picture import UnreadableError, read_picture
from koma.pixels.whole import CLIPS, container_of

BATCH = 4  # frames a step: a cancel waits for no more than these


def recolour(task: Match, inputs: Mapping[str, Path], folder: Path) -> Steps:
    """Write the recoloured clip or picture into a folder, lossless. Raises RefusedError for a file that can't be read."""
    file = inputs[task.input]
    try:
        if container_of(file) in CLIPS:
            yield from _clip(task, file, folder / "matched.mkv")
        else:
            yield _picture(task, file, folder / "matched.png")
    except (UnreadableError, OSError) as error:
        raise RefusedError(FailureClass.INPUT, f"{task.input}: {error}") from error


def _picture(task: Match, file: Path, into: Path) -> Step:
    pixels = read_picture(file)
    seen = Histogram()
    seen.add(pixels)
    write_picture(matched(pixels, table_of(seen, task.palette, task.strength)), into)
    return Step([into.name], 1.0)


def _clip(task: Match, file: Path, into: Path) -> Steps:
    seen = Histogram()
    frames = yield from _looked_at(seen, file)
    yield from _written(table_of(seen, task.palette, task.strength), file, into, frames)


def _looked_at(seen: Histogram, file: Path) -> Generator[Step, None, int]:
    """Look at every frame of a clip; how many there are."""
    frames = 0
    with open_clip(file) as clip:
        for frames, pixels in enumerate(clip.frames, 1):
            seen.add(pixels)
            if frames % BATCH == 0:
                yield Step([], 0.0)
    return frames


def _written(table: Table | None, file: Path, into: Path, frames: int) -> Steps:
    with open_clip(file) as clip, LosslessWriter(into, clip.width, clip.height, clip.rate) as writer:
        for number, pixels in enumerate(clip.frames):
            writer.add(matched(pixels, table), number)
            if number % BATCH == BATCH - 1:
                yield Step([], number / frames)
    yield Step([into.name], 1.0)
