"""`koma qualify`: every template's sample on the server, timed, beside the reference card."""

import json

import pytest

from support.workspaces import Workspace, comfyui_config, story

SCALED = {
    "source": {"class_type": "LoadImage", "inputs": {"image": "{{ image }}"}},
    "save": {"class_type": "SaveImage", "inputs": {"images": ["source", 0], "filename_prefix": "{{ output_prefix }}"}},
}


def facts(done):
    return {row["template"]: row for row in done.json["templates"]}


def kept(workspace):
    return json.loads((workspace.root / "outputs/.koma/qualified.json").read_text())["templates"]


@pytest.fixture
def own(tmp_path, server) -> Workspace:
    """A workspace of this server in which nothing was rendered."""
    return story(tmp_path / "w", comfyui_config(server.url))


def template(workspace, name, graph, more=""):
    """A template with one picture as its input, or none."""
    workspace.write(
        f"templates/{name}/template.yaml",
        f"""\
kind: template
name: {name}
title: {name}
description: For a test.
phase: still
family: test
outputs: {{media: image}}
estimate_seconds: 1
{more or "vram_gb: 1"}
""",
    )
    text = json.dumps(graph, indent=1)
    for word in ("image", "output_prefix"):
        text = text.replace(f'"{{{{ {word} }}}}"', f"{{{{ {word} }}}}")
    workspace.write(f"templates/{name}/graph.json.j2", text)
    workspace.write(f"templates/{name}/sample.yaml", "{}\n")


def test_templates_are_rendered_once_timed_and_kept(own, server):
    before = server.prompts
    done = own.koma("qualify", "noise", "noisevid", "--json")
    assert done.code == 0, done
    rows = facts(done)
    assert {name: (row["outcome"], row["seconds"], row["budget_seconds"]) for name, row in rows.items()} == {
        "noise": ("ran", 1.5, 60.0),
        "noisevid": ("ran", 1.5, 300.0),
    }
    assert server.prompts == before + 2
    assert {name: run["final"]["seconds"] for name, run in kept(own).items()} == {"noise": 1.5, "noisevid": 1.5}
    assert "noise: rendering its sample" in done.err


def test_without_a_name_every_template_is_tried(own):
    names = {folder.name for folder in (own.root / "templates").iterdir()}
    assert set(facts(own.koma("qualify", "--json"))) == names


def test_what_was_measured_is_what_the_plan_expects(own):
    estimate = {a["target"]: a["estimated_gpu_seconds"]["p50"] for a in own.plan()["actions"]}
    own.koma("qualify", "noise")
    measured = {a["target"]: a["estimated_gpu_seconds"]["p50"] for a in own.plan()["actions"]}
    assert measured["demo/s01/sh010/still"] == 1.5 != estimate["demo/s01/sh010/still"]
    assert measured["demo/s01/sh010/video"] == estimate["demo/s01/sh010/video"]


def test_pictures_that_a_sample_reads_are_made_on_the_spot(own, server):
    template(own, "copy", SCALED, "vram_gb: 1\ninputs: {image: {from: still}}")
    done = own.koma("qualify", "copy", "--json")
    assert facts(done)["copy"]["outcome"] == "ran"
    uploaded = server.graphs[-1]["source"]["inputs"]["image"]
    assert uploaded.startswith("koma/")
    assert uploaded.endswith(".png")


def test_what_the_server_lacks_is_named_and_the_others_go_on(own):
    graph = {
        "model": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "nobody.safetensors"}},
        "source": {"class_type": "EmptyImage", "inputs": {"width": 64, "height": 64, "batch_size": 1, "color": 0}},
        "save": {"class_type": "SaveImage", "inputs": {"images": ["source", 0], "filename_prefix": "{{ output_prefix }}"}},
    }
    template(own, "lacks", graph)
    template(own, "large", {name: node for name, node in graph.items() if name != "model"}, "vram_gb: 40")
    done = own.koma("qualify", "lacks", "large", "noise", "--json")
    rows = facts(done)
    assert done.code == 3
    assert rows["lacks"]["outcome"] == rows["large"]["outcome"] == "missing"
    assert "models/checkpoints/nobody.safetensors" in rows["lacks"]["why"][0]
    assert rows["large"]["why"][0].startswith("40 GB")
    assert rows["noise"]["outcome"] == "ran"
    assert kept(own).keys() == {"noise"}


def test_a_render_that_fails_is_told_and_the_others_go_on(own, server):
    server.fail_next("oom")
    done = own.koma("qualify", "noise", "noisevid", "--rendition", "draft")
    assert done.code == 1
    assert "out of memory" in done.out
    assert "noisevid" in done.out
    assert kept(own) == {"noisevid": {"draft": kept(own)["noisevid"]["draft"]}}


@pytest.mark.parametrize(
    ("args", "said"),
    [
        pytest.param(("nois",), "did you mean `noise`", id="a template that does not exist"),
        pytest.param(("--rendition", "animatic"), "drawn without templates", id="a rendition without templates"),
    ],
)
def test_a_wrong_question_is_a_clear_error(own, args, said):
    done = own.koma("qualify", *args)
    assert done.code == 2
    assert said in done.err


def test_a_server_that_is_down_is_a_clear_error(own):
    own.write("koma.yaml", comfyui_config("http://127.0.0.1:1"))
    done = own.koma("qualify")
    assert done.code == 1
    assert "does not answer" in done.err
