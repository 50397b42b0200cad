"""The process that draws: the steps of a panel are batches of frames."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from PIL import Image

from koma.backends.animatic.frame import drawing_of
from koma.backends.animatic.panel import Panel, read_panel
from koma.backends.local.worker import RefusedError, Step, Steps, main
from koma.core.request import FailureClass

BATCH = 4  # frames a step: a cancel waits for no more than these
QUICK = 1  # PNG compression: files are packed again later
MOST_PIXELS = 64_000_000


def draw(document: Mapping[str, Any], inputs: Mapping[str, Path], folder: Path) -> Steps:
    """Draw all frames of a panel into a folder, as PNGs that are numbered from 0."""
    panel = read_panel(document)
    pictures = {name: _open(name, inputs[name]) for name in panel.reads()}
    files: list[str] = []
    for index, picture in enumerate(_frames(panel, pictures)):
        files.append(f"{index:06d}.png")
        picture.save(folder / files[-1], "PNG", compress_level=QUICK)
        if len(files) == BATCH or index + 1 == panel.frames:
            yield Step(files, (index + 1) / panel.frames)
            files = []


def _frames(panel: Panel, pictures: Mapping[str, Image.Image]) -> Iterator[Image.Image]:
    first = 0
    if panel.follows:
        yield _fitting(panel, pictures[panel.follows])
        first = 1
    drawn = drawing_of(panel, pictures)
    yield from map(drawn, range(first, panel.frames))


def _fitting(panel: Panel, picture: Image.Image) -> Image.Image:
    if picture.size != (panel.width, panel.height):
        found, wanted = ("{} x {}".format(*size) for size in (picture.size, (panel.width, panel.height)))
        raise RefusedError(FailureClass.INPUT, f"follows: {panel.follows!r} is {found}, the frames of this panel are {wanted}")
    return picture


def _open(name: str, file: Path) -> Image.Image:
    try:
        with Image.open(file) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                said = f"picture {name!r} has {picture.width}x{picture.height} pixels, the most is {MOST_PIXELS}"
                raise RefusedError(FailureClass.INPUT, said)
            return picture.convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise RefusedError(FailureClass.INPUT, f"picture {name!r} ({file}) cannot be read: {error}") from error


if __name__ == "__main__":
    main(draw)
