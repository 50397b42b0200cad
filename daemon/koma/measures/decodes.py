"""Metric `decodes`. A file that does not decode never reaches a meter; koma.measures.measure says 0 for it."""

from koma.core.metrics import METRICS
from koma.measures.meter import FactMeter, Facts, Reading

SPEC = METRICS["decodes"]


class Meter(FactMeter):
    """1 once every frame was decoded."""

    def finish(self, facts: Facts) -> Reading:
        """Return 1 and how many frames there were."""
        return Reading(1.0, details={"frames": facts.frames})
