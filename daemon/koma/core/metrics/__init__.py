"""Which metrics there are: id, unit, direction, version and definition, as constants.

Planning needs ids and versions and no picture; so they stand here, and what computes them in koma.measures, one file each.
Whoever changes what a metric computes raises its version here: scores of another version are measured again.
"""

from collections.abc import Mapping

from koma.core.metrics import colour, contract, frames, learned, motion
from koma.core.metrics.spec import OWN, Direction, MetricSpec, Stage

__all__ = ["METRICS", "METRIC_IDS", "OVERALL", "Direction", "MetricSpec", "Stage"]

OVERALL = MetricSpec(
    "overall",
    "1",
    "ratio",
    Direction.HIGHER,
    "geometric mean of the terms that koma.core.overall names, each 0..1 and 0.8 where its metric just reaches its threshold",
    OWN,
    Stage.OVERALL,
)

METRICS: Mapping[str, MetricSpec] = {
    spec.id: spec for spec in (*contract.SPECS, *frames.SPECS, *motion.SPECS, *colour.SPECS, *learned.SPECS, OVERALL)
}
METRIC_IDS = frozenset(METRICS)
