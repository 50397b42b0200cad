"""What CLIP sees in a picture: its image tower, loaded once, run once for each sampled frame whatever the number of metrics.

The weights are those of OpenAI, which were trained with QuickGELU. The architecture without it takes them as well and gives other numbers
without a word; so the architecture is fixed here, and not chosen by whoever adds the file.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from PIL import Image

from koma.measures.learned.runtime import Floats, no_models, replace_hint, unit
from koma.measures.learned.sampling import sample_of
from koma.measures.learned.store import ModelBrokenError
from koma.measures.learned.torch_runtime import Placed, batches, first_line, kept, misfit, on_torch, place, record_of, running
from koma.measures.meter import Frame
from koma.measures.setting import Setting
from koma.pixels.picture import Pixels

MODEL = "clip-vit-l-14"
ARCHITECTURE = "ViT-L-14-quickgelu"
LIBRARIES = ("open-clip-torch", "torchvision", "pillow", "numpy")
_POSITIONS = "visual.positional_embedding"
_LONGEST = 8  # times the shorter side; the central square is all that counts, and what is resized must stay small


@dataclass(frozen=True, slots=True)
class Tower:
    """The image tower: 768 numbers for a picture, scaled to length 1. `identity` names weights and device, for what is remembered."""

    identity: str
    torch: ModuleType
    placed: Placed
    transform: Any

    def see(self, pictures: Sequence[Pixels], what: str) -> list[Floats]:
        """Embed RGB pictures; a vector of length 1 for each. Raises ModelBrokenError."""
        return [vector for batch in batches(pictures, self.placed.device) for vector in self._see(batch, what)]

    def _see(self, batch: Sequence[Pixels], what: str) -> list[Floats]:
        stacked = self.torch.stack([self.transform(Image.fromarray(central(pixels))) for pixels in batch])
        with running(self.torch, self.placed):
            vectors = self.placed.network(stacked.to(self.placed.device)).float().cpu().numpy()
        return [unit(vector, what, MODEL) for vector in vectors]


@dataclass(frozen=True, slots=True)
class Seen:
    """The sampled frames of one file: their numbers (from 0), and a vector for each."""

    numbers: tuple[int, ...]
    vectors: tuple[Floats, ...]

    def details(self, values: Sequence[float]) -> dict[str, Any]:
        """Details of a Reading: the value of each sampled frame, or of each step to one, and the numbers of these frames."""
        return {"per_frame": [round(value, 6) for value in values], "sampled": list(self.numbers)}


class ClipMeter:
    """Base of metrics that work on what CLIP sees. What is embedded once serves all that share a Setting."""

    weights: tuple[str, ...] = (MODEL,)

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.tower = tower_of(setting)
        self._sample = sample_of(setting)

    def add(self, frame: Frame) -> None:
        """Sample the next frame."""
        self._sample.add(frame)

    def seen(self) -> Seen:
        """Embed the sampled frames. Raises ModelBrokenError."""
        if "clip" not in self.setting.shared:
            frames = self._sample.frames()
            self.setting.shared["clip"] = Seen(tuple(frames), tuple(self.tower.see(list(frames.values()), "a frame")))
        found: Seen = self.setting.shared["clip"]
        return found

    def record(self) -> Mapping[str, Any]:
        """Say what measured."""
        return record_of(self.setting.models.record(self.weights), self.tower.placed, LIBRARIES)


def tower_of(setting: Setting) -> Tower:
    """Load the image tower from the verified file. Raises ModelMissingError, ModelBrokenError."""
    if setting.models is None:
        raise no_models()
    file: Path = setting.models.path(MODEL).absolute()
    key = (MODEL, ARCHITECTURE, setting.models.digest(MODEL), setting.device)
    return kept(key, lambda: _loaded(" ".join(key), file, setting.device))


def _loaded(identity: str, file: Path, asked: str) -> Tower:
    torch, open_clip = on_torch("open_clip")
    if file.suffix != ".safetensors":  # else open_clip would unpickle it, or look the name up
        raise ModelBrokenError(f"{file} can't be {MODEL}: its name does not end in .safetensors", replace_hint(MODEL))
    model, transform = _created(open_clip, file)
    _check_positions(file, model)
    return Tower(identity, torch, place(torch, MODEL, model.visual, asked), transform)


def _created(open_clip: ModuleType, file: Path) -> tuple[Any, Any]:
    try:
        created: tuple[Any, Any] = open_clip.create_model_from_pretrained(ARCHITECTURE, pretrained=str(file))  # which requires the weights
    except Exception as error:
        # Its errors are of many kinds, those of safetensors among them; here each of them means that the file does not fit.
        raise ModelBrokenError(f"{file} can't be {MODEL} ({ARCHITECTURE} of open_clip): {misfit(error)}", replace_hint(MODEL)) from error
    return created


def _check_positions(file: Path, model: Any) -> None:
    """Refuse weights for another picture size: open_clip would stretch their positions to fit, without a word."""
    _, safetensors = on_torch("safetensors")
    try:
        with safetensors.safe_open(str(file), framework="pt") as weights:
            found = tuple(weights.get_slice(_POSITIONS).get_shape())
    except safetensors.SafetensorError as error:
        raise ModelBrokenError(f"{file} can't be {MODEL}: {first_line(error)}", replace_hint(MODEL)) from error
    wanted = tuple(model.visual.positional_embedding.shape)
    if found != wanted:
        raise ModelBrokenError(f"{file} can't be {MODEL}: it has positions of shape {found}; expected {wanted}", replace_hint(MODEL))


def central(pixels: Pixels) -> Pixels:
    """Cut the ends off a picture that is more than eight times as long as it is wide."""
    height, width, _ = pixels.shape
    longest = _LONGEST * min(height, width)
    top, left = max(0, (height - longest) // 2), max(0, (width - longest) // 2)
    return np.ascontiguousarray(pixels[top : top + longest, left : left + longest])


def cosine(a: Floats, b: Floats) -> float:
    """Cosine of two vectors of length 1, in double precision, -1..1."""
    return float(np.clip(a.astype(np.float64) @ b.astype(np.float64), -1.0, 1.0))
