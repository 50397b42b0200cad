"""Skipping by name: a test says which tool or extra it needs. Under KOMA_REQUIRE_ALL=1 such a skip is a failure (see tests/conftest.py)."""

import os
import shutil
from importlib.util import find_spec

import pytest

OPT_IN = "opt-in: "


def needs(tool: str) -> str:
    """Return the path of a program, or skip."""
    found = shutil.which(tool)
    if found is None:
        pytest.skip(f"needs the program `{tool}`")
    return found


def needs_module(module: str) -> None:
    """Skip unless an optional Python package is installed."""
    if find_spec(module) is None:
        pytest.skip(f"needs the Python package `{module}`")


def may_trace() -> None:
    """Skip unless system calls of processes can be traced: `strace` is there, and the system allows it.

    A system that forbids it, as some containers do, never counts as a failure: no package changes that.
    """
    from support.tracing import why_not  # most tests need no tracing

    needs("strace")
    if why := why_not():
        pytest.skip(OPT_IN + why)


def real_comfyui() -> str:
    """Return the address of the server that KOMA_COMFYUI_URL names, or skip.

    This skip never counts as a failure: a ComfyUI server comes from no package index, so a fresh machine can't be made to have one.
    """
    url = os.environ.get("KOMA_COMFYUI_URL", "").rstrip("/")
    if not url:
        pytest.skip(OPT_IN + "set KOMA_COMFYUI_URL to a running ComfyUI server")
    return url


def real_comfyui_packs() -> str:
    """Return the address of the server with all node packs that KOMA_COMFYUI_PACKS_URL names, or skip, as `real_comfyui` does."""
    url = os.environ.get("KOMA_COMFYUI_PACKS_URL", "").rstrip("/")
    if not url:
        pytest.skip(OPT_IN + "set KOMA_COMFYUI_PACKS_URL to a running ComfyUI server with the node packs of the templates")
    return url
