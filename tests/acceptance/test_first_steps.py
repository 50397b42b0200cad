"""Specs in, files out, and nothing more on a second run."""

from support.served import ServedComfyUI
from support.workspaces import ALL, Workspace


def test_one_command_renders_every_shot_with_receipt_and_gate_result(workspace: Workspace, server: ServedComfyUI) -> None:
    done = workspace.once()
    print(done.err)
    assert server.prompts == 4
    for target in ALL:
        suffix = ".mp4" if target.endswith("video") else ".png"
        assert workspace.output(target, suffix).stat().st_size > 0
        assert workspace.verdict(target) == "passed"
        assert workspace.receipt(target)["target"] == target
    assert 0, (done, workspace.events())
