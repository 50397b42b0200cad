"""ONNX Runtime: which one is installed, and sessions from verified files, each held against the shapes that its role asks for.

Importing this module imports no runtime. Sessions live until `release`, so that a file does not pay for what the one before has loaded.
"""

import os
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from io import StringIO
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from koma.core.models import KNOWN
from koma.measures.learned.store import ModelBrokenError, ModelMissingError, Models

Floats = npt.NDArray[np.float32]

CPU = "CPUExecutionProvider"
CUDA = "CUDAExecutionProvider"
PROVIDERS: Mapping[str, tuple[str, ...]] = {"cpu": (CPU,), "cuda": (CUDA, CPU), "cuda-only": (CUDA,)}

# Every distribution that fills the folder `onnxruntime`.
RUNTIMES = (
    "onnxruntime",
    "onnxruntime-gpu",
    "onnxruntime-directml",
    "onnxruntime-openvino",
    "onnxruntime-rocm",
    "onnxruntime-migraphx",
    "onnxruntime-qnn",
    "onnxruntime-training",
)
_FATAL = 4  # what goes wrong is raised, and need not be printed as well


@dataclass(frozen=True, slots=True)
class Shape:
    """What a role asks of a model: the shape of its one input, and the last axis of each output. None is any length."""

    input: tuple[int | None, ...]
    outputs: tuple[int | None, ...]


class Session:
    """A session of ONNX Runtime, with its words, whose outputs are numbers: it refuses NaN and infinity."""

    def __init__(self, name: str, session: Any) -> None:
        self._name = name
        self._session = session

    def __getattr__(self, attribute: str) -> Any:
        return getattr(self._session, attribute)

    def run(self, outputs: Sequence[str] | None, feed: Mapping[str, Floats]) -> list[Floats]:
        """Run one batch. Raises ModelBrokenError."""
        try:
            found: list[Floats] = self._session.run(outputs, feed)
        except Exception as error:
            # The runtime raises errors of many kinds; here each of them means that the model could not be run.
            shapes = ", ".join(_words(value.shape) for value in feed.values())
            raise ModelBrokenError(f"{self._name} failed on input of {shapes}: {_line(error)}", replace_hint(self._name)) from error
        if not all(np.isfinite(output).all() for output in found):
            raise ModelBrokenError(f"{self._name} gave NaN or infinity", replace_hint(self._name))
        return found


@dataclass(frozen=True, slots=True)
class Network:
    """An open model: its name, file and digest, its session, the provider that runs it, and the one that was asked for."""

    name: str
    file: Path
    digest: str
    session: Session
    provider: str
    asked: str

    def run(self, batch: Floats) -> Floats:
        """Give the first output for one batch. Raises ModelBrokenError."""
        return self.session.run(None, {self.session.get_inputs()[0].name: np.ascontiguousarray(batch, np.float32)})[0]


_networks: dict[tuple[str, str, str], Network] = {}


def installed() -> dict[str, str]:
    """Versions of the ONNX runtimes that are installed, by distribution."""
    found = {}
    for name in RUNTIMES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def runtime_fault() -> ModelBrokenError | None:
    """Say what is wrong where several ONNX runtimes are installed, None if there is one or none. Cheap enough for every start."""
    found = installed()
    if len(found) < 2:  # noqa: PLR2004  two of them
        return None
    named = " and ".join(f"{name} {number}" for name, number in found.items())
    why = (
        f"several ONNX runtimes are installed ({named}): they own the same folder, so which one runs is chance, and removing one breaks all"
    )
    return ModelBrokenError(
        why, f"python -m pip uninstall -y {' '.join(found)}, then `make quality-cpu` (with an NVIDIA GPU: make quality-gpu)"
    )


def extra_missing(module: str) -> ModelMissingError:
    """Say that the extra of the learned metrics is not installed."""
    return ModelMissingError(f"the Python package `{module}` is not installed", "make quality-cpu   (with an NVIDIA GPU: make quality-gpu)")


def no_models() -> ModelMissingError:
    """Say that nobody named a folder of models."""
    return ModelMissingError("no models folder was named", "measure inside a workspace, or name its folder")


def load(module: str) -> ModuleType:
    """Import a package of the extra. Raises ModelMissingError where it is not installed, ModelBrokenError where it can't be imported."""
    fault = runtime_fault()
    if fault is not None:
        raise fault
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # the runtime reads it when it is loaded; nothing here may call home
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        raise extra_missing((error.name or module).partition(".")[0]) from error
    except Exception as error:
        raise ModelBrokenError(f"`{module}` is installed and can't be imported: {_line(error)}", "make quality-cpu") from error


def open_network(models: Models | None, name: str, shape: Shape, device: str) -> Network:
    """Open a model in its role. `device` is a key of PROVIDERS. Raises ModelMissingError, ModelBrokenError."""
    if models is None:
        raise no_models()
    ort = load("onnxruntime")
    file, digest = models.path(name), models.digest(name)
    key = (name, digest, device)
    if key not in _networks:
        session = _session(ort, name, file, PROVIDERS[device])
        _check_shape(name, file, session, shape)
        _networks[key] = Network(name, file, digest, Session(name, session), session.get_providers()[0], PROVIDERS[device][0])
    return _networks[key]


def release() -> None:
    """Let go of every session, and with them of the GPU's memory."""
    _networks.clear()


def _session(ort: ModuleType, name: str, file: Path, wanted: Sequence[str]) -> Any:
    there = [provider for provider in wanted if provider in ort.get_available_providers()]
    if CUDA in there:
        _find_cuda(ort)
    session = _started(ort, name, file, there) if there else None
    got = session.get_providers()[0] if session is not None else "nothing of it"
    if CPU not in wanted and got != CUDA:
        raise ModelBrokenError(
            f"{name} was to run on {CUDA} alone, and this ONNX Runtime offers {got}", "make quality-gpu, or `measure: {device: auto}`"
        )
    return session


def _find_cuda(ort: ModuleType) -> None:
    with redirect_stdout(StringIO()):  # it prints what it does not find; the provider that runs then says so
        getattr(ort, "preload_dlls", lambda: None)()


def _started(ort: ModuleType, name: str, file: Path, providers: Sequence[str]) -> Any:
    """Start a session, on the CPU where the GPU can't start one and the CPU is allowed."""
    try:
        return ort.InferenceSession(str(file), _options(ort), providers=list(providers), enable_fallback=0)
    except Exception as error:
        # The runtime raises errors of many kinds; here each of them means that the file can't be used as it is.
        if tuple(providers) == (CUDA, CPU):
            return _started(ort, name, file, (CPU,))
        raise ModelBrokenError(f"{file} can't be loaded as {name}: {_line(error)}", replace_hint(name)) from error


def _options(ort: ModuleType) -> Any:
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1  # beside a render, more threads wait more than they work
    options.log_severity_level = _FATAL
    ort.set_default_logger_severity(_FATAL)
    return options


def _check_shape(name: str, file: Path, session: Any, shape: Shape) -> None:
    inputs = [tuple(node.shape) for node in session.get_inputs()]
    lasts = tuple(tuple(node.shape)[-1:] for node in session.get_outputs())
    fits_in = len(inputs) == 1 and _fits(inputs[0], shape.input)
    fits_out = len(lasts) == len(shape.outputs) and all(_fits(last, (want,)) for last, want in zip(lasts, shape.outputs, strict=True))
    if not (fits_in and fits_out):
        has = f"input {', '.join(map(_words, inputs))} and outputs that end in {_words([n for last in lasts for n in last])}"
        wants = f"input {_words(shape.input)} and outputs that end in {_words(shape.outputs)}"
        raise ModelBrokenError(f"{file} can't be {name} ({KNOWN[name].role}): it has {has}; expected {wants}", replace_hint(name))


def _fits(found: Sequence[Any], wanted: Sequence[int | None]) -> bool:
    """Whether two shapes agree where both say a number; a model names an open length with a word or with nothing."""
    known = [(length, want) for length, want in zip(found, wanted, strict=False) if isinstance(length, int) and want is not None]
    return len(found) == len(wanted) and all(length == want for length, want in known)


def _words(shape: Sequence[Any]) -> str:
    return " x ".join(str(length) if isinstance(length, int) else "any" for length in shape) or "nothing"


def replace_hint(name: str) -> str:
    """Say how another file takes a model's place."""
    return f"koma models add {name} FILE --replace   (expected: {KNOWN[name].source})"


def record_of(models: Models, networks: Sequence[Network], libraries: Sequence[str]) -> dict[str, Any]:
    """Say what measured: `weights`, `runtime`, `provider`, `libraries`; and `provider_asked` where another one ran."""
    runtime = next(iter(installed().items()), ("onnxruntime", "unknown"))
    record: dict[str, Any] = {
        "weights": models.record([network.name for network in networks]),
        "runtime": " ".join(runtime),
        "provider": " ".join(dict.fromkeys(network.provider for network in networks)),
        "libraries": {name: version(name) for name in libraries},
    }
    asked = networks[0].asked
    return {**record, "provider_asked": asked} if any(network.provider != asked for network in networks) else record


def unit(vector: Floats, what: str, name: str) -> Floats:
    """Scale what a model gave for `what` to length 1. Raises ModelBrokenError where it has no length: no number may come of that."""
    length = float(np.linalg.norm(vector.astype(np.float64)))
    if length == 0.0 or not np.isfinite(length):
        raise ModelBrokenError(f"{name} gave a vector of length {length:g} for {what}", replace_hint(name))
    return (vector / length).astype(np.float32)


def _line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
