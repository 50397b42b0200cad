"""Metric `width`."""

from koma.core.metrics import METRICS
from koma.measures.meter import FactMeter, Facts, Reading

SPEC = METRICS["width"]


class Meter(FactMeter):
    """Width in pixels; decoding refuses frames of another size."""

    def finish(self, facts: Facts) -> Reading:
        """Return the width."""
        return Reading(float(facts.width))
