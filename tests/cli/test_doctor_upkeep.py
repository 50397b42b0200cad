"""What `koma doctor` says of the clock, and of objects that rotted on the disk."""

import os
import time

import pytest

from koma.cli import upkeep


def said(workspace, item, *args):
    done = workspace.koma("doctor", "--json", *args)
    return [(found["level"], found["message"]) for found in done.json["findings"] if found["item"] == item]


@pytest.mark.parametrize(("ahead", "level"), [(0, "ok"), (30, "ok"), (3600, "warn"), (31_536_000, "warn")])
def test_a_clock_that_fell_behind_what_was_written_last_is_told(rendered, ahead, level):
    later = time.time() + ahead
    os.utime(rendered.root / "outputs/.koma/state.db", (later, later))
    ((found, message),) = said(rendered, "clock")
    assert found == level, message
    assert ("before what was written last" in message) is (level == "warn")


def test_a_disk_with_a_clock_of_its_own_is_told(rendered, monkeypatch):
    monkeypatch.setattr(upkeep, "_apart", lambda _folder, _now: 90.0)
    ((level, message),) = said(rendered, "clock")
    assert level == "warn"
    assert "+90 s" in message


def test_objects_are_read_again_only_where_that_is_asked_for(rendered):
    assert not said(rendered, "objects")
    ((level, message),) = said(rendered, "objects", "--objects")
    assert level == "ok"
    assert "all whole" in message


def test_an_object_whose_bytes_changed_is_named(rendered):
    victim = next(file for file in (rendered.root / "outputs/.koma/objects").glob("??/*.png"))
    victim.chmod(0o644)
    victim.write_bytes(victim.read_bytes()[:-1] + b"?")
    ((level, message),) = said(rendered, "objects", "--objects")
    assert level == "FAIL"
    assert str(victim) in message
    assert rendered.koma("doctor", "--objects").code == 1
