"""Measure one lossless file: decode it once, show every frame to every meter that was asked for."""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from koma.core.gate import Measurement
from koma.core.media import Media
from koma.core.metrics import METRICS
from koma.core.rate import standard_fps
from koma.measures.meter import Facts, Frame, Meter, Reading
from koma.measures.registry import METERS
from koma.pixels.clip import open_clip
from koma.pixels.picture import Pixels, UnreadableError, read_picture

_PICTURES = frozenset({Media.IMAGE, Media.POSTER})


class FileMeasure:
    """Implements koma.ports.Measure with the metrics of koma.measures.registry. A score is a fact about the file alone."""

    def measure(self, file: Path, media: Media, metrics: Sequence[str], expect: Mapping[str, Any]) -> tuple[Measurement, ...]:  # noqa: ARG002  rules compare with `expect`, metrics do not
        """Measure a picture or clip; one measurement per id, in their order.

        A file that is missing, cut or damaged has `decodes` 0 and nothing else; an unknown id or a meter that breaks is an error
        of that metric alone.
        """
        running = {metric: _Running(METERS[metric]()) for metric in metrics if metric in METERS}
        try:
            facts = _show(file, media, list(running.values()))
        except UnreadableError as error:
            return tuple(_unread(metric, error.why) for metric in metrics)
        return tuple(running[metric].finish(metric, facts) if metric in running else _unknown(metric) for metric in metrics)


@dataclass(slots=True)
class _Running:
    """A meter with what went wrong in it: one broken metric must not take the others along."""

    meter: Meter
    broken: str = ""

    def add(self, frame: Frame) -> None:
        if not self.broken:
            with self._contained():
                self.meter.add(frame)

    def finish(self, metric: str, facts: Facts) -> Measurement:
        reading = Reading(None)
        if not self.broken:
            with self._contained():
                reading = self.meter.finish(facts)
        return _measurement(metric, reading, self.broken)

    @contextmanager
    def _contained(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # noqa: BLE001  whatever a metric raises is its own error, and is reported as such
            self.broken = f"the metric itself failed: {type(error).__name__}: {error}"


def _measurement(metric: str, reading: Reading, broken: str) -> Measurement:
    spec = METRICS[metric]
    value, why = reading.value, broken or reading.why
    if value is not None and not math.isfinite(value):
        value, why = None, f"the metric itself failed: it gave {value}"
    failed = bool(broken) or (reading.value is not None and value is None)
    return Measurement(metric, spec.version, spec.unit, value, why, failed, reading.details)


def _unread(metric: str, why: str) -> Measurement:
    if metric not in METRICS:
        return _unknown(metric)
    if metric == "decodes":
        return _measurement(metric, Reading(0.0, why), "")
    return _measurement(metric, Reading(None, f"the file does not decode: {why}"), "")


def _unknown(metric: str) -> Measurement:
    return Measurement(metric, "", "", None, f"there is no metric {metric!r}; known: {', '.join(sorted(METERS))}", failed=True)


def _show(file: Path, media: Media, meters: Sequence[_Running]) -> Facts:
    if media in _PICTURES:
        pixels = read_picture(file)
        _add(meters, pixels)
        return Facts(pixels.shape[1], pixels.shape[0], 1, 0.0)
    with open_clip(file) as clip:
        count = 0
        for pixels in clip.frames:
            _add(meters, pixels)
            count += 1
    if not count:
        raise UnreadableError(file, "it holds no frames")
    return Facts(clip.width, clip.height, count, standard_fps(float(clip.rate)))


def _add(meters: Sequence[_Running], pixels: Pixels) -> None:
    frame = Frame(pixels)
    for meter in meters:
        meter.add(frame)
