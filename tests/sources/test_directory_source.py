"""The work tree as one snapshot: what counts, what is read again, and that no half-made change is ever seen."""

import os
import time

import pytest

from koma.core.faults import SourceError
from koma.core.snapshot import unread_documents
from koma.sources import directory
from koma.sources.cache import Cache
from koma.sources.directory import MAX_BYTES, TRIES, DirectorySource, expand
from koma.sources.scan import scan

LONG_AGO = time.time_ns() - 3600 * 10**9
HOME = "projects/p"


class Tree:
    """A small workspace: files written long ago, a source on it, and a count of the files that were hashed."""

    def __init__(self, root, cache, monkeypatch):
        self.root, self.cache = root, cache
        self.hashed = []
        real = DirectorySource._hash_one

        def counting(source, stat):
            self.hashed.append(stat.path)
            return real(source, stat)

        monkeypatch.setattr(DirectorySource, "_hash_one", counting)

    def write(self, path, text="x", when=LONG_AGO):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode() if isinstance(text, str) else text)
        os.utime(file, ns=(when, when))
        return file

    def source(self, **more):
        return DirectorySource(self.root, ["projects/*"], "templates", self.cache, **more)

    def snapshot(self, **more):
        self.hashed.clear()
        return self.source(**more).snapshot()


@pytest.fixture
def tree(tmp_path, monkeypatch):
    with Cache(tmp_path / "outputs/.koma/cache.db", version="1") as cache:
        made = Tree(tmp_path, cache, monkeypatch)
        made.write(f"{HOME}/project.yaml", "kind: project")
        made.write(f"{HOME}/scenes/s01.yaml", "kind: scene")
        made.write(f"{HOME}/references/aki/face.png", "picture")
        made.write("templates/still/template.yaml", "kind: template")
        yield made


def paths(files):
    return sorted(files)


def test_files_are_sorted_by_what_they_are_for(tree):
    tree.write(f"{HOME}/notes.md")
    tree.write(f"{HOME}/proposals/s02.yaml")
    found = tree.snapshot()
    assert found.project_folders == (HOME,)
    assert paths(found.documents) == [f"{HOME}/project.yaml", f"{HOME}/scenes/s01.yaml"]
    assert paths(found.images) == [f"{HOME}/references/aki/face.png"]
    assert paths(found.templates) == ["templates/still/template.yaml"]
    assert (found.problems, found.unsettled, found.commit) == ((), 0.0, "")


def test_a_workspace_without_anything_is_an_empty_snapshot(tmp_path):
    with Cache(tmp_path / "cache.db", version="1") as cache:
        found = DirectorySource(tmp_path, ["projects/*"], "templates", cache).snapshot()
    assert (found.project_folders, found.documents, found.templates) == ((), {}, {})


def test_hidden_files_do_not_count(tree):
    tree.write(f"{HOME}/.s02.yaml.swp")
    tree.write(f"{HOME}/.git/config.yaml")
    tree.write(f"{HOME}/__pycache__/x.yaml")
    assert len(tree.snapshot().documents) == 2


def test_nothing_is_read_twice(tree):
    tree.snapshot()
    assert len(tree.hashed) == 4
    again = tree.snapshot()
    assert tree.hashed == []
    assert len(again.documents) == 2


def test_only_what_changed_is_read_again(tree):
    before = tree.snapshot()
    tree.write(f"{HOME}/scenes/s01.yaml", "kind: other", LONG_AGO + 1)
    after = tree.snapshot()
    assert tree.hashed == [f"{HOME}/scenes/s01.yaml"]
    assert before.documents[f"{HOME}/scenes/s01.yaml"].digest != after.documents[f"{HOME}/scenes/s01.yaml"].digest


def test_a_file_written_a_moment_ago_is_read_again_because_its_time_may_not_move(tree):
    now = time.time_ns()
    tree.write(f"{HOME}/scenes/s01.yaml", "kind: one..", now)
    before = tree.snapshot()
    tree.write(f"{HOME}/scenes/s01.yaml", "kind: two..", now)
    after = tree.snapshot()
    assert tree.hashed == [f"{HOME}/scenes/s01.yaml"]
    assert before.documents[f"{HOME}/scenes/s01.yaml"].digest != after.documents[f"{HOME}/scenes/s01.yaml"].digest


def test_another_file_of_the_same_size_and_time_is_read_because_it_is_another_file(tree):
    before = tree.snapshot()
    other = tree.write("other.yaml", "kind: sceme")
    other.rename(tree.root / HOME / "scenes/s01.yaml")
    after = tree.snapshot()
    assert before.documents[f"{HOME}/scenes/s01.yaml"].digest != after.documents[f"{HOME}/scenes/s01.yaml"].digest


def test_a_renamed_file_keeps_its_digest(tree):
    before = tree.snapshot().documents[f"{HOME}/scenes/s01.yaml"]
    (tree.root / HOME / "scenes/s01.yaml").rename(tree.root / HOME / "scenes/s99.yaml")
    after = tree.snapshot().documents
    assert f"{HOME}/scenes/s01.yaml" not in after
    assert after[f"{HOME}/scenes/s99.yaml"].digest == before.digest


class Meddling:
    """Changes the tree right after a look: after the first, or after each."""

    def __init__(self, monkeypatch, meddle, *, always=False):
        self.looks = 0

        def looking(root, folders):
            found = scan(root, folders)
            self.looks += 1
            if always or self.looks == 1:
                meddle(self.looks)
            return found

        monkeypatch.setattr(directory, "scan", looking)


def test_a_change_between_two_looks_is_seen_whole_or_not_at_all(tree, monkeypatch):
    def save_both(_look):
        tree.write(f"{HOME}/scenes/s01.yaml", "kind: scene, new")
        tree.write(f"{HOME}/characters/aki.yaml", "kind: character")

    looks = Meddling(monkeypatch, save_both)
    found = tree.snapshot()
    assert f"{HOME}/characters/aki.yaml" in found.documents
    assert looks.looks > 2


def test_a_file_that_moves_past_a_look_is_not_missed(tree, monkeypatch):
    """Moved from a folder that was not looked at yet into one that was: the first look sees it nowhere."""
    tree.snapshot()
    aside, home = tree.root / "aside.yaml", tree.root / HOME / "scenes/s01.yaml"
    home.rename(aside)
    Meddling(monkeypatch, lambda _look: aside.rename(home))
    assert f"{HOME}/scenes/s01.yaml" in tree.snapshot().documents


def test_a_file_that_vanishes_while_it_is_read_is_gone_and_no_problem(tree, monkeypatch):
    Meddling(monkeypatch, lambda _look: (tree.root / HOME / "scenes/s01.yaml").unlink())
    found = tree.snapshot()
    assert (paths(found.documents), found.problems) == ([f"{HOME}/project.yaml"], ())


def test_a_project_that_appears_between_two_looks_is_looked_at(tree, monkeypatch):
    Meddling(monkeypatch, lambda _look: tree.write("projects/q/project.yaml"))
    assert tree.snapshot().project_folders == (HOME, "projects/q")


def test_a_tree_that_never_rests_gives_no_snapshot(tree, monkeypatch):
    looks = Meddling(monkeypatch, lambda look: tree.write(f"{HOME}/scenes/s01.yaml", "x" * look, LONG_AGO + look), always=True)
    with pytest.raises(SourceError, match=f"s01.yaml changed on each of {TRIES} looks"):
        tree.snapshot()
    assert looks.looks == 2 * TRIES


def test_what_was_taken_away_is_forgotten(tree):
    tree.snapshot()
    (tree.root / HOME / "scenes/s01.yaml").unlink()
    tree.snapshot()
    assert f"{HOME}/scenes/s01.yaml" not in tree.cache.files()


def linked(tree, path):
    elsewhere = tree.write("elsewhere.yaml", "kind: scene")
    (tree.root / path).unlink()
    (tree.root / path).symlink_to(elsewhere)


def too_large(tree, path):
    with (tree.root / path).open("r+b") as file:
        file.truncate(MAX_BYTES + 1)


UNREAD = {"symlink": linked, "too-large": too_large}


@pytest.mark.parametrize(("code", "spoil"), UNREAD.items())
def test_a_document_that_is_not_read_is_a_problem_and_not_simply_gone(tree, code, spoil):
    path = f"{HOME}/scenes/s01.yaml"
    spoil(tree, path)
    for _ in range(2):
        found = tree.snapshot()
        assert path not in found.documents
        assert [(problem.place.file, problem.code) for problem in found.problems] == [(path, code)]
        assert unread_documents(found) == [path]


def test_a_file_that_can_not_be_opened_is_a_problem(tree, monkeypatch):
    tree.write(f"{HOME}/scenes/s02.yaml")
    monkeypatch.setattr(DirectorySource, "_hash_one", lambda *_: None)
    found = tree.snapshot()
    assert {problem.code for problem in found.problems} == {"unreadable"}
    assert len(found.problems) == 5
    assert len(unread_documents(found)) == 3


def test_a_picture_that_is_not_read_is_a_problem_and_has_no_digest(tree):
    path = f"{HOME}/references/aki/face.png"
    linked(tree, path)
    found = tree.snapshot()
    assert found.images[path].digest == ""
    assert [problem.place.file for problem in found.problems] == [path]
    assert unread_documents(found) == []


def test_a_link_to_a_folder_may_hide_documents(tree):
    elsewhere = tree.root / "elsewhere"
    elsewhere.mkdir()
    (tree.root / HOME / "more").symlink_to(elsewhere, target_is_directory=True)
    found = tree.snapshot()
    assert [(problem.place.file, problem.code) for problem in found.problems] == [(f"{HOME}/more", "symlink")]
    assert unread_documents(found) == [f"{HOME}/more"]


def test_a_link_to_a_folder_of_pictures_hides_no_documents(tree):
    elsewhere = tree.root / "elsewhere"
    elsewhere.mkdir()
    (tree.root / HOME / "references/ren").symlink_to(elsewhere, target_is_directory=True)
    found = tree.snapshot()
    assert [problem.code for problem in found.problems] == ["symlink"]
    assert unread_documents(found) == []


def test_a_link_to_something_that_koma_does_not_read_is_no_problem(tree):
    (tree.root / HOME / "notes.md").symlink_to(tree.write("elsewhere.md"))
    (tree.root / HOME / "nowhere").symlink_to(tree.root / "nothing")
    assert tree.snapshot().problems == ()


def test_links_in_a_circle_end(tree):
    (tree.root / HOME / "scenes/loop").symlink_to(tree.root / HOME, target_is_directory=True)
    assert len(tree.snapshot().documents) == 2


def test_bytes_are_given_only_as_they_were(tree):
    source = tree.source()
    found = source.snapshot()
    project, scene = (found.documents[path] for path in paths(found.documents))
    tree.write(scene.path, "kind: changed")
    assert source.read([project, scene]) == {project.path: b"kind: project"}
    (tree.root / project.path).unlink()
    assert source.read([project, scene]) == {}


def test_a_picture_lies_where_it_is(tree):
    source = tree.source()
    picture = source.snapshot().images[f"{HOME}/references/aki/face.png"]
    assert source.local(picture).read_bytes() == b"picture"


FACE = f"{HOME}/references/aki/face.png"
NEW = f"{HOME}/references/aki/new.png"
SETTLING = {
    "dropped just now": (0, 30.0, True),
    "dropped ten seconds ago": (10, 30.0, True),
    "dropped a minute ago": (60, 30.0, False),
    "dropped just now, and nobody waits": (0, 0.0, False),
    "from the future, which says nothing": (-3600, 30.0, False),
}


@pytest.mark.parametrize(("seconds_ago", "settle", "waits"), SETTLING.values(), ids=SETTLING.keys())
def test_how_long_pictures_are_waited_for(tree, seconds_ago, settle, waits):
    source = tree.source(settle_seconds=settle)
    source.snapshot()
    tree.write(NEW, "picture", time.time_ns() - seconds_ago * 10**9)
    found = source.snapshot()
    assert (found.unsettled > 0, NEW in found.images) == (waits, not waits)
    assert found.unsettled <= max(0.0, settle - seconds_ago)


def test_a_folder_that_is_not_quiet_yet_stays_as_it_was(tree):
    source = tree.source(settle_seconds=30.0)
    before = source.snapshot().images[FACE]
    tree.write(FACE, "another picture", time.time_ns())
    assert source.snapshot().images[FACE] == before
    tree.write(FACE, "another picture", LONG_AGO + 1)
    assert source.snapshot().images[FACE] != before


def test_one_folder_does_not_wait_for_another(tree):
    source = tree.source(settle_seconds=30.0)
    source.snapshot()
    tree.write(NEW, "picture", time.time_ns())
    tree.write(f"{HOME}/references/ren/face.png", "picture")
    assert paths(source.snapshot().images) == [FACE, f"{HOME}/references/ren/face.png"]


def test_the_first_snapshot_takes_everything_as_it_is(tree):
    tree.write(NEW, "picture", time.time_ns())
    found = tree.snapshot(settle_seconds=30.0)
    assert (NEW in found.images, found.unsettled) == (True, 0.0)


def test_documents_are_not_waited_for(tree):
    source = tree.source(settle_seconds=30.0)
    source.snapshot()
    tree.write(f"{HOME}/scenes/s02.yaml", when=time.time_ns())
    found = source.snapshot()
    assert (f"{HOME}/scenes/s02.yaml" in found.documents, found.unsettled) == (True, 0.0)


WATCHES = {
    "every folder of one": (["projects/*"], ("projects/a", "projects/b")),
    "one folder": (["projects/a"], ("projects/a",)),
    "one folder, with a slash": (["projects/a/"], ("projects/a",)),
    "a folder that is named twice": (["projects/a", "projects/*"], ("projects/a", "projects/b")),
    "folders that are not there": (["films/*", "films/x"], ()),
    "folders elsewhere": (["films/*", "shorts"], ("shorts",)),
}


@pytest.mark.parametrize(("watch", "expected"), WATCHES.values(), ids=WATCHES.keys())
def test_which_folders_a_pattern_stands_for(tmp_path, watch, expected):
    for folder in ("projects/b", "projects/a", "projects/.hidden", "shorts"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "projects/file.yaml").touch()
    assert expand(tmp_path, watch) == expected
