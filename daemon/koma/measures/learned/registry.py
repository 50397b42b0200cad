"""Which learned metrics there are, and what makes their meters. A module is imported when its metric is asked for, with its libraries.

A module here has `make(setting) -> Meter`. It raises ModelMissingError for what a person has to add (an extra, a model): the metric is
then unmeasured. It raises ModelBrokenError for what is there and can't be used: an error of that metric. Both may come from `make`, or
later from the meter.
"""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from koma.core.metrics import METRICS
from koma.core.metrics.spec import MetricSpec
from koma.measures.learned import runtime
from koma.measures.learned.runtime import extra_missing, no_models
from koma.measures.learned.store import ModelBrokenError, ModelError, ModelForbiddenError, ModelMissingError
from koma.measures.meter import Facts, Frame, Meter, Reading
from koma.measures.setting import Setting

_FACES = ("onnxruntime", "insightface")
_CLIP = ("torch", "open_clip")
_TORCH = "koma.measures.learned.torch_runtime"

LEARNED: Mapping[str, str] = {
    "face-count": "koma.measures.learned.face_count:make",
    "face-quality": "koma.measures.learned.face_quality:make",
    "face-similarity": "koma.measures.learned.face_similarity:make",
    "ccip-difference": "koma.measures.learned.ccip_difference:make",
    "aesthetic": "koma.measures.learned.aesthetic:make",
    "lpips-temporal": "koma.measures.learned.lpips_temporal:make",
    "clip-consistency": "koma.measures.learned.clip_consistency:make",
    "clip-similarity": "koma.measures.learned.clip_similarity:make",
}
MODULES: Mapping[str, tuple[str, ...]] = {
    "face-count": _FACES,
    "face-quality": _FACES,
    "face-similarity": (*_FACES, "scipy"),
    "ccip-difference": ("onnxruntime", "scipy"),
    "aesthetic": _CLIP,
    "lpips-temporal": ("torch", "lpips"),
    "clip-consistency": _CLIP,
    "clip-similarity": _CLIP,
}


def learned_meter(metric: str, setting: Setting) -> Meter:
    """Make the meter of a learned metric. What is missing or broken becomes its reading, in words; it is not raised."""
    return _Guarded(METRICS[metric], setting)


def unavailable(metric: str, setting: Setting) -> str:
    """Say why a learned metric can't be measured here, "" if nothing is seen to be missing. Cheap: looks, and loads nothing."""
    try:
        _require(METRICS[metric], setting)
    except ModelMissingError as error:
        return str(error)
    return ""


def _require(spec: MetricSpec, setting: Setting) -> None:
    """Raise ModelMissingError with everything that is seen to be missing, so that nobody has to find out one after the other."""
    absent = next((module for module in MODULES[spec.id] if find_spec(module) is None), "")
    lacking = [extra_missing(absent)] if absent else [no_models()] if setting.models is None else []
    try:
        if setting.models is not None:
            setting.models.require(spec.weights)
    except ModelForbiddenError:
        raise  # what it would take besides is of no use
    except ModelMissingError as error:
        lacking.append(error)
    if lacking:
        raise ModelMissingError("; ".join(one.why for one in lacking), "; ".join(one.hint for one in lacking))


def release() -> None:
    """Let go of every model that is loaded, and with them of the memory of the graphics card; the next measurement loads them again."""
    runtime.release()
    if _TORCH in sys.modules:
        sys.modules[_TORCH].release()


class _Guarded:
    """A meter that says what kept it from measuring, for each character where the metric reads characters."""

    def __init__(self, spec: MetricSpec, setting: Setting) -> None:
        self._spec = spec
        self._setting = setting
        self._refusal: Reading | None = None
        self._meter: Meter | None = None
        with self._refusing():
            self._meter = _made(spec, setting)

    def add(self, frame: Frame) -> None:
        if self._meter is not None and self._refusal is None:
            with self._refusing():
                self._meter.add(frame)

    def finish(self, facts: Facts) -> Reading | Mapping[str, Reading]:
        if self._meter is not None and self._refusal is None:
            with self._refusing():
                return self._meter.finish(facts)
        return self._for_everybody(self._refusal or Reading(None, "nothing was measured"))

    @contextmanager
    def _refusing(self) -> Iterator[None]:
        try:
            yield
        except ModelError as error:
            self._refusal = Reading(None, str(error), failed=isinstance(error, ModelBrokenError), record=self._record())

    def _record(self) -> dict[str, Any]:
        models = self._setting.models
        weights = models.record(self._spec.weights) if models is not None else []
        return {"weights": weights, "runtime": "", "provider": "", "libraries": {}}

    def _for_everybody(self, reading: Reading) -> Reading | Mapping[str, Reading]:
        subjects = self._setting.against.subjects if self._spec.reads == "characters" else ()
        return {subject.id: reading for subject in subjects} or reading


def _made(spec: MetricSpec, setting: Setting) -> Meter:
    if spec.reads == "characters" and not setting.against.subjects:
        raise ModelMissingError("no character is named to compare with", "name the characters of the shot, or measure with `--against`")
    _require(spec, setting)
    module, _, function = LEARNED[spec.id].partition(":")
    meter: Meter = getattr(import_module(module), function)(setting)
    return meter
