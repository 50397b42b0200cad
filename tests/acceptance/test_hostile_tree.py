"""A workspace in which somebody has put links, odd names, bombs and escape sequences: the rest of it is rendered, and nothing leaves it."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from koma.core import retry
from support.workspaces import ALL, ANIMATIC_CONFIG, REN, STILL, Workspace, story

DEEP = "a: " + "[" * 30_000


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """The story's workspace on the animatic, which needs no server."""
    return story(tmp_path / "workspace", ANIMATIC_CONFIG)


def errors(plan: Any) -> set[tuple[str, str]]:
    return {(problem["file"], problem["code"]) for problem in plan["problems"] if problem["severity"] == "error"}


def test_one_bad_file_of_a_thousand_holds_itself(workspace: Workspace) -> None:
    for number in range(1000):
        text = f"kind: location\nid: place{number:04d}\nname: P\nprompt: a place\n"
        workspace.write(f"projects/demo/places/{number:04d}.yaml", DEEP if number == 500 else text)
    checked = workspace.koma("check", "--json").json
    assert [(problem["file"], problem["code"]) for problem in checked["problems"]] == [("projects/demo/places/0500.yaml", "too-deep")]
    assert checked["checked"]["documents"] == 1004
    assert set(workspace.actions()) == set(ALL)


def test_outputs_that_are_a_link_are_not_followed(workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "step_delay", lambda _failed: 0.0)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (workspace.root / "outputs").mkdir()
    (workspace.root / "outputs/demo").symlink_to(elsewhere)
    failed = workspace.once(code=1)
    assert "outputs/demo is a symbolic link, and Koma writes through none" in failed.err
    assert list(elsewhere.iterdir()) == []

    (workspace.root / "outputs/demo").unlink()
    assert "4 published" in workspace.once().out  # nothing was rendered again


def test_a_project_that_became_a_link_retires_nothing(workspace: Workspace, tmp_path: Path) -> None:
    workspace.once()
    before = workspace.pictures()
    (workspace.root / "projects/demo").rename(tmp_path / "demo")
    (workspace.root / "projects/demo").symlink_to(tmp_path / "demo")
    assert errors(workspace.plan()) == {("projects/demo", "symlink")}
    workspace.once(code=1)
    assert workspace.pictures() == before


def test_names_and_texts_with_escape_sequences_reach_no_terminal(workspace: Workspace) -> None:
    folder = os.fsencode(workspace.root / "projects/demo")
    for name in (b"\xff\xfe.yaml", b"x\x1b]0;owned\x07.yaml", b"a\nfake.yaml:1:1: error: b.yaml"):
        Path(os.fsdecode(folder + b"/" + name)).write_text("kind: [")
    workspace.append("projects/demo/ren.yaml", 'negative: "\\e[31mred"\n')
    workspace.write("projects/demo/long.yaml", f"kind: {'x' * 500_000}\n")
    said = [workspace.koma(*words) for words in (["check"], ["check", "--json"], ["plan"], ["run", "--once"], ["status"], ["events"])]
    for done in said:
        (done.out + done.err).encode()
        assert not [one for one in done.out + done.err if not one.isprintable() and one not in "\n\t"]
        assert max(map(len, done.out.splitlines()), default=0) < 2000
    assert not any(line.startswith("fake.yaml") for done in said for line in done.out.splitlines())
    assert json.loads(said[1].out)["errors"] >= 5


def test_paths_in_documents_stay_in_their_project(workspace: Workspace) -> None:
    lines = {
        "projects/demo/aki.yaml": "references: {files: [../../../etc/passwd]}\n",
        "projects/demo/ren.yaml": "references: {files: [/etc/passwd]}\n",
    }
    for path, text in lines.items():
        workspace.append(path, text)
    workspace.edit("projects/demo/s01.yaml", "    framing: wide\n", "    framing: wide\n    control: {pose: references/../../../x.png}\n")
    assert errors(workspace.plan()) >= {(path, "bad-path") for path in (*lines, "projects/demo/s01.yaml")}


def test_two_ids_that_differ_by_case_can_not_be_written(workspace: Workspace) -> None:
    workspace.write("projects/demo/twin.yaml", "kind: character\nid: Aki\nname: Twin\n")
    workspace.write("templates/Noise/template.yaml", workspace.read("templates/noise/template.yaml"))
    workspace.write("templates/Noise/graph.json.j2", workspace.read("templates/noise/graph.json.j2"))
    found = errors(workspace.plan())
    assert ("projects/demo/twin.yaml", "bad-id") in found
    assert {("templates/Noise", "alike-names"), ("templates/noise", "alike-names")} <= found


def test_a_project_twice_is_told_at_both_places(workspace: Workspace) -> None:
    workspace.write("projects/other/project.yaml", workspace.read("projects/demo/project.yaml"))
    both = {("projects/demo/project.yaml", "duplicate-id"), ("projects/other/project.yaml", "duplicate-id")}
    assert both <= errors(workspace.plan())


@pytest.mark.parametrize(
    "content", [b"{", b"[" * 100_000, b"\xff", b'{"format_version": 1}', b"null"], ids=["cut", "deep", "no text", "bare", "null"]
)
def test_a_receipt_that_is_damaged_loses_its_take_alone(workspace: Workspace, content: bytes) -> None:
    workspace.once()
    for file in (workspace.output(REN, ".animatic.receipt.json"), *workspace.root.glob("outputs/demo/s01/sh030/takes/*.receipt.json")):
        file.chmod(0o644)
        file.write_bytes(content)
    workspace.lose_state()
    done = workspace.once()
    assert "1 rendered" in done.out
    assert workspace.output(STILL, ".animatic.png").is_file()
    assert workspace.actions() == {}


def test_wishes_that_are_bombs_are_set_aside(workspace: Workspace) -> None:
    workspace.once()
    for number, content in enumerate([b"[" * 100_000, b'{"wish": 5}', b'{"wish": "retry", "targets": {"a": 1}}', b"\xff"]):
        workspace.write(f"outputs/.koma/inbox/{number}.json", content)
    os.mkfifo(workspace.root / "outputs/.koma/inbox/pipe.json")
    (workspace.root / "outputs/.koma/inbox/link.json").symlink_to("/etc/hostname")
    workspace.once()
    assert not list((workspace.root / "outputs/.koma/inbox").glob("*.json"))
    assert len(list((workspace.root / "outputs/.koma/inbox").glob("*.unreadable"))) == 6
