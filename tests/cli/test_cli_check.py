"""`koma check` finds every mistake without a backend, and says where it is."""

import subprocess
import zlib

import pytest

from support.needs import needs
from support.pictures import drawing, save
from support.workspaces import Workspace

SCENE = "projects/demo/s01.yaml"
MANIFEST, GRAPH, SAMPLE = (f"templates/noise/{name}" for name in ("template.yaml", "graph.json.j2", "sample.yaml"))

# The header of a PNG that announces 40,000 x 40,000 px, and its end.
HUGE = (
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x9c\x40\0\0\x9c\x40\x08\x02\0\0\0"
    + zlib.crc32(b"IHDR\0\0\x9c\x40\0\0\x9c\x40\x08\x02\0\0\0").to_bytes(4)
    + b"\0\0\0\0IEND\xaeB`\x82"
)


def picture(workspace: Workspace, name: str = "a.png", size: int = 512) -> None:
    file = workspace.write(f"projects/demo/references/aki/{name}", b"")
    save(drawing(size, size), file)


def test_a_sound_workspace_is_said_to_be_sound(workspace):
    picture(workspace)
    done = workspace.koma("check")
    assert (done.code, done.out) == (0, "4 documents, 1 picture, 3 templates, 4 targets: all sound\n")


MISTAKES = {
    "an unknown word in a shot": (SCENE, "framing: wide", "framing: wid", f"{SCENE}:7:14: error:", "did you mean `wide`?"),
    "a character that nobody defined": (SCENE, "[ren]", "[rin]", f"{SCENE}:18:18: error:", "did you mean 'ren'?"),
    "a manifest with a wrong phase": (MANIFEST, "phase: still", "phase: stil", f"{MANIFEST}:5:", "still"),
    "a template that calls itself something else": (MANIFEST, "name: noise", "name: nose", MANIFEST, "[wrong-name]"),
    "a sample with a parameter that is not there": (SAMPLE, "seed: 1", "sead: 1", SAMPLE, "seed"),
    "a name in the graph that nobody declared": (GRAPH, "{{ seed }}", "{{ sed }}", f"{GRAPH}:2", "sed"),
    "a node class that does not exist": (GRAPH, "ImageAddNoise", "ImageAddNose", f"{GRAPH}:2", "ImageAddNoise"),
    "a graph that is no JSON": (GRAPH, '"batch_size": 1,', '"batch_size": 1,,', f"{GRAPH}:1", "not JSON"),
    "a setting that is not there": ("koma.yaml", "rendition", "rendering", "koma.yaml:1:1: error:", "rendition"),
}  # fmt: skip


@pytest.mark.parametrize(("file", "old", "new", "place", "words"), MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_is_one_located_error(workspace, file, old, new, place, words):
    workspace.edit(file, old, new)
    done = workspace.koma("check")
    assert done.code == 1
    assert place in done.out
    assert words in done.out


def test_a_picture_that_no_shot_shows_is_decoded_too(workspace):
    workspace.write("projects/demo/references/nobody/b.png", b"\x89PNG cut short")
    done = workspace.koma("check")
    assert done.code == 1
    assert "projects/demo/references/nobody/b.png: error: " in done.out


REFUSED = {
    "too small": (lambda workspace: picture(workspace, "b.png", 511), "b.png: warning: not used: it is 511 x 511 px"),
    "the same twice": (lambda workspace: picture(workspace, "b.png"), "b.png: warning: not used: it shows the same as projects/demo/"),
    "the same in another folder": (lambda workspace: picture(workspace, "child/b.png"), "all sound"),
    "40,000 px each way": (
        lambda workspace: workspace.write("projects/demo/references/aki/b.png", HUGE),
        "b.png: error: this picture can't be decoded: b.png: 40000 x 40000 is more than 40 megapixels [unreadable-image]",
    ),
    "an SVG named .png": (
        lambda workspace: workspace.write("projects/demo/references/aki/b.png", "<svg/>"),
        "b.png: error: this picture can't be decoded: b.png: not a readable picture: it is an SVG drawing",
    ),
}


@pytest.mark.parametrize(("add", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_a_picture_that_is_not_used_is_named_once(workspace, add, said):
    picture(workspace)
    add(workspace)
    done = workspace.koma("check")
    assert said in done.out
    assert done.out.count(": warning: ") + done.out.count(": error: ") == (0 if said == "all sound" else 1)


def test_a_template_that_no_shot_uses_is_tried_out_too(workspace):
    for name in ("template.yaml", "sample.yaml", "graph.json.j2"):
        workspace.write(
            f"projects/demo/templates/own/{name}", workspace.read(f"templates/noise/{name}").replace("name: noise", "name: own")
        )
    assert workspace.koma("check").code == 0
    workspace.edit("projects/demo/templates/own/graph.json.j2", "EmptyImage", "NoImage")
    done = workspace.koma("check")
    assert done.code == 1
    assert "projects/demo/templates/own/graph.json.j2:1" in done.out


def test_parameters_of_a_template_that_is_not_there_are_a_warning_where_they_stand(workspace):
    workspace.append("projects/demo/project.yaml", "parameters: {noise: {}, nois: {a: 1}}\n")
    done = workspace.koma("check")
    assert done.code == 0
    assert "warning: there is no template called 'nois', so nothing reads its parameters [missing-template]" in done.out
    assert "do: did you mean `noise`?" in done.out
    assert done.out.endswith("1 warning\n")


def test_a_template_without_a_sample_is_only_a_warning(workspace):
    (workspace.root / "templates/noise/sample.yaml").unlink()
    done = workspace.koma("check")
    assert done.code == 0
    assert "[missing-sample]" in done.out
    assert done.out.endswith("1 warning\n")


def test_a_sample_is_rendered_with_every_set(workspace):
    workspace.append("templates/noise/template.yaml", "sets:\n  draft: {width: 32}\n")
    assert workspace.koma("check").code == 0
    workspace.edit(
        "templates/noise/graph.json.j2", '"batch_size": 1,', '{% if width == 32 %}"batch_sise": 1,{% else %}"batch_size": 1,{% endif %}'
    )
    done = workspace.koma("check")
    assert done.code == 1
    assert "batch_sise" in done.out


@pytest.mark.parametrize(
    ("paths", "errors"),
    [
        ([SCENE], 1),
        (["projects"], 2),
        (["projects/demo/references", SCENE], 2),
        (["templates"], 0),
        (["."], 2),
    ],
    ids=["a file", "a folder above", "a folder and a file", "a folder without mistakes", "everything"],
)
def test_paths_limit_what_is_reported(workspace, monkeypatch, paths, errors):
    monkeypatch.chdir(workspace.root)
    workspace.edit(SCENE, "framing: wide", "framing: wid")
    workspace.write("projects/demo/references/aki/b.png", b"no picture")
    done = workspace.koma("check", "--json", *paths)
    assert done.json["errors"] == errors == len(done.json["problems"])
    assert done.code == int(errors > 0)


@pytest.mark.parametrize(("path", "words"), [("nowhere.yaml", "there is no nowhere.yaml"), ("/", "/ lies outside of the workspace")])
def test_a_path_that_makes_no_sense_is_refused(workspace, monkeypatch, path, words):
    monkeypatch.chdir(workspace.root)
    done = workspace.koma("check", path)
    assert done.code == 2
    assert words in done.err


def test_json_names_place_code_and_hint(workspace):
    workspace.edit(SCENE, "framing: wide", "framing: wid")
    done = workspace.koma("check", "--format", "json")
    (problem,) = done.json["problems"]
    assert done.json["format_version"] == 1
    assert done.json["checked"]["documents"] == 4
    assert (problem["file"], problem["line"], problem["column"], problem["severity"]) == (SCENE, 7, 14, "error")
    assert problem["code"] == "unknown-value"
    assert problem["hint"] == "did you mean `wide`?"


def test_github_annotations_are_escaped(workspace):
    workspace.edit(SCENE, "framing: wide", 'framing: "100%, wide"')
    done = workspace.koma("check", "--format", "github")
    assert done.code == 1
    assert done.out.startswith(f"::error file={SCENE},line=7,col=14,title=unknown-value::")
    assert "100%25, wide" in done.out
    assert "%0Aexpected: " in done.out
    assert done.out.count("\n") == 1


def test_the_work_tree_is_checked_also_where_the_daemon_reads_commits(workspace):
    git = needs("git")
    workspace.edit("koma.yaml", "references_settle: 0}", "references_settle: 0, mode: git}")
    workspace.write(".gitignore", "outputs/\n")
    who = ["-c", "user.name=Aki", "-c", "user.email=aki@studio.example"]
    for args in (["init", "-q"], ["add", "."], [*who, "commit", "-q", "-m", "one"]):
        subprocess.run([git, *args], cwd=workspace.root, check=True)
    workspace.edit(SCENE, "framing: wide", "framing: wid")
    workspace.edit(GRAPH, "EmptyImage", "NoImage")
    assert workspace.plan()["problems"] == []
    assert workspace.koma("check", "--json").json["errors"] == 2
    assert workspace.koma("template", "check").code == 1
