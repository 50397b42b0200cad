"""Object store on files: what is left after something went wrong."""

import errno
import os
from pathlib import Path

import pytest

from koma.core.faults import FlushError
from koma.publish import durable
from koma.publish.objects import FileObjects


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "a.png"
    path.write_bytes(b"x" * 5000)
    return path


@pytest.mark.parametrize(("broken", "error"), [("fsync", FlushError), ("fchmod", OSError)])
def test_a_disk_that_fails_while_writing_leaves_no_object_and_no_rest(tmp_path, source, monkeypatch, broken, error):
    def fail(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    store = FileObjects(tmp_path / "objects")
    digest = store.put(source)
    source.write_bytes(b"y" * 5000)
    with monkeypatch.context() as patch:
        patch.setattr(os, broken, fail)
        with pytest.raises(error, match="No space left"):
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


def test_a_write_that_the_disk_only_pretends_to_do_keeps_nothing(tmp_path, source, monkeypatch):
    store = FileObjects(tmp_path / "objects")

    def flush_less(descriptor, _path):
        os.truncate(descriptor, 100)

    monkeypatch.setattr("koma.publish.objects.flush", flush_less)
    with pytest.raises(OSError, match="holds something else") as raised:
        store.put(source)
    assert raised.value.errno == errno.EIO
    assert [path for path in (tmp_path / "objects").rglob("*") if path.is_file()] == []


@pytest.mark.parametrize(
    ("damage", "sound"),
    [
        pytest.param(lambda _path: None, True, id="as it was put"),
        pytest.param(lambda path: path.unlink(), False, id="gone"),
        pytest.param(lambda path: (path.unlink(), path.write_bytes(b"x" * 100)), False, id="cut short"),
        pytest.param(lambda path: (path.unlink(), path.write_bytes(b"z" * 5000)), False, id="other bytes"),
    ],
)
def test_an_object_is_sound_or_it_is_gone(tmp_path, source, damage, sound):
    store = FileObjects(tmp_path / "objects")
    digest = store.put(source)
    damage(store.path(digest, ".png"))
    assert store.is_sound(digest, ".png") is sound
    assert store.has(digest, ".png") is sound
    store.put(source)
    assert store.is_sound(digest, ".png")


def test_a_text_that_the_disk_only_pretends_to_write_does_not_get_its_name(tmp_path, monkeypatch):
    monkeypatch.setattr(durable, "sync_file", lambda part: os.truncate(part, 3))
    durable.write_text(tmp_path / "a.txt", "old")
    with pytest.raises(OSError, match="holds something else"):
        durable.write_text(tmp_path / "a.txt", "new words")
    assert (tmp_path / "a.txt").read_text() == "old"


def test_a_copy_that_the_disk_only_pretends_to_write_does_not_get_its_name(tmp_path, source, monkeypatch):
    def refuse(*_):
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    monkeypatch.setattr(durable, "sync_file", lambda part: os.truncate(part.chmod(0o644) or part, 3))
    with pytest.raises(OSError, match="holds something else"):
        durable.link_or_copy(source, tmp_path / "b.png")
    assert not (tmp_path / "b.png").exists()


def test_a_flush_that_fails_says_what_may_be_lost_and_what_to_do(tmp_path, monkeypatch):
    def fail(_descriptor):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(FlushError) as raised:
        durable.write_text(tmp_path / "a.txt", "words")
    assert str(tmp_path) in raised.value.message
    assert "Input/output error" in raised.value.message
    assert "start Koma again" in raised.value.hint
    assert not (tmp_path / "a.txt").exists()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO], ids=["full", "failing"])
def test_a_disk_that_takes_no_link_now_is_no_disk_without_links(tmp_path, source, monkeypatch, number):
    def refuse(*_):
        raise OSError(number, "not now")

    monkeypatch.setattr(os, "link", refuse)
    with pytest.raises(OSError, match="not now"):
        durable.try_link(source, tmp_path / "b.png")
