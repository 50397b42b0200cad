"""One process writes; the second is told who does."""

import errno
import fcntl
import os
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

from koma.config.values import Paths
from koma.core.faults import StoreError
from koma.stores import lock as lock_module
from koma.stores.lock import LockHeld, StateLock, holder_of

_HOLD = f"""
import sys; sys.path[:0] = {[part for part in sys.path if part]!r}
from pathlib import Path
from koma.stores.lock import StateLock
lock = StateLock(Path(sys.argv[1])); lock.acquire()
print("held", flush=True)
sys.stdin.read()
"""


@contextmanager
def _held_by_another(path):
    with subprocess.Popen([sys.executable, "-c", _HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "held\n"
        yield holder
        holder.stdin.close()


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch):
    monkeypatch.setattr(lock_module, "_LOOK_SECONDS", 0.0)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "outputs" / "state.lock"


def test_the_second_process_is_told_which_process_holds_it_where_and_since_when(path):
    with _held_by_another(path) as holder:
        with pytest.raises(LockHeld) as told:
            StateLock(path).acquire()
        assert (told.value.pid, told.value.host) == (holder.pid, socket.gethostname())
        assert told.value.since == pytest.approx(path.stat().st_mtime, abs=5)
        assert f"held by process {holder.pid} on {socket.gethostname()}, since 2" in str(told.value)


def test_being_told_does_not_take_the_lock_from_its_holder(path):
    with _held_by_another(path):
        for _ in range(2):
            with pytest.raises(LockHeld):
                StateLock(path).acquire()


def test_a_holder_that_ends_lets_go(path):
    with _held_by_another(path):
        pass
    with StateLock(path):
        pass


def test_a_holder_that_is_killed_lets_go(path):
    with _held_by_another(path) as holder:
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        with StateLock(path):
            pass


def test_a_second_lock_in_the_same_process_is_refused_too(path):
    with StateLock(path), pytest.raises(LockHeld, match=f"process {os.getpid()} on"):
        StateLock(path).acquire()


def test_taking_it_twice_and_letting_go_twice_is_no_error(path):
    lock = StateLock(path)
    lock.acquire()
    lock.acquire()
    lock.release()
    lock.release()
    with StateLock(path):
        pass


@pytest.mark.parametrize("note", [b"", b"{", b"[]", b'{"pid": "x"}'], ids=["nothing", "half", "a list", "no number"])
def test_a_note_that_can_not_be_read_is_no_error_of_its_own(path, note):
    with StateLock(path):
        path.write_bytes(note)
        with pytest.raises(LockHeld, match=r"held by another process\. One Koma writes at a time") as told:
            StateLock(path).acquire()
    assert (told.value.pid, told.value.host, told.value.since) == (0, "", 0.0)


def test_the_lock_file_stays_so_that_it_can_not_be_held_twice(path):
    with StateLock(path):
        held = path.stat().st_ino
    assert path.stat().st_ino == held
    assert path.read_bytes() == b""


def test_a_caller_that_knows_stores_knows_this_error(path):
    with StateLock(path), pytest.raises(StoreError):
        StateLock(path).acquire()


def test_a_child_of_the_holder_does_not_keep_the_lock(path):
    lock = StateLock(path)
    lock.acquire()
    with subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE, close_fds=False) as child:
        lock.release()
        with StateLock(path):
            assert child.poll() is None
        child.stdin.close()


def test_who_holds_it_can_be_asked_without_taking_it(path):
    assert holder_of(path) is None
    assert not path.exists()
    with _held_by_another(path) as holder:
        assert (holder_of(path).pid, holder_of(path).host) == (holder.pid, socket.gethostname())
    assert holder_of(path) is None
    with StateLock(path):
        assert holder_of(path).pid == os.getpid()
    assert path.read_bytes() == b""


def test_who_only_asks_does_not_keep_another_from_taking_it(path):
    """Somebody looks at the moment at which a daemon starts: it looks again."""
    path.parent.mkdir()
    path.touch()
    with path.open("rb") as asking:
        fcntl.flock(asking, fcntl.LOCK_SH)
        with StateLock(path, pause=lambda _seconds: fcntl.flock(asking, fcntl.LOCK_UN)):
            assert holder_of(path).pid == os.getpid()


@pytest.mark.parametrize("way", ["the same path", "a link to its folder", "a link to the state itself", "dots in the path"])
def test_one_state_has_one_lock_by_whichever_path_it_is_reached(tmp_path, way):
    real = tmp_path / "disk/koma"
    real.mkdir(parents=True)
    (real / "state.db").touch()
    (tmp_path / "folder").symlink_to(real)
    (tmp_path / "linked.db").symlink_to(real / "state.db")
    reached = {
        "the same path": real / "state.db",
        "a link to its folder": tmp_path / "folder/state.db",
        "a link to the state itself": tmp_path / "linked.db",
        "dots in the path": real / "../koma/state.db",
    }[way]
    with StateLock(_lock_of(real / "state.db")), pytest.raises(LockHeld):
        StateLock(_lock_of(reached)).acquire()


def _lock_of(state):
    here = Path()
    return Paths(here, here, state, here, here, here).lock


def test_a_state_that_was_copied_while_it_was_held_can_be_used_beside_it(tmp_path, path):
    with _held_by_another(path):
        copy = tmp_path / "copy.lock"
        copy.write_bytes(path.read_bytes())
        with StateLock(copy):
            assert holder_of(copy).pid == os.getpid()
            assert holder_of(path).pid != os.getpid()


def removed(path):
    path.unlink()


def replaced(path):
    path.rename(path.with_suffix(".old"))
    path.touch()


@pytest.mark.parametrize("lose", [removed, replaced])
def test_a_holder_whose_file_was_taken_away_hears_of_it(path, lose):
    with StateLock(path) as lock:
        lock.check()
        lose(path)
        with pytest.raises(StoreError, match="was removed or replaced while this process held it"):
            lock.check()
    lock.check()


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP], ids=["no locks", "no such call", "not supported"])
def test_a_disk_without_locks_is_said(path, monkeypatch, number):
    def refusing(_descriptor, _operation):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("koma.stores.lock.fcntl.flock", refusing)
    with pytest.raises(StoreError, match="its file system knows no locks") as told:
        StateLock(path).acquire()
    assert str(path) in told.value.message
    assert told.value.hint == "set paths.state to a folder on a disk of this machine"


def test_any_other_trouble_is_not_taken_for_that(path, monkeypatch):
    def failing(_descriptor, _operation):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr("koma.stores.lock.fcntl.flock", failing)
    with pytest.raises(OSError, match="Input/output error"):
        StateLock(path).acquire()


@pytest.mark.parametrize(("kind", "refused"), [("nfs4", True), ("cifs", True), ("ext4", False), ("overlay", False), ("9p", False)])
def test_a_disk_that_other_machines_use_is_refused_where_only_a_local_one_will_do(path, tmp_path, monkeypatch, kind, refused):
    mounts = tmp_path / "mountinfo"
    mounts.write_text(f"1 0 0:1 / / rw - ext4 x rw\n2 1 0:2 / {tmp_path} rw - {kind} nas:/x rw\n")
    monkeypatch.setattr(lock_module, "_MOUNTS", mounts)
    lock = StateLock(path, local_only=True)
    if refused:
        with pytest.raises(StoreError, match=f"outputs lies on {kind}, where a lock and the state store's log may not hold"):
            lock.acquire()
    with StateLock(path):
        pass


def test_without_a_table_of_mounts_the_disk_is_trusted(path, monkeypatch):
    monkeypatch.setattr(lock_module, "_MOUNTS", path)
    with StateLock(path, local_only=True):
        pass
