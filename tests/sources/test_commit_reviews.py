"""In git mode reviews count as they lie in the work tree: what a person decides needs no commit."""

import os
import subprocess

import pytest

from koma.sources.cache import Cache
from koma.sources.commits import CommitSource, is_review
from koma.sources.directory import DirectorySource
from koma.sources.git import GitSource
from support.needs import needs

REVIEWS = "projects/a/reviews"
PERSON = {f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER") for what, value in (("NAME", "Aki"), ("EMAIL", "aki@example.org"))}


@pytest.fixture
def repo(tmp_path, monkeypatch):
    needs("git")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    folder = tmp_path / "repo"
    for path, text in {
        "projects/a/project.yaml": "kind: project\n",
        f"{REVIEWS}/old.yaml": "id: committed\n",
        f"{REVIEWS}/gone.yaml": "id: gone\n",
        "templates/still/graph.json.j2": "{}",
    }.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    for words in (["init", "--quiet", "--initial-branch=main"], ["add", "--all"], ["commit", "--quiet", "--message", "all"]):
        subprocess.run(["git", "-C", folder, *words], check=True, env=os.environ | PERSON, timeout=60)
    (folder / REVIEWS / "gone.yaml").unlink()
    (folder / REVIEWS / "old.yaml").write_text("id: changed\n")
    (folder / REVIEWS / "new.yaml").write_text("id: new\n")
    (folder / "projects/a/project.yaml").write_text("kind: edited\n")
    return folder


def test_reviews_are_read_from_the_work_tree_and_all_else_from_the_commit(repo, tmp_path):
    cache = Cache(tmp_path / "cache.db", version="1")
    directory = DirectorySource(repo, ["projects/*"], "templates", cache)
    source = CommitSource(directory, GitSource(repo, "main", ["projects", "templates"], tmp_path / "git"))
    snapshot = source.snapshot()
    found = source.read(list(snapshot.documents.values()))
    cache.close()
    assert found == {
        "projects/a/project.yaml": b"kind: project\n",
        f"{REVIEWS}/old.yaml": b"id: changed\n",
        f"{REVIEWS}/new.yaml": b"id: new\n",
    }


@pytest.mark.parametrize(
    ("path", "review"),
    [
        pytest.param("projects/a/reviews/x.yaml", True, id="in the project's reviews"),
        pytest.param("projects/a/reviews/july/x.yaml", True, id="or below"),
        pytest.param("projects/a/scenes/reviews/x.yaml", False, id="not in another folder of that name"),
        pytest.param("projects/b/reviews/x.yaml", False, id="nor outside of the projects"),
    ],
)
def test_which_documents_are_reviews(path, review):
    assert is_review(path, ["projects/a"]) is review
