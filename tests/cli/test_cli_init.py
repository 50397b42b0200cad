"""`koma init` makes a workspace that is sound, plans, and renders on the animatic at once; it overwrites nothing."""

import re
from pathlib import Path

import pytest

from koma.__main__ import main
from koma.cli.shipped import template_names, templates_folder, workspace_files
from support.workspaces import ALL, Workspace

NEW = ("koma.yaml", ".gitignore", "templates/still/template.yaml", "specs/scene.schema.json", "projects/my-story/project.yaml")


@pytest.fixture
def new(tmp_path, capsys):
    assert main(["init", str(tmp_path / "new")]) == 0
    assert "koma run --once" in capsys.readouterr().out
    root = tmp_path / "new"
    return Workspace(root, (root / "koma.yaml").read_text())


def test_everything_that_a_workspace_needs_is_there(new):
    assert [name for name in NEW if not (new.root / name).is_file()] == []
    assert "outputs/" in new.read(".gitignore")


def test_it_is_sound_for_every_rendition(new, monkeypatch):
    count = len(template_names())
    for rendition, targets in (("animatic", 4), ("final", 6)):  # the model of the sample makes a video in two runs
        monkeypatch.setenv("KOMA_RENDITION", rendition)
        done = new.koma("check")
        assert (done.code, done.out) == (0, f"4 documents, {count} templates, {targets} targets: all sound\n")


def test_every_document_names_a_schema_that_is_there(new):
    for file in new.root.glob("projects/**/*.yaml"):
        modeline = re.match(r"# yaml-language-server: \$schema=(\S+)\n", file.read_text())
        assert modeline, file
        assert (file.parent / modeline[1]).resolve().is_file(), file


def test_it_plans_and_renders_on_the_animatic_at_once(new):
    assert {action for action, _ in new.actions().values()} == {"render"}
    new.once()
    assert new.actions() == {}
    assert len(list(new.root.glob("outputs/my-story/s01/*/video.animatic.mp4"))) == 2


def test_what_is_there_is_never_overwritten(new):
    new.append("projects/my-story/scenes/s01.yaml", "notes: mine\n")
    (new.root / "koma.yaml").unlink()
    done = new.koma("init", str(new.root))
    assert done.code == 1
    assert "already holds projects/my-story/characters/mio.yaml" in done.err
    assert new.read("projects/my-story/scenes/s01.yaml").endswith("notes: mine\n")
    assert not (new.root / "koma.yaml").exists()


def test_a_gitignore_of_ones_own_stays(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path(".gitignore").write_text("mine\n")
    assert main(["init"]) == 0
    assert Path(".gitignore").read_text() == "mine\n"
    assert "add outputs/" in capsys.readouterr().out


def test_a_file_is_no_place_for_a_workspace(tmp_path, capsys):
    (tmp_path / "f").touch()
    assert main(["init", str(tmp_path / "f")]) == 1
    assert "is a file" in capsys.readouterr().err


def test_an_installed_package_brings_its_own_templates(tmp_path, monkeypatch):
    package = tmp_path / "koma" / "data"
    (package / "templates" / "still").mkdir(parents=True)
    (package / "templates" / "still" / "template.yaml").write_text("kind: template\n")
    (package / "workspace").mkdir()
    monkeypatch.setattr("koma.cli.shipped._DATA", package)
    assert templates_folder() == package / "templates"
    assert workspace_files()["templates/still/template.yaml"] == b"kind: template\n"


def test_the_story_of_the_tests_is_no_part_of_it():
    assert not any(target.split("/", maxsplit=1)[0] in name for name in workspace_files() for target in ALL)
