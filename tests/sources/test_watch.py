"""File events on a real folder: that something changed arrives, whatever it was; and what can't be watched is said."""

import ctypes
import errno
import itertools
import mmap
import shutil
from pathlib import Path
from threading import Event

import pytest
from watchdog.observers import inotify_c

from koma.core.filesystem import filesystem_of, is_silent
from koma.sources import watch as watching_module
from koma.sources.watch import Watch

INSTEAD = "changes there are found by the regular look instead"
PATIENCE = 20.0  # seconds until a missing event is a failure; it comes within milliseconds


class Watching:
    """A folder with a file in it, under watch."""

    def __init__(self, folder):
        self.folder = folder
        self.woken = Event()
        self.folders = [folder]
        self.watch = Watch(lambda: self.folders, self.woken.set)

    def write(self, path="new.yaml", text="id: b\n"):
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def wakes(self, change):
        self.woken.clear()
        change()
        return self.woken.wait(PATIENCE)


@pytest.fixture
def watching(tmp_path):
    folder = tmp_path / "projects"
    folder.mkdir()
    made = Watching(folder)
    made.write("old.yaml", "id: a\n")
    yield made
    made.watch.stop()


def write(folder):
    (folder / "new.yaml").write_text("id: b\n")


def deep(folder):
    (folder / "a" / "b").mkdir(parents=True)


def rename(folder):
    (folder / "old.yaml").rename(folder / "renamed.yaml")


def delete(folder):
    (folder / "old.yaml").unlink()


def save(folder):
    """Write beside, and rename over: how careful editors save."""
    fresh = folder.parent / "fresh.yaml"
    fresh.write_text("id: b\n")
    fresh.rename(folder / "old.yaml")


def write_through_memory(folder):
    with (folder / "old.yaml").open("r+b") as file, mmap.mmap(file.fileno(), 0) as memory:
        memory[4:5] = b"z"


CHANGES = {
    "a new file": write,
    "a new folder": deep,
    "a rename": rename,
    "a deletion": delete,
    "a file renamed over another": save,
    "a file written through memory": write_through_memory,
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_a_change_wakes(watching, change):
    assert watching.watch.start() == []
    assert watching.wakes(lambda: change(watching.folder))


def test_reading_does_not_wake(watching):
    watching.watch.start()
    (watching.folder / "old.yaml").read_text()
    list(watching.folder.iterdir())
    (watching.folder / "new.yaml").touch()  # events arrive in order, so this one comes after those of reading
    assert watching.woken.wait(PATIENCE)


def test_a_file_in_any_of_many_new_folders_wakes(watching):
    watching.watch.start()
    for number in range(200):
        (watching.folder / f"{number}/a/b/c").mkdir(parents=True)
    watching.write("199/a/b/c/last.yaml")
    assert watching.watch.refresh() == []
    assert watching_module._unwatched(watching.folder) == 0
    for number in (0, 99, 199):
        assert watching.wakes(lambda number=number: watching.write(f"{number}/a/b/c/one.yaml"))


def test_a_folder_that_was_deleted_and_made_again_is_watched_again(watching):
    watching.watch.start()
    shutil.rmtree(watching.folder)
    assert "no such folder" in watching.watch.refresh()[0]
    watching.folder.mkdir()
    assert watching.watch.refresh() == []
    assert watching.wakes(watching.write)


def test_a_folder_that_was_replaced_between_two_looks_is_watched_again_even_under_the_same_number(watching):
    """File systems use the number of a deleted folder again, so that the new one looks like the old."""
    watching.watch.start()
    shutil.rmtree(watching.folder)
    watching.folder.mkdir()
    assert watching.watch.refresh() == []
    assert watching.wakes(watching.write)


def test_a_folder_that_appears_later_is_watched_from_the_next_look_on(watching, tmp_path):
    watching.folders = [tmp_path / "later"]
    assert watching.watch.start() == [f"{tmp_path / 'later'}: there is no such folder; it will be watched once it is there"]
    (tmp_path / "later").mkdir()
    assert watching.watch.refresh() == []
    assert watching.wakes(lambda: write(tmp_path / "later"))


def test_what_can_not_be_watched_is_said_once_and_again_when_it_comes_back(watching):
    watching.watch.start()
    for _ in range(2):
        shutil.rmtree(watching.folder)
        assert len(watching.watch.refresh()) == 1
        assert watching.watch.refresh() == []
        watching.folder.mkdir()
        assert watching.watch.refresh() == []


def test_a_link_at_the_top_is_followed_and_watched_where_it_leads_now(watching, tmp_path):
    link = tmp_path / "current"
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    link.symlink_to(tmp_path / "one")
    watching.folders = [link]
    watching.watch.start()
    assert watching.wakes(lambda: write(tmp_path / "one"))
    link.unlink()
    link.symlink_to(tmp_path / "two")
    assert watching.watch.refresh() == []
    assert watching.wakes(lambda: write(tmp_path / "two"))


def test_a_folder_that_is_not_asked_for_any_more_does_not_wake(watching, tmp_path):
    (tmp_path / "other").mkdir()
    watching.folders = [watching.folder, tmp_path / "other"]
    watching.watch.start()
    watching.folders = [watching.folder]
    watching.watch.refresh()
    assert list(watching.watch._watched) == [watching.folder]


@pytest.fixture
def limited(monkeypatch, tmp_path):
    """Let the kernel refuse watches as it does at fs.inotify.max_user_watches."""
    real = inotify_c.inotify_add_watch
    monkeypatch.setattr(watching_module, "_LIMIT", tmp_path / "max_user_watches")

    def limit(number):
        (tmp_path / "max_user_watches").write_text(str(number))
        count = itertools.count(1)

        def add(descriptor, path, mask):
            if next(count) > number:
                ctypes.set_errno(errno.ENOSPC)
                return -1
            return real(descriptor, path, mask)

        monkeypatch.setattr(inotify_c, "inotify_add_watch", add)

    return limit


def test_folders_past_the_limit_of_watches_are_told_once_and_watched_when_there_is_room(watching, limited):
    for number in range(300):
        (watching.folder / str(number)).mkdir()
    limited(100)
    said = watching.watch.start()
    assert len(said) == 1
    assert "201 folders in it can't be watched" in said[0]
    assert "fs.inotify.max_user_watches" in said[0]
    assert watching.watch.refresh() == []
    limited(10_000)
    assert watching.watch.refresh() == []
    assert watching_module._unwatched(watching.folder) == 0
    assert watching.wakes(lambda: watching.write("299/new.yaml"))


def test_a_folder_that_can_not_be_watched_at_all_is_told_with_what_helps(watching, limited):
    limited(0)
    why = "can't be watched (inotify watch limit reached)"
    more = "allow more: sysctl fs.inotify.max_user_watches"
    assert watching.watch.start() == [f"{watching.folder}: {why}; {INSTEAD}; {more}"]
    limited(10)
    assert watching.watch.refresh() == []
    assert watching.wakes(watching.write)


def test_without_any_watcher_there_is_still_the_regular_look(watching, monkeypatch):
    def refusing():
        raise OSError(errno.EMFILE, "inotify instance limit reached")

    with monkeypatch.context() as patch:
        patch.setattr(watching_module, "Observer", refusing)
        assert watching.watch.start() == [f"no folder can be watched (inotify instance limit reached); {INSTEAD}"]
        assert watching.watch.refresh() == []
    assert watching.watch.refresh() == []
    assert watching.wakes(watching.write)


def test_a_watcher_that_died_is_replaced(watching):
    watching.watch.start()
    watching.watch._observer.stop()
    watching.watch._observer.join()
    assert watching.watch.refresh() == []
    assert watching.wakes(watching.write)


MOUNTS = r"""22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
40 22 0:50 / /srv/anime rw - nfs4 nas:/anime rw,vers=4.2
41 40 0:51 / /srv/anime/local rw - xfs /dev/sdb1 rw
42 22 0:52 / /mnt/with\040space rw - cifs //nas/x rw
43 22 0:53 / /mnt/ssh rw - fuse.sshfs me@there: rw
44 22 0:54 / /merged rw - overlay overlay rw,lowerdir=/a
45 40 0:55 / /srv/anime rw - ext4 /dev/sdc1 rw
"""
KINDS = {
    "the root": ("/home/me", "ext4", False),
    "below a network disk, covered by another mount": ("/srv/anime/projects", "ext4", False),
    "a local disk on a network disk": ("/srv/anime/local/x", "xfs", False),
    "a name that only begins alike": ("/srv/anime2", "ext4", False),
    "a name with a space": ("/mnt/with space/projects", "cifs", True),
    "through ssh": ("/mnt/ssh", "fuse.sshfs", True),
    "layers": ("/merged/projects", "overlay", True),
}


@pytest.mark.parametrize(("path", "kind", "silent"), KINDS.values(), ids=KINDS.keys())
def test_which_file_system_a_folder_lies_on(path, kind, silent):
    assert filesystem_of(path, MOUNTS) == kind
    assert is_silent(kind) is silent


def test_without_a_table_of_mounts_nothing_is_claimed():
    assert filesystem_of("/home", "") == ""
    assert not is_silent("")


def test_a_folder_on_a_network_disk_is_watched_and_told_once(watching, tmp_path, monkeypatch):
    mounts = tmp_path / "mountinfo"
    mounts.write_text(f"1 0 0:1 / / rw - ext4 x rw\n2 1 0:2 / {tmp_path} rw - nfs4 nas:/x rw\n")
    monkeypatch.setattr(watching_module, "_MOUNTS", mounts)
    assert watching.watch.start() == [f"{watching.folder}: lies on nfs4, where a change made elsewhere raises no event; {INSTEAD}"]
    assert watching.watch.refresh() == []
    assert watching.wakes(watching.write)


def test_what_the_kernel_lists_is_what_is_watched(watching):
    watching.write("a/b/one.yaml")
    watching.watch.start()
    wanted = {folder.stat().st_ino for folder in (watching.folder, watching.folder / "a", watching.folder / "a/b")}
    assert wanted <= watching_module._kernel_watches()


def test_without_the_kernels_list_nothing_is_claimed(watching, monkeypatch):
    monkeypatch.setattr(watching_module, "_SELF", Path("/nowhere"))
    assert watching.watch.start() == []
    assert watching.watch.refresh() == []
    assert watching.wakes(watching.write)
