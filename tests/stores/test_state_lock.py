"""One process writes; the second is told who does."""

import os
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager

import pytest

from koma.core.faults import StoreError
from koma.stores.lock import LockHeld, StateLock

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
