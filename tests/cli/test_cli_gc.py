"""`koma gc` deletes what nothing names, and nothing else; where it can't be sure, it refuses."""

import json

import pytest

from koma.engine.garbage import DAY, digests_in
from koma.stores.lock import StateLock
from support.workspaces import STILL

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


def test_it_refuses_to_delete_while_a_daemon_runs(littered, later):
    later(2)
    with StateLock(littered.root / "outputs/.koma/state.lock"):
        assert littered.koma("gc").code == 0
        done = littered.koma("gc", "--yes")
    assert done.code == 1
    assert "held by process" in done.err
    assert f"{ORPHAN[:2]}/{ORPHAN[2:]}.png" in objects(littered)


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
