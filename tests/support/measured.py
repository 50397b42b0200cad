"""Frames measured without a file: what a metric says about pictures that a test draws."""

from collections.abc import Iterable

from koma.core.against import Against
from koma.measures.meter import Facts, Reading, Reel
from koma.measures.registry import METERS
from koma.measures.setting import Setting
from koma.measures.specimens.clips import SUBJECT, clip
from koma.pixels.picture import Pixels

OF_SPECIMENS = Against((SUBJECT,))


def readings(frames: Iterable[Pixels], *metrics: str, fps: float = 24.0, against: Against = OF_SPECIMENS) -> dict[str, Reading]:
    """Readings by metric id; of one that reads characters, the one of the specimens' character."""
    meters = {metric: METERS[metric](Setting(against)) for metric in metrics}
    reel = Reel(fps)
    height = width = count = 0
    for pixels in frames:
        height, width, _ = pixels.shape
        count += 1
        frame = reel.next(pixels)
        for meter in meters.values():
            meter.add(frame)
    found = {metric: meter.finish(Facts(width, height, count, fps)) for metric, meter in meters.items()}
    return {metric: one if isinstance(one, Reading) else one[SUBJECT.id] for metric, one in found.items()}


def value(frames: Iterable[Pixels], metric: str, fps: float = 24.0) -> float | None:
    """Value of one metric."""
    return readings(frames, metric, fps=fps)[metric].value


def specimen(name: str, metric: str, strength: float = 1.0, size: tuple[int, int, int] = (192, 192, 24)) -> float | None:
    """Value of one metric for a specimen; size is width, height and frames."""
    width, height, frames = size
    return value(clip(name, width=width, height=height, frames=frames, strength=strength), metric)
