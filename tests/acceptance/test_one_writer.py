"""One daemon writes one state, by whatever way it is reached; a copy is a state of its own."""

import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.workspaces import ALL, ANIMATIC_CONFIG, Process, Workspace, eventually, story


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return story(tmp_path / "workspace", ANIMATIC_CONFIG)


@pytest.fixture
def daemon(workspace: Workspace) -> Iterator[Process]:
    """A daemon that has drawn everything."""
    with workspace.start("run") as process:
        eventually(lambda: len(workspace.events("published")) == len(ALL), "everything is published", process=process)
        yield process


def linked_workspace(workspace: Workspace) -> Workspace:
    """The same workspace through a link."""
    link = workspace.root.with_name("link")
    link.symlink_to(workspace.root)
    return Workspace(link, ANIMATIC_CONFIG)


def linked_state(workspace: Workspace) -> Workspace:
    """Another workspace whose state is a link to the first one's."""
    other = story(workspace.root.with_name("other"), f"{ANIMATIC_CONFIG}paths: {{state: state/koma.db}}\n")
    other.root.joinpath("state").mkdir()
    other.root.joinpath("state/koma.db").symlink_to(workspace.root / "outputs/.koma/state.db")
    return other


def same_state(workspace: Workspace) -> Workspace:
    """Another workspace that names the first one's state."""
    return story(workspace.root.with_name("other"), f"{ANIMATIC_CONFIG}paths: {{state: ../workspace/outputs/.koma/state.db}}\n")


@pytest.mark.parametrize(
    "reach",
    [
        pytest.param(linked_workspace, id="a link to the workspace"),
        pytest.param(linked_state, id="a link to the state"),
        pytest.param(same_state, id="settings that name it"),
    ],
)
def test_a_second_daemon_is_told_of_the_first_through(reach, workspace: Workspace, daemon: Process) -> None:
    second = reach(workspace).koma("run", "--once")
    assert second.code == 1
    assert f"held by process {daemon.popen.pid} on {socket.gethostname()}" in second.err
    assert "Traceback" not in second.err
    assert daemon.stop() == 0


def test_a_workspace_that_was_copied_while_its_daemon_runs_is_one_of_its_own(workspace: Workspace, daemon: Process) -> None:
    shutil.copytree(workspace.root, workspace.root.with_name("copy"), ignore=shutil.ignore_patterns("process-*"))
    copy = Workspace(workspace.root.with_name("copy"), ANIMATIC_CONFIG)
    assert copy.once().out.startswith("nothing to do; 4 as wanted")
    copy.edit("projects/demo/s01.yaml", "walks into the light", "runs into the dark")
    copy.once()
    assert workspace.actions() == {}
    assert len(workspace.events("published")) == len(ALL)
    assert daemon.stop() == 0


def test_a_daemon_whose_lock_was_removed_ends_before_two_write(workspace: Workspace, daemon: Process) -> None:
    (workspace.root / "outputs/.koma/state.lock").unlink()
    workspace.append("projects/demo/s01.yaml", "# look\n")
    assert daemon.ended() == 1
    assert "was removed or replaced while this process held it" in daemon.said
    assert workspace.once().out.startswith("nothing to do; 4 as wanted")
