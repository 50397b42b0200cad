"""Object store on files: what is left after something went wrong."""

import errno
import os
from pathlib import Path

import pytest

from koma.publish.objects import FileObjects


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "a.png"
    path.write_bytes(b"x" * 5000)
    return path


@pytest.mark.parametrize("broken", ["fsync", "fchmod"])
def test_a_disk_that_fails_while_writing_leaves_no_object_and_no_rest(tmp_path, source, monkeypatch, broken):
    def fail(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    store = FileObjects(tmp_path / "objects")
    digest = store.put(source)
    source.write_bytes(b"y" * 5000)
    with monkeypatch.context() as patch:
        patch.setattr(os, broken, fail)
        with pytest.raises(OSError, match="No space left"):
            store.put(source)
    assert [p for p in (tmp_path / "objects").rglob("*") if p.is_file()] == [store.path(digest, ".png")]


def test_an_object_cut_by_a_crash_of_the_file_system_is_replaced(tmp_path, source):
    store = FileObjects(tmp_path / "objects")
    path = store.path(store.put(source), ".png")
    path.unlink()
    path.write_bytes(b"x" * 100)
    assert store.put(source) == store.put(source)
    assert path.read_bytes() == source.read_bytes()


def test_verify_tells_a_sound_object_from_a_damaged_and_a_missing_one(tmp_path, source):
    store = FileObjects(tmp_path / "objects")
    digest = store.put(source)
    path = store.path(digest, ".png")
    assert store.verify(digest, ".png")
    path.unlink()
    assert not store.verify(digest, ".png")
    path.write_bytes(b"z" * 5000)
    assert not store.verify(digest, ".png")
