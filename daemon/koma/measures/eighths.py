"""How far things move in an eighth of a second, where following the motion makes the pictures alike: grain moves nothing."""

import cv2
import numpy as np
import numpy.typing as npt

from koma.measures.meter import Facts, Frame, Reading
from koma.measures.pairs import too_small
from koma.measures.views import Flow, Grey, cells, differs, flow_between, lengths, traceable

RATE = 8.0  # pairs a second
SHARE = 0.05  # of the picture: what moves most
EXPLAINED = 0.65  # of the difference may be left where a flow is believed


class EighthsMeter:
    """Base of metrics that look at pairs an eighth of a second apart: how far each moves, in shorter sides, and its later frame."""

    def __init__(self) -> None:
        self._traceable = True
        self._before: Grey | None = None
        self._seen = 0
        self._moved: list[float] = []
        self._frames: list[int] = []

    def add(self, frame: Frame) -> None:
        """Compare with the frame an eighth of a second before."""
        self._traceable = traceable(frame.calm)
        if self._seen % max(1, round(frame.fps / RATE)) == 0 and self._traceable:
            before = self._before
            if before is not None:
                self._moved.append(frame.once("eighth", lambda: largest_motion(before, frame.calm)) / min(frame.calm.shape))
                self._frames.append(self._seen)
            self._before = frame.calm
        self._seen += 1

    def finish(self, facts: Facts) -> Reading:
        """Return what the pairs come to, or why there are none."""
        if facts.frames > 1 and not self._traceable:
            return Reading(None, too_small(facts))
        if not self._moved:
            return Reading(None, f"{facts.frames} frames are too few: expected two that are an eighth of a second apart")
        return self.pooled(np.array(self._moved), self._frames)

    def pooled(self, moved: npt.NDArray[np.float64], frames: list[int]) -> Reading:
        """Make one number of how far the pairs move, in shorter sides of the picture."""
        raise NotImplementedError


def largest_motion(before: Grey, after: Grey) -> float:
    """Mean length in px of the largest 5 % of flow, only where following it makes the pictures alike."""
    if not differs(before, after):
        return 0.0
    flow = flow_between(before, after)
    sizes = np.sort((cells(lengths(flow)) * _explains(flow, before, after)).ravel())
    return float(sizes[-max(1, int(SHARE * sizes.size)) :].mean())


def _explains(flow: Flow, before: Grey, after: Grey) -> npt.NDArray[np.bool_]:
    """In which squares of 8 px the flow takes most of the difference away."""
    height, width = before.shape
    columns, rows = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    followed = cv2.remap(after, columns + flow[:, :, 0], rows + flow[:, :, 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    left, all_of_it = cells(cv2.absdiff(before, np.asarray(followed, np.uint8))), cells(cv2.absdiff(before, after))
    return np.asarray(left < EXPLAINED * all_of_it)
