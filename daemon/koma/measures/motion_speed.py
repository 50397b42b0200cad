"""Metric `motion-speed`: does anything move at all that a person would see? A slow push-in does; a slowed or frozen clip does not."""

import numpy as np
import numpy.typing as npt

from koma.core.metrics import METRICS
from koma.measures.eighths import RATE, EighthsMeter
from koma.measures.meter import Reading
from koma.measures.pairs import rounded

SPEC = METRICS["motion-speed"]
QUANTILE = 0.75  # a pose may be held for most of a shot


class Meter(EighthsMeter):
    """Keeps how fast each pair moves."""

    def pooled(self, moved: npt.NDArray[np.float64], frames: list[int]) -> Reading:
        """Return the speed that a quarter of the pairs reaches, with that of each, in shorter sides a second."""
        speeds = moved * RATE
        return Reading(float(np.quantile(speeds, QUANTILE)), details={"per_frame": rounded(speeds), "sampled": frames})
