"""Servers go away, run out of memory, lose files, and have other people's work to do: the night goes on all the same."""

from typing import Any

import httpx
import pytest

from support.served import ServedComfyUI
from support.workspaces import ALL, STILL, Workspace, comfyui_config, eventually

SCENE_FILE = "projects/demo/s01.yaml"


def only_the_first_still(workspace: Workspace) -> None:
    scene = workspace.read(SCENE_FILE)
    workspace.write(SCENE_FILE, scene[: scene.index("  - id: sh020")].replace("    frames: 4\n", "    phases: [still]\n"))


def someones_prompt(server: ServedComfyUI, seed: int) -> str:
    """Queue a prompt of somebody else at the server; its id."""
    graph: dict[str, Any] = {
        "1": {"class_type": "EmptyImage", "inputs": {"width": 64, "height": 64, "batch_size": 1, "color": seed}},
        "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "mine"}},
    }
    return str(httpx.post(f"{server.url}/prompt", json={"prompt": graph}).json()["prompt_id"])


@pytest.mark.parametrize("fault", ["error", "oom"])
def test_a_render_that_fails_once_is_tried_again_with_the_same_seed(fault: str, workspace: Workspace, server: ServedComfyUI) -> None:
    only_the_first_still(workspace)
    server.fail_next(fault)
    workspace.once()
    receipt = workspace.receipt(STILL)
    assert (receipt["attempts"], receipt["number"], receipt["seed"]) == (2, 1, 7)
    assert server.prompts == 2


def test_a_server_that_runs_out_of_memory_again_and_again_is_restarted_once_by_its_owners_command(
    workspace: Workspace, server: ServedComfyUI
) -> None:
    only_the_first_still(workspace)
    workspace.write("koma.yaml", comfyui_config(server.url).replace('"}]', '", restart: [touch, restarted]}]'))
    for _ in range(2):
        server.fail_next("oom")
    workspace.once()
    receipt = workspace.receipt(STILL)
    assert (receipt["attempts"], receipt["number"], receipt["restarts"]) == (3, 1, 1)
    assert (workspace.root / "restarted").exists()


def test_a_project_that_wants_less_rather_than_nothing_gets_a_smaller_picture_when_memory_runs_out(
    workspace: Workspace, server: ServedComfyUI
) -> None:
    only_the_first_still(workspace)
    workspace.append("projects/demo/project.yaml", "reduce: true\n")
    workspace.append("templates/noise/template.yaml", "ladder:\n  - {width: 0.5, height: 0.5}\n")
    for _ in range(2):
        server.fail_next("oom")
    workspace.once()
    receipt = workspace.receipt(STILL)
    assert (receipt["attempts"], receipt["reduced"]) == (3, {"steps": 1, "name": "height: 32, width: 32"})
    assert receipt["request"]["document"]["1"]["inputs"]["width"] == 32
    assert workspace.verdict(STILL) == "passed"
    assert workspace.actions() == {}


def test_memory_that_is_full_is_freed_before_other_models_are_loaded_and_the_receipt_says_so(
    workspace: Workspace, server: ServedComfyUI
) -> None:
    only_the_first_still(workspace)
    total = server.fake.vram_total
    server.fake.vram_free = total // 10
    workspace.once()
    freed = workspace.receipt(STILL)["freed"]
    assert (freed["before"], freed["after"]) == (total - total // 10, 0)
    assert ("POST", "/free") in server.fake.requests


def test_a_file_that_the_server_names_and_does_not_have_is_rendered_again(workspace: Workspace, server: ServedComfyUI) -> None:
    only_the_first_still(workspace)
    server.lose_next_file()
    workspace.once()
    assert workspace.verdict(STILL) == "passed"
    assert workspace.receipt(STILL)["number"] == 1


def test_a_server_that_is_down_is_one_clear_error_and_the_next_run_goes_on(workspace: Workspace, server: ServedComfyUI) -> None:
    server.go_away()
    done = workspace.koma("run", "--once")
    assert done.code == 1
    assert "backend studio does not answer" in done.err
    assert "Traceback" not in done.err
    server.come_back()
    workspace.once()
    assert server.prompts == 4
    assert workspace.actions() == {}


def test_a_server_that_restarts_in_the_middle_of_a_render_gets_the_prompt_once_more(workspace: Workspace, server: ServedComfyUI) -> None:
    only_the_first_still(workspace)
    server.hold()
    with workspace.start("run", "--once") as process:
        eventually(lambda: workspace.events("job_submitted"), "the prompt was accepted", process=process)
        server.go_away()
        server.release()
        server.come_back()
        assert process.ended() == 0, process.said
    assert server.prompts == 2
    assert workspace.receipt(STILL)["attempts"] == 2
    assert workspace.receipt(STILL)["seed"] == 7


def test_a_daemon_waits_for_a_server_that_comes_up_later(workspace: Workspace, server: ServedComfyUI) -> None:
    server.go_away()
    with workspace.start("run") as daemon:
        eventually(lambda: workspace.events("backend_down"), "the daemon says that nobody answers", process=daemon)
        server.come_back()
        eventually(lambda: len(workspace.events("published")) == 4, "everything is rendered", process=daemon)
        assert daemon.stop() == 0
    assert server.prompts == 4


def test_prompts_of_other_people_go_first_where_that_is_asked_for(workspace: Workspace, server: ServedComfyUI) -> None:
    config = comfyui_config(server.url)
    workspace.write("koma.yaml", config.replace('"}]', '", yield_to_people: true}]'))
    server.hold()
    first, second = someones_prompt(server, 1), someones_prompt(server, 2)
    with workspace.start("run", "--once") as process:
        eventually(lambda: workspace.events("reconcile_complete"), "the plan is made", process=process)
        server.release()
        assert process.ended() == 0
    order = list(server.fake.executions)
    assert order[:2] == [first, second]
    assert len(order) == 6
    assert {workspace.verdict(target) for target in ALL} == {"passed"}


def test_what_other_people_queue_is_never_touched(workspace: Workspace, server: ServedComfyUI) -> None:
    server.hold()
    theirs = someones_prompt(server, 1)
    with workspace.start("run") as daemon:
        eventually(lambda: workspace.events("job_submitted"), "a prompt waits behind theirs", process=daemon)
        workspace.koma("cancel", STILL)
        eventually(lambda: workspace.events("job_cancelled"), "it is cancelled", process=daemon)
        assert server.fake.running is not None
        assert server.fake.running.prompt_id == theirs
        assert daemon.stop() == 0
    server.release()
    eventually(lambda: theirs in server.fake.history, "theirs is done")
    assert server.fake.history[theirs]["status"]["status_str"] == "success"


def test_killed_again_and_again_it_still_renders_everything_once_and_leaves_no_rubbish(workspace: Workspace, server: ServedComfyUI) -> None:
    server.hold()
    for start in range(3):
        with workspace.start("run") as daemon:
            eventually(lambda: len(workspace.events("job_submitted")) == 2, "one prompt runs and one waits behind it", process=daemon)
            eventually(lambda n=start: len(workspace.events("job_adopted")) == 2 * n, "both are found again", process=daemon)
            daemon.kill()
    server.release()
    workspace.once()
    assert set(server.fake.executions.values()) == {1}
    assert server.prompts == 4
    assert not [file for file in (workspace.root / "outputs/.koma/tmp").rglob("*") if file.is_file()]
