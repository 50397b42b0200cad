"""Kill it at any moment and start it again: nothing is lost, and nothing is rendered twice."""

import pytest

from support.served import ServedComfyUI
from support.workspaces import ALL, STILL, VIDEO, Workspace, eventually


def rendered_once(server: ServedComfyUI, prompts: int = 4) -> bool:
    """Whether every prompt ran exactly once, and none was sent for the same picture as another."""
    pictures = [str({name: node for name, node in graph.items() if node["class_type"] != "SaveImage"}) for graph in server.graphs]
    return set(server.fake.executions.values()) == {1} and len(server.fake.executions) == prompts == len(set(pictures)) == len(pictures)


def test_a_render_that_was_under_way_is_adopted_by_the_next_start(workspace: Workspace, server: ServedComfyUI) -> None:
    server.hold()
    with workspace.start("run") as first:
        eventually(lambda: server.fake.running, "a prompt runs at the server", process=first)
        eventually(lambda: workspace.events("job_submitted"), "the daemon knows that it was accepted", process=first)
        first.kill()
    with workspace.start("run", "--once") as second:
        eventually(lambda: workspace.events("job_adopted"), "the render is found again", process=second)
        server.release()
        assert second.ended() == 0
    assert rendered_once(server)
    assert workspace.receipt(STILL)["prompt_id"] in server.fake.executions
    assert workspace.actions() == {}
    assert len(workspace.pictures()) == 4


def test_a_render_that_ended_while_nobody_looked_is_fetched_by_the_next_start(workspace: Workspace, server: ServedComfyUI) -> None:
    server.hold()
    with workspace.start("run") as first:
        eventually(lambda: workspace.events("job_submitted"), "a prompt was accepted", process=first)
        first.kill()
    server.release()
    eventually(lambda: server.fake.running is None and not server.fake.pending, "the server has nothing left to do")
    workspace.once()
    assert rendered_once(server)
    assert workspace.events("job_adopted")
    assert workspace.actions() == {}


def test_a_render_whose_server_was_restarted_while_nobody_looked_is_known_by_its_files(workspace: Workspace, server: ServedComfyUI) -> None:
    server.hold()
    with workspace.start("run") as first:
        eventually(lambda: workspace.events("job_submitted"), "a prompt was accepted", process=first)
        first.kill()
    server.release()
    eventually(lambda: server.fake.running is None and not server.fake.pending, "the server has nothing left to do")
    server.go_away()
    server.come_back()
    workspace.once()
    assert rendered_once(server)
    assert workspace.events("job_adopted")
    assert {workspace.verdict(target) for target in ALL} == {"passed"}


@pytest.mark.parametrize("moment", ["job_submitted", "quality_evaluation", "published", "job_complete"])
def test_killed_at_the_moment_of(moment: str, workspace: Workspace, server: ServedComfyUI) -> None:
    with workspace.start("run") as first:
        eventually(lambda: workspace.events(moment), f"the event {moment}", process=first)
        first.kill()
    workspace.once()
    assert rendered_once(server)
    assert workspace.actions() == {}
    assert {workspace.verdict(target) for target in ALL} == {"passed"}
    assert workspace.once().code == 0
    assert rendered_once(server)


def test_a_stop_leaves_the_render_at_the_server_and_the_next_start_takes_it_up(workspace: Workspace, server: ServedComfyUI) -> None:
    server.hold()
    with workspace.start("run") as first:
        eventually(lambda: workspace.events("job_submitted"), "a prompt was accepted", process=first)
        assert first.stop() == 0
    assert server.fake.running is not None
    server.release()
    workspace.once()
    assert rendered_once(server)
    assert workspace.output(VIDEO, ".mp4").is_file()


def test_a_second_daemon_on_the_same_state_refuses_and_names_the_first(workspace: Workspace, server: ServedComfyUI) -> None:
    with workspace.start("run") as first:
        eventually(lambda: workspace.events("daemon_started"), "the daemon runs", process=first)
        second = workspace.koma("run", "--once")
        assert second.code == 1
        assert f"process {first.popen.pid}" in second.err
        assert "Traceback" not in second.err
        assert workspace.koma("plan").code == 0  # reading is free
        assert first.stop() == 0
    workspace.once()
