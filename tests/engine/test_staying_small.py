"""What runs for weeks stays small: write-ahead logs, the cache, the inbox, scratch, and what the daemon keeps in memory."""

import ctypes
import subprocess
import sys
from contextlib import closing

import pytest

from koma.app import memory
from koma.app.keeping import Keeper
from koma.app.workspace import App
from koma.config import load
from koma.core.wish import Request, Wish
from koma.engine.garbage import DAY
from koma.engine.standing import Standing
from koma.sources.cache import LOOSE_PAGES, Cache
from koma.sources.inbox import AT_ONCE, Inbox
from koma.stores.sqlite import SqliteStore
from koma.stores.writing import WAL_BYTES
from support.stored import take


def size(file):
    return file.stat().st_size if file.exists() else 0


def test_the_write_ahead_log_of_a_store_is_bounded_and_emptied(tmp_path):
    wal = tmp_path / "state.db-wal"
    with closing(SqliteStore(tmp_path / "state.db")) as store:
        for number in range(300):
            store.put_take(take(number, facts={"words": "x" * 20_000}))
        assert 0 < size(wal) <= WAL_BYTES
        store.tidy()
        assert size(wal) == 0
        assert len(store.take_rows()) == 300


def test_a_reader_that_holds_the_log_up_is_no_error(tmp_path):
    with closing(SqliteStore(tmp_path / "state.db")) as store, closing(SqliteStore(tmp_path / "state.db", readonly=True)) as reader:
        with reader._reading() as connection:
            connection.execute("SELECT * FROM takes").fetchall()
            store.put_take(take())
            store.tidy()
        assert len(reader.take_rows()) == 1


@pytest.fixture
def cache(tmp_path):
    with Cache(tmp_path / "cache.db", version="1") as made:
        yield made


def test_the_cache_gives_back_the_room_of_what_it_forgot(cache, tmp_path):
    names = [f"projects/p/{number}.yaml" for number in range(3 * LOOSE_PAGES)]
    cache.put_documents([(name, "d", "x" * 4000, "") for name in names], [], [])
    cache.tidy()
    full = size(tmp_path / "cache.db")
    cache.put_documents([], [], names)
    cache.tidy()
    assert size(tmp_path / "cache.db") < full / 10
    assert size(tmp_path / "cache.db-wal") == 0


@pytest.mark.parametrize(("many", "left"), [(10, 10), (9, 0)], ids=["as many as it keeps", "more than it keeps"])
def test_notes_are_forgotten_where_there_are_very_many(cache, monkeypatch, many, left):
    names = [f"note {number}" for number in range(10)]
    cache.put_notes(dict.fromkeys(names, "x"))
    monkeypatch.setattr("koma.sources.cache.MANY", many)
    cache.tidy()
    assert len(cache.notes(names)) == left


def test_very_many_wishes_are_heard_a_few_at_a_time(tmp_path):
    inbox = Inbox(tmp_path)
    for _ in range(AT_ONCE + 5):
        inbox.leave(Request(Wish.PAUSE))
    first = inbox.read()
    for wish in first:
        inbox.done(wish)
    assert (len(first), len(inbox.read())) == (AT_ONCE, 5)


class Slow:
    """A clock that a test moves."""

    def __init__(self):
        self.began = self.elapsed = 0.0

    def now(self):
        return self.began + self.elapsed

    def monotonic(self):
        return self.elapsed


class Heard:
    """Where events go, for tests that ask for none."""

    def emit(self, name, **fields):
        raise AssertionError((name, fields))


async def test_now_and_then_the_daemon_tidies_up_and_leaves_what_is_young(tmp_path):
    (tmp_path / "koma.yaml").touch()
    with App(load(tmp_path, {}), writes=True) as app:
        clock = app.__dict__["clock"] = app.__dict__["wall"] = Slow()
        keeper, folders = Keeper(app, Heard()), (app.scratch / "koma-x", app.config.paths.inbox)
        for folder in folders:
            folder.mkdir(parents=True, exist_ok=True)
        left, aside, wish = folders[0] / "00001.png", folders[1] / "x.unreadable", folders[1] / "x.json"
        for file in (left, aside, wish):
            file.write_text("x")
        clock.began = left.stat().st_ctime + DAY / 2
        await keeper.after_pass(Standing())
        assert left.exists()
        clock.elapsed += 31 * DAY
        await keeper.after_pass(Standing())
        assert (left.exists(), left.parent.exists(), aside.exists(), wish.exists()) == (False, False, False, True)
        assert app.scratch.is_dir()


def test_what_was_freed_is_given_back(tmp_path):
    command = "import sys; from koma.app.memory import give_back, share_one_heap; share_one_heap(); give_back(); print('alive')"
    assert subprocess.run([sys.executable, "-c", command], stdout=subprocess.PIPE, check=True, cwd=tmp_path).stdout == b"alive\n"


@pytest.mark.parametrize("library", [object(), ctypes.CDLL(None)], ids=["a library that knows neither", "this machine's"])
def test_a_c_library_that_can_not_is_no_error(monkeypatch, library):
    monkeypatch.setattr(memory.ctypes, "CDLL", lambda _name: library)
    memory.give_back()
