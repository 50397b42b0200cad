"""A few restarts of the database, at short intervals."""

from faults.database_restarts import measure
from support.postgres import needs_postgres


def test_nothing_is_lost_and_nothing_published_twice_while_the_database_restarts():
    needs_postgres()
    (row,) = measure(0.01)
    assert row.holds, row
