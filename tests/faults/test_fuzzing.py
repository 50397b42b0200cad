"""Every parser takes broken input by a table, the same each time; and fuzzing itself, for a moment, where atheris is installed."""

import random

import pytest

from faults import fuzzing
from support.needs import needs_module
from support.parsers import PARSERS, Parser
from support.twisting import flipped

TRIES = 300


@pytest.mark.parametrize("name", PARSERS)
def test_input_that_is_broken_here_and_there_is_refused_in_an_orderly_way_by_the_parser_of(name):
    seeds, rng = list(PARSERS[name].seeds()), random.Random(f"{fuzzing.SEED} {name}")
    for data in [*seeds, *(flipped(rng.choice(seeds), rng.randbytes(24)) for _ in range(TRIES))]:
        try:
            PARSERS[name].run(data)
        except Exception as error:  # noqa: BLE001  # the bytes that lead to it must be told
            pytest.fail(f"{error!r} on {data!r}")


def test_a_moment_of_fuzzing_finds_nothing(monkeypatch):
    needs_module("atheris")
    monkeypatch.setattr(fuzzing, "_only", lambda: ["WebSocket"])
    (row,) = fuzzing.measure(0.002)
    assert row.holds, row
    assert row.fired["WebSocket"] > 0


def test_without_atheris_the_row_says_so_and_does_not_hold(monkeypatch):
    monkeypatch.setattr(fuzzing, "find_spec", lambda _name: None)
    (row,) = fuzzing.measure(0.01)
    assert not row.holds
    assert "atheris" in row.figure


def test_a_finding_comes_with_its_bytes(monkeypatch):
    def fails(data):
        raise OverflowError(data)

    monkeypatch.setitem(PARSERS, "failing", Parser(fails, lambda: [b"boom"]))
    monkeypatch.setattr(fuzzing, "_only", lambda: ["failing"])
    monkeypatch.setattr(fuzzing, "_round", lambda *_: (3, 1.0, "=== Uncaught OverflowError\ncrash-1: b'boom'"))
    (row,) = fuzzing.measure(0.001)
    assert not row.holds
    assert "boom" in row.notes
