"""CCIP (deepghs): how different two pictures of drawn characters are, from two ONNX files in named roles.

Preparation as the published models want it: RGB, the whole picture scaled to 384 x 384 px (bilinear, aspect not kept), 0..1, less the mean
and divided by the standard deviation of CLIP's training set, channels first. The metric model takes n vectors and gives n x n differences.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from koma.measures.learned.runtime import Floats, Shape, open_network, record_of, replace_hint, unit
from koma.measures.learned.store import ModelBrokenError, Models
from koma.pixels.picture import Pixels

FEATURES, METRIC = "ccip-features", "ccip-metric"
SIDE = 384  # px
LENGTH = 768
MEAN = np.array([0.48145466, 0.4578275, 0.40821073], np.float32)  # R, G, B
DEVIATION = np.array([0.26862954, 0.26130258, 0.27577711], np.float32)

_FEATURES = Shape((None, 3, SIDE, SIDE), (LENGTH,))
_METRIC = Shape((None, LENGTH), (None,))
_LIBRARIES = ("numpy", "opencv-python-headless", "pillow")


class Ccip:
    """Both models, open. Raises ModelMissingError, ModelBrokenError, when it is made and when it compares."""

    def __init__(self, models: Models | None, device: str) -> None:
        self._features = open_network(models, FEATURES, _FEATURES, device)
        self._metric = open_network(models, METRIC, _METRIC, device)
        self._models = models

    @property
    def by(self) -> str:
        """What vectors depend on besides the picture: the features model, and where it runs."""
        return f"{self._features.digest} {self._features.provider}"

    @property
    def record(self) -> dict[str, Any]:
        """Say what measured, for a reading's record."""
        assert self._models is not None  # noqa: S101  opening a network without a store raised
        return record_of(self._models, (self._features, self._metric), _LIBRARIES)

    def vector(self, rgb: Pixels) -> Floats:
        """768 numbers for an RGB picture."""
        found: Floats = self._features.run(blob(rgb)[None])[0]
        unit(found, "a picture", FEATURES)  # what has no direction can't be compared
        return found

    def differences(self, vectors: Sequence[Floats], others: Sequence[Floats]) -> Floats:
        """Difference of each of `vectors` (rows) to each of `others` (columns); lower is more alike."""
        stack = np.stack([*vectors, *others])
        found: Floats = self._metric.run(stack)
        if found.shape != (len(stack), len(stack)):
            expected = f"{len(stack)} x {len(stack)}"
            raise ModelBrokenError(f"{METRIC} gave {found.shape} for {len(stack)} vectors; expected {expected}", replace_hint(METRIC))
        return found[: len(vectors), len(vectors) :]


def blob(rgb: Pixels) -> Floats:
    """3 x 384 x 384 numbers: what the features model is given of an RGB picture."""
    scaled = Image.fromarray(np.ascontiguousarray(rgb)).resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    values = (np.asarray(scaled, np.float32) / 255 - MEAN) / DEVIATION
    return np.ascontiguousarray(values.transpose(2, 0, 1), np.float32)
