"""The submit protocol under a few thousand seeds, and whether the simulator notices a protocol that is worse."""

from dataclasses import replace

import pytest

from faults.submit_protocol import Odds, measure, simulate
from koma.core import retry
from koma.core.words import BackendKind


def test_no_picture_is_lost_and_next_to_none_is_rendered_twice():
    (row,) = measure(0.05)
    assert row.holds, row


def wasted(odds: Odds) -> float:
    _, lost, renders, spare = simulate(range(2_000), odds)
    assert not lost
    return spare / renders


def test_without_a_grace_much_is_rendered_twice(monkeypatch):
    monkeypatch.setattr(retry, "ABSENT_GRACE_SECONDS", dict.fromkeys(BackendKind, 0.0))
    assert wasted(Odds()) > 0.02


def test_without_adoption_some_is_rendered_twice():
    assert wasted(Odds(adopts=False, restarted=0.8)) > 0.002


@pytest.mark.parametrize("fault", ["request_lost", "reply_lost", "late", "unreachable", "not_fetched", "killed", "restarted"])
def test_one_fault_alone_loses_nothing_and_wastes_nothing(fault):
    none = Odds(
        **dict.fromkeys(("request_lost", "reply_lost", "late", "after_grace", "unreachable", "not_fetched", "killed", "restarted"), 0.0)
    )
    assert wasted(replace(none, **{fault: 0.2})) == 0.0
