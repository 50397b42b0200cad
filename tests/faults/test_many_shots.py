"""Many shots changed at once: a small share of what `many_shots.py` does."""

from faults import many_shots


def test_exactly_what_changed_is_planned():
    for row in many_shots.measure(0.03):
        assert row.holds, row
        assert "peak memory" in row.figure


def test_one_wrong_target_would_be_noticed(monkeypatch):
    real = many_shots.target_of
    monkeypatch.setattr(many_shots, "target_of", lambda number: real(number + 1))
    assert not many_shots.measure(0.03)[0].good
