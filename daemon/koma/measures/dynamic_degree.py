"""Metric `dynamic-degree`: whether it moves as much as VBench asks of a moving picture."""

import numpy as np
import numpy.typing as npt

from koma.core.metrics import METRICS
from koma.measures.eighths import EighthsMeter
from koma.measures.meter import Reading
from koma.measures.pairs import rounded

SPEC = METRICS["dynamic-degree"]
FAR = 6.0 / 256  # of the shorter side


class Meter(EighthsMeter):
    """Counts pairs that move far."""

    def pooled(self, moved: npt.NDArray[np.float64], frames: list[int]) -> Reading:
        """Return the share of pairs that move, with how far each moves, in parts of the shorter side."""
        details = {"per_frame": rounded(moved), "sampled": frames, "unit": "share of the shorter side", "limit": round(FAR, 6)}
        return Reading(float(np.mean(moved > FAR)), details=details)
