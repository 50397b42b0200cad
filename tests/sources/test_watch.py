"""File events on a real folder: that something changed arrives, whatever it was."""

import shutil
from threading import Event

import pytest

from koma.sources.watch import Watch

PATIENCE = 20.0  # seconds until a missing event is a failure; it comes within milliseconds


@pytest.fixture
def watching(tmp_path):
    folder = tmp_path / "projects"
    folder.mkdir()
    (folder / "old.yaml").write_text("id: a\n")
    woken = Event()
    watch = Watch([folder], woken.set)
    assert watch.start() == []
    yield folder, woken, watch
    watch.stop()


def write(folder):
    (folder / "new.yaml").write_text("id: b\n")


def deep(folder):
    (folder / "a" / "b").mkdir(parents=True)


def rename(folder):
    (folder / "old.yaml").rename(folder / "renamed.yaml")


def delete(folder):
    (folder / "old.yaml").unlink()


@pytest.mark.parametrize("change", [write, deep, rename, delete], ids=["a new file", "a new folder", "a rename", "a deletion"])
def test_a_change_wakes(watching, change):
    folder, woken, _ = watching
    change(folder)
    assert woken.wait(PATIENCE)


def test_reading_does_not_wake(watching):
    folder, woken, _ = watching
    (folder / "old.yaml").read_text()
    list(folder.iterdir())
    (folder / "new.yaml").touch()  # events arrive in order, so this one comes after those of reading
    assert woken.wait(PATIENCE)


def test_a_folder_that_was_deleted_and_made_again_is_watched_again(watching):
    folder, woken, watch = watching
    shutil.rmtree(folder)
    assert "no such folder" in watch.refresh()[0]
    folder.mkdir()
    assert watch.refresh() == []
    woken.clear()
    write(folder)
    assert woken.wait(PATIENCE)


def test_a_folder_that_appears_later_is_watched_from_the_next_look_on(tmp_path):
    woken = Event()
    watch = Watch([tmp_path / "later"], woken.set)
    assert watch.start() == [f"{tmp_path / 'later'}: there is no such folder; it will be watched once it is there"]
    (tmp_path / "later").mkdir()
    assert watch.refresh() == []
    write(tmp_path / "later")
    assert woken.wait(PATIENCE)
    watch.stop()
