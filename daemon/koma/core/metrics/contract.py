"""Whether a file is what was asked for: it decodes, and has the size, length and rate that the shot names."""

from koma.core.metrics.spec import OWN, Direction, MetricSpec, Stage


def _fact(name: str, unit: str, definition: str) -> MetricSpec:
    return MetricSpec(name, "1", unit, Direction.EXACT, definition, OWN, Stage.VALIDITY)


SPECS = (
    _fact("decodes", "", "1 if the container holds all that it announces and every frame decodes without error, else 0"),
    _fact("width", "px", "width of every decoded frame"),
    _fact("height", "px", "height of every decoded frame"),
    _fact("frame-count", "frames", "frames counted by decoding all of them; 1 for a picture that is not animated"),
    _fact("frame-rate", "fps", "frame rate of the video stream, roundings of n * 1000 / 1001 taken back"),
    _fact("duration", "s", "decoded frames divided by the frame rate"),
)
