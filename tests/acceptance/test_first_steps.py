"""Specs in, files out; and a second run that has nothing to do."""

import shutil

from support.served import ServedComfyUI
from support.workspaces import ALL, STILL, VIDEO, Workspace


def test_one_command_renders_every_shot_and_puts_receipt_and_gate_result_beside_it(workspace: Workspace, server: ServedComfyUI) -> None:
    planned = workspace.plan()
    assert planned["format_version"] == 1
    assert planned["summary"] == {"render": 4, "restore": 0, "measure": 0, "gate": 0, "publish": 0, "retire": 0, "hold": 0, "keep": 0}
    assert {action["target"]: (action["reason"], action["certain"]) for action in planned["actions"]} == {
        **dict.fromkeys(ALL, ("new", True)),
        VIDEO: ("upstream", False),
    }
    assert all(action["estimated_gpu_seconds"]["p50"] > 0 for action in planned["actions"])
    assert server.prompts == 0

    done = workspace.once()

    assert server.prompts == 4
    for target in ALL:
        suffix = ".mp4" if target == VIDEO else ".png"
        assert workspace.output(target, suffix).stat().st_size > 0
        assert workspace.verdict(target) == "passed"
        assert workspace.receipt(target)["target"] == target
        assert f"{target} final: published as {target}{suffix}" in done.err
    assert workspace.output(VIDEO, ".jpg").is_file()


def test_a_second_run_renders_nothing_and_says_so(rendered: Workspace, server: ServedComfyUI) -> None:
    before = rendered.pictures()
    done = rendered.once()
    assert server.prompts == 4
    assert rendered.pictures() == before
    assert done.out == "nothing to do; 4 as wanted\n"
    assert rendered.koma("plan").out == "nothing to do: 4 as wanted\n"
    assert rendered.koma("plan", "--detailed-exitcode").code == 0


def test_a_run_of_one_target_leaves_the_others_alone(workspace: Workspace, server: ServedComfyUI) -> None:
    workspace.once(STILL)
    assert server.prompts == 1
    assert set(workspace.pictures()) == {f"{STILL}.png"}
    workspace.once("--exclude", "demo/s01/sh030")
    assert server.prompts == 3


def test_deleting_the_state_renders_nothing(rendered: Workspace, server: ServedComfyUI) -> None:
    before = rendered.pictures()
    rendered.lose_state()
    assert rendered.actions() == {}
    assert rendered.koma("status", "--json").code == 0
    rendered.once()
    assert server.prompts == 4
    assert rendered.pictures() == before
    assert rendered.actions() == {}


def test_deleting_the_state_after_a_failed_gate_does_not_try_again_what_failed(workspace: Workspace, server: ServedComfyUI) -> None:
    server.spoils = lambda _graph: True
    workspace.once(code=3)
    tried = server.prompts
    workspace.lose_state()
    workspace.once(code=3)
    assert server.prompts == tried


def test_deleting_all_that_is_komas_own_renders_nothing(rendered: Workspace, server: ServedComfyUI) -> None:
    before = rendered.pictures()
    shutil.rmtree(rendered.root / "outputs/.koma")
    assert rendered.actions() == {}
    rendered.once()
    assert server.prompts == 4
    assert rendered.pictures() == before


def test_a_published_file_that_somebody_deleted_comes_back_without_a_render(rendered: Workspace, server: ServedComfyUI) -> None:
    before = rendered.pictures()
    rendered.output(VIDEO, ".mp4").unlink()
    assert rendered.actions() == {VIDEO: ("publish", "missing-output")}
    rendered.once()
    assert rendered.pictures() == before
    assert server.prompts == 4
