"""Metric `duration`."""

from koma.core.metrics import METRICS
from koma.measures.meter import FactMeter, Facts, Reading

SPEC = METRICS["duration"]


class Meter(FactMeter):
    """Seconds that the decoded frames last at the stream's rate."""

    def finish(self, facts: Facts) -> Reading:
        """Return the seconds, or nothing for a picture."""
        return Reading(facts.frames / facts.fps) if facts.fps else Reading(None, "a picture has no duration")
