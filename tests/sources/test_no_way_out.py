"""Nothing outside of the folders that were named is ever read: not by a link, not by one that is put there in between, not by a pipe."""

import os
from hashlib import sha256
from pathlib import Path

import pytest

from koma.core.snapshot import unread_documents
from koma.files import LinkedFolderError, below, open_beneath, read_file
from koma.sources import directory
from koma.sources.cache import Cache
from koma.sources.directory import DirectorySource
from koma.sources.scan import scan

SECRET = b"kind: scene\nid: stolen\n"
HOME = "projects/p"
SCENE = f"{HOME}/scenes/s01.yaml"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "workspace"
    for path in (f"{HOME}/project.yaml", SCENE, f"{HOME}/references/aki/face.png", "templates/still/template.yaml"):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text("kind: project")
    outside = tmp_path / "outside"
    outside.mkdir()
    for name in ("s01.yaml", "face.png", "template.yaml", "project.yaml"):
        (outside / name).write_bytes(SECRET)
    return root


def source(tree: Path, cache: Cache) -> DirectorySource:
    return DirectorySource(tree, ["projects/*"], "templates", cache)


@pytest.fixture
def cache(tmp_path):
    with Cache(tmp_path / "cache.db", version="1") as cache:
        yield cache


def swap(path: Path, outside: Path) -> None:
    """Put a link in the place of a file or folder."""
    path.rename(path.with_name(f".{path.name}"))
    path.symlink_to(outside)


def swap_back(path: Path) -> None:
    path.unlink()
    path.with_name(f".{path.name}").rename(path)


@pytest.mark.parametrize(
    ("path", "outside"),
    [(SCENE, "s01.yaml"), (f"{HOME}/scenes", ""), (HOME, ""), (f"{HOME}/references/aki/face.png", "face.png"), ("templates/still", "")],
    ids=["a document", "a folder of documents", "a project", "a picture", "a template"],
)
def test_a_link_that_is_put_there_between_looking_and_reading_is_not_followed(tree, cache, tmp_path, monkeypatch, path, outside):
    spot = tree / path

    def meddling(root, folders):
        found = scan(root, folders)
        if not spot.is_symlink():
            swap(spot, tmp_path / "outside" / outside)
        return found

    real = DirectorySource._hash

    def hashing(self, stats, known):
        try:
            return real(self, stats, known)
        finally:
            swap_back(spot)

    monkeypatch.setattr(directory, "scan", meddling)
    monkeypatch.setattr(DirectorySource, "_hash", hashing)
    found = source(tree, cache).snapshot
    stolen = sha256(SECRET).hexdigest()
    try:
        snapshot = found()
    except directory.SourceError:
        return  # it never stood still
    files = {**snapshot.documents, **snapshot.images, **snapshot.templates}
    assert stolen not in {file.digest for file in files.values()}
    assert SECRET not in source(tree, cache).read(list(files.values())).values()


def test_a_link_that_is_put_there_after_the_snapshot_is_not_read(tree, cache, tmp_path):
    here = source(tree, cache)
    snapshot = here.snapshot()
    swap(tree / SCENE, tmp_path / "outside/s01.yaml")
    assert here.read([snapshot.documents[SCENE]]) == {}


def test_a_project_that_is_a_link_is_told_and_nothing_of_it_counts_as_gone(tree, cache, tmp_path):
    (tree / HOME).rename(tmp_path / "moved")
    (tree / HOME).symlink_to(tmp_path / "moved")
    snapshot = source(tree, cache).snapshot()
    assert [(problem.place.file, problem.code) for problem in snapshot.problems] == [(HOME, "symlink")]
    assert snapshot.project_folders == (HOME,)
    assert not snapshot.documents
    assert unread_documents(snapshot) == [HOME]


def test_a_folder_that_the_settings_name_may_be_a_link(tree, cache, tmp_path):
    for name in ("projects", "templates"):
        (tree / name).rename(tmp_path / name)
        (tree / name).symlink_to(tmp_path / name)
    snapshot = source(tree, cache).snapshot()
    assert snapshot.problems == ()
    assert set(snapshot.documents) == {f"{HOME}/project.yaml", SCENE}
    assert set(source(tree, cache).read([*snapshot.documents.values(), *snapshot.templates.values()])) == {
        f"{HOME}/project.yaml",
        SCENE,
        "templates/still/template.yaml",
    }


def test_a_pipe_is_told_and_holds_nobody_up(tree, cache):
    os.mkfifo(tree / HOME / "pipe.yaml")
    snapshot = source(tree, cache).snapshot()
    assert [(problem.place.file, problem.code) for problem in snapshot.problems] == [(f"{HOME}/pipe.yaml", "unreadable")]


ODD = {
    "bytes that are no UTF-8": (b"a\xff.yaml", "a\\udcff.yaml"),
    "an escape sequence": (b"a\x1b[31m.yaml", "a\\x1b[31m.yaml"),
    "a line break": (b"a\nb.yaml", "a b.yaml"),
    "a turned reading direction": ("a\u202eb.yaml".encode(), "a\\u202eb.yaml"),
}


@pytest.mark.parametrize(("name", "shown"), ODD.values(), ids=ODD.keys())
def test_a_name_that_cannot_be_shown_is_told_spelled_out(tree, cache, name, shown):
    Path(os.fsdecode(os.fsencode(tree / HOME) + b"/" + name)).write_bytes(SECRET)
    snapshot = source(tree, cache).snapshot()
    (problem,) = snapshot.problems
    assert (problem.place.file, problem.code) == (f"{HOME}/{shown}", "odd-name")
    assert len(snapshot.documents) == 2
    assert unread_documents(snapshot) == [f"{HOME}/{shown}"]


@pytest.mark.parametrize("place", [HOME, "projects", "templates"], ids=["in a project", "as a project", "as a template"])
def test_a_folder_with_such_a_name_is_told_and_not_looked_into(tree, cache, place):
    folder = Path(os.fsdecode(os.fsencode(tree / place) + b"/x\xff"))
    folder.mkdir()
    (folder / "template.yaml").write_bytes(SECRET)
    snapshot = source(tree, cache).snapshot()
    assert [(problem.place.file, problem.code) for problem in snapshot.problems] == [(f"{place}/x\\udcff", "odd-name")]
    assert len(snapshot.documents) == 2
    assert len(snapshot.templates) == 1


def test_opening_goes_step_by_step(tree, tmp_path):
    with open_beneath(tree, SCENE) as stream:
        assert stream.read() == b"kind: project"
    (tree / HOME / "out").symlink_to(tmp_path / "outside")
    (tree / HOME / "out.yaml").symlink_to(tmp_path / "outside/s01.yaml")
    for path in (f"{HOME}/out/s01.yaml", f"{HOME}/out.yaml", f"{HOME}/scenes", f"{HOME}/nothing"):
        with pytest.raises(OSError, match=r".") as caught:
            open_beneath(tree, path)
        assert str(caught.value)


def test_a_file_is_read_within_limits_and_never_by_a_link(tree, tmp_path):
    file = tree / SCENE
    assert read_file(file, 100) == b"kind: project"
    with pytest.raises(ValueError, match="more than 5 bytes"):
        read_file(file, 5)
    link = tmp_path / "link"
    link.symlink_to(file)
    for path in (link, tree, Path(os.devnull)):
        with pytest.raises(OSError, match=r"."):
            read_file(path, 100)


def test_a_folder_that_is_a_link_is_no_place_to_write_to(tree, tmp_path):
    assert below(tree, tree / "new/folder/x") == tree / "new/folder/x"
    (tree / "out").symlink_to(tmp_path / "outside")
    with pytest.raises(LinkedFolderError, match="out is a symbolic link"):
        below(tree, tree / "out/folder/x")
