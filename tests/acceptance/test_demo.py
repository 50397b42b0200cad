"""The demo project, small: every shot ends as a still and something that moves, with gate result, receipt and poster beside it."""

import shutil
from pathlib import Path

import pytest

from support.workspaces import Workspace

REPOSITORY = Path(__file__).resolve().parents[2]
PROJECT_FILE = "projects/lantern-street/project.yaml"


@pytest.fixture
def demo(tmp_path: Path) -> Workspace:
    """What a fresh clone holds, at an eighth of the size."""
    for folder in ("projects", "templates"):
        shutil.copytree(REPOSITORY / folder, tmp_path / folder)
    workspace = Workspace(tmp_path, (REPOSITORY / "koma.yaml").read_text())
    workspace.edit(PROJECT_FILE, "width: 1024", "width: 128")
    workspace.edit(PROJECT_FILE, "height: 576", "height: 72")
    return workspace


def test_the_demo_is_sound_is_drawn_whole_and_then_has_nothing_left_to_do(demo: Workspace) -> None:
    assert demo.koma("check").code == 0
    targets = [action["target"] for action in demo.plan()["actions"]]
    shots = {target.rpartition("/")[0] for target in targets}
    assert len({shot.split("/")[1] for shot in shots}) >= 2
    assert len(shots) >= 6
    for shot in shots:
        assert f"{shot}/still" in targets
        assert {f"{shot}/loop", f"{shot}/video"} & set(targets)

    demo.once()

    for target in targets:
        suffix = ".png" if target.endswith("still") else ".mp4"
        assert demo.output(f"{target}.animatic", suffix).stat().st_size > 0
        assert demo.verdict(f"{target}.animatic") == "passed"
        assert demo.receipt(f"{target}.animatic")["target"] == target
    done = demo.once()
    assert done.out == f"nothing to do; {len(targets)} as wanted\n"
