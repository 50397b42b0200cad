"""Which frames learned metrics look at: few, evenly spread, known by number, and the same for all metrics of one file."""

import cv2
import numpy as np

from koma.measures.meter import Frame
from koma.measures.setting import Setting
from koma.pixels.picture import Pixels, over_white

MOST = 8  # of the evenly spread ones
LONGEST = 1920  # px; keeps what is held of a large clip small


class Sample:
    """The sampled frames of one file. Meters that share it may each show it the same frame."""

    def __init__(self) -> None:
        self._step = 1
        self._seen = 0
        self._kept: dict[int, Pixels] = {}
        self._last: Frame | None = None

    def add(self, frame: Frame) -> None:
        """Look at the next frame; one that it has just seen is passed over."""
        if frame is self._last:
            return
        if len(self._kept) == MOST and self._seen % self._step == 0:
            self._step *= 2
            self._kept = {number: pixels for number, pixels in self._kept.items() if number % self._step == 0}
        if self._seen % self._step == 0:
            self._kept[self._seen] = prepared(frame.pixels)
        self._last = frame
        self._seen += 1

    def frames(self) -> dict[int, Pixels]:
        """RGB by frame number (from 0), in their order."""
        if self._last is not None and self._seen - 1 not in self._kept:
            return {**self._kept, self._seen - 1: prepared(self._last.pixels)}
        return dict(self._kept)


def sample_of(setting: Setting) -> Sample:
    """Return the sample that the meters of one file share."""
    sample: Sample = setting.shared.setdefault("sample", Sample())
    return sample


def prepared(pixels: Pixels) -> Pixels:
    """RGB, alpha laid over white, longer side 1920 px at most."""
    solid = over_white(pixels)
    height, width, _ = solid.shape
    if max(height, width) <= LONGEST:
        return solid
    scale = LONGEST / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(solid, size, interpolation=cv2.INTER_AREA), np.uint8)
