"""Whole stories against a real ComfyUI server: the command line on one side, the server's own queue and history on the other.

Needs no model, but for the last stories, which want the name of a checkpoint of the SD 1.5 kind, with its VAE, in KOMA_COMFYUI_CHECKPOINT;
a tiny one with random weights will do.
"""

import json
import shutil
import time
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from koma.pixels.clip import open_clip
from support.real_server import RealServer
from support.workspaces import TEMPLATES, Workspace, comfyui_config, eventually, picture

REPOSITORY = Path(__file__).resolve().parents[2]
CONTRACT = "gates: {profile: own}\n"  # what graphs without weights draw is noise, which no other profile lets pass
SCENE_FILE, PROJECT_FILE = "projects/real/s01.yaml", "projects/real/project.yaml"
BLURS = 6


@pytest.fixture
def workspace(tmp_path: Path, server: RealServer, project: str) -> Workspace:
    """One shot, drawn from noise: still and video."""
    made = Workspace(tmp_path, comfyui_config(server.url))
    made.write(
        PROJECT_FILE,
        f"kind: project\nid: {project}\nwidth: 128\nheight: 96\nfps: 8\ntemplates: {{still: noise, video: noisevid}}\n{CONTRACT}",
    )
    made.write("projects/real/aki.yaml", 'kind: character\nid: aki\nname: Aki\npalette: {hair: "#2d55c8"}\n')
    scene = "kind: scene\nid: s01\nshots:\n  - {id: sh010, action: walks, characters: [aki], frames: 5, seed: SEED}\n"
    made.write(SCENE_FILE, scene.replace("SEED", str(time.time_ns() % 2**32)))
    shutil.copytree(TEMPLATES, tmp_path / "templates")
    return made


def test_a_shot_is_rendered_fetched_and_measured_and_a_second_run_submits_nothing(
    workspace: Workspace, server: RealServer, project: str
) -> None:
    still, video = f"{project}/s01/sh010/still", f"{project}/s01/sh010/video"

    workspace.once()

    assert len(server.history()) == 2
    with Image.open(workspace.output(still, ".png")) as drawn:
        assert drawn.size == (128, 96)
    with open_clip(workspace.output(video, ".mp4")) as clip:
        assert len(list(clip.frames)) == 5
    for target in (still, video):
        assert workspace.verdict(target) == "passed"
        receipt = workspace.receipt(target)
        assert receipt["prompt_id"] in server.history()
        assert receipt["versions"]["comfyui"]
        assert receipt["times"]["render_seconds"] > 0
    shown = [event["fraction"] for event in workspace.events("progress") if event["target"] == video and event["fraction"] is not None]
    assert shown == sorted(shown)
    assert shown[-1] == 1.0

    done = workspace.once()

    assert done.out == "nothing to do; 2 as wanted\n"
    assert len(server.history()) == 2
    assert len(workspace.events("job_submitted")) == 2


def test_an_edit_renders_its_shot_a_revert_renders_nothing_and_equal_pixels_stop_the_cascade(
    workspace: Workspace, server: RealServer
) -> None:
    workspace.once()
    before = workspace.pictures()
    scene = workspace.read(SCENE_FILE)
    workspace.write(SCENE_FILE, scene.replace("seed: ", "seed: 1"))
    workspace.once()
    assert len(server.history()) == 4
    workspace.write(SCENE_FILE, scene)
    workspace.once()
    assert len(server.history()) == 4
    assert workspace.pictures() == before
    workspace.edit("projects/real/aki.yaml", "#2d55c8", "#c81e28")  # other words in the graph, and the same noise
    assert len(workspace.actions()) == 2
    workspace.once()
    assert len(server.history()) == 5
    assert workspace.actions() == {}


def slow_still(workspace: Workspace) -> None:
    """Draw the still with a graph that keeps a CPU busy for a while: noise, blurred over and over, with noise on top."""
    nodes = {
        "1": '{"class_type": "EmptyImage", "inputs": {"width": {{ width }}, "height": {{ height }}, "batch_size": 1, "color": 8421504}}',
        "2": '{"class_type": "ImageAddNoise", "inputs": {"image": ["1", 0], "seed": {{ seed }}, "strength": 0.5}}',
    }
    for number in range(10, 10 + BLURS):
        source = "2" if number == 10 else str(number - 1)
        nodes[str(number)] = f'{{"class_type": "ImageBlur", "inputs": {{"image": ["{source}", 0], "blur_radius": 31, "sigma": 5.0}}}}'
    nodes["3"] = f'{{"class_type": "ImageAddNoise", "inputs": {{"image": ["{9 + BLURS}", 0], "seed": {{{{ seed }}}}, "strength": 0.5}}}}'
    nodes["4"] = '{"class_type": "SaveImage", "inputs": {"images": ["3", 0], "filename_prefix": {{ output_prefix }}}}'
    text = ",\n ".join(f'"{name}": {node}' for name, node in nodes.items())
    workspace.write("templates/noise/graph.json.j2", f"{{{text}}}\n")
    workspace.write(
        PROJECT_FILE, workspace.read(PROJECT_FILE).replace("width: 128\nheight: 96", "width: 1024\nheight: 1024\nphases: [still]")
    )


def test_killed_in_the_middle_of_a_render_the_next_start_adopts_it_and_the_server_runs_it_once(
    workspace: Workspace, server: RealServer, project: str
) -> None:
    slow_still(workspace)
    with workspace.start("run") as first:
        (prompt_id,) = eventually(server.running, "the render runs at the server", seconds=120, process=first)
        eventually(lambda: workspace.events("job_submitted"), "the daemon knows that it was accepted", process=first)
        first.kill()
    assert list(server.running()) == [prompt_id], "the render was over too soon for this story: raise BLURS"

    with workspace.start("run", "--once") as second:
        eventually(lambda: workspace.events("job_adopted"), "the render is found again", process=second)
        assert second.ended() == 0, second.said

    assert list(server.history()) == [prompt_id]
    assert not server.waiting()
    assert not server.running()
    receipt = workspace.receipt(f"{project}/s01/sh010/still")
    assert (receipt["prompt_id"], receipt["attempts"]) == (prompt_id, 1)
    assert workspace.verdict(f"{project}/s01/sh010/still") == "passed"
    assert workspace.actions() == {}


@pytest.fixture
def stills(workspace: Workspace, project: str, tiny_checkpoint: str) -> Workspace:
    """The shipped template for stills, and a checkpoint with hardly anything in it."""
    shutil.copytree(REPOSITORY / "templates/still", workspace.root / "templates/still")
    workspace.write(
        PROJECT_FILE,
        f"""\
kind: project
id: {project}
width: 128
height: 64
checkpoint: {tiny_checkpoint}
phases: [still]
parameters: {{still: {{steps: 4, sampler_name: euler, scheduler: normal}}}}
gates: {{profile: own, rules: {{still: {{blank: {{required: false}}, black: {{required: false}}}}}}}}
""",
    )
    return workspace


def nodes_of(receipt: Any) -> Any:
    """Inputs of each node of what was submitted."""
    return {name: node["inputs"] for name, node in receipt["request"]["document"].items()}


def test_the_still_template_draws_with_a_checkpoint_and_shows_each_step(
    stills: Workspace, server: RealServer, project: str, tiny_checkpoint: str
) -> None:
    stills.once()
    assert len(server.history()) == 1
    assert {"KSampler 1/4", "KSampler 2/4", "KSampler 3/4"} & {event["note"] for event in stills.events("progress")}
    assert tiny_checkpoint in json.dumps(stills.receipt(f"{project}/s01/sh010/still")["models"])
    stills.once()
    assert len(server.history()) == 1


SETS = {"draft": (15, 7.0, ".draft"), "final": (25, 8.0, "")}


@pytest.mark.parametrize(("rendition", "steps", "cfg", "suffix"), [(name, *given) for name, given in SETS.items()], ids=SETS.keys())
def test_the_still_template_draws_each_rendition_with_its_own_set_and_smaller_where_a_scale_asks_for_it(
    stills: Workspace, project: str, rendition: str, steps: int, cfg: float, suffix: str
) -> None:
    stills.edit("koma.yaml", "rendition: final", f"rendition: {rendition}")
    stills.edit(PROJECT_FILE, "{steps: 4, ", "{scale: 0.5, ")
    stills.once()
    still = f"{project}/s01/sh010/still{suffix}"
    nodes = nodes_of(stills.receipt(still))
    assert (nodes["sampler"]["steps"], nodes["sampler"]["cfg"]) == (steps, cfg)
    assert (nodes["canvas"]["width"], nodes["canvas"]["height"]) == (64, 32)
    with Image.open(stills.output(still, ".png")) as drawn:
        assert drawn.size == (128, 64)


PACK = "ComfyUI_IPAdapter_plus"


def test_a_character_whose_pictures_need_a_pack_that_is_not_there_waits_for_it_alone(
    stills: Workspace, server: RealServer, project: str
) -> None:
    stills.write("projects/real/references/aki/front.png", picture(1))
    stills.write("projects/real/ren.yaml", "kind: character\nid: ren\nname: Ren\n")
    stills.append(SCENE_FILE, "  - {id: sh020, characters: [ren], seed: 1}\n")
    if PACK in json.dumps(server.get("/object_info/IPAdapterAdvanced")):
        pytest.skip(f"this server has {PACK}")

    stills.once(code=1)

    assert server.rendered() == [f"{project}/s01/sh020/still"]
    assert stills.verdict(f"{project}/s01/sh020/still") == "passed"
    plan = stills.plan()
    assert [problem["missing"] for problem in plan["problems"]] == [PACK]
    assert stills.actions() == {f"{project}/s01/sh010/still": ("hold", "missing")}
    assert f"install {PACK} on the server" in stills.koma("explain", f"{project}/s01/sh010/still").out
