"""`koma retry`, `cancel`, `pause` and `resume` leave wishes that the daemon hears."""

from dataclasses import replace

import pytest

from koma.cli.pausing import lines_of
from koma.core.job import JobState
from koma.core.wish import Request, Wish
from koma.sources.inbox import Inbox
from koma.stores.lock import StateLock
from support.scripted import make_job
from support.workspaces import ADULT, STILL, VIDEO, Workspace


def wishes(workspace: Workspace) -> list[Request]:
    return [Request(r.wish, r.targets) for r in Inbox(workspace.root / "outputs/.koma/inbox").read()]


LEFT = {
    "retry of one target": (["retry", STILL], Request(Wish.RETRY, (STILL,))),
    "retry of a pattern": (["retry", "*/video"], Request(Wish.RETRY, ("*/video",))),
    "cancel of a scene and a target": (["cancel", "s01", STILL], Request(Wish.CANCEL, ("s01", STILL))),
    "pause": (["pause"], Request(Wish.PAUSE)),
    "pause after what renders now": (["pause", "--after-current"], Request(Wish.PAUSE_AFTER_CURRENT)),
    "resume": (["resume"], Request(Wish.RESUME)),
}


@pytest.mark.parametrize(("argv", "request_"), LEFT.values(), ids=LEFT.keys())
def test_a_wish_lies_in_the_inbox(workspace, argv, request_):
    done = workspace.koma(*argv)
    assert done.code == 0
    assert wishes(workspace) == [request_]
    assert "no daemon runs here: the next `koma run` hears it" in done.err


RENDERING = replace(make_job("p/s01/sh010/still"), state=JobState.SUBMITTED, running_since=1.0)
THERE = replace(make_job("p/s01/sh020/still"), state=JobState.SUBMITTED)
PUBLISHING = replace(make_job("p/s01/sh030/still"), state=JobState.PUBLISHING)
QUEUED = make_job("p/s01/sh040/still")


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        pytest.param(
            Wish.PAUSE,
            ["sh010 finished: rendering since", "sh030 finished: publishing", "sh020 finished: it waits at the server", "1 job will wait"],
            id="a pause finishes what is at the server",
        ),
        pytest.param(
            Wish.PAUSE_AFTER_CURRENT,
            ["sh010 finished: rendering since", "sh030 finished: publishing", "sh020 comes back into the queue", "2 jobs will wait"],
            id="after the current one the rest comes back",
        ),
        pytest.param(Wish.RESUME, ["1 job in the queue"], id="the end of a pause says what goes on"),
    ],
)
def test_what_a_pause_means_for_each_job_is_said(wish, said):
    found = list(lines_of([RENDERING, THERE, PUBLISHING, QUEUED], wish))
    assert len(found) == len(said)
    for line, words in zip(found, said, strict=True):
        assert all(word in line for word in words.split()), (line, words)
    assert list(lines_of([], wish)) == []


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
