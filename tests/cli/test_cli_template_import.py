"""`koma template import`: workflows of ComfyUI become template folders, and `upgrade` says what would be planned."""

import io
import os
import shutil

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from koma.cli.shipped import files_of
from support.imported import WORKFLOWS
from support.workspaces import comfyui_config

FILES = {"template.yaml", "graph.json.j2", "sample.yaml", "README.md"}


def imported(workspace, *args):
    done = workspace.koma("template", "import", *map(str, args), "--json")
    return done.code, {row["file"].rpartition("/")[2]: row for row in done.json["files"]}


def picture(graph):
    info, stream = PngInfo(), io.BytesIO()
    if graph:
        info.add_text("prompt", graph)
    Image.new("RGB", (8, 8)).save(stream, "PNG", pnginfo=info)
    return stream.getvalue()


def test_a_folder_becomes_one_template_per_file_and_what_is_wrong_with_one_holds_no_other(workspace):
    code, rows = imported(workspace, WORKFLOWS)
    assert code == 1
    outcomes = {name: row["outcome"] for name, row in rows.items()}
    assert outcomes == {
        "Paper Boats.json": "imported",
        "lantern.json": "imported",
        "orchard.json": "imported",
        "orchard.ui.json": "imported",
        "parts.json": "imported",
        "tide.json": "imported",
        "two-pass.json": "needs hand",
        "noise.json": "needs hand",
        "well.json": "needs hand",
        "well.ui.json": "needs hand",
        "unknown-pack.json": "needs hand",
        "broken.json": "failed",
        "circle.json": "failed",
        "no-output.json": "failed",
        "settings.json": "failed",
    }
    for row in rows.values():
        assert bool(row["template"]) == (row["outcome"] != "failed")
        assert bool(row["why"]) == (row["outcome"] != "imported")
        if row["template"]:
            assert set(files_of(workspace.root / row["template"])) == FILES


def test_what_was_imported_passes_the_check_of_templates_unless_its_row_says_why_not(workspace):
    _, rows = imported(workspace, WORKFLOWS)
    checked = workspace.koma("template", "check", "--json").json
    assert {problem["file"] for problem in checked["problems"]} == {"templates/unknown-pack/graph.json.j2"}
    assert checked["problems"] == rows["unknown-pack.json"]["problems"]


FAILURES = [
    ("bad/broken.json", "broken.json:2:26: this is not JSON"),
    ("bad/circle.json", "circle.json:2: node 1: the links go in a circle: 1 → 2 → 1"),
    ("bad/no-output.json", "no node saves or shows pictures"),
    ("bad/settings.json", "settings.json:1:1: no node of ComfyUI stands in this file"),
]


@pytest.mark.parametrize(("file", "said"), FAILURES)
def test_a_failure_says_where_and_why_and_writes_nothing(workspace, file, said):
    before = files_of(workspace.root / "templates")
    code, rows = imported(workspace, WORKFLOWS / file)
    (row,) = rows.values()
    assert (code, row["outcome"]) == (1, "failed")
    assert said in row["why"][0]
    assert files_of(workspace.root / "templates") == before


def test_a_picture_without_a_graph_and_a_file_that_is_not_there_fail(workspace):
    file = workspace.write("pictures/plain.png", picture(""))
    code, rows = imported(workspace, file, "no-such.json")
    assert code == 1
    assert "the picture carries no graph" in rows["plain.png"]["why"][0]
    assert "can't be read" in rows["no-such.json"]["why"][0]


def test_a_picture_with_a_graph_is_imported(workspace):
    file = workspace.write("pictures/Old Lantern.png", picture((WORKFLOWS / "lantern.json").read_text()))
    code, rows = imported(workspace, file)
    assert (code, rows["Old Lantern.png"]["outcome"]) == (0, "imported")
    assert rows["Old Lantern.png"]["template"] == "templates/old-lantern"
    assert "PNG picture" in workspace.read("templates/old-lantern/README.md")


def test_a_template_that_is_there_is_left_alone_unless_forced(workspace):
    mine = workspace.write("templates/orchard/template.yaml", "mine\n")
    assert imported(workspace, WORKFLOWS / "orchard.json")[1]["orchard.json"]["template"] == "templates/orchard-2"
    assert mine.read_text() == "mine\n"
    assert imported(workspace, WORKFLOWS / "orchard.json", "--force")[1]["orchard.json"]["template"] == "templates/orchard"
    assert "kind: template" in mine.read_text()


def test_samples_of_a_template_that_is_overwritten_go_with_it(workspace):
    workspace.koma("template", "add", "still")
    assert (workspace.root / "templates/still/sample-posed.yaml").is_file()
    assert imported(workspace, WORKFLOWS / "orchard.json", "--force", "--name", "still")[0] == 0
    assert set(files_of(workspace.root / "templates/still")) == FILES
    assert workspace.koma("template", "check", "still").code == 0


def test_a_workflow_named_like_the_built_in_step_gets_another_name(workspace):
    file = shutil.copy(WORKFLOWS / "orchard.json", workspace.root / "colour-match.json")
    assert imported(workspace, file, "--force")[1]["colour-match.json"]["template"] == "templates/colour-match-2"


def test_a_pipe_in_a_folder_is_passed_over(workspace):
    os.mkfifo(workspace.write("flows/a.json", (WORKFLOWS / "orchard.json").read_text()).parent / "pipe.json")
    assert list(imported(workspace, workspace.root / "flows")[1]) == ["a.json"]


def test_two_files_of_one_name_get_two_folders_even_when_forced(workspace):
    shutil.copy(WORKFLOWS / "orchard.json", workspace.root / "Orchard.json")
    _, rows = imported(workspace, WORKFLOWS / "orchard.json", workspace.root / "Orchard.json", "--force")
    assert {row["template"] for row in rows.values()} == {"templates/orchard", "templates/orchard-2"}


def test_name_phase_and_place_can_be_given(workspace):
    project = workspace.root / "projects/demo"
    code, rows = imported(workspace, WORKFLOWS / "noise.json", "--name", "mist", "--phase", "video", "--into", project)
    assert (code, rows["noise.json"]["template"]) == (0, "projects/demo/templates/mist")
    assert "phase: video" in workspace.read("projects/demo/templates/mist/template.yaml")
    assert workspace.koma("template", "check", "mist").code == 0


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--name", "Mist!"], "--name mist"),
        (["--name", "mist", str(WORKFLOWS / "tide.json")], "--name names one template"),
        (["--phase", "fillm"], "no phase 'fillm'"),
        (["--into", str(WORKFLOWS)], "no project of this workspace"),
    ],
    ids=["a name that is none", "one name for two files", "a phase that is none", "a folder where no template is looked for"],
)
def test_a_command_line_that_makes_no_sense_is_refused(workspace, args, said):
    done = workspace.koma("template", "import", str(WORKFLOWS / "noise.json"), *args)
    assert done.code == 2
    assert said in done.err


def test_the_table_has_a_line_for_each_file_and_each_reason(workspace):
    done = workspace.koma("template", "import", str(WORKFLOWS / "orchard.json"), str(WORKFLOWS / "two-pass.json"))
    lines = done.out.splitlines()
    assert done.code == 0
    assert lines[0].split() == ["file", "template", "outcome", "why"]
    assert "imported" in lines[1]
    assert "needs hand" in lines[2]
    assert lines[-1] == "1 imported, 1 needs hand"


def test_an_imported_template_draws_a_shot(workspace):
    workspace.write("koma.yaml", comfyui_config("http://127.0.0.1:9"))
    imported(workspace, WORKFLOWS / "noise.json", "--name", "mist")
    workspace.edit("projects/demo/project.yaml", "still: noise", "still: mist")
    actions = workspace.actions()
    assert actions["demo/s01/sh020/still"] == ("render", "new")
    assert workspace.plan()["problems"] == []


def test_upgrade_says_what_would_be_planned_and_changes_nothing(workspace):
    workspace.write("koma.yaml", comfyui_config("http://127.0.0.1:9"))
    workspace.koma("template", "add", "still")
    workspace.edit("projects/demo/project.yaml", "still: noise", "still: still")
    workspace.append("projects/demo/project.yaml", "checkpoint: a.safetensors\n")
    workspace.edit("templates/still/graph.json.j2", '"CheckpointLoaderSimple"', '"NoSuchLoader"')
    assert workspace.actions()["demo/s01/sh020/still"] == ("hold", "blocked")

    done = workspace.koma("template", "upgrade")

    assert '+    "class_type": "CheckpointLoaderSimple"' in done.out
    assert "+ demo/s01/sh020/still  render (new" in done.err
    assert "NoSuchLoader" in workspace.read("templates/still/graph.json.j2")
    assert workspace.actions()["demo/s01/sh020/still"] == ("hold", "blocked")
