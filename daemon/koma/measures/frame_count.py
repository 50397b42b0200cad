"""Metric `frame-count`."""

from koma.core.metrics import METRICS
from koma.measures.meter import FactMeter, Facts, Reading

SPEC = METRICS["frame-count"]


class Meter(FactMeter):
    """Frames that were decoded, whatever the container announces."""

    def finish(self, facts: Facts) -> Reading:
        """Return the count."""
        return Reading(float(facts.frames))
