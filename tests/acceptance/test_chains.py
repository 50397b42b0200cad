"""Long clips as chains: runs that begin with the last frame of the one before, joined on the CPU, repaired one by one."""

import json
from pathlib import Path
from typing import Any

import av
import pytest

from koma.publish.objects import FileObjects
from support.served import ServedComfyUI, makes_frames
from support.workspaces import AKI_DOC, Workspace, comfyui_config, story

HOME = "projects/demo"
SHOT = "demo/s01/sh010"
SCENE = """\
kind: scene
id: s01
templates: {video: chainvid}
shots:
  - id: sh010
    characters: [{id: aki, version: child}]
    frames: 9
    seed: 7
"""
SEGMENTS = [f"{SHOT}/video/seg{number:02d}" for number in (1, 2, 3)]


@pytest.fixture
def chain(tmp_path: Path, server: ServedComfyUI) -> Workspace:
    """One shot of nine frames, as three runs of four, each of which but the first repeats a frame."""
    workspace = story(tmp_path, comfyui_config(server.url))
    (workspace.root / f"{HOME}/ren.yaml").unlink()
    workspace.write(f"{HOME}/aki.yaml", AKI_DOC)
    workspace.write(f"{HOME}/s01.yaml", SCENE)
    return workspace


@pytest.fixture
def made(chain: Workspace) -> Workspace:
    chain.once()
    return chain


def frames_of(file: Path) -> int:
    with av.open(str(file)) as container:
        return sum(1 for _ in container.decode(video=0))


def artifact(workspace: Workspace, target: str, role: str) -> Any:
    return next(found for found in workspace.receipt(target)["artifacts"] if found["role"] == role)


def read_by(workspace: Workspace, target: str) -> list[str]:
    return [given["content_digest"] for given in workspace.receipt(target)["request"]["inputs"]]


def lose(workspace: Workspace, target: str) -> None:
    """Delete the object and the receipt of a target."""
    found = artifact(workspace, target, "object")
    FileObjects(workspace.root / "outputs/.koma/objects").path(found["file_digest"], found["suffix"]).unlink()
    workspace.output(target, ".receipt.json").unlink()


def submitted(workspace: Workspace) -> list[str]:
    return [event["target"] for event in workspace.events("job_submitted")]


def test_a_clip_is_made_in_runs_and_joined(made: Workspace, server: ServedComfyUI) -> None:
    assert server.prompts == 4
    assert [frames_of(made.output(segment, ".mp4")) for segment in SEGMENTS] == [4, 4, 4]
    assert frames_of(made.output(f"{SHOT}/video", ".mp4")) == 9
    assert artifact(made, f"{SHOT}/video", "object")["frames"] == 9
    assert made.receipt(f"{SHOT}/video")["backend"] == "cpu"
    assert made.verdict(f"{SHOT}/video") == "passed"


def test_each_run_begins_with_the_last_frame_of_the_one_before(made: Workspace) -> None:
    still = artifact(made, f"{SHOT}/still", "object")["content_digest"]
    last = [artifact(made, segment, "last")["content_digest"] for segment in SEGMENTS]
    assert [read_by(made, segment) for segment in SEGMENTS] == [[still], [last[0]], [last[1]]]


def test_a_second_run_submits_nothing(made: Workspace, server: ServedComfyUI) -> None:
    assert made.once().out == "nothing to do; 5 as wanted\n"
    assert server.prompts == 4


def test_a_lost_segment_is_made_again_alone_if_its_last_frame_comes_out_the_same(made: Workspace, server: ServedComfyUI) -> None:
    lose(made, SEGMENTS[1])
    made.once()
    assert submitted(made)[5:] == [SEGMENTS[1]]
    assert server.prompts == 5
    assert made.actions() == {}


def test_what_follows_a_lost_segment_is_made_again_if_its_last_frame_comes_out_different(made: Workspace, server: ServedComfyUI) -> None:
    seed = made.receipt(SEGMENTS[1])["seed"]
    server.drifts = lambda graph: makes_frames(graph) and json.dumps(graph).count(str(seed)) > 0
    lose(made, SEGMENTS[1])
    made.once()
    assert submitted(made)[5:] == [SEGMENTS[1], SEGMENTS[2], f"{SHOT}/video"]
    assert made.actions() == {}


def test_a_longer_shot_keeps_the_runs_that_it_has(made: Workspace, server: ServedComfyUI) -> None:
    made.edit(f"{HOME}/s01.yaml", "frames: 9", "frames: 12")
    made.once()
    assert server.prompts == 5
    assert frames_of(made.output(f"{SHOT}/video", ".mp4")) == 12


def test_a_shorter_shot_retires_the_runs_that_it_does_not_need(made: Workspace, server: ServedComfyUI) -> None:
    made.edit(f"{HOME}/s01.yaml", "frames: 9", "frames: 7")
    made.once()
    assert server.prompts == 4
    assert frames_of(made.output(f"{SHOT}/video", ".mp4")) == 7
    assert not made.output(SEGMENTS[2], ".mp4").exists()


def test_a_failed_segment_is_tried_again_and_nothing_before_it(chain: Workspace, server: ServedComfyUI) -> None:
    clips: list[Any] = []

    def second(graph: Any) -> bool:
        clips.extend([graph] if makes_frames(graph) else [])
        return makes_frames(graph) and len(clips) == 2

    server.spoils = second
    chain.once()
    assert submitted(chain).count(SEGMENTS[1]) == 2
    assert submitted(chain).count(SEGMENTS[0]) == 1
    assert chain.verdict(f"{SHOT}/video") == "passed"


FOLLOWS = """\
  - id: sh020
    start_from: {shot: sh010, frame: last}
    phases: [video]
    frames: 4
    seed: 9
"""
NEXT = "demo/s01/sh020/video"


@pytest.fixture
def two(chain: Workspace) -> Workspace:
    chain.append(f"{HOME}/s01.yaml", FOLLOWS)
    chain.once()
    return chain


def test_a_shot_continues_from_the_last_frame_of_another(two: Workspace) -> None:
    assert read_by(two, NEXT) == [artifact(two, f"{SHOT}/video", "last")["content_digest"]]


def test_a_change_goes_down_the_chain(two: Workspace) -> None:
    two.edit(f"{HOME}/s01.yaml", "seed: 7", "seed: 8")
    two.once()
    assert submitted(two).count(NEXT) == 2


def test_a_pin_stops_it(two: Workspace) -> None:
    key = two.receipt(f"{SHOT}/video")["take_key"]
    two.edit(f"{HOME}/s01.yaml", "seed: 7", f'seed: 8\n    pin: "{key[:12]}"')
    two.once()
    assert submitted(two).count(NEXT) == 1
    assert submitted(two).count(f"{SHOT}/still") == 2
    assert two.receipt(f"{SHOT}/video")["take_key"] == key


def test_a_shot_of_another_scene(two: Workspace) -> None:
    two.write(f"{HOME}/s02.yaml", SCENE.replace("s01", "s02").replace("seed: 7", "seed: 5\n    start_from: {shot: s01/sh020}"))
    two.once()
    assert read_by(two, "demo/s02/sh010/video/seg01") == [artifact(two, NEXT, "last")["content_digest"]]
    assert two.actions() == {}
    two.edit(f"{HOME}/s01.yaml", "seed: 9", "seed: 10")
    assert "demo/s02/sh010/video/seg01" in two.actions()


CIRCLE = """\
  - id: sh030
    start_from: {shot: sh040}
    phases: [video]
  - id: sh040
    start_from: {shot: sh030}
    phases: [video]
"""
STRANGE = {
    "shots that continue from one another in a circle": (CIRCLE, "cycle"),
    "a shot that continues from one that does not exist": (FOLLOWS.replace("sh010", "sh100"), "missing-reference"),
}


@pytest.mark.parametrize(("shots", "code"), STRANGE.values(), ids=STRANGE.keys())
def test_a_chain_that_can_not_be_stops_no_neighbour(chain: Workspace, shots: str, code: str) -> None:
    chain.append(f"{HOME}/s01.yaml", shots)
    problems = chain.plan()["problems"]
    assert {problem["code"] for problem in problems} == {code}
    assert all(problem["line"] > 0 for problem in problems)
    chain.once(code=1)
    assert chain.verdict(f"{SHOT}/video") == "passed"
