"""What only the store in a file promises: other processes, other versions, damage, and the guards inside the database."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import textwrap
from contextlib import closing
from pathlib import Path

import pytest

from koma.core.codec import to_json
from koma.core.faults import StoreError
from koma.core.job import TERMINAL, TRANSITIONS, JobState
from koma.core.media import Role
from koma.core.rows import Published, TakeRow, line_of
from koma.stores import reading, schema
from koma.stores.reading import SCHEMA, StoreReader
from koma.stores.sqlite import SqliteStore
from support.stored import artifact, job, published, take


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a folder" / "state %3f?#.db"  # characters that mean something in a URI


@pytest.fixture
def store(path):
    opened = SqliteStore(path)
    yield opened
    opened.close()


@pytest.fixture
def raw(store, path):
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        yield connection


# Guards in the database itself


def test_the_table_of_steps_in_the_database_is_that_of_the_core(raw):
    stored = set(raw.execute("SELECT from_state, to_state FROM transitions"))
    assert stored == {(before.value, after.value) for before, follow in TRANSITIONS.items() for after in follow}


def test_the_one_live_job_index_leaves_out_exactly_what_has_ended(raw):
    (sql,) = raw.execute("SELECT sql FROM sqlite_master WHERE name = 'one_live_job'").fetchone()
    assert {state for state in JobState if f"'{state.value}'" in sql} == TERMINAL


REFUSED = {
    "a step that is not in the table": "UPDATE jobs SET state = 'publishing'",
    "a state that does not exist": "UPDATE jobs SET state = 'lost'",
    "another target for a job": "UPDATE jobs SET target = 'other'",
    "a second live job for a target": """
        INSERT INTO jobs (job_id, target, rendition, state, queued_at, body)
        SELECT 'j2', target, rendition, state, queued_at, body FROM jobs
    """,
    "a job that begins at its end": """
        INSERT INTO jobs (job_id, target, rendition, state, queued_at, body)
        SELECT 'j2', 'other', rendition, 'done', queued_at, body FROM jobs
    """,
    "a decided take that becomes undecided": "UPDATE takes SET decided = 0",
    "a word where a number belongs": "UPDATE takes SET number = 'two'",
    "a second serial": "INSERT INTO serial VALUES (2, 0)",
}


@pytest.mark.parametrize("statement", REFUSED.values(), ids=REFUSED.keys())
def test_the_database_refuses(store, raw, statement):
    store.enqueue([job()])
    store.put_take(take(decided=True))
    with pytest.raises(sqlite3.IntegrityError):
        raw.execute(statement)


def test_commits_survive_power_loss_and_references_are_checked(store):
    pragmas = {name: store._connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous", "foreign_keys")}
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


# Columns and fields


@pytest.mark.parametrize(("cls", "row"), [(Published, "published"), (TakeRow, "takes")], ids=["published", "takes"])
def test_every_light_field_has_a_column_of_its_name(raw, cls, row):
    columns = {name for _, name, *_ in raw.execute(f"PRAGMA table_info({row})")}
    assert set(cls._fields) <= columns


def test_raw_published_rows_stand_in_the_order_of_the_fields(store):
    store.put_published(published(decided=True))
    assert [Published(*row) for row in store.published_rows()] == store.published()


# Readers


def test_a_reader_of_no_file_is_empty_and_makes_none(path):
    with closing(SqliteStore(path, readonly=True)) as reader:
        assert (reader.published(), reader.take_rows(), reader.jobs(), reader.flags(), reader.durations()) == ([], [], [], {}, {})
    assert not path.parent.exists()


def test_a_reader_of_an_empty_file_is_empty(tmp_path):
    (tmp_path / "state.db").touch()
    with closing(SqliteStore(tmp_path / "state.db", readonly=True)) as reader:
        assert reader.published() == []


def test_a_reader_sees_each_whole_transaction_of_a_writer_that_goes_on(store, path):
    with closing(SqliteStore(path, readonly=True)) as reader:
        before = reader.serial()
        assert reader.published() == []
        store.put_published(published())
        assert reader.published() == [published()]
        assert reader.serial() > before
        with store._writing("a long write") as connection:
            connection.execute("DELETE FROM published")
            assert reader.published() == [published()]
        assert reader.published() == []


def test_a_reader_refuses_to_write(store, path):
    with closing(SqliteStore(path, readonly=True)) as reader, pytest.raises(StoreError, match="for reading only"):
        reader.set_flag("paused", "1")


def test_a_reader_is_sound_and_can_be_checked(store, path):
    with closing(SqliteStore(path, readonly=True)) as reader:
        assert reader.check() == []


def test_a_closed_store_is_read_where_nobody_may_write():
    folder = Path(tempfile.mkdtemp())  # pytest's own folder can't be entered by another user
    try:
        store = SqliteStore(folder / "state.db")
        store.put_published(published())
        store.close()
        folder.chmod(0o555)
        with _as_nobody(), closing(SqliteStore(folder / "state.db", readonly=True)) as reader:
            assert reader.published() == [published()]
    finally:
        folder.chmod(0o755)
        shutil.rmtree(folder)


class _as_nobody:  # noqa: N801  # reads as a sentence
    """Root may write everywhere; other users are already nobody special."""

    def __enter__(self):
        self.root = os.geteuid() == 0
        if self.root:
            os.seteuid(65534)

    def __exit__(self, *_):
        if self.root:
            os.seteuid(0)


def test_what_planning_reads_imports_sqlite3_and_nothing_slow(store, path):
    store.put_published(published())
    code = """
        reader = StoreReader(sys.argv[1])
        assert len(reader.published_rows()) == 1 and reader.flags() == {} and reader.serial() > 0
        print(*{"sqlite_utils", "pydantic", "dataclasses", "pathlib"} & set(sys.modules))
    """
    read = _python("from koma.stores.reading import StoreReader", code, path)
    assert (read.returncode, read.stdout.split()) == (0, [])


def test_the_whole_store_opens_and_reads_without_sqlite_utils(store, path):
    store.close()
    code = """
        store = SqliteStore(Path(sys.argv[1]))
        store.set_flag("paused", "1"), store.published(), store.take_rows(), store.jobs(), store.durations()
        store.close()
        print(*{"sqlite_utils", "pydantic"} & set(sys.modules))
    """
    read = _python(_STORE, code, path)
    assert (read.returncode, read.stdout.split()) == (0, [])


_STORE = "from pathlib import Path; from koma.stores.sqlite import SqliteStore"


def _python(imports, code, path):
    search = f"import sys; sys.path[:0] = {[part for part in sys.path if part]!r}"  # with -S nothing else is imported at the start
    text = f"{search}\n{imports}\n{textwrap.dedent(code)}"
    return subprocess.run([sys.executable, "-S", "-c", text, str(path)], capture_output=True, text=True, check=False, timeout=60)


# Other processes that end


def test_a_writer_that_is_killed_in_a_write_leaves_the_transaction_before_it(path):
    code = """
        import os, signal
        store = SqliteStore(Path(sys.argv[1]))
        store.set_flag("whole", "1")
        with store._writing("half a write") as connection:
            connection.execute("INSERT INTO flags VALUES ('torn', '1')")
            connection.execute("DELETE FROM flags WHERE name = 'whole'")
            os.kill(os.getpid(), signal.SIGKILL)
    """
    assert _python(_STORE, code, path).returncode == -signal.SIGKILL
    with closing(SqliteStore(path)) as store:
        assert store.flags() == {"whole": "1"}
        assert store.check() == []


def test_a_write_that_fails_half_way_is_undone(store):
    store.set_flag("whole", "1")
    before = store.serial()
    with pytest.raises(StoreError), store._writing("two writes, of which the second fails") as connection:
        connection.executemany("INSERT INTO flags VALUES (?, '1')", [("torn",), ("torn",)])
    assert (store.flags(), store.serial()) == ({"whole": "1"}, before)


def test_a_full_disk_is_said_and_loses_nothing(store):
    store.put_take(take())
    pages = store._connection.execute("PRAGMA page_count").fetchone()[0]
    store._connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreError, match="free some space"):
        store.put_take(take(2, receipt={"graph": "x" * 100_000}))
    assert [row.number for row in store.take_rows()] == [1]


def test_a_second_writer_is_told_to_wait(store, path, monkeypatch):
    monkeypatch.setattr(reading, "_BUSY_SECONDS", 0.0)
    with (
        closing(SqliteStore(path)) as other,
        store._writing("a write that has only begun"),
        pytest.raises(StoreError, match="Another process is writing"),
    ):
        other.set_flag("paused", "1")


def test_two_stores_made_one_after_the_other_do_not_share_a_serial(tmp_path):
    serials = set()
    for name in ("a", "b", "c"):
        with closing(SqliteStore(tmp_path / name)) as store:
            serials.add(store.serial())
    assert len(serials) == 3


# Versions


def _add_migration(tmp_path, monkeypatch, text):
    folder = tmp_path / "migrations"
    shutil.copytree(schema.MIGRATIONS, folder)
    (folder / f"{SCHEMA + 1:04d}_next.sql").write_text(text)
    monkeypatch.setattr(schema, "MIGRATIONS", folder)
    for module in ("koma.stores.reading", "koma.stores.schema", "koma.stores.writing"):
        monkeypatch.setattr(f"{module}.SCHEMA", SCHEMA + 1)


NEXT = "CREATE TABLE more (name TEXT) STRICT; INSERT INTO more SELECT name || ';' FROM flags;"
BROKEN = "CREATE TABLE more (name TEXT) STRICT; INSERT INTO nowhere VALUES (1);"


def test_the_migrations_that_ship_are_numbered_up_to_the_schema():
    assert len(schema.steps()) == SCHEMA


def test_an_older_store_is_migrated_and_a_copy_of_it_kept(tmp_path, path, monkeypatch):
    with closing(SqliteStore(path)) as store:
        store.set_flag("paused", "1")
    _add_migration(tmp_path, monkeypatch, NEXT)
    with closing(SqliteStore(path)) as store:
        assert store.flags() == {"paused": "1"}
        assert store._rows("SELECT name FROM more") == [("paused;",)]
        assert store.check() == []
    with closing(sqlite3.connect(path.with_name(f"{path.name}.schema-{SCHEMA}"))) as kept:
        assert kept.execute("SELECT name FROM flags").fetchall() == [("paused",)]
        assert kept.execute("PRAGMA user_version").fetchone() == (SCHEMA,)


def test_a_migration_that_fails_leaves_the_store_as_it_was(tmp_path, path, monkeypatch):
    with closing(SqliteStore(path)) as store:
        store.set_flag("paused", "1")
    with monkeypatch.context() as patched:
        _add_migration(tmp_path, patched, BROKEN)
        with pytest.raises(StoreError, match=f"migrating to schema {SCHEMA + 1}: no such table: nowhere"):
            SqliteStore(path)
    with closing(SqliteStore(path)) as store:
        assert (store.flags(), store.check()) == ({"paused": "1"}, [])


def test_a_reader_of_an_older_store_migrates_only_a_copy_in_memory(tmp_path, path, monkeypatch):
    with closing(SqliteStore(path)) as store:
        store.set_flag("paused", "1")
    _add_migration(tmp_path, monkeypatch, NEXT)
    with closing(StoreReader(path)) as reader:
        assert reader._rows("SELECT name FROM more") == [("paused;",)]
    with closing(sqlite3.connect(path)) as left:
        assert left.execute("PRAGMA user_version").fetchone() == (SCHEMA,)
    assert [file.name for file in path.parent.iterdir()] == [path.name]


OLD_TAKE = """
    INSERT INTO takes (
        take_key, target, rendition, render_key, number, verdict, decided, approved, measure_key, rules_digest,
        object_digest, content_digest, template, made_seconds, finished_at, body_id
    ) VALUES (:take_key, :target, :rendition, :render_key, 1, 'passed', 1, 0, 'm1', 'r1', 'o', 'c', 'still', 2.5, 1001.0, 1)
"""
OLD_PUBLISHED = """
    INSERT INTO published (target, rendition, take_key, render_key, path, size, verdict, measure_key, rules_digest, content_digest, decided)
    VALUES (:target, :rendition, :take_key, :render_key, :path, :size, :verdict, :measure_key, :rules_digest, :content_digest, :decided)
"""


@pytest.fixture
def schema_1(path):
    """A file as the first schema had it, with a take and what is published of it."""
    path.parent.mkdir()
    of = take(decided=True)
    with closing(sqlite3.connect(path, isolation_level=None)) as raw:
        raw.execute("PRAGMA journal_mode = WAL")
        raw.executescript((schema.MIGRATIONS / "0001_start.sql").read_text())
        body = to_json(of)
        raw.execute("INSERT INTO take_bodies VALUES (1, ?, ?)", (json.dumps(body.pop("facts")), json.dumps(body)))
        raw.execute(OLD_TAKE, {name: getattr(of, name) for name in ("take_key", "target", "rendition", "render_key")})
        raw.execute(OLD_PUBLISHED, {name: value for name, value in published(of)._asdict().items() if name != "last_digest"})
        raw.execute("PRAGMA user_version = 1")
    return of


def test_a_store_of_schema_1_keeps_all_its_rows_and_knows_of_no_last_frame(schema_1, path):
    with closing(SqliteStore(path)) as store:
        assert store.check() == []
        assert store.take(schema_1.take_key) == schema_1
        (row,) = store.take_rows()
        assert (row.take_key, row.content_digest, row.last_digest) == (schema_1.take_key, "c", "")
        assert store.published() == [published(schema_1)]
        assert store.lying("animatic") == [(line_of(row), row.path, row.size) for row in store.published()]
    with closing(sqlite3.connect(path.with_name(f"{path.name}.schema-1"))) as kept:
        assert kept.execute("SELECT target FROM published").fetchall() == [(schema_1.target,)]


def test_a_store_of_schema_1_takes_up_last_frames_and_still_refuses_what_it_refused(schema_1, path):
    clip = take(2, artifacts=(artifact("clip"), artifact("last", Role.LAST)), decided=True)
    last = clip.artifact(Role.LAST).content_digest
    with closing(SqliteStore(path)) as store:
        store.put_take(clip)
        store.put_published(published(clip, last_digest=last))
        assert [row.last_digest for row in store.take_rows()] == ["", last]
        assert store.lying("animatic") == [(line_of(row), row.path, row.size) for row in store.published()]
        assert last[:16] in store.lying("animatic")[0][0]
        with pytest.raises(sqlite3.IntegrityError):
            store._connection.execute("UPDATE takes SET decided = 0")


def test_a_reader_of_schema_1_sees_its_rows_and_leaves_the_file_alone(schema_1, path):
    with closing(StoreReader(path)) as reader:
        assert reader.published() == [published(schema_1)]
    with closing(sqlite3.connect(path)) as left:
        assert left.execute("PRAGMA user_version").fetchone() == (1,)


def test_a_gap_in_the_migrations_is_an_error(tmp_path, path, monkeypatch):
    monkeypatch.setattr(schema, "MIGRATIONS", tmp_path)
    with pytest.raises(StoreError, match=f"expected migrations 1 to {SCHEMA}, found none. Install Koma again"):
        SqliteStore(path)


@pytest.mark.parametrize("readonly", [False, True], ids=["writing", "reading"])
def test_a_newer_store_is_refused_and_left_alone(path, readonly):
    SqliteStore(path).close()
    with closing(sqlite3.connect(path, isolation_level=None)) as raw:
        raw.execute(f"PRAGMA user_version = {SCHEMA + 7}")
    with pytest.raises(StoreError, match=rf"written by a newer Koma \(schema {SCHEMA + 7}, this one knows up to {SCHEMA}\)"):
        SqliteStore(path, readonly=readonly)
    with closing(sqlite3.connect(path)) as raw:
        assert raw.execute("PRAGMA user_version").fetchone() == (SCHEMA + 7,)


# Damage


@pytest.mark.parametrize("readonly", [False, True], ids=["writing", "reading"])
def test_a_file_that_is_no_database_is_said_to_be_damaged(tmp_path, readonly):
    file = tmp_path / "state.db"
    file.write_bytes(b"these are not the bytes of a database" * 100)
    with pytest.raises(StoreError, match="damaged or no state store; stop Koma, move it away"):
        SqliteStore(file, readonly=readonly)


def _overwrite_a_page(path):
    size = path.stat().st_size
    with path.open("r+b") as file:
        for page in range(1, size // 4096):
            file.seek(page * 4096)
            file.write(b"\xff" * 4096)


def test_torn_pages_are_a_clear_error_when_read_and_told_by_check(path):
    with closing(SqliteStore(path)) as store:
        store.put_take(take(receipt={"graph": "x" * 50_000}))
    _overwrite_a_page(path)
    with closing(SqliteStore(path, readonly=True)) as reader:
        with pytest.raises(StoreError, match="damaged"):
            reader.take(take().take_key)
        told = reader.check()
    assert told
    assert all(str(path) in line for line in told)


def test_check_tells_of_a_guard_that_someone_removed(store, raw):
    raw.execute("DROP TRIGGER jobs_step")
    (told,) = store.check()
    assert "trigger jobs_step is missing or was altered" in told


def test_check_tells_of_a_take_that_lost_its_body(store, raw):
    store.put_take(take())
    raw.execute("PRAGMA foreign_keys = OFF")
    raw.execute("DELETE FROM take_bodies")
    (told,) = store.check()
    assert "a row of takes refers to a row of take_bodies that is gone" in told


@pytest.mark.parametrize("body", ["{", "[]", "{}", '{"job_id": 5}'], ids=["torn JSON", "a list", "nothing in it", "a wrong type"])
def test_a_body_that_can_not_be_read_is_a_clear_error(store, raw, body):
    store.enqueue([job()])
    raw.execute("UPDATE jobs SET body = ?", (body,))
    with pytest.raises(StoreError, match="a stored Job can't be read"):
        store.jobs()


def test_a_body_of_another_version_with_unknown_fields_is_read(store, raw):
    store.enqueue([job()])
    raw.execute("UPDATE jobs SET body = json_set(body, '$.later', 1, '$.work.later', 2)")
    assert store.jobs() == [job()]


def test_a_folder_that_can_not_be_made_is_a_clear_error(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"can't make the folder of the state store: .* Choose another `paths.state`"):
        SqliteStore(tmp_path / "file" / "state.db")


# Copies


def test_a_copy_made_beside_a_writer_is_whole_and_replaces_the_one_before(store, tmp_path):
    into = tmp_path / "copy.db"
    store.put_take(take())
    store.back_up(into)
    store.put_published(published())
    store.back_up(into)
    with closing(SqliteStore(into)) as copy:
        assert (copy.take_rows(), copy.published(), copy.serial()) == (store.take_rows(), store.published(), store.serial())
        assert copy.check() == []
    assert sorted(file.name for file in tmp_path.iterdir() if file.is_file()) == ["copy.db"]


def test_a_copy_that_can_not_be_written_is_a_clear_error(store, tmp_path):
    with pytest.raises(StoreError, match="copying to"):
        store.back_up(tmp_path / "nowhere" / "copy.db")
