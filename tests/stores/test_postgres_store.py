"""What only the store in a database promises: one writer, readers elsewhere, versions, damage, and no password in any word."""

import os
import re
import socket
import subprocess
import sys
import textwrap
from contextlib import closing

import pytest

from koma.core.faults import StoreError
from koma.core.job import TERMINAL, TRANSITIONS, JobState
from koma.core.rows import line_of
from koma.stores.lock import LockHeld
from koma.telemetry.clock import SystemClock
from support.postgres import ESCAPED, PASSWORD, needs_postgres, shared
from support.stored import failed_take, job, published, take

needs_postgres()

import psycopg  # noqa: E402  # an extra: only where it is there

from koma.stores.postgres import schema  # noqa: E402
from koma.stores.postgres.reading import is_there  # noqa: E402
from koma.stores.postgres.schema import SCHEMA  # noqa: E402
from koma.stores.postgres.store import PostgresStore  # noqa: E402

CLOCK = SystemClock()


@pytest.fixture
def cluster():
    return shared()


@pytest.fixture
def address(cluster):
    return cluster.fresh()


def opened(address, **options):
    return closing(PostgresStore(address, CLOCK, patience=0, **options))


@pytest.fixture
def store(address):
    with opened(address) as one:
        yield one


@pytest.fixture
def raw(address):
    with psycopg.connect(address, autocommit=True) as connection:
        yield connection


# Guards inside the database


def test_the_steps_in_the_database_are_those_of_the_code(store, raw):
    steps = {(before.value, after.value) for before, follow in TRANSITIONS.items() for after in follow}
    assert set(raw.execute("SELECT from_state, to_state FROM transitions").fetchall()) == steps


@pytest.mark.parametrize(
    "after", [state for state in JobState if state not in TRANSITIONS[JobState.QUEUED] and state is not JobState.QUEUED]
)
def test_the_database_itself_refuses_a_step_that_is_not_in_the_table(store, raw, after):
    store.enqueue([job()])
    with pytest.raises(psycopg.IntegrityError, match="can not follow"):
        raw.execute("UPDATE jobs SET state = %s", [after.value])


@pytest.mark.parametrize("state", sorted(TERMINAL))
def test_the_database_itself_refuses_a_job_that_begins_at_its_end(store, raw, state):
    insert = "INSERT INTO jobs (job_id, target, rendition, state, queued_at, body) VALUES ('j', 't', 'final', %s, 1, '{}')"
    with pytest.raises(psycopg.IntegrityError, match="can not begin"):
        raw.execute(insert, [state.value])


@pytest.mark.parametrize("column", ["job_id", "target", "rendition"])
def test_the_database_itself_refuses_a_job_that_becomes_another(store, raw, column):
    store.enqueue([job()])
    with pytest.raises(psycopg.IntegrityError, match="keeps its id"):
        raw.execute(f"UPDATE jobs SET {column} = 'another'")  # noqa: S608  # one of three names


def test_the_database_itself_refuses_to_open_a_decided_key(store, raw):
    store.put_take(take(decided=True))
    with pytest.raises(psycopg.IntegrityError, match="can not become undecided"):
        raw.execute("UPDATE takes SET decided = false")


def test_a_log_with_letters_that_are_none_comes_back_byte_for_byte(store):
    store.put_take(failed_take())
    assert store.take(failed_take().take_key) == failed_take()


def test_a_text_that_a_database_can_not_hold_changes_nothing(store):
    before = store.serial()
    with pytest.raises(StoreError, match="Nothing was changed"):
        store.set_flag("paused", "a\0b")
    assert (store.flags(), store.serial()) == ({}, before)


# Readers


def test_a_reader_beside_the_writer_sees_each_write(store, address):
    with opened(address, readonly=True) as reader:
        store.put_published(published())
        assert (reader.published(), reader.serial()) == ([published()], store.serial())
        store.set_flag("paused", "1")
        assert reader.flags() == {"paused": "1"}


def test_a_reader_sees_nothing_of_a_write_that_is_under_way(store, address):
    def half(changes):
        changes.execute("INSERT INTO flags VALUES (%(name)s, %(value)s)", {"name": "paused", "value": "1"})
        with opened(address, readonly=True) as reader:
            seen.append((reader.flags(), reader.serial()))

    seen = []
    before = store.serial()
    store._write("half a write", half)
    assert seen == [({}, before)]
    assert store.flags() == {"paused": "1"}


@pytest.mark.parametrize(
    "write", [lambda s: s.set_flag("a", "1"), lambda s: s.fill(None), lambda s: s.enqueue([job()])], ids=["a flag", "a copy", "a job"]
)
def test_a_reader_never_writes(store, address, write):
    with opened(address, readonly=True) as reader, pytest.raises(StoreError, match="for reading only"):
        write(reader)


def test_a_reader_is_sound_and_can_be_checked(store, address):
    with opened(address, readonly=True) as reader:
        assert reader.check() == []


def test_whether_there_is_a_store_is_known_without_making_one(address, raw):
    assert is_there(address) is False
    assert raw.execute("SELECT count(*) FROM pg_class WHERE relnamespace = current_schema()::regnamespace").fetchone() == (0,)
    PostgresStore(address, CLOCK).close()
    assert is_there(address) is True


def test_several_threads_read_at_once(store):
    from concurrent.futures import ThreadPoolExecutor

    store.set_flag("paused", "1")
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda _: store.flags(), range(64))) == [{"paused": "1"}] * 64


# One writer


def test_a_second_writer_is_refused_and_told_who_the_first_is(store, address):
    with pytest.raises(LockHeld) as told:
        PostgresStore(address, CLOCK)
    assert (told.value.pid, told.value.host) == (os.getpid(), socket.gethostname())
    assert re.search(rf"held by process {os.getpid()} on .*, since \d{{4}}-", str(told.value))
    store.set_flag("paused", "1")


def test_a_second_writer_while_the_first_is_still_making_the_tables_is_refused_too(address, raw):
    from koma.stores.postgres.session import _LOCK, LOCK_CLASS

    assert raw.execute(_LOCK, [LOCK_CLASS]).fetchone() == (True,)
    with pytest.raises(LockHeld, match="held by another process"):
        PostgresStore(address, CLOCK)


def test_two_schemas_of_one_database_have_a_writer_each(store, cluster):
    with opened(cluster.fresh()) as other:
        other.set_flag("paused", "1")
        assert store.flags() == {}


def test_the_lock_is_free_at_the_moment_at_which_the_writer_is_closed(address, raw):
    for _ in range(20):
        with opened(address):
            assert _locks(raw) == 1
        assert _locks(raw) == 0


def _locks(connection):
    query = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = current_schema()::regnamespace"
    return connection.execute(query).fetchone()[0]


def test_the_lock_is_free_once_the_writer_is_closed_or_killed(address):
    code = """
        import os, signal, sys
        from koma.stores.postgres.store import PostgresStore
        from koma.telemetry.clock import SystemClock
        store = PostgresStore(sys.argv[1], SystemClock())
        store.set_flag("whole", "1")
        def half(changes):
            changes.execute("INSERT INTO flags VALUES ('torn', '1')", {})
            os.kill(os.getpid(), signal.SIGKILL)
        store._write("half a write", half)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code), address], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == -9, done.stderr
    with opened_once_free(address) as store:
        assert (store.flags(), store.check()) == ({"whole": "1"}, [])


def opened_once_free(address):
    """Open a writer; a server takes a moment to notice that the one before is gone."""
    from support.workspaces import eventually

    def attempt():
        try:
            return PostgresStore(address, CLOCK)
        except LockHeld:
            return None

    return closing(eventually(attempt, "the lock is free"))


# Versions


NEXT = "CREATE TABLE more (name text); INSERT INTO more SELECT name || ';' FROM flags;"
BROKEN = "CREATE TABLE more (name text); INSERT INTO nowhere VALUES (1);"


def _add_migration(tmp_path, monkeypatch, text):
    folder = tmp_path / "migrations"
    folder.mkdir()
    for file in schema.MIGRATIONS.glob("*.sql"):
        (folder / file.name).write_text(file.read_text())
    (folder / f"{SCHEMA + 1:04d}_next.sql").write_text(text)
    monkeypatch.setattr(schema, "MIGRATIONS", folder)
    monkeypatch.setattr(schema, "SCHEMA", SCHEMA + 1)


def test_the_migrations_that_ship_are_numbered_up_to_the_schema():
    assert len(schema.steps()) == SCHEMA


def test_an_older_store_is_migrated_by_the_next_writer_and_read_by_nobody_before(address, raw, tmp_path, monkeypatch):
    with opened(address) as store:
        store.set_flag("paused", "1")
    _add_migration(tmp_path, monkeypatch, NEXT)
    with pytest.raises(StoreError, match=r"written by an older Koma(.|\n)*koma run --once"):
        PostgresStore(address, CLOCK, readonly=True)
    with opened(address) as store:
        assert store.flags() == {"paused": "1"}
        assert raw.execute("SELECT name FROM more").fetchall() == [("paused;",)]
        with opened(address, readonly=True) as reader:
            assert reader.flags() == {"paused": "1"}


def test_a_migration_that_fails_leaves_the_store_as_it_was(address, raw, tmp_path, monkeypatch):
    with opened(address) as store:
        store.set_flag("paused", "1")
    with monkeypatch.context() as patched:
        _add_migration(tmp_path, patched, BROKEN)
        with pytest.raises(StoreError, match=f'migrating to schema {SCHEMA + 1}: relation "nowhere" does not exist'):
            PostgresStore(address, CLOCK)
    assert raw.execute("SELECT to_regclass('more')").fetchone() == (None,)
    with opened(address) as store:
        assert (store.flags(), store.check()) == ({"paused": "1"}, [])


def test_a_gap_in_the_migrations_is_an_error(address, tmp_path, monkeypatch):
    monkeypatch.setattr(schema, "MIGRATIONS", tmp_path)
    with pytest.raises(StoreError, match=f"expected migrations 1 to {SCHEMA}, found none. Install Koma again"):
        PostgresStore(address, CLOCK)


@pytest.mark.parametrize("readonly", [False, True], ids=["writing", "reading"])
def test_a_newer_store_is_refused_and_left_alone(address, raw, readonly):
    PostgresStore(address, CLOCK).close()
    raw.execute("UPDATE schema_version SET value = %s", [SCHEMA + 7])
    with pytest.raises(StoreError, match=rf"written by a newer Koma \(schema {SCHEMA + 7}, this one knows up to {SCHEMA}\)"):
        PostgresStore(address, CLOCK, readonly=readonly)
    assert raw.execute("SELECT value FROM schema_version").fetchone() == (SCHEMA + 7,)


# Damage


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("DROP TRIGGER jobs_step ON jobs", "trigger jobs_step is missing or was altered"),
        ("ALTER TABLE takes DISABLE TRIGGER takes_stay_decided", "trigger takes_stay_decided is missing or was altered"),
        ("DROP INDEX one_live_job", "index one_live_job is missing or was altered"),
        ("DROP TABLE flags", "table flags is missing or was altered"),
        ("UPDATE schema_version SET value = 0", f"its schema is not {SCHEMA}"),
        ("DELETE FROM transitions WHERE to_state = 'done'", "table transitions was altered"),
        ("DELETE FROM take_bodies", f"take 1 of {take().target} has lost its body"),
    ],
    ids=lambda value: value,
)
def test_check_tells_of(store, raw, damage, said):
    store.put_take(take())
    raw.execute(damage)
    told = store.check()
    assert any(said in line for line in told), told
    assert all(line.startswith(store.shown) for line in told)


def test_check_tells_of_a_body_that_can_not_be_read_any_more(address, cluster):
    with opened(address) as store:
        store.put_take(take(receipt={"graph": [os.urandom(40).hex() for _ in range(500)]}))
    schema_of = address.rpartition("%3D")[2]
    where = "SELECT pg_relation_filepath(reltoastrelid) FROM pg_class WHERE oid = 'take_bodies'::regclass"
    ((file,),) = cluster.execute(where, schema=schema_of)
    with cluster.away(at_once=False):
        pages = (cluster.folder / "data" / file).stat().st_size
        (cluster.folder / "data" / file).write_bytes(bytes(pages))
    with opened(address) as store:
        (told,) = store.check()
    assert "take_bodies: missing chunk number 0" in told


def test_a_body_that_can_not_be_read_is_a_clear_error(store, raw):
    store.enqueue([job()])
    raw.execute("UPDATE jobs SET body = '{'")
    with pytest.raises(StoreError, match="a stored Job can't be read"):
        store.jobs()


def test_a_row_in_short_is_made_by_the_database_as_by_the_code(store):
    row = published(take(render_key="r" * 64), content_digest="c" * 64, last_digest="e" * 64)
    store.put_published(row)
    assert store.lying(row.rendition) == [(line_of(row), row.path, row.size)]


# Words for what can go wrong at the start, never with the password


@pytest.fixture
def unreachable(cluster, address):
    """Kind of trouble → address; the password in each is the right one or a wrong one, and never to be shown."""
    tcp = cluster.address(tcp=True, password=ESCAPED)
    return {
        "a wrong password": cluster.address(tcp=True, password="wrong-sesame"),  # noqa: S106
        "no such user": tcp.replace("koma:", "nobody:"),
        "no such database": tcp.replace("/postgres", "/nowhere"),
        "nobody listens": tcp.replace(f":{cluster.port}", ":1"),
        "no such host": tcp.replace("127.0.0.1", "no.such.host.invalid"),
        "no such schema": f"{tcp}?options=-csearch_path%3Dnowhere",
        "no address": f"postgresql://koma:{ESCAPED}@[::1/postgres",
        "an option that there is not": f"{tcp}?sslmoode=on&password={ESCAPED}",
    }


SAID = {
    "a wrong password": "comes from KOMA_STORE, PGPASSWORD or",
    "no such user": "comes from KOMA_STORE, PGPASSWORD or",
    "no such database": "createdb",
    "nobody listens": "Connection refused",
    "no such host": "no.such.host.invalid",
    "no such schema": "CREATE SCHEMA",
    "no address": "special characters as %XX",
    "an option that there is not": "special characters as %XX",
}


@pytest.mark.parametrize("trouble", SAID)
def test_trouble_is_said_without_the_password(unreachable, trouble):
    with pytest.raises(StoreError) as told:
        PostgresStore(unreachable[trouble], CLOCK)
    assert SAID[trouble] in str(told.value)
    assert "postgresql://" in str(told.value)
    assert not [secret for secret in (PASSWORD, ESCAPED, "sesame", "lantern") if secret in str(told.value)]


def test_a_password_of_the_environment_opens_the_store(cluster, monkeypatch):
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    schema_of = cluster.fresh().rpartition("%3D")[2]
    with opened(cluster.address(schema=schema_of, tcp=True)) as store:
        store.set_flag("paused", "1")
        assert store.flags() == {"paused": "1"}


def test_a_password_of_a_file_opens_the_store(cluster, monkeypatch, tmp_path):
    file = tmp_path / "pgpass"
    file.write_text(f"127.0.0.1:{cluster.port}:*:koma:{PASSWORD}\n")
    file.chmod(0o600)
    monkeypatch.setenv("PGPASSFILE", str(file))
    with opened(cluster.address(schema=cluster.fresh().rpartition("%3D")[2], tcp=True)) as store:
        assert store.flags() == {}


def test_a_password_in_the_address_opens_the_store_and_is_not_shown(cluster):
    address = cluster.address(schema=cluster.fresh().rpartition("%3D")[2], tcp=True, password=ESCAPED)
    with opened(address) as store:
        assert ESCAPED not in store.shown
        store._pool.close()
        with pytest.raises(StoreError) as told:
            store.flags()
    assert ESCAPED not in str(told.value)


def test_a_schema_of_the_environment_is_used_too(cluster, monkeypatch):
    schema_of = cluster.fresh().rpartition("%3D")[2]
    monkeypatch.setenv("PGOPTIONS", f"-c search_path={schema_of}")
    with opened(cluster.address()) as store:
        store.set_flag("paused", "1")
    assert cluster.execute(f"SELECT name FROM {schema_of}.flags") == [("paused",)]  # noqa: S608  # our own name


def test_a_database_that_is_not_in_utf8_is_refused(cluster):
    cluster.execute("CREATE DATABASE ascii ENCODING SQL_ASCII TEMPLATE template0")
    with pytest.raises(StoreError, match=r"its encoding is SQL_ASCII(.|\n)*createdb -E UTF8"):
        PostgresStore(cluster.address("ascii"), CLOCK)


def test_a_user_without_rights_is_told_so(cluster):
    cluster.execute("CREATE ROLE poor LOGIN")
    schema_of = cluster.fresh().rpartition("%3D")[2]
    cluster.execute(f"GRANT USAGE ON SCHEMA {schema_of} TO poor")
    with pytest.raises(StoreError, match=r"permission denied.*Give this user the rights"):
        PostgresStore(cluster.address(schema=schema_of).replace("koma@", "poor@"), CLOCK)
