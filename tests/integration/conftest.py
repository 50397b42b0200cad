"""A real server, and a project that no earlier run of these tests has used there."""

import os
import time

import pytest

from support.needs import OPT_IN, real_comfyui
from support.real_server import RealServer

CHECKPOINT = os.environ.get("KOMA_COMFYUI_CHECKPOINT", "")


@pytest.fixture
def project() -> str:
    return f"real-{time.time_ns():x}"


@pytest.fixture
def server(project: str, monkeypatch: pytest.MonkeyPatch) -> RealServer:
    url = real_comfyui()
    for name in [name for name in os.environ if name.startswith("KOMA_")]:
        monkeypatch.delenv(name)
    return RealServer(url, project)


@pytest.fixture
def tiny_checkpoint() -> str:
    if not CHECKPOINT:
        pytest.skip(OPT_IN + "set KOMA_COMFYUI_CHECKPOINT to a checkpoint file of the server")
    return CHECKPOINT
