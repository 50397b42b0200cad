"""PyTorch: imported when a metric needs it, on one thread, on the device that was asked for if it is there, without gradients.

Networks stay loaded until `release`, so that a file does not pay for what the one before has loaded.
"""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from koma.measures.learned.runtime import load, replace_hint
from koma.measures.learned.store import ModelBrokenError

T = TypeVar("T")

BATCH: Mapping[str, int] = {"cpu": 1, "cuda": 16}  # pictures at once; on one thread a batch gains nothing and costs memory

_ONE_BUILD = (
    "install torch and torchvision anew from one place, both for the CPU or both for CUDA: `make quality-cpu` or `make quality-gpu`"
)


@dataclass(frozen=True, slots=True)
class Placed:
    """A network where it runs: `device` is `cpu` or `cuda`, `provider` the device in words, `asked` what Setting asked for."""

    name: str
    network: Any
    device: str
    provider: str
    asked: str


_kept: dict[tuple[str, ...], Any] = {}
_unusable: dict[str, tuple[str, str]] = {}


def kept(key: tuple[str, ...], build: Callable[[], T]) -> T:
    """Return what was built for a key before, else build it: names, digests and the device that was asked for."""
    if key not in _kept:
        _kept[key] = build()
    found: T = _kept[key]
    return found


def release() -> None:
    """Let go of every network, and with them of the memory of the graphics card."""
    _kept.clear()
    if "torch" in sys.modules:
        torch = sys.modules["torch"]
        if torch.cuda.is_initialized():
            torch.cuda.empty_cache()


def on_torch(module: str) -> tuple[ModuleType, ModuleType]:
    """Import torch, and a package that is built on it. Raises ModelMissingError, ModelBrokenError.

    A package that failed is not imported again in this process: half of it is there already, and a second try says something else.
    """
    if module in _unusable:
        raise ModelBrokenError(*_unusable[module])
    torch = load("torch")
    torch.set_num_threads(1)  # beside a render more threads wait for each other more than they work, and sums come out in another order
    torch.backends.cudnn.allow_tf32 = False  # ten bits of a number are too few for scores that are compared across machines
    try:
        return torch, load(module)
    except ModelBrokenError as error:
        _unusable[module] = _explained(error)
        raise ModelBrokenError(*_unusable[module]) from error


def _explained(error: ModelBrokenError) -> tuple[str, str]:
    """Give why and hint; of torchvision what its loader leaves out: its binary does not fit this build of PyTorch."""
    if "torchvision" not in error.why:
        return error.why, error.hint
    pair = f"torch {version('torch')} and torchvision {version('torchvision')}"
    return f"{pair} are not of one build, so torchvision can't be imported ({error.why})", _ONE_BUILD


def place(torch: ModuleType, name: str, network: Any, asked: str) -> Placed:
    """Move a network to the device that Setting asks for: `cpu`, `cuda` (else the CPU), `cuda-only`. Raises ModelBrokenError."""
    network = network.eval().requires_grad_(False)
    fault = "" if asked == "cpu" else _cuda_fault(torch, network)
    if fault and asked == "cuda-only":
        raise ModelBrokenError(f"{name} was to run on CUDA alone: {fault}", "make quality-gpu, or `measure: {device: auto}`")
    if asked == "cpu" or fault:
        return Placed(name, network.to("cpu"), "cpu", "cpu", asked)
    return Placed(name, network, "cuda", f"cuda {torch.cuda.get_device_name()}", asked)


def _cuda_fault(torch: ModuleType, network: Any) -> str:
    """Move a network to the graphics card; what kept it from going there, "" if it went."""
    if not torch.cuda.is_available():
        return "this PyTorch sees no graphics card"
    try:
        network.to("cuda")
    except RuntimeError as error:  # out of memory among others
        return first_line(error)
    return ""


@contextmanager
def running(torch: ModuleType, placed: Placed) -> Iterator[None]:
    """Run a network without gradients. Raises ModelBrokenError for whatever it raises."""
    try:
        with torch.inference_mode():
            yield
    except RuntimeError as error:
        raise ModelBrokenError(f"{placed.name} failed on {placed.provider}: {first_line(error)}", replace_hint(placed.name)) from error


def batches(items: Sequence[T], device: str) -> Iterator[Sequence[T]]:
    """Cut into what one pass of a network takes on that device."""
    size = BATCH[device]
    return (items[start : start + size] for start in range(0, len(items), size))


def tensors(name: str, file: Path) -> dict[str, Any]:
    """Read a safetensors file, tensors by name, on the CPU. Raises ModelBrokenError."""
    _, safetensors = on_torch("safetensors.torch")
    try:
        found: dict[str, Any] = safetensors.load_file(str(file))
    except Exception as error:
        # The library raises errors of its own, of the system and of torch; here each of them means the same.
        raise ModelBrokenError(f"{file} can't be read as {name}: {first_line(error)}", replace_hint(name)) from error
    return found


def fill(name: str, file: Path, network: Any, weights: Mapping[str, Any]) -> None:
    """Load weights into a network that must take exactly these. Raises ModelBrokenError."""
    try:
        network.load_state_dict(dict(weights), strict=True)
    except RuntimeError as error:
        raise ModelBrokenError(f"{file} can't be {name}: {misfit(error)}", replace_hint(name)) from error


def record_of(weights: Sequence[Mapping[str, str]], placed: Placed, libraries: Sequence[str]) -> dict[str, Any]:
    """Say what measured: `weights`, `runtime`, `provider`, `libraries`; and `provider_asked` where another one ran."""
    record: dict[str, Any] = {
        "weights": [dict(weight) for weight in weights],
        "runtime": f"torch {version('torch')}",
        "provider": placed.provider,
        "libraries": {name: version(name) for name in libraries},
    }
    return record if placed.asked.startswith(placed.device) else {**record, "provider_asked": placed.asked}


def misfit(error: Exception) -> str:
    """Say the first thing that does not fit, of the list that PyTorch makes, or its first line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[1] if len(lines) > 1 and lines[0].startswith("Error(s)") else first_line(error))[:300]


def first_line(error: Exception) -> str:
    """First line of what an error says, its kind if it says nothing."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
