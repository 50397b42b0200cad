"""State files that earlier Komas wrote, one for each schema there ever was: opened, migrated, and nothing in them is lost.

Each was made by the Koma of its time: the stories' workspace (support/workspaces.py), rendered once with the animatic.
"""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from koma.stores.reading import SCHEMA, StoreReader
from koma.stores.sqlite import SqliteStore
from support.workspaces import ALL

FILES = sorted((Path(__file__).parent / "old").glob("schema-*.db"))


@pytest.fixture(params=FILES, ids=[file.stem for file in FILES])
def old(request, tmp_path):
    return Path(shutil.copy(request.param, tmp_path / "state.db"))


def bodies(file):
    with closing(sqlite3.connect(file)) as raw:
        return raw.execute("SELECT target, take_key, facts, body FROM takes JOIN take_bodies ON id = body_id ORDER BY target").fetchall()


def test_there_is_one_of_every_schema():
    assert [file.stem for file in FILES] == [f"schema-{number}" for number in range(1, SCHEMA + 1)]


def test_every_take_and_output_is_still_there_and_sound(old):
    before = bodies(old)
    with closing(SqliteStore(old)) as store:
        assert store.check() == []
        assert [row.target for row in store.take_rows()] == sorted(ALL)
        assert all(store.take(row.take_key).verdict == "passed" for row in store.take_rows())
        assert [row.target for row in store.published()] == sorted(ALL)
        assert store.jobs() == []
    assert bodies(old) == before


def test_the_file_as_it_was_is_kept_beside_a_migrated_one(old):
    number = int(sqlite3.connect(old).execute("PRAGMA user_version").fetchone()[0])
    SqliteStore(old).close()
    copies = [file.name for file in old.parent.glob("state.db.schema-*")]
    assert copies == ([f"state.db.schema-{number}"] if number < SCHEMA else [])


def test_a_reader_sees_it_without_changing_a_byte(old):
    before = old.read_bytes()
    with closing(StoreReader(old)) as reader:
        assert [row.target for row in reader.published()] == sorted(ALL)
    assert old.read_bytes() == before
