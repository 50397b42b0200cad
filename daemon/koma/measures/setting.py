"""What meters are made with: what the file is compared with, where those pictures lie, and the models of the learned metrics."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from koma.core.against import NOTHING, Against, Picture


def _nowhere(picture: Picture) -> Path:
    raise FileNotFoundError(f"no object store was named, so picture {picture.file_digest[:12]} can't be read")


@dataclass(frozen=True, slots=True)
class Setting:
    """`picture` gives the file of a reference picture; `models` the store of weights (koma.measures.learned.store.Models), None for none.

    `device` is where learned metrics run: `cpu`, `cuda` (the CPU if that fails, which is recorded) or `cuda-only`. `shared` is what the
    meters of one file have in common, such as frames that several look at; so each file has a Setting of its own.
    """

    against: Against = NOTHING
    picture: Callable[[Picture], Path] = _nowhere
    models: Any = None
    device: str = "cpu"
    shared: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)
