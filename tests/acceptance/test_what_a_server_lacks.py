"""What a server lacks is looked for before anything is queued: it holds what needs it, and ends by itself when it is there."""

import sys
from collections.abc import Mapping
from typing import Any

import pytest

from support.served import CHECKPOINT, ServedComfyUI
from support.workspaces import ADULT, REN, STILL, VIDEO, Process, Workspace, eventually, picture

SCENE_FILE = "projects/demo/s01.yaml"
LACKED, PACK = "night.safetensors", "ComfyUI_IPAdapter_plus"
OTHERS = {STILL, VIDEO, ADULT}
CROP = """\
 "2": {"class_type": "PrepImageForClipVision", "inputs": {
   "image": ["6", 0], "interpolation": "LANCZOS", "crop_position": "top", "sharpening": 0.0}},
 "6": {"class_type": "ImageAddNoise","""
CROPPING = {
    "module": PACK,
    "required": {
        "image": {"type": "IMAGE"},
        "interpolation": {"type": "COMBO", "choices": ["LANCZOS"]},
        "crop_position": {"type": "COMBO", "choices": ["top"]},
        "sharpening": {"type": "FLOAT", "min": 0, "max": 1},
    },
    "optional": {},
    "output": ["IMAGE"],
    "output_node": False,
}
LOADER = ',\n "5": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": {{ model_file }}}}}\n'
PARAMETER = f"""\
parameters:
  model_file: {{type: model, folder: checkpoints, default: {CHECKPOINT}, description: The model.}}
"""


def special(workspace: Workspace) -> None:
    """Draw REN with a template of its own, and let what is made of the others begin without it."""
    for name in ("template.yaml", "graph.json.j2", "sample.yaml"):
        workspace.write(f"templates/special/{name}", workspace.read(f"templates/noise/{name}").replace("name: noise", "name: special"))
    workspace.edit(SCENE_FILE, "    characters: [ren]\n", "    characters: [ren]\n    templates: {still: special}\n")
    workspace.append("projects/demo/project.yaml", "phase_gate: {pass_rate: 0.6}\n")


def needs_a_model(workspace: Workspace) -> None:
    """The special template loads a checkpoint that the server does not have."""
    special(workspace)
    workspace.edit("templates/special/template.yaml", "parameters:\n", PARAMETER.replace(CHECKPOINT, LACKED))
    graph = workspace.read("templates/special/graph.json.j2").rstrip().removesuffix("}")
    workspace.write("templates/special/graph.json.j2", graph + LOADER)


def needs_a_pack(workspace: Workspace) -> None:
    """The special template draws with a node of a pack that the server does not have."""
    special(workspace)
    workspace.edit("templates/special/graph.json.j2", ' "2": {"class_type": "ImageAddNoise",', CROP)
    workspace.edit("templates/special/template.yaml", "vram_gb: 0\n", f"vram_gb: 0\nnode_packs: [{PACK}]\n")


def signatures(server: ServedComfyUI, **more: Mapping[str, Any]) -> None:
    server.fake.signatures = {**server.fake.signatures, **more}


def install_model(server: ServedComfyUI) -> None:
    node = server.fake.signatures["CheckpointLoaderSimple"]
    signatures(server, CheckpointLoaderSimple={**node, "required": {"ckpt_name": {"type": "COMBO", "choices": [CHECKPOINT, LACKED]}}})


def install_pack(server: ServedComfyUI) -> None:
    signatures(server, PrepImageForClipVision=CROPPING)


LACKS = {
    "a checkpoint": (needs_a_model, install_model, (LACKED, "checkpoints"), f"models/checkpoints/{LACKED}"),
    "a node pack": (needs_a_pack, install_pack, (PACK,), PACK),
}
each_lack = pytest.mark.parametrize(("need", "install", "words", "missing"), LACKS.values(), ids=LACKS.keys())


def published(workspace: Workspace) -> set[str]:
    return {event["target"] for event in workspace.events("published")}


@each_lack
def test_what_is_missing_holds_what_needs_it_and_nothing_else(
    need: Any, install: Any, words: tuple[str, ...], missing: str, workspace: Workspace, server: ServedComfyUI
) -> None:
    need(workspace)
    done = workspace.once(code=1)
    assert published(workspace) == OTHERS
    assert workspace.actions() == {REN: ("hold", "missing")}
    problems = [problem for problem in workspace.plan()["problems"] if problem["severity"] == "error"]
    assert [problem["missing"] for problem in problems] == [missing]
    assert problems[0]["file"].startswith("templates/special/")
    for word in words:
        assert word in problems[0]["message"] + problems[0]["hint"]
        assert word in workspace.koma("explain", REN).out
        assert word in done.err
    assert server.prompts == 3
    assert not workspace.events("job_failed")

    install(server)
    workspace.once()
    assert server.prompts == 4
    assert workspace.verdict(REN) == "passed"
    assert workspace.actions() == {}


# A daemon that asks the server every half second what it has, instead of four times a minute.
OFTEN = "import sys, koma.app.versions as v; v.PROBE_SECONDS = 0.5; from koma.__main__ import main; sys.exit(main(sys.argv[1:]))"


@each_lack
def test_a_daemon_goes_on_by_itself_when_it_appears(
    need: Any, install: Any, words: tuple[str, ...], missing: str, workspace: Workspace, server: ServedComfyUI
) -> None:
    need(workspace)
    with Process([sys.executable, "-c", OFTEN, "--workspace", str(workspace.root), "run"], workspace.root, {}) as daemon:
        eventually(lambda: published(workspace) == OTHERS, "everything else is published", process=daemon)
        told = [event["message"] + event["hint"] for event in workspace.events("spec_problem")]
        assert [all(word in text for word in words) for text in told] == [True]
        assert workspace.actions() == {REN: ("hold", "missing")}
        install(server)
        eventually(lambda: REN in published(workspace), "what was held is published", process=daemon)
        assert daemon.stop() == 0
    assert server.prompts == 4
    assert workspace.actions() == {}
    assert missing not in workspace.koma("check").out


def test_a_checkpoint_that_goes_away_holds_what_is_new_and_keeps_what_is_there(workspace: Workspace, server: ServedComfyUI) -> None:
    needs_a_model(workspace)
    before = dict(server.fake.signatures)
    install_model(server)
    workspace.once()
    server.fake.signatures = before
    workspace.once(code=1)
    picture_there = workspace.output(REN, ".png").read_bytes()
    workspace.edit(SCENE_FILE, "    templates: {still: special}\n", "    templates: {still: special}\n    seed: 3\n")
    workspace.once(code=1)
    assert workspace.actions() == {REN: ("hold", "missing")}
    assert workspace.output(REN, ".png").read_bytes() == picture_there
    assert server.prompts == 4


def test_pictures_go_to_the_server_under_the_name_of_their_content(workspace: Workspace, server: ServedComfyUI) -> None:
    workspace.add_template("cast")
    workspace.edit("projects/demo/project.yaml", "still: noise", "still: cast")
    workspace.write("projects/demo/references/ren/face.png", picture(1))
    workspace.once()
    graph = workspace.receipt(REN)["request"]
    digest = graph["inputs"][0]["content_digest"]
    sent = next(graph for graph in server.graphs if "picture1" in graph)["picture1"]["inputs"]["image"]
    assert digest[:16] in sent or graph["inputs"][0]["file_digest"][:16] in sent
    uploaded = [name for kind, _, name in server.fake.files if kind == "input"]
    assert len(uploaded) == 2  # the picture of Ren, and the still that the video reads
    workspace.edit(SCENE_FILE, "    characters: [ren]\n", "    characters: [ren]\n    seed: 3\n")
    workspace.once()
    assert server.prompts == 5
    assert len([name for kind, _, name in server.fake.files if kind == "input"]) == 2
