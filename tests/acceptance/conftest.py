"""Stories run the real command line against the fake ComfyUI server, which has its own thread."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.served import ServedComfyUI
from support.workspaces import Workspace, comfyui_config, story


@pytest.fixture(autouse=True)
def _own_settings_only(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("KOMA_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def server() -> Iterator[ServedComfyUI]:
    with ServedComfyUI() as served:
        yield served


@pytest.fixture
def workspace(tmp_path: Path, server: ServedComfyUI) -> Workspace:
    """The story's workspace, nothing rendered yet."""
    return story(tmp_path, comfyui_config(server.url))


@pytest.fixture
def rendered(workspace: Workspace) -> Workspace:
    """The same with everything rendered, passed and published."""
    workspace.once()
    return workspace
