"""`koma retry`, `cancel`, `pause` and `resume` leave wishes that the daemon hears."""

import pytest

from koma.core.wish import Request, Wish
from koma.sources.inbox import Inbox
from koma.stores.lock import StateLock
from support.workspaces import ADULT, STILL, VIDEO, Workspace


def wishes(workspace: Workspace) -> list[Request]:
    return [Request(r.wish, r.targets) for r in Inbox(workspace.root / "outputs/.koma/inbox").read()]


LEFT = {
    "retry of one target": (["retry", STILL], Request(Wish.RETRY, (STILL,))),
    "retry of a pattern": (["retry", "*/video"], Request(Wish.RETRY, ("*/video",))),
    "cancel of a scene and a target": (["cancel", "s01", STILL], Request(Wish.CANCEL, ("s01", STILL))),
    "pause": (["pause"], Request(Wish.PAUSE)),
    "resume": (["resume"], Request(Wish.RESUME)),
}


@pytest.mark.parametrize(("argv", "request_"), LEFT.values(), ids=LEFT.keys())
def test_a_wish_lies_in_the_inbox(workspace, argv, request_):
    done = workspace.koma(*argv)
    assert done.code == 0
    assert wishes(workspace) == [request_]
    assert "no daemon runs here: the next `koma run` hears it" in done.err


def test_a_running_daemon_is_named(workspace):
    with StateLock(workspace.root / "outputs/.koma/state.lock"):
        assert "the daemon hears it at once (process " in workspace.koma("pause").err


def test_what_a_pattern_means_is_said(workspace):
    assert workspace.koma("retry", "sh010", "demo/s01/sh020").code == 2
    said = workspace.koma("retry", "s01/sh010", "demo/s01/sh020").err
    assert said.startswith(f"retry: 3 targets\n  {STILL}\n  {VIDEO}\n  {ADULT}\n")


@pytest.mark.parametrize(
    ("pattern", "hint"),
    [("demo/s01/sh01/still", STILL), ("s1", "s01"), ("xyzzy", "koma plan --all")],
    ids=["a slip in an id", "a slip in a beginning", "nothing like it"],
)
def test_a_pattern_that_names_nothing_is_refused_with_the_closest(workspace, pattern, hint):
    done = workspace.koma("cancel", STILL, pattern)
    assert done.code == 2
    assert f"no target is called {pattern!r}" in done.err
    assert hint in done.err
    assert wishes(workspace) == []


def test_a_wish_is_carried_out_by_the_next_run(rendered, server):
    before = server.prompts
    assert rendered.koma("retry", STILL).code == 0
    rendered.once()
    assert server.prompts > before
    assert wishes(rendered) == []


def test_the_inbox_is_there_to_be_watched_before_the_first_wish(rendered):
    assert (rendered.root / "outputs/.koma/inbox").is_dir()
