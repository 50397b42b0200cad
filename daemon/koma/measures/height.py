"""Metric `height`."""

from koma.core.metrics import METRICS
from koma.measures.meter import FactMeter, Facts, Reading

SPEC = METRICS["height"]


class Meter(FactMeter):
    """Height in pixels; decoding refuses frames of another size."""

    def finish(self, facts: Facts) -> Reading:
        """Return the height."""
        return Reading(float(facts.height))
