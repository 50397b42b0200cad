"""Which takes keep their files: whatever is needed, and nothing that is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koma.core.retention import Needs, Remembered, cutoff, kept, newest_commits

NOTHING = Needs(frozenset(), frozenset(), frozenset(), frozenset(), since=1000.0)
NAMES = st.sampled_from("abcdef")
TARGETS = st.sampled_from(["p/s01/a", "p/s01/b", "p/s02/a", "q/s01/a"])
TAKES = st.lists(
    st.builds(
        Remembered,
        NAMES,
        TARGETS,
        st.sampled_from(["draft", "final"]),
        NAMES,
        st.sampled_from(["", "c1", "c2"]),
        st.floats(0, 2000),
        st.floats(0, 2000),
        st.booleans(),
    ),
    max_size=12,
)
PREFIXES = st.sampled_from(["p", "p/s01", "q", "*"])
NEEDS = st.builds(
    Needs,
    st.frozensets(NAMES),
    st.frozensets(NAMES),
    st.frozensets(PREFIXES),
    st.frozensets(st.sampled_from(["c1", "c2", ""])),
    st.floats(0, 2000),
)


def old(number=1, **changes):
    """A take that nothing needs: another one of its target is newer, under another render_key."""
    take = Remembered(f"t{number}", "p/s01/sh010/still", "final", f"k{number}", "", 10.0 + number, 10.0 + number)
    return take._replace(**changes)


NEWEST = Remembered("newest", "p/s01/sh010/still", "final", "newest key", "", 900.0, 900.0)


@pytest.mark.parametrize(
    ("take", "needs"),
    [
        pytest.param(old(), NOTHING._replace(takes={"t1"}), id="it is published, or pinned"),
        pytest.param(old(), NOTHING._replace(keys={"k1"}), id="its render_key is wanted, or published"),
        pytest.param(old(approved=True), NOTHING, id="a person approved it"),
        pytest.param(old(commit="c1"), NOTHING._replace(commits={"c1"}), id="its receipt names one of the last commits"),
        pytest.param(old(used_at=1000.0), NOTHING, id="it was in use lately"),
        pytest.param(old(), NOTHING._replace(unsure={"p/s01"}), id="its scene can't be read"),
        pytest.param(old(), NOTHING._replace(unsure={"*"}), id="nothing can be read"),
        pytest.param(old(render_key="newest key"), NOTHING, id="it is a take of the newest render_key of its target"),
        pytest.param(old(rendition="draft"), NOTHING, id="it is the newest of its rendition"),
    ],
)
def test_a_take_keeps_its_files_where(take, needs):
    assert take.take_key in kept([NEWEST, take], needs)


@pytest.mark.parametrize(
    ("take", "needs"),
    [
        pytest.param(old(), NOTHING, id="nothing needs it"),
        pytest.param(old(), NOTHING._replace(commits={"", "c1"}), id="it names no commit"),
        pytest.param(old(), NOTHING._replace(unsure={"p/s0"}), id="a scene with another name can't be read"),
    ],
)
def test_a_take_may_go_where(take, needs):
    assert kept([NEWEST, take], needs) == {"newest"}


def test_the_newest_is_what_was_made_last_and_not_what_was_shown_until_then():
    replaced = old(used_at=999.0)
    assert kept([NEWEST, replaced], NOTHING) == {"newest"}


def test_one_drawing_for_two_targets_is_kept_for_either():
    shared = old(take_key="shared")
    other = shared._replace(target="p/s01/sh020/still")
    assert "shared" in kept([NEWEST, shared, other], NOTHING)


@given(TAKES, NEEDS)
def test_whatever_is_protected_is_kept(takes, needs):
    found = kept(takes, needs)
    for take in takes:
        if (
            take.approved
            or take.take_key in needs.takes
            or take.render_key in needs.keys
            or take.commit in needs.commits - {""}
            or take.used_at >= needs.since
        ):
            assert take.take_key in found


@given(TAKES, NEEDS)
def test_of_each_target_and_rendition_something_is_kept(takes, needs):
    found = kept(takes, needs)
    assert {(take.target, take.rendition) for take in takes} == {(take.target, take.rendition) for take in takes if take.take_key in found}


@given(TAKES, NEEDS, NEEDS)
def test_needing_more_never_keeps_less(takes, needs, more):
    both = Needs(*(a | b for a, b in zip(needs[:4], more[:4], strict=True)), min(needs.since, more.since))
    assert kept(takes, needs) <= kept(takes, both)


@given(TAKES, NEEDS)
def test_once_the_others_are_gone_nothing_more_goes(takes, needs):
    found = kept(takes, needs)
    left = [take for take in takes if take.take_key in found]
    assert kept(left, needs) == found


@pytest.mark.parametrize(
    ("commits", "since"),
    [
        pytest.param([], 70.0, id="without commits: so long ago"),
        pytest.param([90.0, 80.0], 70.0, id="all commits are newer: so long ago"),
        pytest.param([90.0, 20.0], 20.0, id="the first commit is older: since then"),
    ],
)
def test_what_was_in_use_is_kept_since(commits, since):
    assert cutoff(100.0, 30.0, commits) == since


def test_the_last_commits_are_those_that_receipts_named_last():
    takes = [
        old(1, commit="a", used_at=5.0),
        old(2, commit="b", used_at=3.0),
        old(3, commit="b", used_at=9.0),
        old(4, commit="c", used_at=1.0),
        old(5),
    ]
    assert newest_commits(takes, 2) == {"a", "b"}
    assert newest_commits(takes, 0) == set()
