"""A server that dies behind a healthy address, a template that is broken, hours in which nothing begins, and a pause: told end to end."""

import asyncio
import contextlib
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from support.served import ServedComfyUI
from support.workspaces import ADULT, REN, STILL, Workspace, comfyui_config, eventually

SCENE_FILE = "projects/demo/s01.yaml"
WAITING = """\
import pathlib, time
pathlib.Path("asked").touch()
while not pathlib.Path("back").exists():
    time.sleep(0.05)
"""


def settings(server: ServedComfyUI, backend: str = "", more: str = "") -> str:
    return comfyui_config(server.url, more).replace('"}]', f'"{backend}}}]')


def stills_only(workspace: Workspace) -> None:
    workspace.edit(SCENE_FILE, "    frames: 4\n", "    phases: [still]\n")


async def lose_worker(server: ServedComfyUI) -> None:
    """End the thread that renders; the server answers as if nothing had happened."""
    server.fake._worker.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await server.fake._worker


def test_a_dead_worker_is_restarted_by_its_owners_command_and_the_night_goes_on(workspace: Workspace, server: ServedComfyUI) -> None:
    stills_only(workspace)
    workspace.write("restart.py", WAITING)
    workspace.write("koma.yaml", settings(server, f", idle_seconds: 1, restart: [{sys.executable}, restart.py]"))
    server.call(lose_worker(server))
    with workspace.start("run", "--once") as process:
        eventually((workspace.root / "asked").exists, "the restart command runs", process=process)
        server.go_away()
        server.come_back()
        (workspace.root / "back").touch()
        assert process.ended() == 0, process.said
    assert {workspace.verdict(target) for target in (STILL, ADULT, REN)} == {"passed"}
    (told,) = workspace.events("backend_restarted")
    assert (told["backend"], told["why"]) == ("studio", "dead-worker")
    assert all(workspace.receipt(target)["number"] == 1 for target in (STILL, ADULT, REN))


def test_a_dead_worker_without_a_command_is_told_to_a_person(workspace: Workspace, server: ServedComfyUI) -> None:
    stills_only(workspace)
    workspace.write("koma.yaml", settings(server, ", idle_seconds: 1"))
    server.call(lose_worker(server))
    with workspace.start("run") as daemon:
        eventually(lambda: workspace.events("backend_stuck"), "the daemon says that nothing moves", process=daemon)
        said = workspace.koma("status").out
        assert "comfyui is stuck: the server answers, holds prompts and works on none of them; restart it" in said
        assert "hold, because its server answers, but works on nothing (backend-stuck)" in workspace.koma("explain", STILL).out
        server.go_away()
        server.come_back()
        eventually(lambda: len(workspace.events("published")) == 3, "it goes on by itself", process=daemon)
        assert daemon.stop() == 0
    assert workspace.events("backend_unstuck")
    assert "stuck" not in workspace.koma("status").out


def test_a_broken_template_is_given_up_after_three_shots_and_the_others_wait(workspace: Workspace, server: ServedComfyUI) -> None:
    stills_only(workspace)
    workspace.append(SCENE_FILE, "".join(f"  - id: sh{n}0\n    characters: [ren]\n    phases: [still]\n" for n in range(4, 9)))
    for _ in range(40):
        server.fail_next("error")
    workspace.once(code=3)
    (told,) = workspace.events("circuit_opened")
    assert told["template"] == "noise"
    assert server.prompts <= 2 * (3 + 2), "three that fail, and what was at the server meanwhile"
    reasons = [reason for _, reason in workspace.actions().values()]
    assert reasons.count("resting") in {3, 4, 5}, reasons
    assert set(reasons) == {"resting", "circuit-open"}
    assert "circuit-open until 20" in workspace.koma("status").out
    assert "several targets of its template failed" in workspace.koma("explain", "demo/s01/sh80/still").out
    before = server.prompts
    workspace.once(code=3)
    assert server.prompts == before


def test_in_quiet_hours_nothing_begins_and_status_says_until_when(workspace: Workspace, server: ServedComfyUI) -> None:
    now = datetime.now()  # noqa: DTZ005  # by the clock on the wall of this machine, as the setting is
    first, last = now - timedelta(minutes=1), now + timedelta(hours=3)
    workspace.write("koma.yaml", settings(server, more=f'hours: {{quiet: ["{first:%H:%M}-{last:%H:%M}"]}}\n'))
    workspace.once(code=3)
    assert server.prompts == 0
    assert f"quiet hours until {last:%Y-%m-%d %H:%M}:00: nothing new is started" in workspace.koma("status").out
    assert workspace.koma("status", "--json").json["quiet"] is True
    assert [event["event"] for event in workspace.events() if event["event"].startswith("quiet")] == ["quiet_began"]
    workspace.write("koma.yaml", settings(server))
    workspace.once()
    assert server.prompts == 4


def test_a_pause_after_the_current_picture_takes_back_what_waits_at_the_server(workspace: Workspace, server: ServedComfyUI) -> None:
    stills_only(workspace)
    server.hold()
    with workspace.start("run") as daemon:
        eventually(lambda: len(workspace.events("job_submitted")) == 2, "one renders and one waits behind it", process=daemon)
        eventually(lambda: any(job["state"] == "submitted" for job in queue(workspace)), "it is seen", process=daemon)
        said = workspace.koma("pause", "--after-current").err
        assert "will wait for koma resume" in said
        eventually(lambda: not server.fake.pending, "the second one is taken back", process=daemon)
        server.release()
        eventually(lambda: len(workspace.events("published")) == 1, "the first one is finished", process=daemon)
        assert server.prompts == 2
        assert "job_failed" not in {event["event"] for event in workspace.events()}
        workspace.koma("resume")
        eventually(lambda: len(workspace.events("published")) == 3, "after that all are", process=daemon)
        assert daemon.stop() == 0
    assert set(server.fake.executions.values()) == {1}


def queue(workspace: Workspace) -> list[dict[str, str]]:
    found: list[dict[str, str]] = workspace.koma("status", "--json").json["queue"]
    return found


@pytest.mark.parametrize(
    ("setting", "word"),
    [
        pytest.param('hours: {quiet: ["8-18"]}', "`8-18` is no time of the day", id="a time that nobody can read"),
        pytest.param('hours: {quiet: ["08:00-18:00"], days: [monday]}', "`monday` is no day", id="a day that is not written so"),
        pytest.param("hours: {zone: Middle/Earth}", "`Middle/Earth` is no time zone", id="a zone that does not exist"),
    ],
)
def test_quiet_hours_that_can_not_be_read_are_an_error_at_their_line(
    setting: str, word: str, workspace: Workspace, server: ServedComfyUI, tmp_path: Path
) -> None:
    workspace.write("koma.yaml", settings(server, more=f"{setting}\n"))
    done = workspace.koma("plan")
    assert (done.code, word in done.err, "koma.yaml:5:" in done.err) == (1, True, True), done.err
