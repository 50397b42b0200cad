"""The steady clock: what decisions rest on does not jump."""

import pytest

from koma.telemetry import clock as clock_module
from koma.telemetry.clock import SteadyClock, SystemClock


class Machine:
    """A machine whose clock is set by the test, while seconds go by."""

    def __init__(self):
        self.wall, self.passed = 1_800_000_000.0, 100.0

    def time(self):
        return self.wall

    def monotonic(self):
        return self.passed

    def goes_by(self, seconds):
        self.wall += seconds
        self.passed += seconds


@pytest.fixture
def machine(monkeypatch):
    made = Machine()
    monkeypatch.setattr(clock_module, "time", made)
    return made


@pytest.mark.parametrize("jump", [3600.0, -3600.0, 3e7, -3e7])
def test_it_goes_on_evenly_whatever_the_machines_clock_is_set_to(machine, jump):
    steady, wall = SteadyClock(), SystemClock()
    begun = steady.now()
    assert begun == wall.now()
    machine.goes_by(5)
    machine.wall += jump
    assert (steady.now() - begun, wall.now() - begun) == (5.0, 5.0 + jump)
    assert steady.monotonic() == wall.monotonic() == 105.0


@pytest.mark.parametrize(("jump", "follows"), [(3600.0, 3600.0), (-3600.0, 0.0)], ids=["forward", "never back"])
def test_it_catches_up(machine, jump, follows):
    steady = SteadyClock()
    begun = steady.now()
    machine.wall += jump
    steady.catch_up()
    machine.goes_by(1)
    assert steady.now() - begun == 1.0 + follows


def test_the_real_one_is_right():
    assert SteadyClock().now() == pytest.approx(SystemClock().now(), abs=5)
