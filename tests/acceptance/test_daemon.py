"""The daemon while people work: it sees their edits, hears their wishes, and can be watched."""

import json
import socket
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.served import ServedComfyUI
from support.workspaces import REN, STILL, VIDEO, Process, Workspace, comfyui_config, eventually, story

SCENE_FILE = "projects/demo/s01.yaml"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Watched(Workspace):
    """A workspace whose daemon serves HTTP."""

    port = 0

    def get(self, path: str) -> bytes:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as answer:
            return bytes(answer.read())

    def status(self) -> Any:
        return json.loads(self.get("/status.json"))


@pytest.fixture
def watched(tmp_path: Path, server: ServedComfyUI) -> Watched:
    Watched.port = free_port()
    config = comfyui_config(server.url).replace("enabled: false", f"port: {Watched.port}")
    story(tmp_path, config)
    return Watched(tmp_path, config)


@pytest.fixture
def daemon(watched: Watched) -> Iterator[Process]:
    """A daemon that has rendered everything."""
    with watched.start("run") as process:
        eventually(lambda: len(watched.events("published")) == 4, "everything is published", process=process)
        yield process


def test_an_edit_is_rendered_without_being_asked(watched: Watched, daemon: Process, server: ServedComfyUI) -> None:
    watched.edit(SCENE_FILE, "seed: 7", "seed: 8")
    eventually(lambda: len(watched.events("published")) == 6, "both targets of the shot are published again", process=daemon)
    assert server.prompts == 6
    assert watched.receipt(STILL)["seed"] == 8
    assert daemon.stop() == 0
    assert watched.actions() == {}


def test_a_file_that_is_half_written_is_told_and_then_forgiven(watched: Watched, daemon: Process, server: ServedComfyUI) -> None:
    scene = watched.read(SCENE_FILE)
    before = watched.pictures()
    watched.write(SCENE_FILE, scene[: scene.index("walks")] + '"')
    eventually(lambda: watched.events("spec_problem"), "the mistake is told", process=daemon)
    watched.write(SCENE_FILE, scene.replace("seed: 7", "seed: 8"))
    eventually(lambda: len(watched.events("published")) == 6, "the finished edit is rendered", process=daemon)
    assert not watched.events("retired")
    assert set(watched.pictures()) == set(before)
    assert daemon.stop() == 0


def test_sigterm_ends_it_cleanly(watched: Watched, daemon: Process) -> None:
    assert daemon.stop() == 0
    assert watched.events()[-1]["event"] == "daemon_stopped"
    assert "Traceback" not in daemon.said


def counts(status: Any) -> dict[tuple[str, str], int]:
    return {(row["phase"], row["state"]): row["count"] for row in status["targets"]}


def test_it_can_be_watched_over_http(watched: Watched, daemon: Process) -> None:
    assert watched.get("/healthz") == b"ok\n"
    status = eventually(lambda: (s := watched.status())["queue"] == 0 and not s["running"] and s, "nothing is left to do", process=daemon)
    assert status["format_version"] == 1
    assert status["backends"] == {"studio": True, "animatic": True, "cpu": True}
    wanted = {("still", "Ready"): 3, ("video", "Ready"): 1}
    eventually(lambda: counts(watched.status()) == wanted, "every target is Ready", process=daemon)
    metrics = watched.get("/metrics").decode()
    assert 'koma_backend_up{backend="studio"} 1.0' in metrics
    assert "koma_build_info" in metrics or "koma_info" in metrics


def test_a_render_in_progress_can_be_seen(watched: Watched, daemon: Process, server: ServedComfyUI) -> None:
    server.hold()
    watched.edit(SCENE_FILE, "seed: 7", "seed: 8")
    running = eventually(lambda: watched.status()["running"], "a render shows in /status.json", process=daemon)
    assert running[0]["target"] == STILL
    said = watched.koma("status", "--json").json
    assert said["format_version"] == 1
    server.release()
    eventually(lambda: len(watched.events("published")) == 6, "it is published", process=daemon)
    names = {event["event"] for event in watched.events()}
    assert {"progress", "job_submitted", "job_complete", "quality_evaluation", "published"} <= names


def test_wishes_reach_the_daemon_at_once(watched: Watched, daemon: Process, server: ServedComfyUI) -> None:
    assert watched.koma("retry", REN).code == 0
    eventually(lambda: server.prompts == 5, "another take of one target", process=daemon)
    watched.koma("pause")
    eventually(lambda: not list((watched.root / "outputs/.koma/inbox").glob("*.json")), "the pause is heard", process=daemon)
    passes = len(watched.events("reconcile_complete"))
    watched.edit(SCENE_FILE, "seed: 7", "seed: 8")
    eventually(lambda: len(watched.events("reconcile_complete")) > passes, "the edit is seen", process=daemon)
    assert server.prompts == 5
    watched.koma("resume")
    eventually(lambda: server.prompts == 7, "what was planned is rendered", process=daemon)


def test_a_cancelled_render_stops_at_the_server(watched: Watched, daemon: Process, server: ServedComfyUI) -> None:
    server.hold()
    watched.edit(SCENE_FILE, "seed: 7", "seed: 8")
    eventually(lambda: server.fake.running, "the still renders", process=daemon)
    assert watched.koma("cancel", STILL).code == 0
    eventually(lambda: watched.events("job_cancelled"), "the job is cancelled", process=daemon)
    server.release()
    eventually(lambda: server.fake.running is None, "the server is free again", process=daemon)
    assert watched.receipt(STILL)["seed"] == 7
    assert watched.actions()[STILL] == ("hold", "cancelled")


def test_an_edit_stops_a_render_that_nobody_wants_any_more(watched: Watched, daemon: Process, server: ServedComfyUI) -> None:
    server.hold()
    watched.edit(SCENE_FILE, "seed: 7", "seed: 8")
    eventually(lambda: server.fake.running, "the still renders", process=daemon)
    watched.edit(SCENE_FILE, "seed: 8", "seed: 9")
    eventually(lambda: watched.events("job_cancelled"), "the old job is cancelled", process=daemon)
    server.release()
    eventually(lambda: len(watched.events("published")) == 6, "the newest is published", process=daemon)
    assert watched.receipt(STILL)["seed"] == 9
    assert watched.output(VIDEO, ".mp4").is_file()


def test_events_can_be_followed_while_they_happen(watched: Watched, daemon: Process) -> None:
    with watched.start("events", "--json", "--follow", "--since", "1h") as follower:
        eventually(lambda: follower.said.count('"published"') == 4, "what was is printed", process=follower)
        watched.edit(SCENE_FILE, "seed: 7", "seed: 8")
        eventually(lambda: follower.said.count('"published"') == 6, "what happens now is printed too", process=follower)
        assert {"progress", "job_complete", "quality_evaluation"} <= {json.loads(line)["event"] for line in follower.said.splitlines()}


def test_events_can_be_read_afterwards(watched: Watched, daemon: Process) -> None:
    past = watched.koma("events", "--json")
    names = [json.loads(line)["event"] for line in past.out.splitlines()]
    assert names[0] == "daemon_started"
    assert names.count("published") == 4
