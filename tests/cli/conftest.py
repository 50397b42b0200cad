"""Workspaces for the commands: one with nothing rendered, and copies of one that a fake ComfyUI server has rendered once."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.served import ServedComfyUI
from support.workspaces import ANIMATIC_CONFIG, Workspace, comfyui_config, story


@pytest.fixture(autouse=True, scope="module")
def _own_settings_only() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("KOMA_")]:
            patch.delenv(name)
        yield


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """Two characters, three shots, on the animatic; nothing rendered."""
    return story(tmp_path / "w", ANIMATIC_CONFIG)


@pytest.fixture(scope="module")
def server() -> Iterator[ServedComfyUI]:
    with ServedComfyUI() as served:
        yield served


@pytest.fixture(scope="module")
def once_rendered(tmp_path_factory: pytest.TempPathFactory, server: ServedComfyUI) -> Workspace:
    """Rendered by the fake server, for tests that change nothing."""
    made = story(tmp_path_factory.mktemp("rendered") / "w", comfyui_config(server.url))
    made.once()
    return made


@pytest.fixture
def rendered(once_rendered: Workspace, tmp_path: Path) -> Workspace:
    """A copy of it, to be changed."""
    shutil.copytree(once_rendered.root, tmp_path / "w")
    return Workspace(tmp_path / "w", once_rendered.read("koma.yaml"))
