"""Where learned metrics run: the graphics card belongs to renders."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koma.core.device import device_for

GIB = 1 << 30


@pytest.mark.parametrize(
    ("wanted", "idle", "free", "device"),
    [
        pytest.param("auto", True, 4 * GIB, "cuda", id="auto takes the card while nothing renders and there is room"),
        pytest.param("auto", True, 3 * GIB, "cuda", id="exactly enough is room"),
        pytest.param("auto", False, 80 * GIB, "cpu", id="auto leaves the card to a render, whatever room there is"),
        pytest.param("auto", True, 3 * GIB - 1, "cpu", id="auto stays away from a full card"),
        pytest.param("auto", True, None, "cpu", id="room that nobody knows of counts as none"),
        pytest.param("cpu", True, 80 * GIB, "cpu", id="cpu is cpu"),
        pytest.param("cuda", False, None, "cuda", id="who asks for cuda gets it"),
    ],
)
def test_where_learned_metrics_run(wanted, idle, free, device):
    assert device_for(wanted, idle, free, 3 * GIB) == device


@given(st.booleans(), st.none() | st.integers(0, 1 << 40), st.integers(0, 1 << 40), st.integers(0, 1 << 40))
def test_more_room_never_takes_the_card_away(idle, free, more, needed):
    before = device_for("auto", idle, free, needed)
    after = device_for("auto", idle, (free or 0) + more, needed)
    assert (before, after) != ("cuda", "cpu")
