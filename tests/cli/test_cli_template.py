"""`koma template`: check, show, add, and upgrade with a difference that git can apply."""

import subprocess

import pytest

from koma.cli.shipped import files_of, template_folder, template_names
from support.needs import needs
from support.workspaces import TEMPLATES


def test_check_is_silent_about_sound_templates(workspace):
    done = workspace.koma("template", "check")
    assert (done.code, done.out) == (0, f"{len(list(TEMPLATES.iterdir()))} templates: all sound\n")


def test_check_of_one_template_leaves_out_the_others(workspace):
    workspace.edit("templates/noise/graph.json.j2", "EmptyImage", "NoImage")
    assert workspace.koma("template", "check", "noisevid").code == 0
    done = workspace.koma("template", "check", "noise", "--json")
    assert done.code == 1
    assert done.json["checked"] == {"templates": 1}
    assert {problem["file"] for problem in done.json["problems"]} == {"templates/noise/graph.json.j2"}


def test_a_broken_manifest_is_an_error_of_that_template(workspace):
    workspace.write("templates/noise/template.yaml", "kind: template\nname: noise\n")
    assert workspace.koma("template", "check", "noise").code == 1
    assert workspace.koma("template", "check", "noisevid").code == 0
    assert workspace.koma("template", "show", "noise").code == 1


def test_every_sample_of_a_template_is_tried_out(workspace):
    workspace.write("templates/noise/sample-big.yaml", workspace.read("templates/noise/sample.yaml").replace("seed: 1", "sead: 1"))
    done = workspace.koma("template", "check", "noise", "--json")
    assert done.code == 1
    assert {problem["file"] for problem in done.json["problems"]} == {"templates/noise/sample-big.yaml"}


def test_a_file_that_only_begins_like_a_sample_is_none(workspace):
    workspace.write("templates/noise/samples.yaml", "sead: 1\n")
    workspace.write("templates/noise/sample-old/sample.yaml", "sead: 1\n")
    assert workspace.koma("template", "check", "noise").code == 0


def test_what_is_given_up_where_memory_runs_out_is_tried_out_too(workspace):
    workspace.append("templates/noise/template.yaml", "ladder:\n  - {width: 0.5}\n")
    assert workspace.koma("template", "check", "noise").code == 0
    workspace.edit("templates/noise/graph.json.j2", "{{ width }}", "{{ width if width > 40 else none }}")
    done = workspace.koma("template", "check", "noise")
    assert done.code == 1
    assert "input width" in done.out


@pytest.mark.parametrize("command", [["check", "nose"], ["show", "nose"]], ids=" ".join)
def test_a_name_that_is_not_there_is_refused_with_the_closest(workspace, command):
    done = workspace.koma("template", *command)
    assert done.code == 2
    assert "did you mean `noise`?" in done.err


def test_show_tells_parameters_with_defaults_and_limits(workspace):
    assert workspace.koma("template", "add", "svd-video").code == 0
    text = workspace.koma("template", "show", "svd-video").out
    assert "exactly 25" in text
    assert "motion_bucket_id" in text
    assert "from 1 to 255" in text
    facts = workspace.koma("template", "show", "svd-video", "--json").json
    assert facts["parameters"]["motion_bucket_id"]["default"] == 127
    assert facts["frames"]["exact"] == [25]


@pytest.mark.parametrize("name", template_names())
def test_added_templates_are_those_that_ship_with_koma_and_are_sound(workspace, name):
    assert workspace.koma("template", "add", name).code == 0
    assert files_of(workspace.root / "templates" / name) == files_of(template_folder(name))
    assert workspace.koma("template", "check", name).code == 0


def test_show_tells_what_a_template_takes_of_characters_style_and_runs_and_what_it_gives_up(workspace):
    assert workspace.koma("template", "add", "still", "svd-video", "style-transfer").code == 0
    text = workspace.koma("template", "show", "still").out
    assert "up to 2; 4 references each; of their sheets front; pose pictures" in text
    assert "depth (the shot's control.depth, if there is one)" in text
    assert "tiled_decode: true, then scale: 0.75" in text
    assert "a later one repeats 1 frame" in workspace.koma("template", "show", "svd-video").out
    text = workspace.koma("template", "show", "style-transfer").out
    assert "clip (what it finishes, if there is one)" in text
    assert "up to 3 pictures" in text
    assert " finish\n" in text


def test_add_overwrites_nothing(workspace):
    workspace.write("templates/still/template.yaml", "mine\n")
    done = workspace.koma("template", "add", "svd-video", "still")
    assert done.code == 1
    assert "is there already" in done.err
    assert workspace.read("templates/still/template.yaml") == "mine\n"
    assert not (workspace.root / "templates/svd-video").exists()


def test_add_refuses_what_does_not_ship_with_koma(workspace):
    done = workspace.koma("template", "add", "stil")
    assert done.code == 2
    assert "did you mean `still`?" in done.err


def test_upgrade_has_nothing_to_say_about_templates_of_ones_own(workspace):
    done = workspace.koma("template", "upgrade")
    assert (done.code, done.out) == (0, "")
    assert "are those that ship with this Koma" in done.err


def test_upgrade_shows_a_difference_that_git_applies(workspace):
    git = needs("git")
    workspace.koma("template", "add", "still")
    shipped = files_of(template_folder("still"))
    workspace.edit("templates/still/template.yaml", "steps: {type: int, default: 20", "steps: {type: int, default: 99")
    workspace.write("templates/still/graph.json.j2", shipped["graph.json.j2"] + b"{# no newline #}")
    (workspace.root / "templates/still/README.md").unlink()
    workspace.write("templates/still/notes.txt", "mine\n")
    changed = files_of(workspace.root / "templates/still")

    shown = workspace.koma("template", "upgrade", "still")
    assert shown.code == 0
    assert "--write" in shown.err
    assert files_of(workspace.root / "templates/still") == changed
    subprocess.run([git, "init", "-q"], cwd=workspace.root, check=True)
    subprocess.run([git, "apply", "-"], cwd=workspace.root, check=True, input=shown.out.encode())
    assert files_of(workspace.root / "templates/still") == {**shipped, "notes.txt": b"mine\n"}


def test_upgrade_with_write_takes_the_shipped_files_over(workspace):
    workspace.koma("template", "add", "still")
    workspace.edit("templates/still/template.yaml", "steps: {type: int, default: 20", "steps: {type: int, default: 99")
    written = workspace.koma("template", "upgrade", "--write")
    assert "-  steps: {type: int, default: 99" in written.out
    assert files_of(workspace.root / "templates/still") == files_of(template_folder("still"))
    assert workspace.koma("template", "upgrade").out == ""


def test_upgrade_of_a_template_that_is_not_in_the_workspace_is_refused(workspace):
    done = workspace.koma("template", "upgrade", "still")
    assert done.code == 2
    assert "koma template add still" in done.err
