"""What counts against a server, when it is restarted, and how often at most."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koma.core.codec import from_json, to_json
from koma.core.gate import Check, GateResult, Op, Rule
from koma.core.job import JobState
from koma.core.media import Artifact, Media, Role
from koma.core.request import Failure, FailureClass, Sighting, Stage
from koma.core.retry import Patience
from koma.core.supervision import (
    LONGEST_REST,
    Health,
    Outcome,
    Rules,
    Why,
    above,
    after,
    due,
    may_restart_at,
    outcomes,
    quick_seconds,
    rest_after,
    suspicion,
    tried,
)
from koma.core.words import ActionKind, Verdict
from support.scripted import make_job

NOW = 10_000.0
PICTURE = (Artifact(Role.OBJECT, Media.IMAGE, "f", "c", ".png", 1, 1, 1),)
THERE = replace(make_job(), state=JobState.SUBMITTED, attempt=1)
RUNNING = replace(THERE, running_since=NOW)
COLLECTING = replace(RUNNING, state=JobState.COLLECTING, outputs={"file": "a"})
MEASURING = replace(COLLECTING, state=JobState.MEASURING, artifacts=PICTURE)


def judged(metric, verdict):
    rule = Rule(metric, Op.AT_MOST, 0.5, source="p")
    return GateResult(verdict, (Check(rule, 0.9, verdict, "as told"),), "validity", "as told")


def failed(kind, **fields):
    return replace(RUNNING, failure=Failure(kind, "as told"), **fields)


@pytest.mark.parametrize(
    ("before", "later", "told"),
    [
        pytest.param(THERE, RUNNING, [Outcome.MOVED], id="a prompt that begins shows that the server works"),
        pytest.param(THERE, COLLECTING, [Outcome.MOVED], id="so does one that has ended well"),
        pytest.param(RUNNING, RUNNING, [], id="one that goes on says nothing"),
        pytest.param(RUNNING, failed(FailureClass.NODE, failed_attempts=1), [Outcome.FAULT], id="an attempt that failed counts"),
        pytest.param(RUNNING, failed(FailureClass.OUT_OF_MEMORY, out_of_memory=1), [Outcome.FAULT], id="so does memory that ran out"),
        pytest.param(RUNNING, failed(FailureClass.TIMEOUT, finished_at=NOW), [Outcome.FAULT], id="and one that was given up"),
        pytest.param(RUNNING, failed(FailureClass.TIMEOUT), [], id="one that is being interrupted is not over"),
        pytest.param(THERE, replace(THERE, lost_attempts=1, failure=Failure(FailureClass.LOST, "")), [], id="what never began is no fault"),
        pytest.param(RUNNING, failed(FailureClass.BAD_OUTPUT, failed_attempts=1), [Outcome.BROKEN], id="broken files are told apart"),
        pytest.param(RUNNING, failed(FailureClass.VALIDATION, finished_at=NOW), [], id="a wrong document is not the server's fault"),
        pytest.param(RUNNING, failed(FailureClass.INTERRUPTED, failed_attempts=1), [], id="nor is an interrupt by others"),
        pytest.param(COLLECTING, failed(FailureClass.DISK, failed_attempts=1), [], id="nor is a full disk of this machine"),
        pytest.param(
            MEASURING,
            replace(MEASURING, failure=Failure(FailureClass.INTERNAL, "a meter broke"), finished_at=NOW),
            [],
            id="nor is what can't be measured",
        ),
        pytest.param(
            replace(MEASURING, state=JobState.PUBLISHING),
            replace(MEASURING, state=JobState.FAILED, failure=Failure(FailureClass.INTERNAL, "no rights"), finished_at=NOW),
            [],
            id="nor is what can't be published",
        ),
        pytest.param(COLLECTING, MEASURING, [Outcome.RENDERED], id="files that came are a render"),
        pytest.param(
            COLLECTING, replace(MEASURING, suspicious="too fast"), [Outcome.SUSPICIOUS], id="files that came too fast are suspicious"
        ),
        pytest.param(MEASURING, replace(MEASURING, gate=judged("black", Verdict.FAILED)), [Outcome.BLACK], id="a black take"),
        pytest.param(MEASURING, replace(MEASURING, gate=judged("black", Verdict.PASSED)), [Outcome.SEEN], id="a take that is not black"),
        pytest.param(
            MEASURING, replace(MEASURING, gate=judged("sharpness", Verdict.FAILED)), [Outcome.SEEN], id="a blurred take is no black one"
        ),
        pytest.param(
            replace(MEASURING, action=ActionKind.MEASURE, artifacts=()),
            replace(MEASURING, action=ActionKind.MEASURE),
            [],
            id="what is only measured again says nothing of the server",
        ),
    ],
)
def test_what_a_step_tells_of_the_server(before, later, told):
    assert list(outcomes(before, later)) == told


def counted(*outcomes_of, health=None):
    for outcome in outcomes_of:
        health = after(health or Health(), outcome, NOW)
    return health


FAULT, RENDERED, BLACK, SEEN, ODD, BROKEN = (
    Outcome.FAULT,
    Outcome.RENDERED,
    Outcome.BLACK,
    Outcome.SEEN,
    Outcome.SUSPICIOUS,
    Outcome.BROKEN,
)


@pytest.mark.parametrize(
    ("outcomes_of", "rules", "why"),
    [
        pytest.param([FAULT] * 2, Rules(), None, id="two faults are bad luck"),
        pytest.param([FAULT] * 3, Rules(), Why.FAULTS, id="three in a row are not"),
        pytest.param([FAULT, FAULT, RENDERED, FAULT], Rules(), None, id="a render between them begins the count anew"),
        pytest.param([ODD] * 3, Rules(), Why.FAULTS, id="three suspicious answers in a row count as well"),
        pytest.param([ODD, ODD, RENDERED, ODD], Rules(), None, id="but not with a good one between them"),
        pytest.param([RENDERED, BLACK] * 3, Rules(), Why.BLACK, id="three black takes in a row"),
        pytest.param([BLACK, BLACK, SEEN, BLACK], Rules(), None, id="but not with another one between them"),
        pytest.param([BROKEN, RENDERED, BLACK, RENDERED, BLACK], Rules(), Why.BLACK, id="broken files count with the black ones"),
        pytest.param([RENDERED] * 9, Rules(), None, id="renders alone are no reason"),
        pytest.param([RENDERED] * 9, Rules(renders=10), None, id="before as many as were named"),
        pytest.param([RENDERED] * 10, Rules(renders=10), Why.RENDERS, id="after as many as were named they are"),
        pytest.param([FAULT] * 99 + [BLACK] * 99, Rules(0, 0, 0), None, id="never is never"),
    ],
)
def test_when_a_restart_is_due(outcomes_of, rules, why):
    assert due(counted(*outcomes_of), rules) is why


def test_a_restart_begins_every_count_anew_and_one_that_failed_none():
    ill = counted(FAULT, FAULT, FAULT, BLACK)
    assert due(tried(ill, NOW, done=True), Rules()) is None
    assert due(tried(ill, NOW, done=False), Rules()) is Why.FAULTS
    assert may_restart_at(tried(ill, NOW, done=False)) == NOW + 300.0


def test_a_good_picture_after_the_rest_makes_the_next_restart_possible_at_once():
    twice = tried(tried(Health(), NOW, done=True), NOW + 300, done=True)
    assert after(twice, SEEN, NOW + 899).restarts == 2
    calm = after(twice, SEEN, NOW + 900)
    assert (calm.restarts, may_restart_at(calm)) == (0, NOW + 300)


def test_a_server_that_works_is_not_stuck():
    stuck = Health(stuck="it works on nothing")
    assert after(stuck, Outcome.MOVED, NOW).stuck == ""
    assert after(stuck, FAULT, NOW).stuck


@given(st.integers(0, 10_000))
def test_rests_grow_and_are_bounded(restarts):
    assert rest_after(restarts) <= rest_after(restarts + 1) <= LONGEST_REST
    assert rest_after(0) == 0.0


steps = st.lists(st.tuples(st.sampled_from([*Outcome, "restart", "restart fails"]), st.floats(0.0, 4000.0)), max_size=60)


@given(steps)
def test_a_restart_that_helps_nothing_is_repeated_ever_more_rarely(story):
    """Whatever happens, a restart never comes before its time; without a good picture between them, two are ever further apart."""
    health, now, gaps, ran = Health(), NOW, [], None
    for what, seconds in story:
        now += seconds
        if isinstance(what, Outcome):
            health = after(health, what, now)
            gaps = gaps if health.restarts else []
        elif now >= may_restart_at(health):
            gaps += [now - ran] if ran is not None and health.restarts else []
            health, ran = tried(health, now, done=what == "restart"), now
    assert all(gap >= rest_after(number) for number, gap in enumerate(gaps, 1))
    assert from_json(Health, to_json(health)) == health


@pytest.mark.parametrize(
    ("share", "free", "total", "full"),
    [
        pytest.param(0.9, 5, 100, True, id="more than the share is in use"),
        pytest.param(0.9, 10, 100, False, id="exactly the share is not more"),
        pytest.param(0.0, 0, 100, False, id="no share, no mark"),
        pytest.param(0.9, None, 100, False, id="nobody says how much is free"),
        pytest.param(0.9, 0, None, False, id="nobody says how much there is"),
    ],
)
def test_the_memory_mark(share, free, total, full):
    assert above(share, free, total) is full


@pytest.mark.parametrize(
    ("sighting", "quick", "word"),
    [
        pytest.param(Sighting(Stage.SUCCEEDED, render_seconds=1.0), 30.0, "took 1.00 s", id="far faster than ever before"),
        pytest.param(Sighting(Stage.SUCCEEDED, render_seconds=2.0), 30.0, "", id="fast is not too fast"),
        pytest.param(Sighting(Stage.SUCCEEDED, render_seconds=0.1), 0.0, "", id="nobody knows yet what is fast"),
        pytest.param(Sighting(Stage.SUCCEEDED, render_seconds=0.0), 30.0, "", id="what was adopted comes without its time"),
        pytest.param(Sighting(Stage.SUCCEEDED, render_seconds=60.0, cached=True), 30.0, "cache", id="computed nothing"),
    ],
)
def test_what_is_suspicious(sighting, quick, word):
    said = suspicion(sighting, quick)
    assert word in said
    assert bool(said) is bool(word)


def test_what_is_quick_is_known_after_five_renders():
    assert quick_seconds([9.0, 8.0, 7.0, 6.0]) == 0.0
    assert quick_seconds([9.0, 8.0, 7.0, 6.0, 0.0]) == 6.0


@given(st.floats(0.0, 1e5), st.floats(1.0, 1e4))
def test_no_render_is_interrupted_before_its_time(expected, seconds):
    patience = Patience(no_progress_seconds=seconds)
    assert patience.no_progress(expected) >= max(seconds, 2 * expected)
    assert patience.deadline(expected) >= max(600.0, 10 * expected)
