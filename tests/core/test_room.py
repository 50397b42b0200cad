"""Room on disk: what may begin with so much free, and that a disk at its limit does not make the daemon start and stop."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koma.core.room import AT_ONCE, HEADROOM_BYTES, Reserve, Room, Space, again_at, headroom, reserved, room, words

MB, GB = 10**6, 10**9
TOTALS = st.integers(1, 10**14)
RESERVES = st.builds(Reserve, st.floats(0, 90), st.none() | st.floats(0, 1e13))
LARGEST = st.integers(0, 10**12)
ROOMS = st.sampled_from(Room)


@st.composite
def spaces(draw):
    total = draw(TOTALS)
    return Space(("outputs",), draw(st.integers(0, total)), total)


def disk(free, total=100 * GB):
    return [Space(("outputs", "state"), free, total)]


@pytest.mark.parametrize(
    ("free", "before", "expected"),
    [
        pytest.param(50 * GB, Room.RENDERS, Room.RENDERS, id="half of it is free: everything goes on"),
        pytest.param(5 * GB, Room.RENDERS, Room.RENDERS, id="exactly the reserve: everything goes on"),
        pytest.param(5 * GB - 1, Room.RENDERS, Room.FILES, id="less than the reserve: no render begins, what is made is published"),
        pytest.param(6 * GB, Room.FILES, Room.FILES, id="a little more than the reserve: renders still wait"),
        pytest.param(7 * GB, Room.FILES, Room.RENDERS, id="a quarter more than the reserve: renders begin again"),
        pytest.param(60 * MB, Room.RENDERS, Room.NONE, id="less than the headroom of the database: nothing begins"),
        pytest.param(70 * MB, Room.NONE, Room.NONE, id="a little more than the headroom: still nothing"),
        pytest.param(100 * MB, Room.NONE, Room.FILES, id="enough headroom: what is made is published"),
        pytest.param(7 * GB, Room.NONE, Room.RENDERS, id="all at once free again: everything goes on at once"),
    ],
)
def test_of_100_gb_with_a_reserve_of_five_per_cent(free, before, expected):
    assert room(disk(free), Reserve(), 0, before) is expected


def test_twice_the_largest_take_counts_where_it_is_more_than_the_share():
    assert reserved(disk(0)[0], Reserve(), 2 * GB) == 5 * GB
    assert reserved(disk(0)[0], Reserve(), 4 * GB) == AT_ONCE * 4 * GB


def test_bytes_stand_in_for_the_share():
    assert reserved(disk(0)[0], Reserve(5.0, 1 * GB), 0) == 1 * GB


def test_the_fullest_file_system_decides():
    assert room([*disk(50 * GB), Space(("scratch",), 1 * MB, 1 * GB)], Reserve(), 0) is Room.NONE


def test_words_name_the_places_and_the_figures_of_what_lacks_alone():
    said = words([*disk(1 * GB), Space(("scratch",), 900 * MB, 1 * GB)], Reserve(), 0, Room.FILES)
    assert said == "no render begins until there is more room: 1.0 GB of 100.0 GB are free for outputs, state, and it takes 6.2 GB"
    assert words(disk(50 * GB), Reserve(), 0, Room.RENDERS) == ""


@given(st.lists(spaces(), max_size=4), RESERVES, LARGEST, ROOMS)
def test_no_render_begins_into_the_reserve(found, reserve, largest, before):
    if room(found, reserve, largest, before) is Room.RENDERS:
        assert all(space.free >= reserved(space, reserve, largest) for space in found)


@given(st.lists(spaces(), max_size=4), RESERVES, LARGEST, ROOMS)
def test_the_same_figures_give_the_same_answer_again(found, reserve, largest, before):
    once = room(found, reserve, largest, before)
    assert room(found, reserve, largest, once) is once


@given(spaces(), RESERVES, LARGEST, ROOMS, st.integers(0, 10**14))
def test_more_room_never_allows_less(space, reserve, largest, before, more):
    roomier = space._replace(free=min(space.total, space.free + more))
    assert room([roomier], reserve, largest, before) >= room([space], reserve, largest, before)


@given(TOTALS, RESERVES, LARGEST, st.lists(st.floats(0, 1), max_size=50))
def test_a_disk_that_moves_less_than_the_gap_around_its_limit_changes_its_mind_at_most_once(total, reserve, largest, moves):
    limit = reserved(Space((), 0, total), reserve, largest)
    gap = again_at(limit, total) - limit
    found, changes = Room.RENDERS, 0
    for move in moves:
        free = limit - 1 + int(move * gap)
        now = room([Space((), max(0, min(free, total)), total)], reserve, largest, found)
        changes += (now is Room.RENDERS) is not (found is Room.RENDERS)
        found = now
    assert changes <= 1


@given(TOTALS, RESERVES, LARGEST)
def test_an_empty_disk_has_room_unless_the_reserve_is_all_of_it(total, reserve, largest):
    empty = Space((), total, total)
    assert room([empty], reserve, largest, Room.NONE) is Room.RENDERS
    assert headroom(reserved(empty, reserve, largest)) <= HEADROOM_BYTES


def test_where_nothing_can_be_looked_at_nothing_is_held():
    assert room([], Reserve(), 0, Room.NONE) is Room.RENDERS
