"""PyTorch pickles to safetensors. A pickle can run code when it is read, so a confined child reads it, and only tensors come back."""

import json
import os
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from koma.core.errors import KomaError
from koma.measures.learned.forms import WrongFormError, check_form

_CHILD = Path(__file__).with_name("convert_child.py")
SECONDS = 900  # until the child is stopped
CPU_SECONDS = 600
MEMORY = 24 << 30  # bytes of addresses; PyTorch takes several GB of them by being there, with CUDA far more than it uses
SPARE = 64 << 20  # bytes that the result may be larger than twice the source: half precision stays what it is, headers are small

_KEPT = ("PATH", "LD_LIBRARY_PATH")
_LIMITS = {
    signal.SIGXCPU: f"reading it took more than {CPU_SECONDS} s of computing",
    signal.SIGKILL: "reading it was stopped from outside, perhaps for want of memory",
}


def convert(source: Path, target: Path) -> None:
    """Write the tensors of a `.pth` or `.pt` file as safetensors, whole or not at all; a target that is there is replaced.

    Read are files that hold tensors only, and TorchScript archives, of which the weights are kept. Raises KomaError.
    """
    missing = next((name for name in ("torch", "safetensors") if find_spec(name) is None), "")
    if missing:
        raise KomaError(f"{source} can't be converted: the Python package `{missing}` is not installed", "make quality-cpu")
    try:
        with TemporaryDirectory(prefix=".convert-", dir=target.parent) as folder:
            result = Path(folder) / "tensors.safetensors"
            _read_confined(source.absolute(), result)
            check_form(result, "safetensors")
            result.replace(target)
    except WrongFormError as error:
        raise KomaError(f"{source} can't be converted: what came out is no safetensors: {error}", _ask(source)) from error
    except OSError as error:
        raise KomaError(f"{source} can't be converted: {error}", "look at the folder's permissions and the room on its disk") from error


def _read_confined(source: Path, result: Path) -> None:
    """Have the child read the pickle. Raises KomaError, OSError."""
    words = result.with_name("words.json")
    limits = [str(CPU_SECONDS), str(2 * source.stat().st_size + SPARE), str(MEMORY + 4 * source.stat().st_size)]
    command = [sys.executable, "-I", str(_CHILD), str(source), str(result), str(words), *limits]
    environment = {name: os.environ[name] for name in _KEPT if name in os.environ} | {"HOME": str(result.parent), "OMP_NUM_THREADS": "1"}
    try:
        done = subprocess.run(  # noqa: S603  our own interpreter and our own file, without a shell
            command,
            check=False,
            cwd=result.parent,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        raise KomaError(f"{source} can't be converted: reading it took more than {SECONDS} s", _ask(source)) from error
    if done.returncode:
        raise KomaError(f"{source} can't be converted: {_why(words, done.returncode)}", _ask(source))


def _why(words: Path, code: int) -> str:
    """Say what the child said, or what ended it."""
    if code < 0:
        return _LIMITS.get(signal.Signals(-code), f"reading it ended with {signal.Signals(-code).name}")
    try:
        return str(json.loads(words.read_bytes())["why"])
    except (OSError, ValueError, KeyError, TypeError):
        return f"reading it ended with exit code {code}, and no word why"


def _ask(source: Path) -> str:
    return f"get the same weights as safetensors from whoever gives out {source.name}"
