"""Some bad documents of each sort, and whether a Koma that does not stand them would be noticed."""

import pytest

from faults import bad_input
from koma.core.problem import Place
from support.bad_yaml import WAYS, mutations


@pytest.fixture(autouse=True)
def _documents_only(monkeypatch):
    """Templates and media have tests of their own."""
    monkeypatch.setattr(bad_input, "OTHERS", ())


def test_bad_documents_are_told_with_their_places_and_hold_nothing_else():
    (row,) = bad_input.measure(0.1)
    assert row.holds, row
    assert set(row.fired) == set(WAYS)


def test_there_are_as_many_as_the_table_says():
    made = mutations(bad_input.EACH)
    assert len(made) >= bad_input.WANTED * 1.2
    assert len({one.content for one in made}) == len(made)
    assert mutations(3) == mutations(3)


def test_a_crash_would_be_noticed(monkeypatch):
    def broken(_content, _file):
        raise OverflowError

    monkeypatch.setattr(bad_input, "parse_document", broken)
    row = bad_input.measure(0.02)[0]
    assert not row.good
    assert "crash on" in row.notes


def test_a_mistake_without_a_place_would_be_noticed(monkeypatch):
    monkeypatch.setattr("koma.core.parse.YamlDoc.place", lambda yaml, _path=(), *, key=False: Place(yaml.file))
    assert "not well told" in bad_input.measure(0.05)[0].notes


def test_a_neighbour_that_is_held_would_be_noticed(monkeypatch):
    monkeypatch.setattr(bad_input, "BYSTANDER", bad_input.BYSTANDER + "nobody knows: 1\n")
    assert "is not planned" in bad_input.measure(0.02)[0].notes
