"""The work tree as one snapshot: what counts, what is read again, and that no half-made change is ever seen."""

import errno
import itertools
import os
import time
from hashlib import sha256

import pytest

from koma.core.catalog import catalog
from koma.core.faults import SourceError
from koma.core.snapshot import unread_documents
from koma.sources import directory
from koma.sources import scan as scanning
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


BESIDE = {
    "vim, a swap file": "scenes/.s01.yaml.swp",
    "vim, whether it may write": "scenes/4913",
    "vim and emacs, the copy of before": "scenes/s01.yaml~",
    "emacs, what was not saved yet": "scenes/#s01.yaml#",
    "gedit": "scenes/.goutputstream-X1Y2Z3",
    "JetBrains": "scenes/s01.yaml___jb_tmp___",
    "a browser": "references/aki/face.png.crdownload",
    "a copy that is not whole": "references/aki/face.png.part",
    "an editor at a template": "templates/own/graph.json.j2~",
    "an editor at a template of all": "../../templates/still/.template.yaml.swx",
}


@pytest.mark.parametrize("path", BESIDE.values(), ids=BESIDE.keys())
def test_what_editors_keep_beside_a_file_does_not_count(tree, path):
    before = tree.snapshot()
    tree.write(f"{HOME}/{path}")
    assert tree.snapshot() == before
    assert tree.hashed == []


def test_an_emacs_lock_is_a_link_to_nowhere_and_does_not_count(tree):
    before = tree.snapshot()
    (tree.root / HOME / "scenes/.#s01.yaml").symlink_to("me@host.1234:5678")
    assert tree.snapshot() == before


def test_a_file_that_does_not_count_may_change_for_ever(tree, monkeypatch):
    log = tree.write(f"{HOME}/render.log")
    tree.write(f"{HOME}/scenes/s02.yaml")
    Meddling(monkeypatch, lambda look: log.write_text("x" * look), always=True)
    assert f"{HOME}/scenes/s02.yaml" in tree.snapshot().documents


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


def test_a_change_that_leaves_size_time_and_file_as_they_were_is_read_all_the_same(tree):
    """As `cp --preserve` and `rsync --times --inplace` do: the content decides, and the kernel's ctime says that it is to be read."""
    before = tree.snapshot()
    scene = tree.root / HOME / "scenes/s01.yaml"
    inode = scene.stat().st_ino
    with scene.open("r+b") as file:
        file.write(b"kind: sceme")
    os.utime(scene, ns=(LONG_AGO, LONG_AGO))
    assert (scene.stat().st_ino, scene.stat().st_mtime_ns) == (inode, LONG_AGO)
    after = tree.snapshot()
    assert tree.hashed == [f"{HOME}/scenes/s01.yaml"]
    assert before.documents[f"{HOME}/scenes/s01.yaml"].digest != after.documents[f"{HOME}/scenes/s01.yaml"].digest


def test_a_file_from_the_future_is_read_every_time(tree):
    ahead = time.time_ns() + 365 * 86400 * 10**9
    tree.snapshot()
    for text in ("kind: one..", "kind: two.."):
        tree.write(f"{HOME}/scenes/s01.yaml", text, ahead)
        found = tree.snapshot()
        assert tree.hashed == [f"{HOME}/scenes/s01.yaml"]
        assert found.documents[f"{HOME}/scenes/s01.yaml"].digest == sha256(text.encode()).hexdigest()
    assert tree.snapshot().documents == found.documents


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


def test_a_file_that_vanishes_during_a_look_is_gone_and_no_error(tree, monkeypatch):
    real, scene = scanning._stat, tree.root / HOME / "scenes/s01.yaml"

    def vanishing(entry, path):
        scene.unlink(missing_ok=True)
        return real(entry, path)

    monkeypatch.setattr(scanning, "_stat", vanishing)
    assert f"{HOME}/scenes/s01.yaml" not in [stat.path for stat in scan(str(tree.root), [HOME])]


def test_a_disk_that_fails_gives_no_snapshot(tree, monkeypatch):
    def failing(_root, _folders):
        raise OSError(errno.EIO, "Input/output error", "/srv/anime/projects")

    monkeypatch.setattr(directory, "scan", failing)
    with pytest.raises(SourceError, match="/srv/anime/projects can't be read: Input/output error"):
        tree.snapshot()


@pytest.fixture
def shut(tree, monkeypatch):
    """Close a folder: for root no permission does."""
    real = os.scandir

    def shut(path):
        def scandir(folder):
            if os.fspath(folder) == str(tree.root / path):
                raise PermissionError(errno.EACCES, "Permission denied", folder)
            return real(folder)

        monkeypatch.setattr("koma.sources.scan.os.scandir", scandir)

    return shut


@pytest.mark.parametrize("path", [f"{HOME}/scenes", HOME], ids=["a folder of scenes", "a whole project"])
def test_a_folder_that_can_not_be_listed_may_hide_documents(tree, shut, path):
    tree.snapshot()
    shut(path)
    found = tree.snapshot()
    assert [(problem.place.file, problem.code) for problem in found.problems] == [(path, "unreadable")]
    assert unread_documents(found) == [path]
    assert catalog(found, {}, unread_documents(found))[0][0].unread


class Waits:
    """In the place of sleeping: what was waited for, and something that happens meanwhile."""

    def __init__(self, meanwhile=lambda: None):
        self.seconds = []
        self._meanwhile = meanwhile

    def __call__(self, seconds):
        self.seconds.append(seconds)
        self._meanwhile()


def test_what_changed_a_moment_ago_is_waited_for_until_it_is_still(tree):
    waits = Waits()
    tree.snapshot(quiet_seconds=0.5, pause=waits)
    assert 0 < waits.seconds[0] <= 0.5
    assert len(waits.seconds) == 1


def test_nothing_is_waited_for_where_nothing_changed(tree):
    tree.snapshot()
    waits = Waits()
    tree.snapshot(quiet_seconds=0.5, pause=waits)
    assert waits.seconds == []


def test_what_was_taken_away_is_waited_for_because_more_may_follow(tree):
    tree.snapshot()
    (tree.root / HOME / "scenes/s01.yaml").unlink()
    waits = Waits(lambda: (tree.root / HOME / "project.yaml").unlink(missing_ok=True))
    assert tree.snapshot(quiet_seconds=0.5, pause=waits).documents == {}
    assert waits.seconds == [0.5, 0.25]


def test_a_file_that_never_rests_is_waited_for_less_and_less(tree):
    count = itertools.count(1)
    waits = Waits(lambda: tree.write(f"{HOME}/scenes/s01.yaml", "x" * next(count)))
    with pytest.raises(SourceError, match=r"s01\.yaml changed"):
        tree.snapshot(quiet_seconds=0.5, pause=waits)
    assert len(waits.seconds) == TRIES
    assert sum(waits.seconds) <= 1.0


@pytest.fixture
def locked(tree):
    """The tree lies in a repository whose index is locked, and something has changed."""
    lock = tree.root / ".git/index.lock"
    lock.parent.mkdir()
    lock.touch()
    tree.write(f"{HOME}/scenes/s02.yaml")
    return lock


def test_while_git_holds_its_lock_no_snapshot_is_given(tree, locked):
    with pytest.raises(SourceError, match=r"git is changing files: it holds .*index\.lock"):
        tree.snapshot()


def test_a_lock_that_goes_away_is_waited_for(tree, locked):
    waits = Waits(lambda: locked.unlink(missing_ok=True))
    assert f"{HOME}/scenes/s02.yaml" in tree.snapshot(quiet_seconds=0.5, pause=waits).documents
    assert waits.seconds[0] == 0.5


def test_where_nothing_changed_a_lock_does_not_matter(tree, locked):
    locked.unlink()
    before = tree.snapshot()
    locked.touch()
    assert tree.snapshot() == before


def test_a_lock_that_a_killed_git_left_behind_is_not_waited_for_for_ever(tree, locked, monkeypatch):
    os.utime(locked, ns=(LONG_AGO, LONG_AGO))
    monkeypatch.setattr(directory, "LOCKED_SECONDS", 0.0)  # nothing can date a ctime back
    assert f"{HOME}/scenes/s02.yaml" in tree.snapshot().documents


@pytest.mark.parametrize("days", [-1, 1], ids=["of yesterday", "of tomorrow"])
def test_a_lock_counts_until_the_same_tree_has_been_seen_for_long_enough(tree, locked, monkeypatch, days):
    """Whatever the clocks say: a lock that is dated in the future would else count until then."""
    when = time.time_ns() + days * 86400 * 10**9
    os.utime(locked, ns=(when, when))
    source = tree.source()
    with pytest.raises(SourceError):
        source.snapshot()
    later = time.monotonic_ns() + 31 * 10**9
    monkeypatch.setattr("koma.sources.directory.time.monotonic_ns", lambda: later)
    assert f"{HOME}/scenes/s02.yaml" in source.snapshot().documents


def test_a_hook_of_git_does_not_wait_for_the_git_that_waits_for_it(tree, locked, monkeypatch):
    monkeypatch.setenv("GIT_INDEX_FILE", str(locked))
    assert f"{HOME}/scenes/s02.yaml" in tree.snapshot().documents


def test_the_lock_of_a_further_work_tree_lies_where_its_file_says(tree, tmp_path):
    lock = tmp_path / "elsewhere/.git/worktrees/one/index.lock"
    lock.parent.mkdir(parents=True)
    lock.touch()
    (tree.root / ".git").write_text("gitdir: elsewhere/.git/worktrees/one\n")
    with pytest.raises(SourceError, match=r"elsewhere/\.git/worktrees/one/index\.lock"):
        tree.snapshot()
    (tree.root / ".git").write_text("nothing of git's\n")
    assert len(tree.snapshot().documents) == 2


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


TWINS = {
    "case": ("scenes/S01.yaml", "only in upper and lower case"),
    "the case of letters that grow": ("scenes/stra\u00dfe.yaml", "only in upper and lower case"),
    "Unicode form": ("scenes/cafe\u0301.yaml", r"'projects/p/scenes/caf\xe9.yaml' only in the Unicode form"),
}
OTHERS = {"case": "scenes/s01.yaml", "the case of letters that grow": "scenes/STRASSE.yaml", "Unicode form": "scenes/caf\u00e9.yaml"}


@pytest.mark.parametrize("what", TWINS)
def test_documents_whose_names_differ_only_in(tree, what):
    path, said = TWINS[what]
    tree.write(f"{HOME}/{path}")
    tree.write(f"{HOME}/{OTHERS[what]}")
    found = tree.snapshot()
    here, there = sorted((f"{HOME}/{path}", f"{HOME}/{OTHERS[what]}"))
    assert [(problem.place.file, problem.code) for problem in found.problems] == [(here, "alike-names"), (there, "alike-names")]
    assert any(said in problem.message for problem in found.problems)
    assert {here, there}.isdisjoint(found.documents)
    assert unread_documents(found) == [here, there]


def test_folders_of_references_whose_names_differ_only_in_case(tree):
    tree.write(f"{HOME}/references/Aki/other.png")
    found = tree.snapshot()
    assert [problem.place.file for problem in found.problems] == [f"{HOME}/references/Aki", f"{HOME}/references/aki"]
    assert f"from that of {HOME}/references/aki only" in found.problems[0].message
    assert {file.digest for file in found.images.values()} == {""}
    assert unread_documents(found) == []


def test_templates_whose_names_differ_only_in_case(tree):
    tree.write("templates/Still/template.yaml")
    found = tree.snapshot()
    assert [problem.place.file for problem in found.problems] == ["templates/Still", "templates/still"]
    assert found.templates == {}


def test_the_same_name_in_two_folders_is_no_mistake(tree):
    tree.write(f"{HOME}/more/S01.yaml")
    tree.write("projects/q/Project.yaml")
    assert tree.snapshot().problems == ()


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
