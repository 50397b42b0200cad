"""What every object store promises: koma.ports.Objects."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from koma.ports import Objects
from koma.publish.objects import FileObjects

STORES: dict[str, Callable[[Path], Objects]] = {"files": FileObjects}


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Objects:
    return STORES[request.param](tmp_path / "objects")


def file_with(folder: Path, data: bytes, name: str = "picture.png") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def test_an_object_lies_where_its_digest_says_and_holds_the_same_bytes(store: Objects, tmp_path: Path):
    digest = store.put(file_with(tmp_path, b"pixels"))
    assert digest == hashlib.sha256(b"pixels").hexdigest()
    assert store.has(digest, ".png")
    assert store.path(digest, ".png").read_bytes() == b"pixels"


def test_an_object_that_was_never_put_is_not_there(store: Objects):
    assert not store.has("0" * 64, ".png")


def test_suffixes_are_kept_apart_and_in_lower_case(store: Objects, tmp_path: Path):
    digest = store.put(file_with(tmp_path, b"same", "a.PNG"))
    assert store.has(digest, ".png")
    assert not store.has(digest, ".mkv")


def test_putting_the_same_bytes_again_changes_nothing(store: Objects, tmp_path: Path):
    digest = store.put(file_with(tmp_path, b"pixels"))
    before = store.path(digest, ".png").stat()
    assert store.put(file_with(tmp_path, b"pixels", "other.png")) == digest
    after = store.path(digest, ".png").stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_changing_the_source_afterwards_does_not_change_the_object(store: Objects, tmp_path: Path):
    source = file_with(tmp_path, b"pixels")
    digest = store.put(source)
    source.write_bytes(b"others")
    assert store.path(digest, ".png").read_bytes() == b"pixels"


def test_an_object_has_no_write_permission(store: Objects, tmp_path: Path):
    digest = store.put(file_with(tmp_path, b"pixels"))
    assert store.path(digest, ".png").stat().st_mode & 0o777 == 0o444


def test_bytes_other_than_those_expected_are_refused_and_not_kept(store: Objects, tmp_path: Path):
    with pytest.raises(ValueError, match="expected"):
        store.put(file_with(tmp_path, b"pixels"), expect="1" * 64)
    assert not store.has(hashlib.sha256(b"pixels").hexdigest(), ".png")


def test_the_bytes_expected_are_kept(store: Objects, tmp_path: Path):
    digest = hashlib.sha256(b"pixels").hexdigest()
    assert store.put(file_with(tmp_path, b"pixels"), expect=digest) == digest


def test_an_object_is_sound_once_it_was_put(store: Objects, tmp_path: Path):
    digest = store.put(file_with(tmp_path, b"pixels"))
    assert store.is_sound(digest, ".png")
    assert not store.is_sound(digest, ".mkv")


def test_a_damaged_object_is_gone_once_it_was_looked_at_and_can_be_put_again(store: Objects, tmp_path: Path):
    source = file_with(tmp_path, b"pixels")
    path = store.path(store.put(source), ".png")
    path.chmod(0o644)
    path.write_bytes(b"others")
    assert not store.is_sound(hashlib.sha256(b"pixels").hexdigest(), ".png")
    assert not store.has(hashlib.sha256(b"pixels").hexdigest(), ".png")
    assert store.is_sound(store.put(source), ".png")


def test_a_missing_source_is_an_os_error(store: Objects, tmp_path: Path):
    with pytest.raises(FileNotFoundError):
        store.put(tmp_path / "nothing.png")


@pytest.mark.parametrize(
    ("digest", "suffix"),
    [
        pytest.param("../" * 3 + "etc", ".png", id="a digest that climbs out"),
        pytest.param("A" * 64, ".png", id="a digest in upper case"),
        pytest.param("0" * 63, ".png", id="a digest that is too short"),
        pytest.param("0" * 64, "/../x", id="a suffix that climbs out"),
        pytest.param("0" * 64, ".PNG", id="a suffix in upper case"),
        pytest.param("0" * 64 + "\n", ".png", id="a digest with a line break"),
    ],
)
def test_what_is_no_name_of_an_object_is_refused(store: Objects, digest: str, suffix: str):
    with pytest.raises(ValueError, match="not the name of an object"):
        store.path(digest, suffix)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200))
def test_every_content_comes_back_as_it_went_in(store: Objects, tmp_path: Path, data: bytes):
    digest = store.put(file_with(tmp_path, data))
    assert store.path(digest, ".png").read_bytes() == data
