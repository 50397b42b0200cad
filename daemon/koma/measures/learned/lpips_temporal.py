"""Metric `lpips-temporal`: how far neighbouring frames are apart, as people see it. Blur lowers it, and a clip that stands still has 0."""

import warnings
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from koma.core.metrics import METRICS
from koma.measures.learned.runtime import no_models, replace_hint
from koma.measures.learned.store import ModelBrokenError
from koma.measures.learned.torch_runtime import BATCH, Placed, fill, kept, on_torch, place, record_of, running, tensors
from koma.measures.meter import Facts, Frame, Meter, Reading
from koma.measures.setting import Setting
from koma.pixels.picture import Pixels

SPEC = METRICS["lpips-temporal"]
TRUNK = "lpips-trunk"
HEADS = "lpips-heads"
HEADS_OF_PACKAGE = "weights/v0.1/alex.pth"
SMALLEST = 32  # px; on less nothing is left after the last layer
LIBRARIES = ("lpips", "torchvision", "pillow", "numpy")
_LIBRARY = "lpips"


def make(setting: Setting) -> Meter:
    """Load trunk and heads, then compare. Raises ModelMissingError, ModelBrokenError."""
    if setting.models is None:
        raise no_models()
    models = setting.models
    trunk: Path = models.path(TRUNK)
    heads: Path | None = models.path(HEADS) if models.digest(HEADS) else None
    torch, lpips = on_torch(_LIBRARY)
    key = (TRUNK, models.digest(TRUNK), models.digest(HEADS), setting.device)
    placed = kept(key, lambda: place(torch, TRUNK, _loaded(lpips, trunk, heads), setting.device))
    return _Temporal(torch, lpips, placed, record_of(_weights(models, lpips), placed, LIBRARIES))


def _loaded(lpips: ModuleType, trunk: Path, heads: Path | None) -> Any:
    """Build with a random trunk, since the constructor would download one, and put the local one in."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it calls torchvision in a way that torchvision deprecates
        network = lpips.LPIPS(net="alex", version="0.1", pnet_rand=True, verbose=False)
    fill(TRUNK, trunk, network.net, _trunk_weights(trunk, network.net.state_dict()))
    if heads is not None:
        fill(HEADS, heads, network.lins, _head_weights(tensors(HEADS, heads)))
    return network


def _trunk_weights(file: Path, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Take the convolutions of torchvision's AlexNet (`features.3.weight`) under the names of lpips (`slice2.3.weight`)."""
    found = tensors(TRUNK, file)
    names = {name: f"features.{name.partition('.')[2]}" for name in wanted}
    missing = sorted(set(names.values()) - set(found))
    if missing:
        message = f"{file} can't be {TRUNK}: it has no {missing[0]}; expected the features of torchvision's AlexNet"
        raise ModelBrokenError(message, replace_hint(TRUNK))
    return {name: found[theirs] for name, theirs in names.items()}


def _head_weights(found: Mapping[str, Any]) -> dict[str, Any]:
    """Take heads (`lin2.model.1.weight`) under the names of their list (`2.model.1.weight`)."""
    return {name.removeprefix("lin"): tensor for name, tensor in found.items()}


def _weights(models: Any, lpips: ModuleType) -> list[dict[str, str]]:
    """Describe both, heads that came with the package by the digest of the file in it."""
    trunk, heads = models.record((TRUNK, HEADS))
    if not heads["sha256"]:
        heads = {**heads, "sha256": sha256((Path(str(lpips.__file__)).parent / HEADS_OF_PACKAGE).read_bytes()).hexdigest()}
    return [trunk, heads]


class _Temporal:
    """Sees each frame once: its features are compared with those of the frame before, and kept for the one after."""

    def __init__(self, torch: ModuleType, lpips: ModuleType, placed: Placed, record: Mapping[str, Any]) -> None:
        self._torch = torch
        self._lpips = lpips
        self._placed = placed
        self._record = record
        self._waiting: list[Pixels] = []
        self._last: Sequence[Any] | None = None
        self._values: list[float] = []

    def add(self, frame: Frame) -> None:
        if min(frame.small.shape[:2]) < SMALLEST:
            return
        self._waiting.append(frame.small)
        if len(self._waiting) == BATCH[self._placed.device]:
            self._look()

    def finish(self, facts: Facts) -> Reading:
        if facts.frames < 2:  # noqa: PLR2004  a pair
            return Reading(None, "one frame alone has no neighbour", record=self._record)
        if self._waiting:
            self._look()
        if not self._values:
            why = f"{facts.width} x {facts.height} px is too small: expected {SMALLEST} px on the shorter side at 256 px on the longer"
            return Reading(None, why, record=self._record)
        details = {"per_frame": [round(value, 6) for value in self._values], "max": round(max(self._values), 6)}
        return Reading(float(np.mean(self._values)), details=details, record=self._record)

    def _look(self) -> None:
        with running(self._torch, self._placed):
            features = self._features(np.stack(self._waiting))
            joined = features if self._last is None else [self._torch.cat(pair) for pair in zip(self._last, features, strict=True)]
            self._last = [layer[-1:].clone() for layer in features]
            self._values += self._distances(joined)
        self._waiting.clear()

    def _features(self, pictures: Pixels) -> list[Any]:
        """Features of each layer, scaled to length 1 at every point, of pictures as rows, columns and RGB."""
        network = self._placed.network
        samples = self._torch.from_numpy(pictures).to(self._placed.device).permute(0, 3, 1, 2).float() / 127.5 - 1
        return [self._lpips.normalize_tensor(layer) for layer in network.net(network.scaling_layer(samples))]

    def _distances(self, features: Sequence[Any]) -> list[float]:
        """Distance of each picture to the next."""
        lins = self._placed.network.lins
        layers = [lin((layer[1:] - layer[:-1]) ** 2).mean(dim=(1, 2, 3)) for lin, layer in zip(lins, features, strict=True)]
        found: list[float] = self._torch.stack(layers).sum(dim=0).double().cpu().tolist()
        if not np.isfinite(found).all():
            raise ModelBrokenError(f"{TRUNK} gave NaN or infinity for neighbouring frames", replace_hint(TRUNK))
        return found
