"""`decide`: a table of sentences, and what holds for every sequence of answers."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koma.core import retry
from koma.core.attempt import for_attempt, prompt_id, request_of, wanted_request
from koma.core.decide import decide
from koma.core.gate import Measurement, Op, Rule
from koma.core.job import TERMINAL, TRANSITIONS, Fallback, Job, JobState
from koma.core.media import Artifact, Media, Role
from koma.core.memory import Care, Clearing, Freed, FreeRule
from koma.core.request import Failure, FailureClass, Sighting, Stage, SubmitOutcome, Submitted
from koma.core.rows import Published
from koma.core.step import (
    Ask,
    CancelAsked,
    Collect,
    Collected,
    CollectFailed,
    Emit,
    Find,
    Found,
    Free,
    Interrupt,
    Look,
    Measure,
    Measured,
    MemorySeen,
    Publish,
    PublishedAs,
    Recall,
    Recalled,
    Recorded,
    RecordTake,
    Recovered,
    Restart,
    Restarted,
    Seen,
    Start,
    StepFailed,
    Submit,
    SubmitAnswer,
    TakeBack,
    Tick,
    Wait,
    Withdraw,
)
from koma.core.words import ActionKind, BackendKind
from support.scripted import make_job

NOW = 1000.0
GONE = Found(Sighting(Stage.ABSENT))
FORGOTTEN = Found(Sighting(Stage.SUCCEEDED, {"files": []}))
GRACE = retry.ABSENT_GRACE_SECONDS[BackendKind.COMFYUI]
PICTURE = Artifact(Role.OBJECT, Media.IMAGE, "f", "c", ".png", 1, 1, 1)
SHARP = Measurement("sharpness", "1", "", 1.0)
SHOWN = Published("t", "final", "take", "key", "t.png", 1, "passed", "m", "r", "c")
BROKEN = Failure(FailureClass.INTERNAL, "as told")

QUEUED = make_job()
SUBMITTING, _ = decide(QUEUED, Start(), NOW - 10)
SUBMITTED = replace(SUBMITTING, state=JobState.SUBMITTED)
RUNNING = replace(SUBMITTED, running_since=NOW - 5)
COLLECTING = replace(RUNNING, state=JobState.COLLECTING, outputs={"file": "a"})
MEASURING = replace(COLLECTING, state=JobState.MEASURING, artifacts=(PICTURE,))
JUDGING, _ = decide(MEASURING, Measured((SHARP,)), NOW)
PUBLISHING = replace(JUDGING, state=JobState.PUBLISHING)
OVERDUE = replace(RUNNING, failure=Failure(FailureClass.TIMEOUT, "too long"), doubt_since=NOW - 5)
LEAVING = replace(RUNNING, cancel_asked=True, doubt_since=NOW - 5)
LATE = replace(RUNNING, running_since=NOW - 1 - RUNNING.work.deadline_seconds)
HUNG = replace(OVERDUE, restarting=True)
MOVING = replace(RUNNING, running_since=NOW - 999)
DEAD = replace(SUBMITTED, restarting=True, idle_since=NOW - 60)
WITHDRAWN = replace(SUBMITTED, withdrawn=True)
IDLE = Seen(Sighting(Stage.QUEUED, idle=True))


def seen(stage, kind=None):
    return Seen(Sighting(stage, {"file": "b"}, Failure(kind, "as told") if kind else None))


def still(stage, moved):
    return Seen(Sighting(stage), moved)


def answer(outcome):
    return SubmitAnswer(Submitted(outcome))


def in_doubt(job, seconds):
    return replace(job, doubt_since=NOW - seconds)


def in_clearing(job, seconds):
    return replace(job, clearing=replace(job.clearing, since=NOW - seconds))


def without(job, name):
    return replace(job, work=replace(job.work, **{name: None}))


def kinds(effects):
    return [effect.name if isinstance(effect, Emit) else type(effect) for effect in effects]


CARE = Care(0.8, FreeRule.FAMILY)
CLEARING = replace(QUEUED, clearing=Clearing(CARE, NOW - 5))
FREEING = replace(QUEUED, clearing=Clearing(CARE, NOW - 5, asked=True, before=90))
FULL = Failure(FailureClass.OUT_OF_MEMORY, "out of memory")
SHORT, _ = decide(replace(QUEUED, short_of_memory=True), Start(), NOW)
RESTARTING = replace(QUEUED, attempt=2, restarting=True, failure=FULL, out_of_memory=2)
LESS = (Fallback("tiled decode", {"tiled": {}}), Fallback("smaller", {"small": {}}, {"width": 48}))
TWICE = replace(RUNNING, out_of_memory=1)
LADDER = replace(TWICE, work=replace(TWICE.work, fallbacks=LESS))

S = JobState
TABLE = [
    ("a queued job that gets its turn is stored as submitting and posted", QUEUED, Start(), S.SUBMITTING, [Submit]),
    ("a queued job whose time has not come stays", replace(QUEUED, not_before=NOW + 1), Start(), S.QUEUED, []),
    ("a queued job that is cancelled is over", QUEUED, CancelAsked(), S.CANCELLED, ["job_cancelled"]),
    ("a queued job hears no ticks", QUEUED, Tick(), S.QUEUED, []),
    ("a queued job without a request fails, and that is recorded first", without(QUEUED, "request"), Start(), S.QUEUED, [RecordTake]),
    ("a job that needs other models has memory looked at first", QUEUED, Start(CARE), S.QUEUED, [Look]),
    ("with room for them it is posted", CLEARING, MemorySeen(50, 100), S.SUBMITTING, [Submit]),
    ("where memory is full it is asked for", CLEARING, MemorySeen(90, 100), S.QUEUED, [Free, Wait]),
    ("and looked at again", FREEING, Tick(), S.QUEUED, [Look]),
    ("as long as it is full", FREEING, MemorySeen(90, 100), S.QUEUED, [Wait]),
    ("until there is room", FREEING, MemorySeen(10, 100), S.SUBMITTING, [Submit]),
    ("or a minute is over", in_clearing(FREEING, 60), MemorySeen(90, 100), S.SUBMITTING, [Submit]),
    ("a server that does not tell its memory gets the job at once", CLEARING, MemorySeen(None, None), S.SUBMITTING, [Submit]),
    ("a job that waits for memory can be cancelled", FREEING, CancelAsked(), S.CANCELLED, ["job_cancelled"]),
    ("a restart while it waits for memory begins that again", FREEING, Start(CARE), S.QUEUED, [Look]),
    ("an accepted prompt is waited for", SUBMITTING, answer(SubmitOutcome.ACCEPTED), S.SUBMITTED, ["job_submitted", Wait]),
    ("a rejected prompt fails at once", SUBMITTING, answer(SubmitOutcome.REJECTED), S.SUBMITTING, [RecordTake]),
    ("a busy backend puts it back into the queue", SUBMITTING, answer(SubmitOutcome.BUSY), S.QUEUED, []),
    ("a lost reply is asked after, not posted again", SUBMITTING, answer(SubmitOutcome.UNKNOWN), S.SUBMITTING, [Ask]),
    ("a restart while submitting asks, and does not post", SUBMITTING, Recovered(), S.SUBMITTING, [Ask]),
    ("a restart while rendering asks", RUNNING, Recovered(), S.SUBMITTED, [Ask]),
    ("a restart while collecting asks for the files' names again", COLLECTING, Recovered(), S.COLLECTING, [Ask]),
    ("a restart while measuring measures again", MEASURING, Recovered(), S.MEASURING, [Measure]),
    ("a restart while judging records again", JUDGING, Recovered(), S.JUDGING, [RecordTake]),
    ("a restart while publishing publishes again", PUBLISHING, Recovered(), S.PUBLISHING, [Publish]),
    ("a prompt that is found after a doubt is adopted", in_doubt(SUBMITTING, 1), seen(Stage.QUEUED), S.SUBMITTED, ["job_adopted", Wait]),
    ("a finished prompt that is found is adopted", in_doubt(SUBMITTING, 1), seen(Stage.SUCCEEDED), S.COLLECTING, ["job_adopted", Collect]),
    ("absence is not believed within the grace", in_doubt(SUBMITTING, GRACE - 1), seen(Stage.ABSENT), S.SUBMITTING, [Wait]),
    ("after the grace its files are looked for", in_doubt(SUBMITTING, GRACE), seen(Stage.ABSENT), S.SUBMITTING, [Find]),
    ("absence is believed where there are no files", in_doubt(SUBMITTING, GRACE), GONE, S.QUEUED, ["job_retried"]),
    (
        "files that a server forgot are adopted",
        in_doubt(RUNNING, GRACE),
        Found(Sighting(Stage.SUCCEEDED, {"files": []})),
        S.COLLECTING,
        ["job_adopted", Collect],
    ),
    ("a search that nobody answered is made again", in_doubt(RUNNING, GRACE), Found(Sighting(Stage.UNREACHABLE)), S.SUBMITTED, [Wait]),
    ("files of a prompt that is to be stopped are left", LEAVING, FORGOTTEN, S.SUBMITTED, [Ask]),
    ("sudden absence begins a grace", RUNNING, seen(Stage.ABSENT), S.SUBMITTED, [Wait]),
    ("a lost prompt is looked for by name", in_doubt(RUNNING, GRACE), seen(Stage.ABSENT), S.SUBMITTED, [Find]),
    ("a lost prompt without files is submitted again", in_doubt(RUNNING, GRACE), GONE, S.QUEUED, ["job_retried"]),
    ("an unreachable backend is asked again later", RUNNING, seen(Stage.UNREACHABLE), S.SUBMITTED, [Wait]),
    ("a running prompt is waited for", RUNNING, seen(Stage.RUNNING), S.SUBMITTED, [Wait]),
    ("a hint makes it ask", RUNNING, Tick(), S.SUBMITTED, [Ask]),
    ("a finished prompt is collected", RUNNING, seen(Stage.SUCCEEDED), S.COLLECTING, [Collect]),
    ("a node exception gets another attempt", RUNNING, seen(Stage.FAILED, FailureClass.NODE), S.QUEUED, ["job_retried"]),
    (
        "a second node exception is the end",
        replace(RUNNING, failed_attempts=1),
        seen(Stage.FAILED, FailureClass.NODE),
        S.SUBMITTED,
        [RecordTake],
    ),
    ("out of memory is tried again", RUNNING, seen(Stage.FAILED, FailureClass.OUT_OF_MEMORY), S.QUEUED, ["job_retried"]),
    ("out of memory twice runs the restart command", TWICE, Seen(Sighting(Stage.FAILED, {}, FULL)), S.QUEUED, [Restart]),
    ("before that, what may be given up is given up", LADDER, Seen(Sighting(Stage.FAILED, {}, FULL)), S.QUEUED, ["job_retried"]),
    ("after it memory is freed before the next attempt", replace(QUEUED, short_of_memory=True), Start(), S.QUEUED, [Look]),
    ("whatever is in use", SHORT, MemorySeen(10, 100), S.QUEUED, [Free, Wait]),
    ("also where the server does not tell", SHORT, MemorySeen(None, None), S.QUEUED, [Free, Wait]),
    (
        "with everything given up, it is the restart",
        replace(LADDER, reduced=2),
        Seen(Sighting(Stage.FAILED, {}, FULL)),
        S.QUEUED,
        [Restart],
    ),
    ("a backend that came back gets the job once more", RESTARTING, Restarted(done=True), S.SUBMITTING, ["job_retried", Submit]),
    ("without a restart command it has failed", RESTARTING, Restarted(done=False), S.QUEUED, [RecordTake]),
    ("a restart of the daemon meanwhile runs the command again", RESTARTING, Start(CARE), S.QUEUED, [Restart]),
    ("a hint meanwhile changes nothing", RESTARTING, Tick(), S.QUEUED, [Restart]),
    (
        "out of memory after the restart is the end",
        replace(TWICE, restarts=1),
        Seen(Sighting(Stage.FAILED, {}, FULL)),
        S.SUBMITTED,
        [RecordTake],
    ),
    ("an interrupt by others is tried again", RUNNING, seen(Stage.FAILED, FailureClass.INTERRUPTED), S.QUEUED, ["job_retried"]),
    ("a failure without a reason is a failure", replace(RUNNING, failed_attempts=9), seen(Stage.FAILED), S.SUBMITTED, [RecordTake]),
    ("beyond the deadline it is interrupted", LATE, seen(Stage.RUNNING), S.SUBMITTED, [Interrupt, Wait]),
    ("a job that waits at the backend has no deadline", replace(LATE, running_since=0.0), seen(Stage.QUEUED), S.SUBMITTED, [Wait]),
    ("an interrupted one that still runs is interrupted again", OVERDUE, seen(Stage.RUNNING), S.SUBMITTED, [Interrupt, Wait]),
    ("an interrupted one that never stops takes a restart", in_doubt(OVERDUE, 99), seen(Stage.RUNNING), S.SUBMITTED, [Restart]),
    ("and is given up after it", HUNG, Restarted(done=True), S.SUBMITTED, [RecordTake]),
    ("and without one", HUNG, Restarted(done=False), S.SUBMITTED, [RecordTake]),
    ("a prompt that shows progress is waited for", MOVING, still(Stage.RUNNING, NOW - 600), S.SUBMITTED, [Wait]),
    ("without a sign of progress it is interrupted", MOVING, still(Stage.RUNNING, NOW - 601), S.SUBMITTED, [Interrupt, Wait]),
    ("what begins late has its time", replace(MOVING, running_since=NOW), still(Stage.RUNNING, NOW - 601), S.SUBMITTED, [Wait]),
    ("what waits at the backend need not move", SUBMITTED, still(Stage.QUEUED, NOW - 9999), S.SUBMITTED, [Wait]),
    ("a backend that works on nothing is watched", SUBMITTED, IDLE, S.SUBMITTED, [Wait]),
    ("for a minute it may be between two prompts", replace(SUBMITTED, idle_since=NOW - 59), IDLE, S.SUBMITTED, [Wait]),
    ("then its worker is dead", replace(SUBMITTED, idle_since=NOW - 60), IDLE, S.SUBMITTED, [Restart]),
    ("unless it works again", replace(SUBMITTED, idle_since=NOW - 60), seen(Stage.QUEUED), S.SUBMITTED, [Wait]),
    ("after a restart the prompt is asked after", DEAD, Restarted(done=True), S.SUBMITTED, [Ask]),
    ("without one it is waited for", DEAD, Restarted(done=False), S.SUBMITTED, [Wait]),
    ("a restart that comes too late changes nothing", SUBMITTED, Restarted(done=True), S.SUBMITTED, [Ask]),
    ("a cancel while its backend is restarted", DEAD, CancelAsked(), S.SUBMITTED, [Interrupt, Ask]),
    ("what only waits at the backend is taken back", SUBMITTED, TakeBack(), S.SUBMITTED, [Withdraw, Ask]),
    ("what runs goes on", RUNNING, TakeBack(), S.SUBMITTED, [Ask]),
    ("of what was taken back, files are looked for", WITHDRAWN, seen(Stage.ABSENT), S.SUBMITTED, [Find]),
    ("what was taken back and left none is queued again", WITHDRAWN, GONE, S.QUEUED, ["job_queued"]),
    ("what was made all the same and forgotten is adopted", WITHDRAWN, FORGOTTEN, S.COLLECTING, [Collect]),
    ("what is still there is taken back again", WITHDRAWN, seen(Stage.QUEUED), S.SUBMITTED, [Withdraw, Wait]),
    ("what began meanwhile goes on", WITHDRAWN, seen(Stage.RUNNING), S.SUBMITTED, [Wait]),
    ("what ended meanwhile is collected", WITHDRAWN, seen(Stage.SUCCEEDED), S.COLLECTING, [Collect]),
    ("a restart of the daemon goes on with taking it back", WITHDRAWN, Recovered(), S.SUBMITTED, [Ask]),
    ("a job in the queue is there already", QUEUED, TakeBack(), S.QUEUED, []),
    ("an interrupted one that stopped has failed", OVERDUE, seen(Stage.FAILED, FailureClass.INTERRUPTED), S.SUBMITTED, [RecordTake]),
    ("an interrupted one that is gone has failed", OVERDUE, seen(Stage.ABSENT), S.SUBMITTED, [RecordTake]),
    ("an interrupted one that had just finished is taken", OVERDUE, seen(Stage.SUCCEEDED), S.COLLECTING, [Collect]),
    ("a cancel interrupts and asks", RUNNING, CancelAsked(), S.SUBMITTED, [Interrupt, Ask]),
    ("a cancelled prompt that still runs is interrupted again", LEAVING, seen(Stage.RUNNING), S.SUBMITTED, [Interrupt, Wait]),
    ("a cancelled prompt that stopped is over", LEAVING, seen(Stage.FAILED), S.CANCELLED, ["job_cancelled"]),
    ("a cancelled prompt that finished is over", LEAVING, seen(Stage.SUCCEEDED), S.CANCELLED, ["job_cancelled"]),
    ("a cancelled prompt that is gone is over", LEAVING, seen(Stage.ABSENT), S.CANCELLED, ["job_cancelled"]),
    ("a cancelled prompt that never stops is left behind", in_doubt(LEAVING, 99), seen(Stage.RUNNING), S.CANCELLED, ["job_cancelled"]),
    (
        "a cancelled prompt that may still arrive is waited for",
        replace(LEAVING, state=S.SUBMITTING),
        seen(Stage.ABSENT),
        S.SUBMITTING,
        [Interrupt, Wait],
    ),
    ("a restart goes on with a cancel", LEAVING, Recovered(), S.SUBMITTED, [Ask]),
    ("fetched files are measured", COLLECTING, Collected((PICTURE,)), S.MEASURING, [Measure]),
    ("broken files are fetched again a little later", COLLECTING, CollectFailed(BROKEN), S.COLLECTING, [Wait]),
    (
        "files that stay broken get another attempt",
        replace(COLLECTING, failed_steps=2),
        CollectFailed(Failure(FailureClass.BAD_OUTPUT, "cut off")),
        S.QUEUED,
        ["job_retried"],
    ),
    ("files are not fetched from a backend that does not answer", COLLECTING, seen(Stage.UNREACHABLE), S.COLLECTING, [Wait]),
    ("files may outlive the backend's memory", COLLECTING, seen(Stage.ABSENT), S.COLLECTING, [Collect]),
    ("a cancel while collecting ends it", COLLECTING, CancelAsked(), S.CANCELLED, ["job_cancelled"]),
    ("measurements are judged and recorded", MEASURING, Measured((SHARP,)), S.JUDGING, ["quality_evaluation", RecordTake]),
    ("a cancel while measuring ends it", MEASURING, CancelAsked(), S.CANCELLED, ["job_cancelled"]),
    ("a failed step is tried again later", MEASURING, StepFailed(BROKEN), S.MEASURING, [Wait]),
    ("a take to measure again is read back first", replace(MEASURING, artifacts=()), Start(), S.MEASURING, [Recall]),
    ("what was read back is measured", replace(MEASURING, artifacts=()), Recalled((PICTURE,), ()), S.MEASURING, [Measure]),
    ("a take to judge again is read back first", replace(JUDGING, gate=None), Start(), S.JUDGING, [Recall]),
    (
        "what was read back is judged",
        replace(JUDGING, gate=None),
        Recalled((PICTURE,), (SHARP,)),
        S.JUDGING,
        ["quality_evaluation", RecordTake],
    ),
    ("a recorded take that is chosen is published", JUDGING, Recorded(publish=True), S.PUBLISHING, [Publish]),
    ("a recorded take that is not chosen is the end", JUDGING, Recorded(publish=False), S.DONE, ["job_complete"]),
    ("a cancel while judging ends it", JUDGING, CancelAsked(), S.CANCELLED, ["job_cancelled"]),
    ("what is published is the end", PUBLISHING, PublishedAs(SHOWN), S.DONE, ["published", "job_complete"]),
    ("a cancel while publishing comes too late", PUBLISHING, CancelAsked(), S.PUBLISHING, [Publish]),
    ("a publish that did not work is tried again later", PUBLISHING, StepFailed(BROKEN), S.PUBLISHING, [Wait]),
    ("a publish that never works fails", replace(PUBLISHING, failed_steps=5), StepFailed(BROKEN), S.FAILED, ["job_failed"]),
    ("a recorded failure is the end", replace(OVERDUE, finished_at=NOW), Recorded(publish=False), S.FAILED, ["job_failed"]),
    ("a restart records the failure again", replace(OVERDUE, finished_at=NOW), Recovered(), S.SUBMITTED, [RecordTake]),
    ("a failure that can not be recorded is tried again", replace(OVERDUE, finished_at=NOW), StepFailed(BROKEN), S.SUBMITTED, [Wait]),
    (
        "a failure that can never be recorded ends all the same",
        replace(OVERDUE, finished_at=NOW, failed_steps=5),
        StepFailed(BROKEN),
        S.FAILED,
        ["job_failed"],
    ),
    (
        "a measurement of a take that is gone fails without a take of its own",
        replace(MEASURING, action=ActionKind.MEASURE),
        Recalled((), ()),
        S.FAILED,
        ["job_failed"],
    ),
]


@pytest.mark.parametrize(("job", "event", "state", "effects"), [pytest.param(*row, id=sentence) for sentence, *row in TABLE])
def test_sentences(job, event, state, effects):
    next_job, found = decide(job, event, NOW)
    assert (next_job.state, kinds(found)) == (state, effects)


def test_each_attempt_has_a_prompt_id_and_a_prefix_of_its_own():
    second, effects = decide(replace(QUEUED, attempt=1), Start(), NOW)
    assert effects == (Submit(second.prompt_id),)
    assert second.attempt == 2
    assert second.prompt_id != SUBMITTING.prompt_id
    assert request_of(second).prompt_id == second.prompt_id
    assert request_of(second).prefix != request_of(SUBMITTING).prefix
    assert decide(replace(QUEUED, attempt=1), Start(), NOW + 99)[0].prompt_id == second.prompt_id


def test_a_job_queued_again_after_a_cancel_has_other_prompt_ids():
    later, _ = decide(replace(QUEUED, queued_at=2.0), Start(), NOW)
    assert later.prompt_id != SUBMITTING.prompt_id
    assert prompt_id("take", 1, "a") != prompt_id("take", 1, "b")


def graph(*prefixed):
    return {name: {"class_type": "SaveImage", "inputs": {"filename_prefix": "koma-output", "images": ["1", 0]}} for name in prefixed} | {
        "1": {"class_type": "EmptyImage", "inputs": {"width": 8}}
    }


@pytest.mark.parametrize(
    ("saving", "endings"),
    [(("9",), {"9": ""}), (("8", "9"), {"8": "/8", "9": "/9"})],
    ids=["one saving node gets the prefix", "several get a folder each"],
)
def test_the_prefix_is_written_into_every_saving_node(saving, endings):
    request = replace(QUEUED.work.request, document=graph(*saving))
    filled = for_attempt(request, "0123456789abcdef-and-more", 2)
    assert filled.prefix.startswith("koma/0123456789abcdef-a2")
    assert {name: node["inputs"].get("filename_prefix") for name, node in filled.document.items()} == {
        "1": None,
        **{name: filled.prefix + ending for name, ending in endings.items()},
    }
    assert filled.document["1"] == request.document["1"]
    assert request.document == graph(*saving)


def test_a_panel_description_is_left_as_it_is():
    request = replace(QUEUED.work.request, kind=BackendKind.ANIMATIC, document={"a": {"inputs": {"filename_prefix": "x"}}})
    assert for_attempt(request, "take", 1).document == request.document


def test_a_job_that_renders_nothing_has_no_request():
    with pytest.raises(ValueError, match="renders nothing"):
        request_of(without(QUEUED, "request"))


def test_the_gate_is_judged_with_the_rules_of_the_job():
    assert JUDGING.gate.verdict == "passed"
    failed, effects = decide(MEASURING, Measured((replace(SHARP, value=0.1),)), NOW)
    assert failed.gate.verdict == "failed"
    assert "0.1" in effects[0].fields["message"]


def test_what_clearing_memory_came_to_is_kept_for_the_receipt_of_that_attempt():
    job, _ = decide(FREEING, MemorySeen(10, 100), NOW)
    assert job.freed == Freed(90, 10, 5.0)
    assert job.clearing is None
    later, _ = decide(replace(job, state=JobState.QUEUED), Start(), NOW)
    assert later.freed is None


def test_the_ladder_is_gone_down_step_by_step_and_what_is_submitted_follows_it():
    job, _ = decide(LADDER, Seen(Sighting(Stage.FAILED, {}, FULL)), NOW)
    assert (job.reduced, wanted_request(job).document, job.expect) == (1, {"tiled": {}}, {})
    running = replace(job, state=JobState.SUBMITTED, running_since=NOW, failure=None)
    lower, _ = decide(running, Seen(Sighting(Stage.FAILED, {}, FULL)), NOW)
    assert (lower.reduced, wanted_request(lower).document, lower.expect) == (2, {"small": {}}, {"width": 48})
    assert wanted_request(QUEUED) == QUEUED.work.request


def test_what_a_fallback_changes_in_the_file_counts_as_asked_for():
    wide, sharp = Rule("width", Op.EQUALS, 64.0), QUEUED.work.rules[0]
    job = replace(LADDER, reduced=2, work=replace(LADDER.work, rules=(wide, sharp)))
    assert job.rules == (replace(wide, threshold=48.0), sharp)
    assert replace(job, reduced=1).rules == (wide, sharp)


def test_a_restart_that_failed_is_said_beside_the_failure_and_not_tried_again():
    job, _ = decide(RESTARTING, Restarted(done=False, message="the command ended with 1"), NOW)
    assert (job.failure.kind, job.failure.message) == (FailureClass.OUT_OF_MEMORY, "out of memory; the command ended with 1")
    assert job.restarts == 1


def test_memory_that_runs_out_does_not_use_up_the_attempts_for_other_failures():
    job, _ = decide(RUNNING, Seen(Sighting(Stage.FAILED, {}, FULL)), NOW)
    assert (job.failed_attempts, job.out_of_memory) == (0, 1)


@pytest.mark.parametrize("kind", sorted(retry.MAY_APPEAR))
def test_what_the_server_lacks_may_appear_while_the_job_waits(kind):
    failure = Failure(kind, "ink.safetensors is not on the server")
    job, effects = decide(SUBMITTING, SubmitAnswer(Submitted(SubmitOutcome.REJECTED, failure)), NOW)
    assert (job.state, job.failure, job.not_before > NOW, kinds(effects)) == (JobState.QUEUED, failure, True, ["job_retried"])
    last = replace(SUBMITTING, failed_attempts=2)
    assert decide(last, SubmitAnswer(Submitted(SubmitOutcome.REJECTED, failure)), NOW)[1] == (RecordTake(),)


@pytest.mark.parametrize("kind", sorted(set(FailureClass) - retry.MAY_APPEAR))
def test_a_rejected_prompt_fails_with_the_reason_it_was_given_and_is_never_tried_again(kind):
    failure = Failure(kind, "as told")
    job, effects = decide(SUBMITTING, SubmitAnswer(Submitted(SubmitOutcome.REJECTED, failure)), NOW)
    over, _ = decide(job, Recorded(publish=False), NOW)
    assert (job.failure, effects, over.state) == (failure, (RecordTake(),), JobState.FAILED)


def test_a_lost_prompt_that_never_began_does_not_use_up_the_attempts_of_its_shot():
    waiting = replace(in_doubt(SUBMITTED, GRACE), running_since=0.0)
    job, _ = decide(waiting, GONE, NOW)
    assert (job.failed_attempts, job.lost_attempts) == (0, 1)
    job, _ = decide(in_doubt(RUNNING, GRACE), GONE, NOW)
    assert (job.failed_attempts, job.lost_attempts) == (1, 0)


def test_an_unreachable_backend_begins_the_grace_of_a_lost_post_again():
    job, _ = decide(in_doubt(SUBMITTING, 500), seen(Stage.UNREACHABLE), NOW)
    assert decide(job, seen(Stage.ABSENT), NOW + GRACE - 1)[0].state is JobState.SUBMITTING


any_failure = st.builds(Failure, st.sampled_from(FailureClass), st.just("as told"))
any_sighting = st.builds(Sighting, st.sampled_from(Stage), st.just({}), st.none() | any_failure, idle=st.booleans())
care = st.none() | st.builds(Care, st.just(0.8), st.sampled_from(FreeRule))
ANSWERS = {
    Look: st.builds(MemorySeen, st.none() | st.sampled_from([10, 90]), st.just(100)),
    Restart: st.builds(Restarted, st.booleans(), st.sampled_from(["", "the command ended with 1"])),
    Submit: st.builds(SubmitAnswer, st.builds(Submitted, st.sampled_from(SubmitOutcome), st.none() | any_failure)),
    Ask: st.builds(Seen, any_sighting),
    Find: st.sampled_from([GONE, Found(Sighting(Stage.SUCCEEDED, {"file": "a"})), Found(Sighting(Stage.UNREACHABLE))]),
    Collect: st.just(Collected((PICTURE,))) | st.builds(CollectFailed, any_failure),
    Recall: st.just(Recalled((PICTURE,), (SHARP,))) | st.just(Recalled((), ())),
    Measure: st.just(Measured((SHARP,))) | st.builds(StepFailed, any_failure),
    RecordTake: st.builds(Recorded, st.booleans()) | st.builds(StepFailed, any_failure),
    Publish: st.just(PublishedAs(SHOWN)) | st.builds(StepFailed, any_failure),
    Wait: st.sampled_from([Tick(), Tick(), Tick(), TakeBack(), CancelAsked()]),
}
FREE = 12  # events per story that count against nobody: a backend that is down, or renders and renders, or a restart of the daemon
COSTLY = {
    **ANSWERS,
    Find: st.sampled_from([GONE, Found(Sighting(Stage.SUCCEEDED, {"file": "a"}))]),
    Look: st.just(MemorySeen(10, 100)),
    Submit: st.builds(
        SubmitAnswer, st.builds(Submitted, st.sampled_from([o for o in SubmitOutcome if o != "busy"]), st.none() | any_failure)
    ),
    Ask: st.builds(
        Seen, st.builds(Sighting, st.sampled_from(["succeeded", "failed", "absent"]).map(Stage), st.just({}), st.none() | any_failure)
    ),
}
beginnings = st.sampled_from(
    [
        (ActionKind.RENDER, JobState.QUEUED),
        (ActionKind.MEASURE, JobState.MEASURING),
        (ActionKind.GATE, JobState.JUDGING),
        (ActionKind.RESTORE, JobState.PUBLISHING),
    ]
)


def is_free(event):
    match event:
        case Recovered() | TakeBack() | SubmitAnswer(Submitted(outcome=SubmitOutcome.BUSY)) | MemorySeen(used=90):
            return True
        case Seen(Sighting(stage=Stage.QUEUED | Stage.RUNNING | Stage.UNREACHABLE)) | Found(Sighting(stage=Stage.UNREACHABLE)):
            return True
        case _:
            return False


def asked_for(effects):
    return [effect for effect in effects if type(effect) in ANSWERS]


def play(data, job: Job):
    """Tell one story: answers, restarts and cancels drawn at random, free ones only so often. Every (job, event, next, effects)."""
    story, now, event, free = [], NOW, Start(), 0
    while job.state not in TERMINAL:
        if is_free(event):
            free += 1
        next_job, effects = decide(job, event, now)
        story.append((job, event, next_job, effects))
        assert len(story) < 600, "this story does not end"
        job = next_job
        if job.state is JobState.QUEUED and not asked_for(effects):
            now, event = max(now, job.not_before), Start(data.draw(care))
            continue
        if job.state in TERMINAL:
            break
        (question,) = asked_for(effects[-1:])
        now = max(now, question.until) if isinstance(question, Wait) else now + 0.5
        answers = ANSWERS[type(question)]
        event = data.draw(answers | st.just(Recovered()) if free < FREE else COSTLY[type(question)])
    return story


def begun(beginning):
    action, state = beginning
    return replace(QUEUED, action=action, state=state)


@given(st.data(), beginnings)
def test_every_story_ends_and_every_step_is_in_the_table(data, beginning):
    story = play(data, begun(beginning))
    for job, event, next_job, _ in story:
        assert next_job.state is job.state or next_job.state in TRANSITIONS[job.state], (job.state, event, next_job.state)
    assert story[-1][2].state in TERMINAL
    assert story[-1][2].finished_at > 0


@given(st.data())
def test_no_prompt_id_is_ever_posted_twice_and_attempts_are_bounded(data):
    story = play(data, data.draw(st.sampled_from([QUEUED, replace(QUEUED, work=replace(QUEUED.work, fallbacks=LESS))])))
    posted = [effect.prompt_id for *_, effects in story for effect in effects if isinstance(effect, Submit)]
    assert len(posted) == len(set(posted))
    last = story[-1][2]
    most = max(policy.attempts for policy in retry.RETRY.values())
    assert last.failed_attempts <= most
    assert last.lost_attempts <= retry.VANISHED.attempts
    out_of_memory = retry.RETRY[FailureClass.OUT_OF_MEMORY].attempts + len(last.work.fallbacks) + retry.RESTARTS
    assert last.out_of_memory <= out_of_memory
    assert last.restarts <= retry.RESTARTS
    assert len(posted) <= most + retry.VANISHED.attempts + out_of_memory + FREE + 1


@given(st.data())
def test_nothing_is_posted_while_an_earlier_prompt_may_still_be_there(data):
    """A new submission comes only after a definite answer about the one before, or after an absence that outlasted its grace.

    What the backend had for certain, and was told to forget, needs none.
    """
    gone_since = None
    for job, event, next_job, effects in play(data, QUEUED):
        if any(isinstance(effect, Submit) for effect in effects) and job.attempt:
            assert gone_since == job.prompt_id
        left = job.state in {JobState.SUBMITTING, JobState.SUBMITTED, JobState.COLLECTING} and next_job.state is JobState.QUEUED
        if left:
            assert isinstance(event, SubmitAnswer | Seen | CollectFailed)
            gone_since = job.prompt_id
            if isinstance(event, Seen) and event.sighting.stage is Stage.ABSENT:
                assert job.doubt_since > 0 or (job.withdrawn and job.state is JobState.SUBMITTED)


@given(st.data(), beginnings)
def test_a_failed_render_is_recorded_before_it_is_over(data, beginning):
    story = play(data, begun(beginning))
    last = story[-1][2]
    recorded = [effects for *_, effects in story if RecordTake() in effects]
    if last.state is JobState.FAILED and last.action is ActionKind.RENDER:
        assert recorded
    if last.state is JobState.FAILED:
        assert last.failure is not None


@given(st.data(), beginnings)
def test_a_job_that_is_not_queued_or_over_always_asks_something(data, beginning):
    for *_, next_job, effects in play(data, begun(beginning)):
        if next_job.state not in {*TERMINAL, JobState.QUEUED}:
            assert len(asked_for(effects)) == 1
            assert type(effects[-1]) in ANSWERS


EVENTS = [Start(), Recovered(), Tick(), TakeBack(), CancelAsked()]
any_event = st.one_of(st.sampled_from(EVENTS), *(answers for answers in ANSWERS.values()))


@given(st.sampled_from(sorted(TERMINAL)), any_event)
def test_what_is_over_stays_over(state, event):
    over = replace(QUEUED, state=state)
    assert decide(over, event, NOW) == (over, ())


@given(
    st.sampled_from([SUBMITTING, SUBMITTED, RUNNING, OVERDUE, LEAVING, COLLECTING, MEASURING, JUDGING, PUBLISHING]),
    st.lists(any_event, max_size=8),
)
def test_an_event_at_the_wrong_time_never_breaks_the_table(job, events):
    for event in events:
        next_job, effects = decide(job, event, NOW)
        assert next_job.state is job.state or next_job.state in TRANSITIONS[job.state]
        assert not any(isinstance(effect, Submit) for effect in effects) or job.state is JobState.QUEUED
        job = next_job


def test_asking_is_about_the_prompt_of_the_present_attempt():
    _, effects = decide(SUBMITTED, Tick(), NOW)
    assert effects == (Ask(SUBMITTED.prompt_id),)
    _, effects = decide(RUNNING, CancelAsked(), NOW)
    assert effects == (Interrupt(RUNNING.prompt_id), Ask(RUNNING.prompt_id))


@pytest.mark.parametrize("job", [SUBMITTING, RUNNING], ids=["whether it arrived is not known", "it runs, and does not stop"])
def test_a_cancel_that_every_pass_repeats_ends_the_job_all_the_same(job):
    there = Stage.ABSENT if job is SUBMITTING else Stage.RUNNING
    now, end = NOW, NOW + max(GRACE, retry.INTERRUPT_GRACE_SECONDS)
    while job.state not in TERMINAL:
        assert now <= end
        job, _ = decide(job, CancelAsked(), now)
        job, _ = decide(job, Seen(Sighting(there)), now)
        now += GRACE / 4
    assert job.state is JobState.CANCELLED


def test_a_server_that_nobody_could_reach_was_not_seen_to_be_idle():
    job, _ = decide(SUBMITTED, IDLE, NOW)
    job, _ = decide(job, seen(Stage.UNREACHABLE), NOW + 1)
    job, effects = decide(job, IDLE, NOW + 9999)
    assert (job.idle_since, kinds(effects)) == (NOW + 9999, [Wait])
