"""Draws the pictures of the README from the outputs of the demo project.

    make demo
    .venv/bin/python docs/make_pictures.py

Writes docs/lantern-street.jpg (every shot), docs/frames.jpg (frames of one clip) and docs/sheet.jpg (a character in eight poses).
Needs nothing that Koma does not need.
"""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import av
from PIL import Image, ImageDraw, ImageFont

from koma.core.spec.standard import POSES

DOCS = Path(__file__).resolve().parent
STORY = DOCS.parent / "outputs/lantern-street"
CLIP = STORY / "s01/sh020/video.animatic.mp4"
SHEET = STORY / "characters/sora/adult"
CARD = ["Lantern Street", "two scenes, eleven shots", "drawn by make demo,", "without a model or a graphics card"]
GAP = 6  # px between pictures
PAPER, INK, DIM = "#fbf5e9", "#33303f", "#7d7586"


def main() -> int:
    """Write the pictures; 1 if the demo has not been rendered."""
    stills = sorted(STORY.glob("*/*/still.animatic.png"))
    poses = [SHEET / f"{pose}.animatic.png" for pose in POSES]
    if not stills or not all(file.is_file() for file in (CLIP, *poses)):
        sys.stderr.write("there are no outputs of the demo here\n  do: make demo\n")
        return 1
    shots = [_fitted(Image.open(still), 320) for still in stills]
    _save(_grid([*shots, _card(shots[0].size)], columns=4), "lantern-street.jpg")
    _save(_grid([_fitted(frame, 320) for frame in _frames(CLIP, 6)], columns=3), "frames.jpg")
    _save(_grid([_fitted(Image.open(pose), 240) for pose in poses], columns=4), "sheet.jpg")
    return 0


def _fitted(picture: Image.Image, width: int) -> Image.Image:
    height = round(picture.height * width / picture.width)
    return picture.convert("RGB").resize((width, height), Image.Resampling.LANCZOS)


def _frames(clip: Path, count: int) -> Iterable[Image.Image]:
    """Give some frames of a clip, evenly spread, the first and the last among them."""
    with av.open(str(clip)) as container:
        frames = [Image.fromarray(frame.to_ndarray(format="rgb24")) for frame in container.decode(video=0)]
    return [frames[round(index * (len(frames) - 1) / (count - 1))] for index in range(count)]


def _card(size: tuple[int, int]) -> Image.Image:
    card = Image.new("RGB", size, PAPER)
    draw = ImageDraw.Draw(card)
    for line, text in enumerate(CARD):
        font, ink = ImageFont.load_default(15 if line else 25), DIM if line else INK
        draw.text((size[0] / 2, size[1] * (0.3 + 0.14 * line) + 5 * bool(line)), text, font=font, fill=ink, anchor="mm")
    return card


def _grid(pictures: Sequence[Image.Image], columns: int) -> Image.Image:
    width, height = pictures[0].size
    rows = -(-len(pictures) // columns)
    grid = Image.new("RGB", (columns * (width + GAP) - GAP, rows * (height + GAP) - GAP), PAPER)
    for index, picture in enumerate(pictures):
        grid.paste(picture, (index % columns * (width + GAP), index // columns * (height + GAP)))
    return grid


def _save(picture: Image.Image, name: str) -> None:
    picture.save(DOCS / name, quality=82, optimize=True, progressive=True)
    sys.stdout.write(f"docs/{name}: {picture.width} x {picture.height} px\n")


if __name__ == "__main__":
    sys.exit(main())
