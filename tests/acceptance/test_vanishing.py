"""What people wrote is gone, all of it or most: a disk that is not mounted, perhaps. Nothing is retired until a person says so."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from support.served import ServedComfyUI
from support.workspaces import ALL, ANIMATIC_CONFIG, REN, Process, Workspace, eventually, story

SMALL = ANIMATIC_CONFIG + "safety: {retire_at_least: 2}\n"
SECOND = "kind: project\nid: other\ntitle: Other\nwidth: 64\nheight: 64\nfps: 8\ntemplates: {still: noise}\n"
SECOND_SCENE = "kind: scene\nid: s01\ntitle: One\nshots: [{id: sh010, phases: [still]}]\n"


@pytest.fixture
def drawn(tmp_path: Path) -> Workspace:
    """Two projects, everything drawn."""
    workspace = story(tmp_path, SMALL)
    workspace.write("projects/other/project.yaml", SECOND)
    workspace.write("projects/other/s01.yaml", SECOND_SCENE)
    workspace.once()
    return workspace


def renders(workspace: Workspace) -> int:
    return len(workspace.events("job_submitted"))


def away(workspace: Workspace) -> Callable[[], object]:
    there, aside = workspace.root / "projects", workspace.root / "aside"
    there.rename(aside)
    return lambda: aside.rename(there)


def emptied(workspace: Workspace) -> Callable[[], object]:
    """The place where a disk was mounted is still there, with nothing in it."""
    back = away(workspace)
    (workspace.root / "projects").mkdir()
    return lambda: ((workspace.root / "projects").rmdir(), back())


def one_away(workspace: Workspace) -> Callable[[], object]:
    there, aside = workspace.root / "projects/other", workspace.root / "aside"
    there.rename(aside)
    return lambda: aside.rename(there)


def one_emptied(workspace: Workspace) -> Callable[[], object]:
    back = one_away(workspace)
    (workspace.root / "projects/other").mkdir()
    return lambda: ((workspace.root / "projects/other").rmdir(), back())


def most_shots_gone(workspace: Workspace) -> Callable[[], object]:
    scene = workspace.read("projects/demo/s01.yaml")
    workspace.write("projects/demo/s01.yaml", scene[: scene.index("  - id: sh020")].replace("    frames: 4\n", "    phases: [still]\n"))
    return lambda: workspace.write("projects/demo/s01.yaml", scene)


LOSSES = {
    "the watched folder is gone": (away, r"project demo is gone, with 4 targets published: is the disk there\?"),
    "the watched folder is empty": (emptied, r"project other is gone, with 1 target published: is the disk there\?"),
    "one project of two is gone": (one_away, r"project other is gone, with 1 target published: is the disk there\?"),
    "one project of two is an empty folder": (one_emptied, r"project other is gone"),
    "most of the shots are gone": (most_shots_gone, r"it retires 3 of 5 published targets: is the watched folder whole\?"),
}


@pytest.mark.parametrize(("lose", "said"), LOSSES.values(), ids=LOSSES.keys())
def test_nothing_is_retired_until_a_person_says_so_when(lose, said: str, drawn: Workspace) -> None:
    before, count = drawn.pictures(), renders(drawn)
    back = lose(drawn)
    held = drawn.once(code=3)
    assert re.search(said, held.out)
    assert "to go ahead with exactly this plan: koma run --allow " in held.out
    assert re.search(said, drawn.koma("plan").out)
    assert re.search(said, drawn.koma("status").out)
    assert (drawn.pictures(), drawn.events("retired")) == (before, [])
    back()
    assert drawn.once().out.startswith("nothing to do; 5 as wanted")
    assert (drawn.pictures(), renders(drawn), drawn.events("retired")) == (before, count, [])


@pytest.mark.parametrize("lose", [away, most_shots_gone], ids=["the watched folder is gone", "most of the shots are gone"])
def test_the_command_in_the_message_retires_it_when(lose, drawn: Workspace) -> None:
    before = drawn.pictures()
    lose(drawn)
    plan = drawn.plan()
    gone = {action["target"] for action in plan["actions"] if action["action"] == "retire"}
    assert gone
    drawn.once("--allow", "0" * 16, code=3)
    assert drawn.pictures() == before
    drawn.once("--allow", plan["plan"])
    assert {event["target"] for event in drawn.events("retired")} == gone
    assert drawn.actions() == {}
    assert {path.partition(".")[0] for path in drawn.pictures()}.isdisjoint(gone)


@pytest.mark.parametrize("leave", ["nothing", "an empty folder"])
def test_templates_that_are_gone_hold_what_needs_them(rendered: Workspace, server: ServedComfyUI, leave: str) -> None:
    before, aside = rendered.pictures(), rendered.root / "aside"
    (rendered.root / "templates").rename(aside)
    if leave == "an empty folder":
        (rendered.root / "templates").mkdir()
    assert "there is no template called 'noise'" in rendered.once(code=1).err
    assert set(rendered.actions().values()) == {("hold", "blocked")}
    assert (rendered.pictures(), rendered.events("retired")) == (before, [])
    shutil.rmtree(rendered.root / "templates", ignore_errors=True)
    aside.rename(rendered.root / "templates")
    assert rendered.once().out.startswith("nothing to do; 4 as wanted")
    assert (rendered.pictures(), server.prompts) == (before, 4)


def running(workspace: Workspace) -> Process:
    process = workspace.start("run")
    eventually(lambda: workspace.events("reconcile_complete"), "it runs", process=process)
    return process


def test_a_daemon_holds_says_so_and_goes_on_when_everything_comes_back(drawn: Workspace) -> None:
    before, count = drawn.pictures(), renders(drawn)
    with running(drawn) as daemon:
        back = away(drawn)
        held = eventually(lambda: drawn.events("plan_held"), "the plan is held", process=daemon)[0]
        assert f"koma run --allow {held['digest']}" in held["message"]
        eventually(lambda: drawn.events("watch_failed"), "the folder that is gone is told", process=daemon)
        back()
        eventually(lambda: drawn.events("reconcile_complete")[-1]["result"] == "ok", "it sees that all is back", process=daemon)
        assert daemon.stop() == 0
    assert (drawn.pictures(), renders(drawn), drawn.events("retired")) == (before, count, [])
    assert len(drawn.events("plan_held")) == 1


def test_a_daemon_hears_the_command_in_its_message(drawn: Workspace) -> None:
    with running(drawn) as daemon:
        away(drawn)
        held = eventually(lambda: drawn.events("plan_held"), "the plan is held", process=daemon)[0]
        said = drawn.koma("run", "--allow", held["digest"])
        assert (said.code, f"process {daemon.popen.pid}" in said.out) == (0, True)
        eventually(lambda: len(drawn.events("retired")) == 5, "everything is retired", process=daemon)
        assert daemon.stop() == 0
    assert drawn.pictures() == {}
    assert any((drawn.root / "outputs/.koma/retired").rglob("*.png")), "nothing is deleted"


def test_a_render_that_has_begun_is_not_given_up_because_a_disk_is_away(workspace: Workspace, server: ServedComfyUI) -> None:
    server.hold()
    with workspace.start("run") as daemon:
        eventually(lambda: workspace.events("job_submitted"), "a render has begun", process=daemon)
        passes = len(workspace.events("reconcile_complete"))
        back = away(workspace)
        eventually(lambda: len(workspace.events("reconcile_complete")) > passes, "it sees that all is gone", process=daemon)
        server.release()
        eventually(lambda: workspace.events("published"), "what had begun is published", process=daemon)
        back()
        eventually(lambda: {e["target"] for e in workspace.events("published")} == set(ALL), "and then the rest", process=daemon)
        assert daemon.stop() == 0
    assert set(server.fake.executions.values()) == {1}
    assert len(server.fake.executions) == len(ALL)
    assert workspace.actions() == {}
    assert REN in {event["target"] for event in workspace.events("published")}
