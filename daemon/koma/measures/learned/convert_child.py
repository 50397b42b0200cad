"""Run by koma.measures.learned.convert as a program of its own: sets limits, reads a pickle, writes its tensors as safetensors.

It imports nothing of Koma. `torch.load` is held to tensors (`weights_only`), so code in a pickle is refused and not run; the limits are for
what is left: a file that unpacks to far more than it is, or that finds a hole in that refusal.
"""

import json
import re
import resource
import sys
from pathlib import Path
from typing import Any

# The archives of OpenAI's CLIP hold three numbers beside the weights.
_NO_WEIGHTS = frozenset({"input_resolution", "context_length", "vocab_size"})
_SCRIPT = "TorchScript"


class RefusedError(ValueError):
    """The file holds something else than tensors; the text says what."""


def main(source: str, result: str, words: str, cpu_seconds: str, file_bytes: str, memory_bytes: str) -> int:
    """Convert, and write why not into the file `words`; the exit code."""
    try:
        _confine(int(cpu_seconds), int(file_bytes), int(memory_bytes))
        _save(_read(source), result)
    except Exception as error:  # noqa: BLE001  whatever a strange file makes the libraries raise is told to the parent in words
        Path(words).write_text(json.dumps({"why": _said(error)}), encoding="utf-8")
        return 1
    return 0


def _confine(cpu_seconds: int, file_bytes: int, memory_bytes: int) -> None:
    limits = {
        resource.RLIMIT_CPU: cpu_seconds,
        resource.RLIMIT_FSIZE: file_bytes,
        resource.RLIMIT_AS: memory_bytes,
        resource.RLIMIT_CORE: 0,
    }
    for which, wanted in limits.items():
        hard = resource.getrlimit(which)[1]
        limit = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        most = hard if which == resource.RLIMIT_CPU else limit  # at the hard limit of computing it would end without saying why
        resource.setrlimit(which, (limit, most))


def _read(source: str) -> dict[str, Any]:
    import torch  # noqa: PLC0415  after the limits are set

    torch.set_num_threads(1)
    try:
        found = torch.load(source, map_location="cpu", weights_only=True)
    except RuntimeError as error:
        if _SCRIPT not in str(error):
            raise
        found = torch.jit.load(source, map_location="cpu").state_dict()
        return {name: tensor for name, tensor in found.items() if name not in _NO_WEIGHTS}
    if isinstance(found, dict) and isinstance(found.get("state_dict"), dict):
        found = found["state_dict"]
    return _checked(found, torch)


def _checked(found: Any, torch: Any) -> dict[str, Any]:
    if not isinstance(found, dict):
        raise RefusedError(f"it holds one {type(found).__name__}; expected tensors by name")
    strange = next((name for name, value in found.items() if not (isinstance(name, str) and torch.is_tensor(value))), None)
    if strange is not None:
        raise RefusedError(f"under {strange!r} it holds {type(found[strange]).__name__}; expected tensors by name and nothing else")
    if not found:
        raise RefusedError("it holds no tensor")
    return found


def _save(tensors: dict[str, Any], result: str) -> None:
    from safetensors.torch import save_file  # noqa: PLC0415  likewise

    apart = {name: tensor.detach().clone().contiguous() for name, tensor in tensors.items()}  # the format allows no shared memory
    save_file(apart, result, metadata={"format": "pt"})


def _said(error: Exception) -> str:
    text = str(error)
    code = re.search(r"Unsupported global: GLOBAL ([\w.]+)", text)
    if code:
        return f"it holds `{code[1]}` beside tensors, and reading that would run code"
    if "File too large" in text:
        return "its tensors are far larger than the file"
    if isinstance(error, MemoryError):
        return "reading it takes more memory than it may"
    operand = re.search(r"Unsupported operand \d+", text)
    line = operand[0] if operand else (text.strip().splitlines() or ["nothing in it"])[0][:300]
    return line if isinstance(error, RefusedError) else f"PyTorch can't read it: {type(error).__name__}: {line}"


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
