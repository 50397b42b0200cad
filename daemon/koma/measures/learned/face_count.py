"""Metric `face-count`: how many faces a picture shows, whoever they are."""

from statistics import median_low

from koma.core.metrics import METRICS
from koma.measures.learned.faces import faces_record, scan_of
from koma.measures.meter import Facts, Frame, Reading
from koma.measures.setting import Setting

SPEC = METRICS["face-count"]


class Meter:
    """Counts the faces of every sampled frame."""

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._scan = scan_of(setting)

    def add(self, frame: Frame) -> None:
        """Offer the next frame to the sample."""
        self._scan.sample.add(frame)

    def finish(self, facts: Facts) -> Reading:  # noqa: ARG002  the sample knows its frames
        """Return the median over the sampled frames; none is 0, which is a count like any other."""
        counts = {number: len(faces) for number, (_, faces) in self._scan.frames().items()}
        details = {"sampled": list(counts), "per_frame": [float(count) for count in counts.values()]}
        record = faces_record(self._setting.models, self._scan.detector.network)
        return Reading(float(median_low(counts.values())), details=details, record=record)


make = Meter
