"""What becomes of a call when the connection goes in the middle of it: done once, or not at all, and never by two writers."""

from contextlib import closing
from itertools import count

import pytest

from koma.core.faults import StoreError
from koma.core.job import JobState
from koma.stores.memory import MemoryStore
from koma.telemetry.clock import SystemClock
from support.postgres import Cluster, needs_postgres, shared
from support.stored import job, published, take

needs_postgres()

import psycopg  # noqa: E402  # an extra: only where it is there

from koma.stores.postgres import connecting  # noqa: E402
from koma.stores.postgres.connecting import Outage  # noqa: E402
from koma.stores.postgres.patience import Patience  # noqa: E402
from koma.stores.postgres.store import PostgresStore  # noqa: E402

CLOCK = SystemClock()


@pytest.fixture
def cluster():
    return shared()


@pytest.fixture
def address(cluster):
    return cluster.fresh()


@pytest.fixture
def store(address):
    with closing(PostgresStore(address, CLOCK)) as one:
        yield one


# Lost at each statement


class Faults:
    """Loses the connection at one statement: before it is sent, or after it was carried out and before the answer came."""

    def __init__(self):
        self.at = self.kind = None
        self.fired = []
        self.counted = count(1)

    def arm(self, at, kind):
        self.at, self.kind, self.counted = at, kind, count(1)

    def around(self, connection, query, send):
        number = next(self.counted)
        if self.kind is None or number != self.at:
            return send()
        kind, self.kind = self.kind, None
        if kind == "after":
            send()
        connection.close()
        self.fired.append((kind, query))
        raise psycopg.OperationalError("the connection is lost")


@pytest.fixture
def faults(monkeypatch):
    found = Faults()

    class Losing(psycopg.Cursor):
        def execute(self, query, params=None, **more):
            return found.around(self.connection, query, lambda: super(Losing, self).execute(query, params, **more))

        def executemany(self, query, params, **more):
            return found.around(self.connection, query, lambda: super(Losing, self).executemany(query, params, **more))

    plain = connecting.parameters
    monkeypatch.setattr(connecting, "parameters", lambda address: plain(address) | {"cursor_factory": Losing})
    return found


WRITES = {
    "putting a take": lambda store: store.put_take(take(2)),
    "putting a decided take": lambda store: store.put_take(take(2, decided=True)),
    "publishing with its job": lambda store: store.put_published(published(), job("old", JobState.FAILED)),
    "dropping what is published": lambda store: store.drop_published(published().target, "final"),
    "queueing": lambda store: store.enqueue([job("j1", target="a/still"), job("j2", target="b/still")]),
    "queueing what is there": lambda store: store.enqueue([job("old")]),
    "advancing a job": lambda store: store.advance(job("old", JobState.SUBMITTING), JobState.QUEUED),
    "advancing a job that is elsewhere": lambda store: store.advance(job("old", JobState.SUBMITTED), JobState.SUBMITTING),
    "setting a flag": lambda store: store.set_flag("paused", "2"),
    "removing a flag": lambda store: store.set_flag("paused", None),
}


def _with_something_in_it(store):
    store.put_take(take())
    store.put_published(published(take(rendition="final")))
    store.enqueue([job("old")])
    store.set_flag("paused", "1")


def _told(store):
    return store.take_rows(), store.published(), store.jobs(), store.flags(), store.durations()


@pytest.mark.parametrize("kind", ["before", "after"])
@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES.keys())
def test_a_write_whose_connection_is_lost_at_any_statement_is_done_once(faults, cluster, write, kind):
    memory = MemoryStore()
    _with_something_in_it(memory)
    before = memory.serial()
    wanted = write(memory)
    grown = memory.serial() - before
    for at in count(1):
        with closing(PostgresStore(cluster.fresh(), CLOCK)) as store:
            _with_something_in_it(store)
            serial = store.serial()
            faults.arm(at, kind)
            assert write(store) == wanted, (at, kind)
            lost, faults.kind = faults.kind is None, None
            assert _told(store) == _told(memory), (at, kind)
            assert store.serial() - serial == grown, (at, kind)
            assert store.check() == []
        if not lost:
            break
    assert len(faults.fired) == at - 1 >= 3
    assert (kind, "COMMIT" if grown else "ROLLBACK") in faults.fired


@pytest.mark.parametrize("second", range(1, 5), ids=["who it is", "ending the one before", "the lock", "the serial"])
def test_a_connection_that_is_lost_again_while_it_is_made_again_does_no_harm(faults, store, second):
    faults.arm(4, "after")
    again = iter(range(1))

    plain = faults.around

    def around(connection, query, send):
        try:
            return plain(connection, query, send)
        except psycopg.OperationalError:
            for _ in again:
                faults.arm(second, "after")
            raise

    faults.around = around
    before = store.serial()
    store.set_flag("paused", "1")
    assert (store.flags(), store.serial() - before) == ({"paused": "1"}, 1)
    assert faults.fired[0] == ("after", "COMMIT")
    assert [kind for kind, _ in faults.fired] == ["after", "after"]


READS = {
    "published": lambda store: store.published(),
    "jobs": lambda store: store.jobs(),
    "a take": lambda store: store.take(take().take_key),
    "durations": lambda store: store.durations(),
    "a check": lambda store: store.check(),
}


@pytest.mark.parametrize("read", READS.values(), ids=READS.keys())
def test_a_read_whose_connections_were_all_ended_is_answered(store, cluster, read):
    _with_something_in_it(store)
    wanted = read(store)
    cluster.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'koma'")
    assert read(store) == wanted


# A server that goes and comes back


@pytest.fixture
def own():
    cluster = Cluster(durable=True)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.remove()


@pytest.mark.parametrize("at_once", [False, True], ids=["cleanly", "as in a crash"])
def test_a_database_that_was_restarted_is_used_again_by_writer_and_reader(own, at_once):
    address = own.fresh()
    with closing(PostgresStore(address, CLOCK)) as store, closing(PostgresStore(address, CLOCK, readonly=True)) as reader:
        for number in range(3):
            store.put_take(take(number + 1))
            with own.away(at_once=at_once):
                pass
            assert [row.number for row in reader.take_rows()] == list(range(1, number + 2))
        store.enqueue([job()])
        assert store.check() == []
        with pytest.raises(StoreError, match="held by process"):
            PostgresStore(address, CLOCK)


def test_a_database_that_stays_away_ends_the_call_with_what_to_do(own):
    address = own.fresh()
    with closing(PostgresStore(address, CLOCK, patience=0)) as store:
        store.set_flag("paused", "1")
        with own.away():
            with pytest.raises(StoreError, match=r"setting paused: .*Look at the database"):
                store.set_flag("paused", "2")
            with pytest.raises(StoreError, match=r"reading: .*Look at the database"):
                store.flags()
        assert store.flags() == {"paused": "1"}
        store.set_flag("paused", "3")
        assert store.flags() == {"paused": "3"}


def test_a_database_that_is_not_there_at_the_start_is_an_error_at_once(own):
    address = own.fresh()
    with own.away(), pytest.raises(StoreError, match="opening the state store"):
        PostgresStore(address, _Standing())


class _Standing:
    """A clock that never moves on: who waited by it would wait for ever."""

    def now(self):
        return 0.0

    def monotonic(self):
        return 0.0


# Patience


class _Moving(_Standing):
    """A clock that only waiting moves on."""

    def __init__(self):
        self.time = 0.0
        self.pauses = []

    def monotonic(self):
        return self.time

    def pause(self, seconds):
        self.pauses.append(seconds)
        self.time += seconds


def _failing(times):
    left = iter(range(times))

    def attempt():
        for _ in left:
            raise Outage("away")
        return "there"

    return attempt


def test_an_outage_is_waited_out_with_growing_pauses():
    clock = _Moving()
    assert Patience(clock, 60.0, clock.pause).through(_failing(8)) == "there"
    assert clock.pauses == [0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0]


@pytest.mark.parametrize(("failures", "told"), [(0, []), (1, []), (2, ["away", "back"]), (8, ["away", "back"])])
def test_an_outage_is_told_once_where_the_second_try_fails_too(failures, told):
    clock, said = _Moving(), []
    patience = Patience(clock, 60.0, clock.pause)
    patience.on_away, patience.on_back = said.append, lambda: said.append("back")
    patience.through(_failing(failures))
    assert said == told


def test_patience_ends_with_the_outage_and_not_a_second_late():
    clock = _Moving()
    with pytest.raises(Outage):
        Patience(clock, 10.0, clock.pause).through(_failing(1000))
    assert clock.time == 10.0


def test_what_is_no_outage_is_not_tried_again():
    clock = _Moving()

    def attempt():
        raise StoreError("a mistake")

    with pytest.raises(StoreError):
        Patience(clock, 10.0, clock.pause).through(attempt)
    assert clock.pauses == []


# One writer, whatever happens


def _end_sessions(cluster, address):
    schema = address.rpartition("%3D")[2]
    cluster.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'koma'", schema=schema)


def test_who_lost_the_session_to_another_writer_writes_no_more(store, cluster, address):
    store.set_flag("paused", "1")
    cluster.execute("SELECT pg_terminate_backend(%s)", store._writer._connection.info.backend_pid)
    from support.workspaces import eventually

    def attempt():
        try:
            return PostgresStore(address, CLOCK)
        except StoreError:
            return None

    with closing(eventually(attempt, "the lock is free")) as second:
        second.set_flag("paused", "2")
        with pytest.raises(StoreError, match="another Koma took over: process"):
            store.set_flag("paused", "3")
        with pytest.raises(StoreError, match="another Koma took over"):
            store.enqueue([job()])
        assert (second.flags(), second.jobs()) == ({"paused": "2"}, [])
        second.set_flag("paused", "4")


def test_a_writer_whose_epoch_is_over_writes_no_more_even_with_a_session(store, cluster, address):
    schema = address.rpartition("%3D")[2]
    before = store.serial()
    cluster.execute("UPDATE writer SET epoch = epoch + 1, pid = 7, host = 'elsewhere'", schema=schema)
    with pytest.raises(StoreError, match=r"another Koma took over: process 7 on elsewhere\. Nothing was changed"):
        store.put_take(take())
    assert (store.take_rows(), store.serial()) == ([], before)


def test_a_session_that_the_server_still_believes_in_is_ended_before_the_lock_is_taken_again(store, address):
    half_open = store._writer._connection
    with psycopg.connect(address) as gone:
        pass
    store._writer._connection = gone
    store.set_flag("paused", "1")
    assert store.flags() == {"paused": "1"}
    with pytest.raises(psycopg.OperationalError):
        half_open.execute("SELECT 1")
    half_open.close()


def test_a_store_that_lost_acknowledged_writes_meanwhile_is_not_written_any_more(store, cluster, address):
    schema = address.rpartition("%3D")[2]
    store.set_flag("paused", "1")
    cluster.execute("UPDATE writer SET serial = serial - 1", schema=schema)
    cluster.execute("SELECT pg_terminate_backend(%s)", store._writer._connection.info.backend_pid)
    with pytest.raises(StoreError, match="it is not as this Koma left it"):
        store.set_flag("paused", "2")
    assert store.flags() == {"paused": "1"}


def test_an_emptied_writer_row_is_said(store, cluster, address):
    cluster.execute("DELETE FROM writer", schema=address.rpartition("%3D")[2])
    with pytest.raises(StoreError, match="somebody who emptied it"):
        store.set_flag("paused", "1")
