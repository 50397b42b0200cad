"""cache.db keeps what it is given, for one format and version, and is started anew whatever is wrong with the file."""

import sqlite3
from contextlib import closing

import pytest

from koma.sources.cache import CACHE_FORMAT, Cache, CachedFile

FILE = CachedFile("projects/p/s.yaml", 10, 5, 3, 6, 99, "digest")
DOCUMENT = ("projects/p/s.yaml", "digest", "[heads]", "[problems]")
BODY = ("projects/p/s.yaml", "digest", "[data]", "[positions]")
SCENE = ("final:p/s01", "inputs", "reads", "[problems]", "[targets]")
DRAFT = ("draft:p/s01", "inputs", "reads", "[problems]", "[draft targets]")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "outputs" / ".koma" / "cache.db"


def fill(cache):
    cache.put_files([FILE], [])
    cache.put_documents([DOCUMENT], [BODY], [])
    cache.put_scenes([SCENE, DRAFT], [])
    cache.put_images({"picture": ("pixels", "", 640, 480), "pointer": ("", "git-lfs-pointer", 0, 0)})


def contents(cache):
    return (cache.files(), cache.documents(), cache.bodies(), cache.body(*DOCUMENT[:2]), cache.scenes("final"), cache.images())


FULL = (
    {FILE.path: FILE},
    {DOCUMENT[0]: DOCUMENT[1:]},
    {BODY[0]: BODY[1:3]},
    BODY[2:],
    {SCENE[0]: (*SCENE[:4], "")},
    {"picture": ("pixels", "", 640, 480), "pointer": ("", "git-lfs-pointer", 0, 0)},
)
EMPTY = ({}, {}, {}, None, {}, {})


def test_what_was_remembered_is_there_the_next_time(path):
    with Cache(path, version="1") as cache:
        assert contents(cache) == EMPTY
        fill(cache)
        assert contents(cache) == FULL
    with Cache(path, version="1") as cache:
        assert contents(cache) == FULL


def test_what_is_gone_is_forgotten(path):
    with Cache(path, version="1") as cache:
        fill(cache)
        cache.put_files([], [FILE.path])
        cache.put_documents([], [], [DOCUMENT[0]])
        cache.put_scenes([], [SCENE[0]])
        assert contents(cache)[:5] == EMPTY[:5]


def test_newer_rows_replace_older_ones(path):
    with Cache(path, version="1") as cache:
        fill(cache)
        cache.put_files([FILE._replace(digest="newer")], [])
        cache.put_documents([(DOCUMENT[0], "newer", "[]", "[]")], [(BODY[0], "newer", "[]", "[]")], [])
        assert cache.files()[FILE.path].digest == "newer"
        assert cache.documents()[DOCUMENT[0]] == ("newer", "[]", "[]")


def test_a_body_is_given_only_for_the_bytes_it_was_read_from(path):
    with Cache(path, version="1") as cache:
        fill(cache)
        assert cache.body(BODY[0], "other bytes") is None
        assert cache.body("projects/p/other.yaml", "digest") is None


def test_targets_come_in_the_order_in_which_they_are_asked_for(path):
    with Cache(path, version="1") as cache:
        fill(cache)
        assert cache.targets([DRAFT[0], "none", SCENE[0]]) == [DRAFT[4], "", SCENE[4]]
        cache.put_scenes([], [SCENE[0]])
        assert cache.targets([SCENE[0]]) == [""]


def test_a_scene_is_settled_until_it_is_resolved_again(path):
    with Cache(path, version="1") as cache:
        fill(cache)
        cache.put_settled({SCENE[0]: "lines", "none": "lines"})
        assert cache.scenes("final") == {SCENE[0]: (*SCENE[:4], "lines")}
        cache.put_scenes([SCENE], [])
        assert cache.scenes("final") == {SCENE[0]: (*SCENE[:4], "")}


def test_a_note_is_found_by_its_name(path):
    with Cache(path, version="1") as cache:
        cache.put_notes({"one": "1", "two": "2"})
        cache.put_notes({"two": "22"})
        assert cache.notes(["two", "none", "one"]) == {"one": "1", "two": "22"}


def test_renditions_keep_their_scenes_apart(path):
    with Cache(path, version="1") as cache:
        fill(cache)
        assert list(cache.scenes("draft")) == [DRAFT[0]]
        assert cache.scenes("animatic") == {}


def garbage(path):
    path.write_bytes(b"this is no database" * 100)


def empty(path):
    path.write_bytes(b"")


def cut_off(path):
    path.write_bytes(path.read_bytes()[:600])


def older_format(path):
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE meta SET value='3 1'")


def without_marks(path):
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("DROP TABLE meta")


def of_another_shape(path):
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("DROP TABLE meta")
        db.execute("DROP TABLE files")
        db.execute("CREATE TABLE files(something)")


def filled(path):
    with Cache(path, version="1") as cache:
        fill(cache)
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")


@pytest.mark.parametrize("spoil", [garbage, empty, cut_off, older_format, without_marks, of_another_shape])
def test_a_file_that_is_no_sound_cache_is_started_anew(path, spoil):
    filled(path)
    spoil(path)
    with Cache(path, version="1") as cache:
        assert contents(cache) == EMPTY
        fill(cache)
        assert contents(cache) == FULL


def test_another_version_of_koma_starts_anew(path):
    filled(path)
    with Cache(path, version="2") as cache:
        assert contents(cache) == EMPTY
    assert CACHE_FORMAT


def lost_tables(path):
    with closing(sqlite3.connect(path)) as db, db:
        for table in ("files", "documents", "bodies", "scenes", "targets", "notes", "images"):
            db.execute(f"DROP TABLE {table}")


def torn_pages(path):
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + bytes(len(whole) - 4096))


READS = {
    "files": lambda cache: cache.files(),
    "documents": lambda cache: cache.documents(),
    "bodies": lambda cache: cache.bodies(),
    "scenes": lambda cache: cache.scenes("final"),
    "images": lambda cache: cache.images(),
    "notes": lambda cache: cache.notes(["note"]),
}
WRITES = {
    "files": lambda cache: cache.put_files([FILE], []),
    "documents": lambda cache: cache.put_documents([DOCUMENT], [BODY], []),
    "scenes": lambda cache: cache.put_scenes([SCENE], []),
    "images": lambda cache: cache.put_images({"picture": ("pixels", "", 640, 480)}),
    "notes": lambda cache: cache.put_notes({"note": "text"}),
}


@pytest.mark.parametrize("read", READS.values(), ids=READS.keys())
@pytest.mark.parametrize("spoil", [lost_tables, torn_pages])
def test_damage_that_shows_only_when_it_is_read_starts_it_anew(path, spoil, read):
    filled(path)
    spoil(path)
    with Cache(path, version="1") as cache:
        assert read(cache) == {}
        fill(cache)
        assert contents(cache) == FULL


def test_a_damaged_body_is_no_body(path):
    filled(path)
    torn_pages(path)
    with Cache(path, version="1") as cache:
        assert cache.body(*DOCUMENT[:2]) is None


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES.keys())
@pytest.mark.parametrize("spoil", [lost_tables, torn_pages])
def test_damage_that_shows_only_when_it_is_written_starts_it_anew(path, spoil, write):
    filled(path)
    spoil(path)
    with Cache(path, version="1") as cache:
        write(cache)
        fill(cache)
        assert contents(cache) == FULL


def test_two_processes_may_use_it_at_once(path):
    with Cache(path, version="1") as one, Cache(path, version="1") as other:
        one.put_files([FILE], [])
        other.put_files([FILE._replace(path="projects/p/other.yaml")], [])
        assert sorted(one.files()) == sorted(other.files()) == ["projects/p/other.yaml", FILE.path]


def test_it_may_be_deleted_while_it_is_in_use(path):
    with Cache(path, version="1") as cache:
        fill(cache)
        for file in path.parent.iterdir():
            file.unlink()
        assert contents(cache) == FULL
    with Cache(path, version="1") as cache:
        assert contents(cache) == EMPTY


def test_where_the_disk_takes_none_it_is_kept_in_memory(tmp_path):
    (tmp_path / "file").write_text("no folder")
    with Cache(tmp_path / "file" / "cache.db", version="1") as cache:
        cache.put_notes({"a": "text"})
        assert cache.notes(["a"]) == {"a": "text"}
