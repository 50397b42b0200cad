"""Neutral pictures and clips for trying out templates."""

from pathlib import Path

import numpy as np

from koma.pixels.clip import open_clip
from koma.pixels.picture import read_picture
from koma.pixels.specimen import FRAMES, specimen_clip, specimen_picture


def test_a_picture_has_the_size_that_was_asked_for_and_something_on_it(tmp_path: Path) -> None:
    pixels = read_picture(specimen_picture(tmp_path / "a.png", 96, 64))
    assert pixels.shape == (64, 96, 3)
    assert pixels.std() > 10


def test_in_a_clip_something_moves(tmp_path: Path) -> None:
    with open_clip(specimen_clip(tmp_path / "a.mkv", 96, 64)) as clip:
        frames = list(clip.frames)
    assert (len(frames), frames[0].shape) == (FRAMES, (64, 96, 3))
    assert not np.array_equal(frames[0], frames[-1])
