"""Tests of the learned metrics. They need the extra `quality-cpu`, insightface and onnx: `make setup-quality`."""

import os
from importlib.util import find_spec
from pathlib import Path

import pytest

_MODULES = ("torch", "torchvision", "open_clip", "lpips", "safetensors", "onnxruntime", "onnx", "insightface", "scipy", "skimage")
_MISSING = [name for name in _MODULES if find_spec(name) is None]

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["HF_HUB_OFFLINE"] = "1"


class Absent(pytest.Module):
    """A test file whose packages are not there: skipped by name, without being imported."""

    def collect(self):
        pytest.skip(f"needs the Python package `{_MISSING[0]}` (make setup-quality)")


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector):
    """Skip every file of this folder where a package is missing."""
    return Absent.from_parent(parent, path=module_path) if _MISSING else None


if not _MISSING:
    from support.torchvision_shim import let_torchvision_in

    let_torchvision_in()
