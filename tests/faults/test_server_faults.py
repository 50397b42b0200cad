"""Some nights with a server that misbehaves, each kind of fault among them, and whether a night that went wrong is noticed."""

import pytest

from faults.server_faults import measure, tell
from koma.core import retry
from koma.core.words import BackendKind
from support.fake_comfyui_faults import Fault


def test_each_kind_of_fault_is_classified_and_everything_converges() -> None:
    rows = measure(0.08)
    assert {fault for row in rows for fault in row.fired} >= set(Fault)
    assert [row for row in rows if not row.holds] == []


def test_a_night_in_which_something_was_rendered_twice_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "ABSENT_GRACE_SECONDS", dict.fromkeys(BackendKind, 0.0))
    told = tell([Fault.LATE_ACCEPT])
    assert told.fired == {Fault.LATE_ACCEPT: 1}
    assert "1 renders were wasted, and 0 could not be helped" in told.complaints


def test_a_night_that_left_something_undone_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(retry.RETRY, retry.FailureClass.NODE, retry.Policy(attempts=1))
    monkeypatch.setattr("support.night.QUIET_SECONDS", 60.0)
    told = tell([Fault.NODE_ERROR])
    assert any("did not converge" in complaint for complaint in told.complaints)
