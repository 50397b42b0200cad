"""When models are let go between jobs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koma.core.memory import ROOM_SECONDS, Care, Clearing, Freed, FreeRule, Room, freed, room

NOW = 1000.0
FAMILY, ALWAYS = Care(0.8, FreeRule.FAMILY), Care(0.8, FreeRule.ALWAYS)


@pytest.mark.parametrize(
    ("care", "loaded", "family", "looks"),
    [
        pytest.param(FAMILY, "sd15", "sd15", False, id="nothing is asked between jobs of one family"),
        pytest.param(FAMILY, "sd15", "svd", True, id="memory is looked at before another family"),
        pytest.param(FAMILY, "", "sd15", True, id="nobody knows what a server holds at the start"),
        pytest.param(ALWAYS, "sd15", "sd15", True, id="always means before every job"),
    ],
)
def test_when_memory_is_looked_at(care, loaded, family, looks):
    assert care.looks(loaded, family) is looks


@pytest.mark.parametrize(
    ("clearing", "used", "total", "answer"),
    [
        pytest.param(Clearing(FAMILY, NOW), 80, 100, Room.SUBMIT, id="memory up to the limit is left alone"),
        pytest.param(Clearing(FAMILY, NOW), 81, 100, Room.FREE, id="above the limit it is asked for"),
        pytest.param(Clearing(ALWAYS, NOW), 1, 100, Room.FREE, id="always asks whatever is in use"),
        pytest.param(Clearing(ALWAYS, NOW, True, 1), 1, 100, Room.SUBMIT, id="and asks once"),
        pytest.param(Clearing(FAMILY, NOW - 5, True, 90), 85, 100, Room.WAIT, id="what was asked for is waited for"),
        pytest.param(Clearing(FAMILY, NOW - 5, True, 90), 20, 100, Room.SUBMIT, id="until it is there"),
        pytest.param(Clearing(FAMILY, NOW - ROOM_SECONDS, True, 90), 90, 100, Room.SUBMIT, id="or a minute is over"),
        pytest.param(Clearing(FAMILY, NOW), None, None, Room.SUBMIT, id="a server that does not tell gets the job at once"),
        pytest.param(Clearing(ALWAYS, NOW), None, None, Room.FREE, id="but always is always"),
        pytest.param(Clearing(FAMILY, NOW, True, 90), None, 100, Room.SUBMIT, id="also one that stops telling"),
        pytest.param(Clearing(FAMILY, NOW), 0, 0, Room.SUBMIT, id="also one without memory"),
    ],
)
def test_what_follows_a_look(clearing, used, total, answer):
    assert room(clearing, used, total, NOW) is answer


def test_the_record_names_bytes_before_and_after_and_the_seconds_between():
    assert freed(Clearing(FAMILY, NOW - 4, True, 90), 20, NOW) == Freed(90, 20, 4.0)
    assert freed(Clearing(FAMILY, NOW - 4), 20, NOW) is None


memory = st.integers(0, 100) | st.none()


@given(st.floats(0, 1), st.sampled_from(FreeRule), st.booleans(), memory, memory)
def test_a_wait_for_memory_always_ends(limit, rule, asked, used, total):
    later = room(Clearing(Care(limit, rule), NOW, asked), used, total, NOW + ROOM_SECONDS)
    assert later is Room.SUBMIT or (later is Room.FREE and not asked)
