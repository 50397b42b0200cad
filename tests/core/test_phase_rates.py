"""When a phase opens, and what people are told while it is closed."""

from fractions import Fraction
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koma.core.phases import GateSettings, PhaseRate, Tally, needed, rates, sheet_rate, wilson

PROJECT, FIRST, SECOND = "street", "street/s01", "street/s02"
USUAL = GateSettings()
BY_HAND = GateSettings(auto_advance=False)


def tally(passed: int, wanted: int, phase: str = "still") -> Tally:
    return Tally(passed, wanted, tuple(f"street/s01/sh{number:02}/{phase}" for number in range(passed, wanted)))


def stand(settings: GateSettings = USUAL, approved: tuple[str, ...] = (), rejected: tuple[str, ...] = (), **phases: tuple[int, int]):
    """Rates in one project; phases as passed and wanted, reviews as names of phases."""
    tallies = {(PROJECT, phase): tally(*counts, phase) for phase, counts in phases.items()}
    found = rates(tallies, settings, {(PROJECT, phase) for phase in approved}, {(PROJECT, phase) for phase in rejected})
    return {phase: rate for (_, phase), rate in found.items()}


@pytest.mark.parametrize(
    ("given_so_far", "opened"),
    [
        pytest.param({"still": (0, 10)}, ["still"], id="the first phase is open"),
        pytest.param({"loop": (0, 10), "video": (0, 10)}, ["loop"], id="whichever is the first"),
        pytest.param({"still": (7, 10), "loop": (0, 10)}, ["still"], id="7 of 10 stills keep loops closed"),
        pytest.param({"still": (8, 10), "loop": (0, 10)}, ["still", "loop"], id="an eighth opens them"),
        pytest.param(
            {"still": (7, 10), "loop": (0, 10), "approved": ("still",)}, ["still", "loop"], id="so does a review, whatever the rate"
        ),
        pytest.param({"still": (0, 10), "loop": (0, 10), "approved": ("loop",)}, ["still"], id="a review of another phase does not"),
        pytest.param({"still": (10, 10), "loop": (0, 10), "rejected": ("still",)}, ["still"], id="a rejected phase opens nothing"),
        pytest.param({"still": (10, 10), "loop": (7, 10), "video": (0, 10)}, ["still", "loop"], id="a video waits for the loops"),
        pytest.param({"still": (10, 10), "video": (0, 10)}, ["still", "video"], id="where nobody has a loop, it waits for the stills"),
        pytest.param({"still": (10, 10), "loop": (0, 0), "video": (0, 10)}, ["still", "video"], id="no shot at all is nobody"),
        pytest.param({"still": (7, 10), "loop": (10, 10), "video": (0, 10)}, ["still"], id="behind a closed phase all is closed"),
        pytest.param({"still": (7, 10), "loop": (0, 10), "video": (0, 1), "approved": ("loop",)}, ["still", "video"], id="or approved"),
        pytest.param({"animatic": (9, 10), "still": (0, 10)}, ["animatic", "still"], id="an animatic is a phase like any other"),
        pytest.param({"animatic": (0, 10), "still": (0, 10)}, ["animatic"], id="stills wait for the animatics that nobody approved"),
        pytest.param({"settings": BY_HAND, "still": (10, 10), "loop": (0, 10)}, ["still"], id="by hand, the rate alone opens nothing"),
        pytest.param(
            {"settings": BY_HAND, "still": (8, 10), "loop": (0, 10), "approved": ("still",)}, ["still", "loop"], id="with a review it does"
        ),
        pytest.param({"settings": BY_HAND, "still": (7, 10), "loop": (0, 10), "approved": ("still",)}, ["still"], id="nor a review alone"),
        pytest.param(
            {"settings": GateSettings(pass_rate=0), "still": (0, 10), "loop": (0, 10)}, ["still", "loop"], id="a rate of 0 is none"
        ),
        pytest.param(
            {"settings": GateSettings(pass_rate=1), "still": (9, 10), "loop": (0, 10)}, ["still"], id="a rate of 1 is all of them"
        ),
    ],
)
def test_which_phases_are_open(given_so_far, opened):
    assert [phase for phase, rate in stand(**given_so_far).items() if rate.is_open] == opened


@pytest.mark.parametrize(
    ("given_so_far", "phase", "why"),
    [
        pytest.param(
            {"still": (7, 10), "loop": (0, 10)},
            "loop",
            "7 of 10 stills passed, 8 are needed (95 % interval of the rate: 40% to 89%); "
            "missing: street/s01/sh07/still, street/s01/sh08/still, street/s01/sh09/still",
            id="what is missing is named",
        ),
        pytest.param(
            {"still": (0, 5), "loop": (0, 5)},
            "loop",
            "0 of 5 stills passed, 4 are needed (95 % interval of the rate: 0% to 43%); "
            "missing: street/s01/sh00/still, street/s01/sh01/still, street/s01/sh02/still and 2 more",
            id="three at most, and how many more",
        ),
        pytest.param(
            {"still": (0, 1), "video": (0, 1)},
            "video",
            "0 of 1 stills passed, 1 is needed (95 % interval of the rate: 0% to 79%); missing: street/s01/sh00/still",
            id="one is one",
        ),
        pytest.param(
            {"settings": BY_HAND, "still": (10, 10), "loop": (0, 10)},
            "loop",
            "waits for a review: koma review approve --phase still street",
            id="a review is asked for with its command",
        ),
        pytest.param(
            {"still": (10, 10), "loop": (0, 10), "rejected": ("still",)},
            "loop",
            "a review rejected still; koma review approve --phase still street",
            id="a rejected phase says so",
        ),
        pytest.param(
            {"still": (0, 1), "loop": (1, 1), "video": (0, 1)},
            "video",
            "loop is closed: 0 of 1 stills passed, 1 is needed (95 % interval of the rate: 0% to 79%); missing: street/s01/sh00/still",
            id="the first cause is named",
        ),
        pytest.param({"still": (8, 10), "loop": (0, 10)}, "loop", "", id="nothing where it is open"),
    ],
)
def test_why_a_phase_is_closed(given_so_far, phase, why):
    assert stand(**given_so_far)[phase].why == why


def test_a_rate_says_how_its_own_shots_stand():
    assert stand(still=(7, 10))["still"] == PhaseRate(PROJECT, "still", 7, 10, 0.8, *wilson(7, 10), True, "", tally(7, 10).missing)


def test_scenes_are_judged_apart_and_in_the_order_of_phases():
    found = rates(
        {(SECOND, "loop"): tally(0, 4), (FIRST, "still"): tally(4, 4), (FIRST, "loop"): tally(0, 4), (SECOND, "still"): tally(1, 4)}, USUAL
    )
    assert {key: rate.is_open for key, rate in found.items()} == {
        (SECOND, "still"): True,
        (SECOND, "loop"): False,
        (FIRST, "still"): True,
        (FIRST, "loop"): True,
    }
    assert list(found) == [(SECOND, "still"), (SECOND, "loop"), (FIRST, "still"), (FIRST, "loop")]


@pytest.mark.parametrize(
    ("approved", "rejected", "opened"),
    [
        pytest.param([(PROJECT, "still")], [], {FIRST, SECOND}, id="what is approved in the project is approved in its scenes"),
        pytest.param([(PROJECT, "still")], [(FIRST, "still")], {SECOND}, id="but for a scene where it is rejected"),
        pytest.param([(FIRST, "still")], [(PROJECT, "still")], {FIRST}, id="and the other way round"),
        pytest.param([(FIRST, "still")], [], {FIRST}, id="one scene says nothing about another"),
        pytest.param([("other", "still")], [], set(), id="nor does another project"),
    ],
)
def test_a_word_about_a_project_holds_in_its_scenes(approved, rejected, opened):
    board = {(scope, phase): tally(0, 4, phase) for scope in (FIRST, SECOND) for phase in ("still", "loop")}
    found = rates(board, USUAL, approved, rejected)
    assert {scope for scope in (FIRST, SECOND) if found[scope, "loop"].is_open} == opened


@pytest.mark.parametrize(
    ("data", "settings"),
    [
        pytest.param({}, GateSettings("project", 0.8, 7, True), id="what counts where nobody wrote one"),
        pytest.param({"phase_gate": {"scope": "scene"}}, GateSettings("scene", 0.8, 7, True), id="one word"),
        pytest.param(
            {"phase_gate": {"scope": "scene", "pass_rate": 0.5, "sheet_poses": 3, "auto_advance": False}},
            GateSettings("scene", 0.5, 3, False),
            id="all of them",
        ),
    ],
)
def test_settings_are_read_from_a_project(data, settings):
    assert GateSettings.from_spec(data) == settings


@pytest.mark.parametrize(("scope", "address"), [("project", PROJECT), ("scene", FIRST)])
def test_a_target_counts_in_its_project_or_in_its_scene(scope, address):
    assert GateSettings(scope=scope).scope_of("street/s01/sh010/still") == address


@pytest.mark.parametrize(
    ("passed", "poses", "asked", "why"),
    [
        pytest.param(7, 8, 7, "", id="7 of 8 poses are enough"),
        pytest.param(6, 8, 7, "6 of 8 sheet poses passed, 7 are needed; missing: x, x", id="6 are not"),
        pytest.param(3, 3, 7, "", id="a sheet of three needs no more than three"),
        pytest.param(2, 3, 7, "2 of 3 sheet poses passed, 3 are needed; missing: x", id="and no less"),
        pytest.param(0, 8, 0, "", id="none may be asked for"),
        pytest.param(0, 0, 7, "", id="a sheet without poses keeps nobody waiting"),
    ],
)
def test_a_sheet_has_a_rate_of_its_own(passed, poses, asked, why):
    found = sheet_rate("street/characters/aki/base", Tally(passed, poses, ("x",) * (poses - passed)), GateSettings(sheet_poses=asked))
    assert (found.why, found.is_open, found.phase) == (why, not why, "sheet")


counts = st.integers(0, 30).flatmap(lambda wanted: st.tuples(st.integers(0, wanted), st.just(wanted)))
share = st.integers(0, 1000).map(lambda thousandths: thousandths / 1000)
gates = st.builds(GateSettings, pass_rate=share, auto_advance=st.booleans())
phases = st.sampled_from(["animatic", "still", "loop", "video"])
boards = st.dictionaries(st.tuples(st.sampled_from([FIRST, SECOND]), phases), counts, min_size=1)
reviews = st.sets(st.tuples(st.sampled_from([FIRST, SECOND]), phases))


def opened(board, settings, approved=(), rejected=()):
    found = rates({key: tally(*pair, key[1]) for key, pair in board.items()}, settings, approved, rejected)
    return {key for key, rate in found.items() if rate.is_open}


@given(share, st.integers(0, 100_000))
def test_what_a_rate_asks_for_is_exact(rate, wanted):
    assert needed(rate, wanted) == ceil(Fraction(str(rate)) * wanted)


@given(boards, gates, reviews, st.data())
def test_one_more_that_passed_never_closes_anything(board, settings, approved, data):
    key = data.draw(st.sampled_from(sorted(board)))
    passed, wanted = board[key]
    assert opened(board, settings, approved) <= opened({**board, key: (min(passed + 1, wanted), wanted)}, settings, approved)


@given(boards, gates, reviews, st.data())
def test_a_review_opens_and_never_closes(board, settings, approved, data):
    more = data.draw(reviews)
    assert opened(board, settings, approved) <= opened(board, settings, approved | more)
    assert opened(board, settings, approved, more) <= opened(board, settings, approved)


@given(boards, gates, reviews)
def test_one_scene_says_nothing_about_another(board, settings, approved):
    alone = {key: counts for key, counts in board.items() if key[0] == FIRST}
    assert {key for key in opened(board, settings, approved) if key[0] == FIRST} == opened(alone, settings, approved)


@given(st.integers(1, 50), share)
def test_falling_below_the_rate_closes_what_follows(wanted, rate):
    settings, least = GateSettings(pass_rate=rate), needed(rate, wanted)
    assert stand(settings, still=(least, wanted), loop=(0, 1))["loop"].is_open
    assert not least or not stand(settings, still=(least - 1, wanted), loop=(0, 1))["loop"].is_open


@given(counts)
def test_the_interval_holds_the_rate_and_no_more_than_0_to_1(pair):
    low, high = wilson(*pair)
    assert 0 <= low <= high <= 1
    assert not pair[1] or low <= pair[0] / pair[1] <= high


@pytest.mark.parametrize(
    ("passed", "total", "bounds"),
    [
        pytest.param(7, 10, (0.3968, 0.8922), id="7 of 10"),
        pytest.param(81, 263, (0.2553, 0.3662), id="81 of 263, the example that is printed everywhere"),
        pytest.param(0, 10, (0, 0.2775), id="none of 10"),
        pytest.param(10, 10, (0.7225, 1), id="10 of 10"),
        pytest.param(0, 0, (0, 1), id="of nothing, nothing is known"),
    ],
)
def test_known_intervals(passed, total, bounds):
    assert wilson(passed, total) == pytest.approx(bounds, abs=5e-5)
