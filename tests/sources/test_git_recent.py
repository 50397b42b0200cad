"""The last commits of a repository with their times: what `koma gc` keeps things for."""

import os
import subprocess

import pytest

from koma.core.problem import Problem
from koma.sources.git import GitSource
from support.needs import needs

WHO = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main"]


@pytest.fixture
def repository(tmp_path):
    """Three commits, made at 1000, 2000 and 3000 seconds."""
    needs("git")
    folder = tmp_path / "story"
    folder.mkdir()
    git(folder, "init")
    for number in (1, 2, 3):
        git(folder, "commit", "--allow-empty", "--message", str(number), GIT_COMMITTER_DATE=f"@{number * 1000} +0000")
    return folder


def git(folder, *words, **env):
    done = subprocess.run(["git", *WHO, *words], cwd=folder, env={**os.environ, **env}, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def source(folder, ref="HEAD", cache=None):
    return GitSource(folder, ref, (), cache or folder / "cache")


@pytest.mark.parametrize(
    ("count", "times"),
    [(0, []), (1, [3000.0]), (2, [2000.0, 3000.0]), (50, [1000.0, 2000.0, 3000.0])],
    ids=["none asked for", "the last", "the last two", "more than there are"],
)
def test_the_last_commits_are_given_with_their_times(repository, count, times):
    assert sorted(source(repository).recent(count).values()) == times


def test_they_are_those_of_the_ref(repository):
    git(repository, "branch", "old", "HEAD~1")
    assert source(repository, "old").recent(1) == {git(repository, "rev-parse", "HEAD~1"): 2000.0}


def test_of_a_remote_repository_those_that_were_fetched_are_known(repository, tmp_path):
    remote = source(f"file://{repository}", "main", tmp_path / "cache")
    remote.resolve()
    assert sorted(remote.recent(50).values()) == [3000.0]


@pytest.mark.parametrize(
    ("make", "code"),
    [(lambda _folder: None, "not-a-repository"), (lambda folder: git(folder, "init"), "missing-ref")],
    ids=["no repository", "no commit yet"],
)
def test_where_there_is_none_a_problem_says_so(tmp_path, make, code):
    needs("git")
    make(tmp_path)
    found = source(tmp_path).recent(5)
    assert isinstance(found, Problem)
    assert found.code == code
