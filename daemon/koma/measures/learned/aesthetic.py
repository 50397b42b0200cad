"""Metric `aesthetic`: what a linear head, trained on people's ratings, makes of CLIP's numbers."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from koma.core.metrics import METRICS
from koma.measures.learned.clip import MODEL, ClipMeter
from koma.measures.learned.runtime import Floats, replace_hint
from koma.measures.learned.store import ModelBrokenError
from koma.measures.learned.torch_runtime import kept, tensors
from koma.measures.meter import Facts, Meter, Reading
from koma.measures.setting import Setting

SPEC = METRICS["aesthetic"]
HEAD = "aesthetic-head"

_Double = npt.NDArray[np.float64]


class Head:
    """A linear layer: `weights` has a number for each of CLIP's, `bias` is one number."""

    def __init__(self, file: Path) -> None:
        parts = {name: tensor.double().numpy() for name, tensor in tensors(HEAD, file).items()}
        shapes = {name: values.shape for name, values in parts.items()}
        if set(parts) != {"weight", "bias"} or parts["weight"].ndim != 2 or parts["weight"].shape[0] != 1 or parts["bias"].shape != (1,):  # noqa: PLR2004  rows and columns
            raise ModelBrokenError(
                f"{file} can't be {HEAD}: it has {_named(shapes)}; expected weight (1, 768) and bias (1,)", replace_hint(HEAD)
            )
        self._file = file
        self._weights: _Double = parts["weight"][0]
        self._bias = float(parts["bias"][0])
        if not np.isfinite(self._weights).all() or not np.isfinite(self._bias):
            raise ModelBrokenError(f"{file} can't be {HEAD}: it holds NaN or infinity", replace_hint(HEAD))

    def score(self, vector: Floats) -> float:
        """Score a vector of length 1. Raises ModelBrokenError."""
        if vector.shape != self._weights.shape:
            sizes = f"takes {self._weights.size} numbers for a picture, and {MODEL} gives {vector.size}"
            raise ModelBrokenError(f"{self._file} does not belong to {MODEL}: it {sizes}", replace_hint(HEAD))
        return float(self._weights @ vector.astype(np.float64) + self._bias)


def _named(shapes: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {shape}" for name, shape in sorted(shapes.items())[:4])


def make(setting: Setting) -> Meter:
    """Load both models, then look. Raises ModelMissingError, ModelBrokenError."""
    return _Aesthetic(setting)


class _Aesthetic(ClipMeter):
    weights = (MODEL, HEAD)

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        file = setting.models.path(HEAD)
        self._head = kept((HEAD, setting.models.digest(HEAD)), lambda: Head(file))

    def finish(self, facts: Facts) -> Reading:
        del facts
        found = self.seen()
        scores = [self._head.score(vector) for vector in found.vectors]
        return Reading(float(np.mean(scores)), details=found.details(scores), record=self.record())
