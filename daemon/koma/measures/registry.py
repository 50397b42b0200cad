"""The metrics of the base install. A new metric is a file beside these, a line here, and its spec in koma.core.metrics."""

from collections.abc import Callable, Mapping

from koma.measures import black, blank, decodes, duration, frame_count, frame_rate, frozen, height, sharpness, width
from koma.measures.meter import Meter

METERS: Mapping[str, Callable[[], Meter]] = {
    module.SPEC.id: module.Meter for module in (decodes, width, height, frame_count, frame_rate, duration, blank, black, frozen, sharpness)
}
