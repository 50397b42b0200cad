"""Somebody sets the machine's clock, or it was wrong from the start: nothing is rendered or given up for that, and nothing waits for it."""

from pathlib import Path

import pytest

from support.clocks import Clock
from support.served import ServedComfyUI
from support.workspaces import ALL, STILL, VIDEO, Process, Workspace, eventually

JUMPS = {"an hour forward": "+1h", "an hour back": "-1h", "a year forward": "+1y", "a year back": "-1y"}
SCENE = "projects/demo/s01.yaml"
HOUR = 3600.0


@pytest.fixture
def clock(tmp_path: Path) -> Clock:
    return Clock(tmp_path)


def jumped(workspace: Workspace) -> bool:
    """Whether the clock really was another one: the times of events say so."""
    times = [event["at"] for event in workspace.events()]
    return max(times) - min(times) > HOUR * 0.9


def asked_again(server: ServedComfyUI, daemon: Process) -> None:
    """Wait until the server was asked twice how the render goes: the second time by the clock of now."""
    before = server.fake.requests.count(("GET", "/queue"))
    eventually(lambda: server.fake.requests.count(("GET", "/queue")) >= before + 2, "the server is asked", process=daemon)


@pytest.mark.parametrize("offset", JUMPS.values(), ids=JUMPS.keys())
def test_between_two_runs_the_clock_went(offset: str, rendered: Workspace, server: ServedComfyUI, clock: Clock) -> None:
    rendered.edit(SCENE, "seed: 7", "seed: 8")
    clock.set(offset)
    with rendered.start("run", "--once", env=clock.env) as run:
        assert run.ended() == 0, run.said
    assert jumped(rendered)
    assert rendered.submitted()[len(ALL) :] == [STILL, VIDEO]
    assert server.prompts == len(ALL) + 2
    assert rendered.once().out.startswith("nothing to do; 4 as wanted")  # and back again
    assert server.prompts == len(ALL) + 2


@pytest.mark.parametrize("offset", JUMPS.values(), ids=JUMPS.keys())
def test_while_a_render_runs_the_clock_goes(offset: str, workspace: Workspace, server: ServedComfyUI, clock: Clock) -> None:
    server.hold()
    with workspace.start("run", env=clock.env) as daemon:
        eventually(lambda: workspace.events("job_submitted"), "a prompt was accepted", process=daemon)
        asked_again(server, daemon)
        clock.set(offset)
        asked_again(server, daemon)
        passes = len(workspace.events("reconcile_complete"))
        workspace.append(SCENE, "# a look by the new clock\n")
        eventually(lambda: len(workspace.events("reconcile_complete")) > passes, "it looks by the new clock", process=daemon)
        server.release()
        eventually(lambda: {e["target"] for e in workspace.events("published")} == set(ALL), "everything is published", process=daemon)
        clock.set("+0")
        workspace.edit(SCENE, "seed: 7", "seed: 8")
        eventually(lambda: len(workspace.events("published")) == len(ALL) + 2, "an edit is rendered as ever", process=daemon)
        assert daemon.stop() == 0
    assert jumped(workspace)
    assert set(server.fake.executions.values()) == {1}
    assert len(server.fake.executions) == server.prompts == len(ALL) + 2
    assert not workspace.events("job_failed")


@pytest.mark.parametrize("offset", ["-1y", "+1y"], ids=["a year back", "a year forward"])
def test_a_render_that_was_under_way_is_taken_up_though_the_clock_went(
    offset: str, workspace: Workspace, server: ServedComfyUI, clock: Clock
) -> None:
    server.hold()
    with workspace.start("run", env=clock.env) as first:
        eventually(lambda: workspace.events("job_submitted"), "a prompt was accepted", process=first)
        eventually(lambda: server.fake.running, "it runs", process=first)
        first.kill()
    clock.set(offset)
    with workspace.start("run", "--once", env=clock.env) as second:
        eventually(lambda: workspace.events("job_adopted"), "the render is found again", process=second)
        server.release()
        assert second.ended() == 0
    assert jumped(workspace)
    assert set(server.fake.executions.values()) == {1}
    assert len(server.fake.executions) == len(ALL)
