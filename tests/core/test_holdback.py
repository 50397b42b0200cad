"""What waits though it is wanted: failed takes that rest, targets of a template whose circuit is open, jobs of a server that is stuck."""

from dataclasses import replace

import pytest

from koma.core.circuit import FIRST_REST, GOOD, after_failure, digest_of
from koma.core.gating import Gating
from koma.core.holdback import Signs, hold_back
from koma.core.job import JobState
from koma.core.plan import plan
from koma.core.words import ActionKind, Verdict
from support.scripted import make_job
from support.worlds import Shelf, but, key_of, row, target

NOW = 50_000.0
A, B, C = (but(target(f"sh0{n}0/still"), base_key=f"graph {n}") for n in (1, 2, 3))
ERROR = Verdict.ERROR


def planned(shelf, *targets, again=None, **more):
    observed = shelf.observed()._replace(again=lambda _row: again, now=NOW)
    return plan(targets, observed, **more)


def words(found):
    return {action.target_id[6:]: f"{action.action} {action.reason}" for action in found.actions}


def with_takes(*rows, publish=None):
    shelf = Shelf()
    shelf.add(A, *rows, publish=publish)
    return shelf


def take(number, verdict):
    return row(A, A.key, number, verdict)


@pytest.mark.parametrize(
    ("shelf", "again", "said", "number"),
    [
        pytest.param(with_takes(take(1, ERROR)), None, "hold render-failed", 0, id="what is left to a person is held"),
        pytest.param(with_takes(take(1, ERROR)), NOW + 1, "hold resting", 0, id="what is tried again later rests"),
        pytest.param(with_takes(take(1, ERROR)), NOW, "render forgiven", 1, id="and then the same take is made"),
        pytest.param(
            with_takes(take(1, Verdict.FAILED), take(2, ERROR), publish=take(1, Verdict.FAILED)),
            NOW + 1,
            "hold resting",
            0,
            id="a retake that ended in an error rests",
        ),
        pytest.param(
            with_takes(take(1, Verdict.FAILED), take(2, ERROR), publish=take(1, Verdict.FAILED)),
            NOW,
            "render forgiven",
            2,
            id="and is tried again itself, not another one",
        ),
        pytest.param(
            with_takes(take(1, Verdict.FAILED), take(2, ERROR)), NOW, "publish unpublished", 0, id="what is best so far is shown first"
        ),
        pytest.param(
            with_takes(take(1, Verdict.PASSED), take(2, ERROR), publish=take(1, Verdict.PASSED)),
            NOW,
            "",
            0,
            id="with a good take, nothing is",
        ),
    ],
)
def test_takes_that_ended_in_an_error(shelf, again, said, number):
    found = planned(shelf, A, again=again)
    assert words(found).get("sh010/still", "") == said
    assert [(action.take_number, action.until) for action in found.actions if action.until or action.take_number] == (
        [(number, 0.0)] if number else [(0, again)] if "resting" in said else []
    )


LOOP = but(target("sh010/loop"), reads=(), needs=())


@pytest.mark.parametrize(
    ("again", "said"),
    [
        pytest.param(NOW + 1, "render new", id="what rests may still pass, so its phase only waits"),
        pytest.param(None, "hold phase-closed", id="what is left to a person keeps it closed"),
    ],
)
def test_a_failed_render_and_the_phase_after_it(again, said):
    found = planned(with_takes(take(1, ERROR)), A, LOOP, again=again, gatings={"p": Gating()})
    assert words(found)["sh010/loop"] == said


OF = digest_of("t1", "server")
OPEN = after_failure(after_failure(after_failure(GOOD, "x", OF, "boom", NOW), "y", OF, "boom", NOW), "z", OF, "boom", NOW)
HALF = NOW + FIRST_REST


def held(*jobs, now=NOW, circuit=OPEN, shelf=None, server="server", counted=lambda _target: True, stuck=""):
    """Plan three stills of one template, and hold back what has to wait. Jobs are those in the store."""
    shelf = shelf or Shelf()
    for job in jobs:
        of = {one.id: one for one in (A, B, C)}[job.work.target]
        shelf.running[of.id, key_of(of)] = str(job.action)
    signs = Signs({"still": circuit}, {"comfyui": stuck} if stuck else {}, server, now)
    return hold_back(planned(shelf, A, B, C), signs, jobs, counted)


def job_of(one, state=JobState.QUEUED, **fields):
    return replace(make_job(one.id), state=state, **fields)


HELD = "hold circuit-open"


@pytest.mark.parametrize(
    ("found", "said"),
    [
        pytest.param(held(), [HELD] * 3, id="an open circuit holds every render of its template"),
        pytest.param(held(circuit=GOOD), ["render new"] * 3, id="a closed one holds none"),
        pytest.param(held(server="another"), ["render new"] * 3, id="one of another server holds none"),
        pytest.param(held(now=HALF), ["render new", HELD, HELD], id="after its time one is let through"),
        pytest.param(
            held(now=HALF, counted=lambda name: name == C.id), [HELD, HELD, "render new"], id="one that is worked on, not one left out"
        ),
        pytest.param(
            held(job_of(B, JobState.SUBMITTED, attempt=1), now=HALF),
            [HELD, "render running", HELD],
            id="none besides one that has begun",
        ),
        pytest.param(
            held(job_of(B, attempt=1), job_of(A), now=HALF),
            ["render running", "render running", HELD],
            id="of two in the queue, the one that has begun",
        ),
    ],
)
def test_circuits(found, said):
    assert list(words(found).values()) == said


def test_what_is_in_the_queue_of_an_open_circuit_is_taken_out_and_what_has_begun_goes_on():
    found = held(job_of(A), job_of(B, JobState.SUBMITTED, attempt=1), job_of(C, attempt=2))
    marked = [action.message for action in found.actions]
    assert marked == ["3 targets of still failed in a row, the last one of: boom", "", ""]


def test_of_two_in_the_queue_of_a_half_open_circuit_one_is_taken_out():
    found = held(job_of(A), job_of(B), now=HALF)
    assert [bool(action.message) for action in found.actions] == [False, True, True]


def test_targets_of_another_template_go_on():
    other = but(B, template="another-still")
    found = hold_back(planned(Shelf(), A, other), Signs({"still": OPEN}, {}, "server", NOW), (), lambda _target: True)
    assert words(found) == {"sh010/still": HELD, "sh020/still": "render new"}


def test_a_held_render_says_why_and_until_when():
    action = held().actions[0]
    assert (action.until, action.message) == (HALF, "3 targets of still failed in a row, the last one of: boom")


def test_what_a_person_asks_for_is_tried_whatever_the_circuit_says():
    shelf = Shelf(flags={f"retry:{B.id}:final": "again"})
    assert list(words(held(shelf=shelf)).values()) == [HELD, "render forced", HELD]


def test_jobs_of_a_stuck_server_are_shown_as_held_and_others_are_not():
    jobs = [job_of(A, JobState.SUBMITTED), job_of(B, JobState.PUBLISHING)]
    found = held(*jobs, circuit=GOOD, stuck="it works on nothing")
    assert list(words(found).values()) == ["hold backend-stuck", "render running", "render new"]
    assert (found.actions[0].key, found.actions[0].message) == (A.key, "it works on nothing")
    assert found.actions[0].action is ActionKind.HOLD
