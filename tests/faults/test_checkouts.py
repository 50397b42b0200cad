"""Snapshots during checkouts: a small share of what `checkouts.py` does."""

from faults.checkouts import measure
from koma.sources import directory
from support.needs import needs


def test_no_snapshot_is_given_of_a_tree_in_the_middle_of_a_checkout():
    needs("git")
    for row in measure(0.08):
        assert row.holds, row


def test_a_source_that_does_not_mind_git_would_be_caught(monkeypatch):
    needs("git")
    monkeypatch.setattr(directory, "index_lock", lambda _folders: None)
    assert not any(row.good for row in measure(0.04))
