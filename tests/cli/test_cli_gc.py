"""`koma gc` deletes what nothing names, and nothing else; where it can't be sure, it refuses."""

import json
import os
import subprocess

import pytest

from koma.engine.garbage import DAY, digests_in
from support.needs import needs
from support.workspaces import STILL, eventually

ORPHAN = "ab" * 32


@pytest.fixture
def later(monkeypatch):
    """Let the clock say a later time."""

    def days(count: float) -> None:
        import time

        now = time.time() + count * DAY
        monkeypatch.setattr("koma.telemetry.clock.SystemClock.now", lambda _self: now)

    return days


def objects(workspace) -> set[str]:
    root = workspace.root / "outputs/.koma/objects"
    return {file.relative_to(root).as_posix() for file in root.rglob("*") if file.is_file()}


@pytest.fixture
def littered(rendered):
    """With an object that nothing names, an unfinished copy, and a file that is none of ours."""
    folder = "outputs/.koma/objects"
    rendered.write(f"{folder}/{ORPHAN[:2]}/{ORPHAN[2:]}.png", b"orphan")
    rendered.write(f"{folder}/incoming/tmp123", b"half")
    rendered.write(f"{folder}/README", b"mine")
    return rendered


def test_a_dry_run_names_what_may_go_and_deletes_nothing(littered, later):
    later(2)
    before = objects(littered)
    done = littered.koma("gc")
    assert done.code == 0
    assert f"{ORPHAN[2:]}.png  0.0 MB  no take and no receipt names it" in done.out
    assert "incoming/tmp123  0.0 MB  an unfinished copy" in done.out
    assert "2 files, 0.0 MB may go. To delete them: koma gc --yes" in done.out
    assert objects(littered) == before


def test_yes_deletes_what_nothing_names_and_nothing_else(littered, later):
    later(2)
    before = objects(littered)
    facts = littered.koma("gc", "--yes", "--json").json
    assert facts["deleted"]
    assert facts["bytes"] == 10
    assert before - objects(littered) == {f"{ORPHAN[:2]}/{ORPHAN[2:]}.png", "incoming/tmp123"}
    assert not (littered.root / "outputs/.koma/objects" / ORPHAN[:2]).exists()
    littered.lose_state()
    littered.once()
    assert littered.koma("plan").out.startswith("nothing to do")


def test_what_is_younger_than_a_day_stays(littered):
    assert littered.koma("gc", "--yes").out == "nothing to delete\n"
    assert f"{ORPHAN[:2]}/{ORPHAN[2:]}.png" in objects(littered)


def test_an_object_that_only_a_receipt_names_stays(littered, later):
    later(2)
    littered.write("outputs/demo/other/x.receipt.json", json.dumps({"request": {"inputs": [{"name": "a", "file_digest": ORPHAN}]}}))
    assert "incoming/tmp123" in littered.koma("gc").out
    assert ORPHAN[2:] not in littered.koma("gc").out


def test_retired_files_go_after_their_time(rendered, later):
    rendered.edit("projects/demo/s01.yaml", "  - id: sh030\n    characters: [ren]\n    phases: [still]\n", "")
    rendered.once()
    retired = rendered.root / "outputs/.koma/retired"
    assert list(retired.rglob("*.png"))
    later(29)
    assert rendered.koma("gc", "--yes").out == "nothing to delete\n"
    later(31)
    assert "retired 31 days ago" in rendered.koma("gc").out
    assert rendered.koma("gc", "--yes").code == 0
    assert list(retired.rglob("*")) == []


def test_older_than_sets_that_time(rendered, later):
    rendered.edit("projects/demo/s01.yaml", "  - id: sh030\n    characters: [ren]\n    phases: [still]\n", "")
    rendered.once()
    later(3)
    assert rendered.koma("gc").out == "nothing to delete\n"
    assert "may go" in rendered.koma("gc", "--older-than", "2").out


def test_a_running_daemon_does_it_between_two_passes_and_tells_what_went(littered):
    before = len(littered.events("reconcile_complete"))
    with littered.start("run") as daemon:
        eventually(lambda: len(littered.events("reconcile_complete")) > before, "it runs", process=daemon)
        littered.edit("projects/demo/s01.yaml", "  - id: sh030\n    characters: [ren]\n    phases: [still]\n", "")
        eventually(lambda: littered.events("retired"), "a shot is retired", process=daemon)
        done = littered.koma("gc", "--yes", "--older-than", "0")
        assert done.code == 0
        assert f"process {daemon.popen.pid}" in done.err
        assert "still.receipt.json  0.0 MB  retired 0 days ago" in done.out
        assert done.out.splitlines()[-1].startswith("deleted 4 files")
        assert littered.koma("gc", "--yes", "--json").json["count"] == 0
        assert daemon.stop() == 0
    assert littered.koma("plan").out.startswith("nothing to do")
    assert f"{ORPHAN[:2]}/{ORPHAN[2:]}.png" in objects(littered)  # it is younger than a day
    assert list((littered.root / "outputs/.koma/inbox").iterdir()) == []


def test_a_daemon_that_can_not_know_what_is_needed_says_so_and_deletes_nothing(littered):
    before = len(littered.events("reconcile_complete"))
    with littered.start("run") as daemon:
        eventually(lambda: len(littered.events("reconcile_complete")) > before, "it runs", process=daemon)
        littered.write("outputs/demo/other/x.receipt.json", "{")
        done = littered.koma("gc", "--yes", "--older-than", "0")
        assert daemon.stop() == 0
    assert done.code == 1
    assert "the daemon deleted nothing" in done.err
    assert "x.receipt.json can't be read" in done.err


def test_a_daemon_that_ends_first_is_said(littered, monkeypatch):
    holders = iter(["process 7 on studio", "process 7 on studio", ""])
    monkeypatch.setattr("koma.cli.collecting.daemon_of", lambda _lock: next(holders))
    done = littered.koma("gc", "--yes")
    assert done.code == 1
    assert "the daemon ended before" in done.err
    assert [json.loads(file.read_text())["wish"] for file in (littered.root / "outputs/.koma/inbox").glob("*.json")] == ["collect"]


@pytest.fixture
def repainted(rendered):
    """With a shot that was changed since: its first take is published no more."""
    rendered.edit("projects/demo/s01.yaml", "seed: 7", "seed: 8")
    rendered.once()
    return rendered


def receipts(workspace) -> set[str]:
    return {file.relative_to(workspace.root).as_posix() for file in (workspace.root / "outputs").rglob("*.receipt.json")}


def test_a_take_that_nothing_shows_any_more_keeps_its_files_for_a_month(repainted, later):
    later(29)
    assert repainted.koma("gc").out == "nothing to delete\n"


def test_after_a_month_its_files_go_and_what_is_remembered_of_it_stays(repainted, later):
    before, known = objects(repainted), receipts(repainted)
    later(31)
    assert "named by a take of demo/s01/sh010/video that was in use 31 days ago" in repainted.koma("gc").out
    assert repainted.koma("gc", "--yes").code == 0
    assert objects(repainted) < before
    assert receipts(repainted) == known
    assert repainted.koma("gc").out == "nothing to delete\n"
    assert repainted.koma("plan").out.startswith("nothing to do")
    repainted.lose_state()
    repainted.once()
    assert repainted.koma("plan").out.startswith("nothing to do")


def test_taking_a_change_back_later_than_that_renders_again_and_says_why(repainted, later):
    later(31)
    assert repainted.koma("gc", "--yes").code == 0
    repainted.edit("projects/demo/s01.yaml", "seed: 8", "seed: 7")
    assert repainted.actions()[STILL] == ("render", "missing-object")


def test_taking_a_change_back_within_the_last_commits_renders_nothing(repainted, later):
    git = ["git", "-C", str(repainted.root), "-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main"]
    needs("git")
    for words in (["init"], ["commit", "--quiet", "--allow-empty", "--message", "old", "--date", "2020-01-01T00:00:00Z"]):
        subprocess.run([*git, *words], check=True, capture_output=True, env={**os.environ, "GIT_COMMITTER_DATE": "2020-01-01T00:00:00Z"})
    later(31)
    assert repainted.koma("gc", "--yes").out == "nothing to delete\n"
    repainted.append("koma.yaml", "gc: {keep_commits: 0}\n")
    assert "named by a take of" in repainted.koma("gc").out


def test_the_settings_say_how_long(repainted, later):
    later(3)
    repainted.append("koma.yaml", "gc: {keep_days: 2}\n")
    assert "named by a take of" in repainted.koma("gc").out


def test_half_files_and_scratch_that_a_kill_left_go_after_a_day(rendered, later):
    rendered.write("outputs/demo/s01/sh010/.still.png.part", b"half")
    rendered.write("outputs/.koma/tmp/koma-x1/00001.png", b"half")
    later(2)
    assert rendered.koma("gc", "--yes", "--json").json["count"] == 2
    assert not (rendered.root / "outputs/demo/s01/sh010/.still.png.part").exists()
    assert not (rendered.root / "outputs/.koma/tmp/koma-x1").exists()


def test_it_refuses_while_the_plan_is_held(rendered, later):
    later(31)
    rendered.write("koma.yaml", rendered.read("koma.yaml") + "safety: {retire_share: 0.0, retire_at_least: 1}\n")
    rendered.edit("projects/demo/s01.yaml", "  - id: sh030\n    characters: [ren]\n    phases: [still]\n", "")
    done = rendered.koma("gc", "--yes")
    assert done.code == 1
    assert "the plan is held" in done.err


def without_takes(workspace):
    workspace.lose_state()


def damaged(workspace):
    workspace.write("outputs/.koma/state.db", b"not a database at all" * 100)


def unreadable_receipt(workspace):
    workspace.write(f"outputs/{STILL}.receipt.json", "{")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [(without_takes, "knows no take"), (damaged, "state.db"), (unreadable_receipt, "can't be read")],
    ids=["a store without takes", "a damaged store", "a receipt that can't be read"],
)
def test_it_refuses_when_it_can_not_know_what_is_needed(littered, later, spoil, words):
    later(2)
    spoil(littered)
    done = littered.koma("gc", "--yes")
    assert done.code == 1
    assert words in done.err
    assert f"{ORPHAN[:2]}/{ORPHAN[2:]}.png" in objects(littered)


def test_digests_are_found_however_deep_they_lie():
    assert sorted(digests_in({"a": [{"file_digest": "x"}, {"b": {"file_digest": "y", "other": "z"}}], "file_digest": None})) == ["x", "y"]
