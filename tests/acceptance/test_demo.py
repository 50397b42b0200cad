"""The demo project, small: sheets of both characters, and of every shot a still and something that moves, with gate result and receipt."""

import json
import shutil
from collections import Counter
from pathlib import Path

import pytest

from support.workspaces import Workspace

REPOSITORY = Path(__file__).resolve().parents[2]
PROJECT_FILE = "projects/lantern-street/project.yaml"
CHAINED = "lantern-street/s01/sh010/video"
SHEETS = {"lantern-street/characters/pim/child": 8, "lantern-street/characters/sora/adult": 8}


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
    poses = [target for target in targets if target.split("/")[1] == "characters"]
    clips = [target for target in targets if target not in poses and not target.endswith("/still")]
    shots = {"/".join(target.split("/")[:3]) for target in targets if target not in poses}
    assert Counter(pose.rpartition("/")[0] for pose in poses) == SHEETS
    assert len({shot.split("/")[1] for shot in shots}) >= 2
    assert len(shots) >= 6
    for shot in shots:
        assert f"{shot}/still" in targets
        assert {f"{shot}/loop", f"{shot}/video"} & set(targets)
    assert any(clip.endswith("/loop") for clip in clips)
    assert [clip for clip in clips if "/seg" in clip] == [f"{CHAINED}/seg01", f"{CHAINED}/seg02"]

    demo.once()

    for target in targets:
        suffix = ".mp4" if target in clips else ".png"
        assert demo.output(f"{target}.animatic", suffix).stat().st_size > 0
        assert demo.verdict(f"{target}.animatic") == "passed"
        assert demo.receipt(f"{target}.animatic")["target"] == target
    checks = json.loads(demo.output(f"{CHAINED}.animatic", ".gate.json").read_text())["checks"]
    assert [check["value"] for check in checks if check["metric"] == "frame-count"] == [120]
    for page in ("index", "sora/index", "pim/index"):
        assert demo.output(f"lantern-street/characters/{page}", ".html").is_file()
    done = demo.once()
    assert done.out == f"nothing to do; {len(targets)} as wanted\n"
