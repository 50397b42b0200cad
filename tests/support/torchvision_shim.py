"""Lets torchvision from a package index be imported beside a PyTorch that was built for the CPU. For tests only.

Its binary asks for the libraries of CUDA, and its loader goes on without it; but two of its kernels are then registered for operators that
nobody declared. Declared here are these two, without anything behind them: models and transforms work, and `nms` itself still says that
it is not there.
"""

from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

_OPERATORS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
_declared = []  # PyTorch takes a declaration back when its Library is collected


def let_torchvision_in() -> bool:
    """Declare the operators where they are missing; whether that was so."""
    import torch

    if torch.version.cuda is not None or _declared or _binary_loads(torch):
        return False
    library = torch.library.Library("torchvision", "DEF")
    for operator in _OPERATORS:
        library.define(operator)
    _declared.append(library)
    return True


def _binary_loads(torch) -> bool:
    found = find_spec("torchvision")
    assert found is not None
    for binary in Path(found.origin).parent.glob("_C*.so"):
        with suppress(OSError):
            torch.ops.load_library(str(binary))
            return True
    return False
