"""Metric `face-count`: how many faces a picture shows, whoever they are."""

from statistics import median_low

from koma.core.metrics import METRICS
from koma.measures.learned.faces import FaceMeter
from koma.measures.meter import Facts, Reading

SPEC = METRICS["face-count"]


class Meter(FaceMeter):
    """Counts the faces of every sampled frame."""

    def finish(self, facts: Facts) -> Reading:  # noqa: ARG002  the sample knows its frames
        """Return the median over the sampled frames; none is 0, which is a count like any other."""
        counts = {number: len(faces) for number, (_, faces) in self.scan.frames().items()}
        details = {"sampled": list(counts), "per_frame": [float(count) for count in counts.values()]}
        record = self.record()
        return Reading(float(median_low(counts.values())), details=details, record=record)


make = Meter
