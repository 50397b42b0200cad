"""`koma doctor`: a line for each thing, and what to do."""

import subprocess

import pytest

from koma.__main__ import main
from koma.cli import machine
from koma.cli.machine import Level
from support.needs import needs
from support.workspaces import TEMPLATES


def findings(workspace) -> dict[str, tuple[str, str, str]]:
    done = workspace.koma("doctor", "--json")
    return {f["item"]: (f["level"], f["message"], f["fix"]) for f in done.json["findings"]}


def levels(workspace) -> dict[str, str]:
    return {item: level for item, (level, _, _) in findings(workspace).items()}


def test_a_sound_workspace_has_no_failure(once_rendered):
    done = once_rendered.koma("doctor")
    assert done.code == 0
    assert "FAIL" not in done.out
    found = findings(once_rendered)
    assert found["store"][:2] == ("ok", "4 takes, 4 outputs, 0 jobs in the queue")
    assert found["backend studio"][0] == "ok"
    assert found["specs"] == ("ok", f"4 documents, 0 pictures, {len(list(TEMPLATES.iterdir()))} templates, 4 targets", "")
    assert {"python", "sqlite", "codecs", "koma.yaml", "projects", "templates", "daemon", "disk", "file watches"} <= found.keys()


def test_every_finding_that_is_not_ok_says_what_to_do(workspace):
    workspace.edit("koma.yaml", "rendition: animatic", "rendition: final")
    workspace.edit("projects/demo/s01.yaml", "[ren]", "[rin]")
    found = findings(workspace)
    assert {item for item, (level, _, _) in found.items() if level == "FAIL"} == {"specs", "backends"}
    assert all(fix for level, _, fix in found.values() if level != "ok")
    assert workspace.koma("doctor").code == 1


def test_a_backend_that_is_down_fails_only_where_it_is_needed(workspace):
    workspace.append("koma.yaml", 'backends: [{name: far, kind: comfyui, url: "http://127.0.0.1:1"}]\n')
    assert levels(workspace)["backend far"] == "warn"
    workspace.edit("koma.yaml", "rendition: animatic", "rendition: final")
    level, message, fix = findings(workspace)["backend far"]
    assert level == "FAIL"
    assert "can't be reached" in message
    assert "start ComfyUI" in fix


def test_a_damaged_store_fails_and_the_rest_is_still_looked_at(rendered):
    rendered.lose_state()
    rendered.write("outputs/.koma/state.db", b"not a database at all" * 100)
    found = levels(rendered)
    assert found["store"] == "FAIL"
    assert found["disk"] in ("ok", "warn", "FAIL")


def test_lost_objects_are_counted(rendered):
    for file in (rendered.root / "outputs/.koma/objects").rglob("*.png"):
        file.unlink()
    level, message, _ = findings(rendered)["store"]
    assert level == "warn"
    assert "the objects of 3 takes are gone" in message


def test_without_a_workspace_it_says_how_to_make_one(tmp_path, capsys):
    assert main(["--workspace", str(tmp_path), "doctor"]) == 1
    assert "do: koma init" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("free", "level"), [(1e9, Level.FAIL), (1e10, Level.WARN), (1e12, Level.OK)], ids=["no room", "little room", "room"]
)
def test_disk_space_has_three_levels(tmp_path, monkeypatch, free, level):
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda _path: type("Usage", (), {"free": free}))
    assert machine.disk(tmp_path / "not" / "there").level is level


@pytest.mark.parametrize(
    ("text", "level"),
    [("1000", Level.OK), ("4", Level.WARN), ("", Level.OK)],
    ids=["plenty", "nearly used up", "a system that does not say"],
)
def test_file_watches_are_compared_with_the_limit(tmp_path, text, level):
    (tmp_path / "limit").write_text(text)
    for name in ("a", "b", "c"):
        (tmp_path / "projects" / name).mkdir(parents=True)
    assert machine.inotify([tmp_path / "projects"], tmp_path / "limit").level is level


def test_an_old_python_fails():
    assert machine.python((3, 10, 4)).level is Level.FAIL
    assert machine.python((3, 11, 0)).level is Level.OK


def test_a_missing_codec_fails(monkeypatch):
    monkeypatch.setattr(machine, "CODECS", ("libx264", "nothing-like-it"))
    found = machine.codecs()
    assert found.level is Level.FAIL
    assert "nothing-like-it" in found.message


@pytest.mark.parametrize(("safe", "level"), [(True, Level.OK), (False, Level.WARN)])
def test_an_old_sqlite_is_only_a_warning(monkeypatch, safe, level):
    monkeypatch.setattr(machine, "is_safe", lambda: safe)
    assert machine.sqlite().level is level


def test_git_mode_needs_its_ref(tmp_path):
    git = needs("git")
    subprocess.run([git, "init", "-q", "-b", "main"], cwd=tmp_path, check=True)
    who = ["-c", "user.name=Aki", "-c", "user.email=aki@studio.example"]
    subprocess.run([git, *who, "commit", "-q", "--allow-empty", "-m", "one"], cwd=tmp_path, check=True)
    assert machine.git(tmp_path, ".", "main").level is Level.OK
    assert machine.git(tmp_path, f"file://{tmp_path}", "main").level is Level.OK
    for repository in (".", f"file://{tmp_path}"):
        assert machine.git(tmp_path, repository, "nowhere").level is Level.FAIL


def test_git_mode_needs_git(tmp_path, monkeypatch):
    monkeypatch.setattr(machine.shutil, "which", lambda _name: None)
    assert machine.git(tmp_path, ".", "main").level is Level.FAIL
