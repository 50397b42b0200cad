"""Metric `frame-rate`."""

from koma.core.metrics import METRICS
from koma.measures.meter import FactMeter, Facts, Reading

SPEC = METRICS["frame-rate"]


class Meter(FactMeter):
    """Frames per second of the stream."""

    def finish(self, facts: Facts) -> Reading:
        """Return the rate, or nothing for a picture."""
        return Reading(facts.fps) if facts.fps else Reading(None, "a picture has no frame rate")
