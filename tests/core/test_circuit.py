"""Circuit breakers of templates: when they open, whom they let through, and when they close."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koma.core.circuit import FIRST_REST, GOOD, LONGEST_REST, OPENS_AFTER, Circuit, Position, after_failure, digest_of, rest_of
from koma.core.codec import from_json, to_json
from koma.core.flags import CIRCUIT, kept

NOW, OF = 10_000.0, digest_of("template-1", "server-1")
ANOTHER = digest_of("template-2", "server-1")


def after(*targets, now=NOW, circuit=GOOD, of=OF):
    for target in targets:
        circuit = after_failure(circuit, target, of, "no such node", now)
    return circuit


OPEN = after("a", "b", "c")
HALF = NOW + FIRST_REST


@pytest.mark.parametrize(
    ("circuit", "of", "now", "position"),
    [
        pytest.param(GOOD, OF, NOW, Position.CLOSED, id="nothing ever failed"),
        pytest.param(after("a", "b"), OF, NOW, Position.CLOSED, id="two targets are not enough"),
        pytest.param(after("a", "a", "a", "b"), OF, NOW, Position.CLOSED, id="one that fails again and again is one"),
        pytest.param(OPEN, OF, NOW, Position.OPEN, id="three in a row are enough"),
        pytest.param(OPEN, OF, HALF - 1, Position.OPEN, id="for ten minutes nothing is tried"),
        pytest.param(OPEN, OF, HALF, Position.HALF, id="then one is"),
        pytest.param(after("d", circuit=OPEN, now=HALF), OF, HALF + 1, Position.OPEN, id="if that fails as well the others go on waiting"),
        pytest.param(OPEN, ANOTHER, NOW, Position.CLOSED, id="another version of the template has done nothing wrong"),
        pytest.param(OPEN, digest_of("template-1", "server-2"), NOW, Position.CLOSED, id="nor has it at a server with other models"),
        pytest.param(after("d", circuit=OPEN, of=ANOTHER), ANOTHER, NOW, Position.CLOSED, id="and its failures count from the first"),
    ],
)
def test_positions(circuit, of, now, position):
    assert circuit.position(of, now) is position


def test_what_was_at_the_server_when_it_opened_does_not_keep_it_open_for_longer():
    late = after("d", "e", circuit=OPEN, now=NOW + 60)
    assert (late.until, late.times) == (OPEN.until, 1)
    assert late.failed == ("c", "d", "e")


def test_each_failed_try_keeps_it_open_for_longer():
    circuit, waits = OPEN, []
    for _ in range(8):
        now = circuit.until
        circuit = after("x", circuit=circuit, now=now)
        waits.append(circuit.until - now)
    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (2 * FIRST_REST, LONGEST_REST)


@given(st.integers(0, 10_000))
def test_rests_grow_and_are_bounded(times):
    assert FIRST_REST <= rest_of(times) <= rest_of(times + 1) <= LONGEST_REST


events = st.lists(
    st.tuples(st.sampled_from(["fails", "succeeds", "changes"]), st.sampled_from("abcde"), st.floats(0.0, 2000.0)), max_size=40
)


@given(events)
def test_against_a_plain_list_of_what_happened(story):
    """It is open only if the last targets of this version that ended failed, as many as it takes; a success or a change closes it."""
    circuit, now, version, failed = GOOD, NOW, 0, []
    for what, target, seconds in story:
        now += seconds
        version += what == "changes"
        of = digest_of(f"template-{version}", "server")
        if what == "fails":
            circuit = after_failure(circuit, target, of, "as told", now)
            failed = [*failed, target]
        else:
            circuit, failed = (GOOD if what == "succeeds" else circuit), []
        position = circuit.position(of, now)
        assert (position is not Position.CLOSED) == (len(set(failed)) >= OPENS_AFTER)
        assert len(circuit.failed) <= OPENS_AFTER
        assert position is not Position.OPEN or now < circuit.until <= now + LONGEST_REST
    assert from_json(Circuit, to_json(circuit)) == circuit


def test_a_stored_circuit_that_can_not_be_read_counts_as_good():
    flags = {f"{CIRCUIT}still": '{"failed": ["a"], "of": "x"}', f"{CIRCUIT}video": "{", f"{CIRCUIT}loop": "[]", "paused": "yes"}
    assert kept(Circuit, flags, CIRCUIT) == {"still": Circuit(("a",), "x")}
