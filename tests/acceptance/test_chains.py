"""Long clips as chains: runs that begin with the last frame of the one before, joined on the CPU, repaired one by one."""

import json
from pathlib import Path
from typing import Any

import av
import pytest

from koma.publish.objects import FileObjects
from support.served import ServedComfyUI, makes_frames
from support.workspaces import AKI_DOC, Workspace, comfyui_config, eventually, story

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


@pytest.mark.parametrize("decision", ["reject", "retake"])
def test_another_take_of_a_joined_clip_is_one_of_its_first_segment_and_what_follows(made: Workspace, decision: str) -> None:
    before = made.receipt(f"{SHOT}/video")["take_key"]
    said = made.koma("review", decision, f"{SHOT}/video").out
    assert f"{decision} {SEGMENTS[0]} take 1" in said
    made.once()
    assert submitted(made)[5:] == [*SEGMENTS, f"{SHOT}/video"]
    assert made.receipt(f"{SHOT}/video")["take_key"] != before
    assert made.verdict(f"{SHOT}/video") == "passed"
    assert made.actions() == {}


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
    assert submitted(two).count(SEGMENTS[0]) == 1
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


PROJECT_FILE, SCENE_FILE = f"{HOME}/project.yaml", f"{HOME}/s01.yaml"


def test_another_rate_renders_the_runs_again_and_the_old_one_brings_them_back(two: Workspace, server: ServedComfyUI) -> None:
    two.edit(PROJECT_FILE, "fps: 8", "fps: 12")
    two.once()
    assert server.prompts == 9
    assert two.verdict(f"{SHOT}/video") == "passed"
    assert two.actions() == {}
    two.edit(PROJECT_FILE, "fps: 12", "fps: 8")
    two.once()
    assert server.prompts == 9
    assert two.actions() == {}


SLIPS = {
    "a character of the shot is written wrongly": ("{id: aki,", "{id: akl,", SCENE_FILE),
    "the template does not exist": ("chainvid}", "chainvif}", SCENE_FILE),
    "a field of the shot is none": ("seed: 7", "seed: 7\n    sead: 8", SCENE_FILE),
}


@pytest.mark.parametrize(("right", "wrong", "file"), SLIPS.values(), ids=SLIPS.keys())
def test_while_a_mistake_stands_there_no_run_is_retired(two: Workspace, right: str, wrong: str, file: str) -> None:
    two.edit(file, right, wrong)
    assert {action for action, _ in two.actions().values()} == {"hold"}
    assert len(two.plan()["problems"]) == 1
    two.once(code=1)
    two.edit(file, wrong, right)
    assert two.actions() == {}


def test_a_mistake_in_a_shot_is_no_mistake_of_those_that_continue_from_it_in_another_scene(two: Workspace) -> None:
    two.write(f"{HOME}/s02.yaml", SCENE.replace("s01", "s02").replace("seed: 7", "seed: 5\n    start_from: {shot: s01/sh020}"))
    two.once()
    two.edit(SCENE_FILE, "id: sh020", "id: sh020\n    sead: 8")
    assert [problem["file"] for problem in two.plan()["problems"]] == [SCENE_FILE]
    assert {action for action, _ in two.actions().values()} == {"hold"}
    two.edit(SCENE_FILE, "  - id: sh020\n    sead: 8", "  - id: sh021")
    assert [problem["code"] for problem in two.plan()["problems"]] == ["missing-reference"]


def test_a_shot_that_needs_many_runs_less_is_no_mass_damage(chain: Workspace) -> None:
    chain.edit(SCENE_FILE, "frames: 9", "frames: 25")
    chain.once()
    chain.edit(SCENE_FILE, "frames: 25", "frames: 4")
    chain.once()
    assert chain.actions() == {}


def test_colours_are_matched_only_where_somebody_has_a_palette(two: Workspace) -> None:
    two.append(PROJECT_FILE, "finish: {still: [colour-match], video: [colour-match]}\n")
    two.once()
    assert two.output(f"{SHOT}/video/colour-match", ".mp4").is_file()
    assert not two.output(f"{NEXT}/colour-match", ".mp4").exists()


def _pinned(workspace: Workspace) -> str:
    """Pin the joined clip, with other words for what it would be now; its take key."""
    key = str(workspace.receipt(f"{SHOT}/video")["take_key"])
    workspace.edit(SCENE_FILE, "seed: 7", f'seed: 8\n    pin: "{key[:12]}"')
    workspace.once()
    return key


def test_a_pinned_shot_may_be_renamed(two: Workspace, server: ServedComfyUI) -> None:
    key, prompts = _pinned(two), server.prompts
    two.write(SCENE_FILE, two.read(SCENE_FILE).replace("sh010", "sh011"))
    two.append(PROJECT_FILE, "moved: {s01/sh010: s01/sh011}\n")
    two.once()
    assert server.prompts == prompts
    assert two.receipt("demo/s01/sh011/video")["take_key"] == key
    assert set(two.actions().values()) == {("hold", "held-by-spec")}  # the segments that nobody reads now


def test_a_pin_holds_the_rendition_whose_take_it_names(two: Workspace) -> None:
    _pinned(two)
    assert two.actions("--rendition", "draft")[f"{SHOT}/video"][0] == "render"


def test_a_pin_of_a_take_that_is_not_there_waits_for_a_person(made: Workspace) -> None:
    made.edit(SCENE_FILE, "seed: 7", "seed: 7\n    pin: 9")
    assert made.actions() == {f"{SHOT}/video": ("hold", "no-take")}
    made.once(code=3)
    assert "there is no take 9 to pin" in made.koma("status").out
    assert "take the pin away" in made.koma("explain", f"{SHOT}/video").out


def test_a_run_of_what_waits_for_what_was_left_out_says_so(chain: Workspace) -> None:
    assert f"1 waiting for what was left out: {SEGMENTS[0]}" in chain.once(SEGMENTS[1]).out


def test_a_mistake_made_while_a_run_renders_lets_it_finish(chain: Workspace, server: ServedComfyUI) -> None:
    chain.once(f"{SHOT}/still", SEGMENTS[0])
    server.hold()
    with chain.start("run") as daemon:
        eventually(lambda: submitted(chain)[2:] == [SEGMENTS[1]], "the second run renders", process=daemon)
        chain.edit(SCENE_FILE, "{id: aki,", "{id: akl,")
        eventually(lambda: chain.events("spec_problem"), "the mistake is seen", process=daemon)
        passes = len(chain.events("reconcile_complete"))
        server.release()
        eventually(lambda: len(chain.events("reconcile_complete")) > passes, "the run is over", process=daemon)
        chain.edit(SCENE_FILE, "{id: akl,", "{id: aki,")
        eventually(lambda: not chain.actions(), "everything is made", process=daemon)
        assert daemon.stop() == 0
    assert not chain.events("job_cancelled")
    assert submitted(chain).count(SEGMENTS[1]) == 1
