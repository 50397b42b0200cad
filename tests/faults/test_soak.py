"""A quarter of a minute of the soak: everything that happens in the half hour does, and nothing is lost."""

from faults.soak import MINUTES, measure


def test_a_quarter_of_a_minute_loses_nothing_and_grows_little():
    rows = measure(0.25 / MINUTES)
    assert [f"{row.what}: {row.figure}; {row.notes}" for row in rows if not row.good] == []
    assert all(row.fired["faults of the server"] for row in rows)
