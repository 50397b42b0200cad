"""A server that lacks something holds exactly the targets that need it; the others go on, and so do these when it is there."""

from typing import Any

import pytest

from koma.measures.learned import runtime
from support.served import CHECKPOINT, ServedComfyUI
from support.workspaces import ADULT, REN, STILL, VIDEO, Workspace

GRAPH = "templates/noise/graph.json.j2"
SCENE_FILE = "projects/demo/s01.yaml"
LACKED = "other.safetensors"


def draws_with(workspace: Workspace, checkpoint: str) -> None:
    """Give the still template a checkpoint, which a shot may choose."""
    workspace.edit("templates/noise/template.yaml", "parameters:\n", PARAMETERS)
    text = workspace.read(GRAPH).rstrip()
    node = ', "model": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": {{ model_file }}}}}'
    workspace.write(GRAPH, text.removesuffix("}").rstrip() + node + "\n")
    workspace.append("templates/noise/sample.yaml", f"model_file: {CHECKPOINT}\n")
    workspace.edit(
        SCENE_FILE, "    characters: [ren]\n", f"    characters: [ren]\n    parameters: {{noise: {{model_file: {checkpoint}}}}}\n"
    )


PARAMETERS = f"""\
parameters:
  model_file: {{type: model, folder: checkpoints, default: {CHECKPOINT}, description: The model.}}
"""


def install(server: ServedComfyUI, *files: str) -> None:
    node = server.fake.signatures["CheckpointLoaderSimple"]
    there = {**node, "required": {"ckpt_name": {"type": "COMBO", "choices": list(files)}}}
    server.fake.signatures = {**server.fake.signatures, "CheckpointLoaderSimple": there}


def missing(plan: Any) -> list[str]:
    return [problem["missing"] for problem in plan["problems"] if problem.get("missing")]


def test_a_missing_checkpoint_holds_exactly_the_shots_that_need_it_until_it_is_there(workspace: Workspace, server: ServedComfyUI) -> None:
    draws_with(workspace, LACKED)
    workspace.append("projects/demo/project.yaml", "phase_gate: {pass_rate: 0.5}\n")  # one still of three may be missing
    done = workspace.once(code=1)
    assert {target for target in (STILL, VIDEO, ADULT, REN) if workspace.output(target, ".receipt.json").exists()} == {STILL, VIDEO, ADULT}
    assert workspace.actions() == {REN: ("hold", "missing")}
    assert missing(workspace.plan()) == [f"models/checkpoints/{LACKED}"]
    assert done.err.count(LACKED) >= 1

    told = workspace.koma("explain", REN)
    assert LACKED in told.out
    assert "models/checkpoints" in told.out

    install(server, CHECKPOINT, LACKED)
    workspace.once()
    assert workspace.verdict(REN) == "passed"
    assert workspace.actions() == {}
    assert server.prompts == 4


def test_what_is_missing_is_listed_once_however_many_shots_need_it(workspace: Workspace, server: ServedComfyUI) -> None:
    draws_with(workspace, LACKED)
    workspace.edit("templates/noise/template.yaml", f"default: {CHECKPOINT}", f"default: {LACKED}")
    workspace.once(code=1)
    assert missing(workspace.plan()) == [f"models/checkpoints/{LACKED}"]
    assert {reason for _, reason in workspace.actions().values()} == {"missing", "waiting"}
    assert server.prompts == 0


def test_a_card_that_is_too_small_holds_what_needs_more(workspace: Workspace, server: ServedComfyUI) -> None:
    workspace.edit("templates/noisevid/template.yaml", "vram_gb: 0", "vram_gb: 16")
    workspace.once(code=1)
    assert workspace.actions() == {VIDEO: ("hold", "missing")}
    assert missing(workspace.plan()) == ["16 GB"]
    server.fake.vram_total = 24 << 30
    workspace.once()
    assert workspace.actions() == {}


def test_two_onnx_runtimes_are_refused_at_start_with_the_fix(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "installed", lambda: {"onnxruntime": "1.31.1", "onnxruntime-gpu": "1.31.1"})
    done = workspace.once(code=1)
    assert "several ONNX runtimes are installed (onnxruntime 1.31.1 and onnxruntime-gpu 1.31.1)" in done.err
    assert "do: python -m pip uninstall -y onnxruntime onnxruntime-gpu, then `make quality-cpu`" in done.err
    assert not workspace.submitted()
