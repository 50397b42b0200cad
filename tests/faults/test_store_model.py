"""A few runs of the model beside each store, and whether it notices a store that is wrong."""

import pytest

from faults import store_model
from faults.store_model import MismatchError, PostgresPlace, SqlitePlace, tell
from koma.stores.sqlite import SqliteStore
from support.postgres import needs_postgres


def test_a_state_file_answers_as_the_store_in_memory_does():
    row = store_model._row("SQLite", SqlitePlace, 60)
    assert row.holds, row


def test_a_database_answers_as_the_store_in_memory_does():
    needs_postgres()
    row = store_model._row("PostgreSQL", PostgresPlace, 20)
    assert row.holds, row


def tell_some():
    for seed in range(20):
        tell(SqlitePlace, seed)


WRONG = {
    "forgets what it drops twice": ("drop_published", lambda self, target, rendition: None),
    "takes every step": ("advance", lambda self, job, expected: True),
    "has no flags": ("flags", lambda self: {}),
    "loses jobs": ("jobs", lambda self: []),
}


@pytest.mark.parametrize(("method", "wrong"), WRONG.values(), ids=WRONG.keys())
def test_a_store_is_noticed_that(monkeypatch, method, wrong):
    monkeypatch.setattr(SqliteStore, method, wrong)
    with pytest.raises(MismatchError, match=r"seed \d+, step \d+"):
        tell_some()


def test_a_store_that_keeps_half_a_write_is_noticed(monkeypatch):
    monkeypatch.setattr(store_model, "RESTARTED", 0.3)
    plain = SqlitePlace._copy

    def committed(self):
        self.store._connection.execute("COMMIT")
        plain(self)
        self.store._connection.execute("BEGIN")

    monkeypatch.setattr(SqlitePlace, "_copy", lambda self: committed(self) if self.store._connection.in_transaction else plain(self))
    with pytest.raises(MismatchError, match="torn"):
        tell_some()
