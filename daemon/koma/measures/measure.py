"""Measure one lossless file: decode it once, show every frame to every meter that was asked for."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from koma.core.against import NOTHING, Against, Picture
from koma.core.gate import Measurement
from koma.core.media import Media
from koma.core.metrics import METRICS, OVERALL
from koma.core.rate import standard_fps
from koma.measures.ahead import ahead
from koma.measures.meter import FactMeter, Facts, Frame, Meter, Reading, Reel
from koma.measures.registry import METERS
from koma.measures.setting import Setting
from koma.pixels.clip import open_clip
from koma.pixels.picture import Pixels, UnreadableError, read_frames

if TYPE_CHECKING:
    from koma.measures.learned.store import Models

_LIBRARIES = ("numpy", "opencv-python-headless", "av", "pillow")
_OWN_RUNTIME: Mapping[str, object] = {
    "weights": [],
    "runtime": f"numpy {version('numpy')}",
    "provider": "cpu",
    "libraries": {name: version(name) for name in _LIBRARIES},
}
Seen = Callable[[int], None]

_PICTURES = frozenset({Media.IMAGE, Media.POSTER})


class FileMeasure:
    """Implements koma.ports.Measure with the metrics of koma.measures.registry and koma.measures.learned.registry.

    A score is a fact about the file and what it is compared with. `picture` gives the file of a reference picture, `models` is the store
    of weights, `device` says where learned metrics run by now (`cpu`, `cuda`), `seen` hears after each frame how many were looked at.
    """

    def __init__(
        self,
        picture: Callable[[Picture], Path] | None = None,
        models: "Models | None" = None,
        device: Callable[[], str] = lambda: "cpu",
        seen: Seen = lambda _frames: None,
    ) -> None:
        self._picture = picture
        self._models = models
        self._device = device
        self._seen = seen

    def measure(self, file: Path, media: Media, metrics: Sequence[str], against: Against = NOTHING) -> tuple[Measurement, ...]:
        """Measure a picture or clip; the measurements of each id, in their order.

        A file that is missing, cut or damaged has `decodes` 0 and nothing else; an unknown id or a meter that breaks is an error
        of that metric alone.
        """
        models = self._models.for_project(commercial=against.commercial) if self._models is not None else None
        learned = any(METRICS[metric].weights for metric in metrics if metric in METRICS)
        setting = Setting(against, models=models, device=self._device() if learned else "cpu")
        setting = setting if self._picture is None else replace(setting, picture=self._picture)
        try:
            return self._measured(file, media, metrics, setting)
        finally:
            if setting.device != "cpu":
                _leave_the_card()

    def _measured(self, file: Path, media: Media, metrics: Sequence[str], setting: Setting) -> tuple[Measurement, ...]:
        running = {metric: _Running(metric, setting) for metric in metrics if metric in METRICS}
        try:
            facts = _show(file, media, list(running.values()), self._seen)
        except UnreadableError as error:
            return tuple(_unread(metric, error.why) for metric in metrics)
        return tuple(found for metric in metrics for found in (running[metric].finish(facts) if metric in running else (_unknown(metric),)))


def _leave_the_card() -> None:
    """Let go of every network: the next to use the card is a render, which nobody will announce here."""
    from koma.measures.learned.registry import release  # noqa: PLC0415  learned metrics are imported when one is asked for

    release()


class _Running:
    """A meter with what went wrong in it: one broken metric must not take the others along."""

    def __init__(self, metric: str, setting: Setting) -> None:
        self._metric = metric
        self._broken = ""
        self._meter: Meter | None = None
        with self._contained():
            self._meter = _meter(metric, setting)

    def add(self, frame: Frame) -> None:
        if self._meter is not None and not self._broken:
            with self._contained():
                self._meter.add(frame)

    def finish(self, facts: Facts) -> list[Measurement]:
        readings: Reading | Mapping[str, Reading] = Reading(None)
        if self._meter is not None and not self._broken:
            with self._contained():
                readings = self._meter.finish(facts)
        if isinstance(readings, Reading) or self._broken:
            readings = {"": readings if isinstance(readings, Reading) else Reading(None)}
        return [_measurement(self._metric, reading, self._broken, subject) for subject, reading in readings.items()]

    @contextmanager
    def _contained(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # noqa: BLE001  whatever a metric raises is its own error, and is reported as such
            self._broken = f"the metric itself failed: {type(error).__name__}: {error}"


class _MadeOfOthers(FactMeter):
    """Stands for `overall`, which is worked out where a gate is judged."""

    def finish(self, facts: Facts) -> Reading:  # noqa: ARG002  no fact about a file makes it
        return Reading(None, "it is made of other metrics where they are judged by a gate")


def _meter(metric: str, setting: Setting) -> Meter:
    if metric == OVERALL.id:
        return _MadeOfOthers()
    if metric in METERS:
        return METERS[metric](setting)
    from koma.measures.learned.registry import learned_meter  # noqa: PLC0415  learned metrics are imported when one is asked for

    return learned_meter(metric, setting)


def _measurement(metric: str, reading: Reading, broken: str, subject: str = "") -> Measurement:
    spec = METRICS[metric]
    value, why = reading.value, broken or reading.why
    if value is not None and not math.isfinite(value):
        value, why = None, f"the metric itself failed: it gave {value}"
    failed = bool(broken) or reading.failed or (reading.value is not None and value is None)
    record = {"definition": spec.digest, **(reading.record or _OWN_RUNTIME)}
    return Measurement(metric, spec.version, spec.unit, value, why, failed, reading.details, subject, "", record)


def _unread(metric: str, why: str) -> Measurement:
    if metric not in METRICS:
        return _unknown(metric)
    if metric == "decodes":
        return _measurement(metric, Reading(0.0, why), "")
    return _measurement(metric, Reading(None, f"the file does not decode: {why}"), "")


def _unknown(metric: str) -> Measurement:
    return Measurement(metric, "", "", None, f"there is no metric {metric!r}; known: {', '.join(sorted(METRICS))}", failed=True)


def _show(file: Path, media: Media, meters: Sequence[_Running], seen: Seen) -> Facts:
    if media in _PICTURES:
        width, height, count = _each(read_frames(file), meters, seen)
        return Facts(width, height, count, 0.0)
    with open_clip(file) as clip, ahead(clip.frames) as frames:
        width, height, count = _each(frames, meters, seen, standard_fps(float(clip.rate)))
    if not count:
        raise UnreadableError(file, "it holds no frames")
    return Facts(width, height, count, standard_fps(float(clip.rate)))


def _each(frames: Iterator[Pixels], meters: Sequence[_Running], seen: Seen, fps: float = 0.0) -> tuple[int, int, int]:
    """Show every frame to every meter; width, height and count of them."""
    width, height, count = 0, 0, 0
    reel = Reel(fps)
    for count, pixels in enumerate(frames, start=1):
        frame = reel.next(pixels)
        for meter in meters:
            meter.add(frame)
        height, width, _ = pixels.shape
        seen(count)
    return width, height, count
