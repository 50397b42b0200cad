"""`decide`: what follows when something happens to a job. Pure, total, one function per state.

The worker stores the job that comes back before it carries out the effects. A job that is neither queued nor over always gets an
effect that will be answered, so it can't get stuck; an event that does not belong to its state only makes it repeat its present step.
What a job does before it is submitted is in koma.core.turn, while its prompt is at the backend in koma.core.presence, after a failed
attempt in koma.core.failing, at its end in koma.core.ending.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

from koma.core import retry
from koma.core.ending import Step, cancelled, complete, facts, failed, give_up, recording_failure
from koma.core.failing import attempt_failed, rejected
from koma.core.gate import judge
from koma.core.job import TERMINAL, Job, JobState
from koma.core.presence import back_in_queue, is_overdue, present, restarted, taken_back
from koma.core.request import Failure, FailureClass, Sighting, Stage, SubmitOutcome, Submitted
from koma.core.step import (
    Ask,
    CancelAsked,
    Collect,
    Collected,
    CollectFailed,
    Emit,
    Event,
    Find,
    Found,
    Interrupt,
    Measure,
    Measured,
    Publish,
    PublishedAs,
    Recall,
    Recalled,
    Recorded,
    RecordTake,
    Recovered,
    Restarted,
    Seen,
    StepFailed,
    SubmitAnswer,
    TakeBack,
    Wait,
)
from koma.core.supervision import suspicion
from koma.core.turn import queued


def decide(job: Job, event: Event, now: float) -> Step:
    """Return the next job, to be stored, and the effects, to be carried out in order after that. `now` in epoch seconds."""
    if job.state in TERMINAL:
        return job, ()
    if job.finished_at > 0:
        return recording_failure(job, event, now)
    return _BY_STATE[job.state](job, event, now)


def _at_backend(job: Job, event: Event, now: float) -> Step:
    match event:
        case CancelAsked():  # every pass may ask again, and that must not begin the grace anew
            asked = job if job.cancel_asked else replace(job, cancel_asked=True, doubt_since=now)
            return asked, (Interrupt(job.prompt_id), Ask(job.prompt_id))
        case SubmitAnswer(answer) if job.state is JobState.SUBMITTING:
            return _answered(job, answer, now)
        case Seen():
            job = replace(job, restarting=False)  # the daemon ended before the backend was back
            return _leaving(job, event.sighting, now) if job.cancel_asked else _seen(job, event, now)
        case Restarted() if job.restarting and not job.cancel_asked:
            return restarted(job, event, now)
        case _ if job.cancel_asked or is_overdue(job):
            return job, (Ask(job.prompt_id),)
        case _:
            return _still_wanted(job, event, now)


def _still_wanted(job: Job, event: Event, now: float) -> Step:
    match event:
        case Found(sighting):
            return _found(job, sighting, now)
        case TakeBack():
            return taken_back(job)
        case Recovered():
            return replace(job, doubt_since=now), (Ask(job.prompt_id),)
        case _:
            return job, (Ask(job.prompt_id),)


def _answered(job: Job, answer: Submitted, now: float) -> Step:
    match answer.outcome:
        case SubmitOutcome.ACCEPTED:
            there = replace(job, state=JobState.SUBMITTED, doubt_since=0.0)
            return there, (Emit("job_submitted", facts(there)), Wait(now + retry.POLL_SECONDS))
        case SubmitOutcome.REJECTED:
            return rejected(job, answer.failure or Failure(FailureClass.VALIDATION, "the backend refused the request"), now)
        case SubmitOutcome.BUSY:
            failure = answer.failure or Failure(FailureClass.BACKEND_DOWN, "the backend takes no work now")
            return replace(job, state=JobState.QUEUED, not_before=now + retry.BUSY_SECONDS, failure=failure), ()
        case SubmitOutcome.UNKNOWN:
            return replace(job, doubt_since=now), (Ask(job.prompt_id),)


def _seen(job: Job, seen: Seen, now: float) -> Step:
    sighting = seen.sighting
    match sighting.stage:
        case Stage.QUEUED | Stage.RUNNING:
            return present(job, seen, now)
        case Stage.SUCCEEDED:
            return _rendered(job, sighting, now)
        case Stage.FAILED:
            return attempt_failed(job, sighting.failure or Failure(FailureClass.INTERNAL, "the backend gave no reason"), now)
        case Stage.ABSENT:
            return _absent(job, now)
        case Stage.UNREACHABLE:
            # What can't be asked may still be validating our request, so the grace begins again.
            unseen = replace(job, idle_since=0.0)  # whether the backend works on something nobody could see
            doubtful = job.state is JobState.SUBMITTING
            return replace(unseen, doubt_since=now) if doubtful else unseen, (Wait(now + retry.POLL_SECONDS),)


def _rendered(job: Job, sighting: Sighting, now: float) -> Step:
    seconds = sighting.render_seconds if sighting.render_seconds is not None else now - (job.running_since or job.submitted_at)
    done = replace(job, state=JobState.COLLECTING, outputs=sighting.outputs, render_seconds=max(0.0, seconds), doubt_since=0.0)
    done = replace(done, peak_memory_bytes=sighting.peak_memory_bytes, failure=None, failed_steps=0)
    done = replace(done, suspicious=suspicion(sighting, job.work.quick_seconds), withdrawn=False)
    news = (Emit("job_adopted", facts(done)),) if job.doubt_since > 0 and not is_overdue(job) else ()
    return done, (*news, Collect())


def _absent(job: Job, now: float) -> Step:
    if is_overdue(job):
        return attempt_failed(job, Failure(FailureClass.LOST, "gone after the interrupt"), now)
    if job.withdrawn:  # it may have been rendered all the same, and then forgotten
        return job, (Find(),)
    if job.doubt_since <= 0:
        job = replace(job, doubt_since=now)
    left = job.doubt_since + retry.ABSENT_GRACE_SECONDS[job.work.backend] - now
    if left > 0:
        return job, (Wait(now + min(left, retry.POLL_SECONDS)),)
    return job, (Find(),)


def _found(job: Job, sighting: Sighting, now: float) -> Step:
    """Adopt what a backend finished and forgot; nobody knows how long it took."""
    if sighting.stage is Stage.SUCCEEDED:
        return _rendered(job, replace(sighting, render_seconds=0.0), now)
    if sighting.stage is Stage.UNREACHABLE:
        return job, (Wait(now + retry.POLL_SECONDS),)
    if job.withdrawn:
        return back_in_queue(job, now)
    lost = "the backend knows nothing of the prompt and has no files of it: it was restarted, or never got it"
    return attempt_failed(job, Failure(FailureClass.LOST, lost), now)


def _leaving(job: Job, sighting: Sighting, now: float) -> Step:
    """Call a cancelled prompt over once it is gone, or will not go. A lost POST may still arrive, so absence takes its grace there."""
    patience = retry.INTERRUPT_GRACE_SECONDS
    if sighting.stage in {Stage.SUCCEEDED, Stage.FAILED}:
        patience = 0.0
    elif sighting.stage is Stage.ABSENT:
        patience = retry.ABSENT_GRACE_SECONDS[job.work.backend] if job.state is JobState.SUBMITTING else 0.0
    if now - job.doubt_since >= patience:
        return cancelled(job, now)
    return job, (Interrupt(job.prompt_id), Wait(now + retry.POLL_SECONDS))


def _collecting(job: Job, event: Event, now: float) -> Step:
    match event:
        case CancelAsked():
            return cancelled(job, now)
        case Collected(artifacts):
            return replace(job, state=JobState.MEASURING, artifacts=artifacts, failed_steps=0), (Measure(),)
        case CollectFailed(failure):
            return _collect_failed(replace(job, failed_steps=job.failed_steps + 1), failure, now)
        case Seen(sighting):
            return _seen_again(job, sighting, now)
        case _:
            return job, (Ask(job.prompt_id),)


def _seen_again(job: Job, sighting: Sighting, now: float) -> Step:
    if sighting.stage is Stage.UNREACHABLE:
        return job, (Wait(now + retry.POLL_SECONDS),)
    if sighting.stage is Stage.SUCCEEDED:
        return replace(job, outputs=sighting.outputs), (Collect(),)
    return job, (Collect(),)  # forgotten by a restart, but the files may still be there


def _collect_failed(job: Job, failure: Failure, now: float) -> Step:
    if job.failed_steps < retry.COLLECT_TRIES.get(failure.kind, retry.COLLECT_TRIES_ELSE):
        return job, (Wait(now + retry.step_delay(job.failed_steps)),)
    return attempt_failed(job, failure, now)


def _measuring(job: Job, event: Event, now: float) -> Step:
    match event:
        case CancelAsked():
            return cancelled(job, now)
        case Measured(measurements):
            return _judged(replace(job, measurements=measurements))
        case Recalled(artifacts, measurements) if artifacts:
            return replace(job, artifacts=artifacts, measurements=measurements), (Measure(),)
        case Recalled():
            return give_up(job, _forgotten(job), now)
        case StepFailed(failure):
            return _step_failed(job, failure, now)
        case _:
            return job, (Measure() if job.artifacts else Recall(),)


def _judging(job: Job, event: Event, now: float) -> Step:
    match event:
        case CancelAsked():
            return cancelled(job, now)
        case Recalled(artifacts, measurements) if artifacts:
            return _judged(replace(job, artifacts=artifacts, measurements=measurements))
        case Recalled():
            return give_up(job, _forgotten(job), now)
        case Recorded(publish):
            next_job = replace(job, failed_steps=0)
            return (replace(next_job, state=JobState.PUBLISHING), (Publish(),)) if publish else complete(next_job, now)
        case StepFailed(failure):
            return _step_failed(job, failure, now)
        case _:
            return job, (RecordTake() if job.gate is not None else Recall(),)


def _judged(job: Job) -> Step:
    gate = judge(job.measurements, job.rules)
    judged = replace(job, state=JobState.JUDGING, gate=gate, failed_steps=0)
    values = {f"{m.metric} {m.subject}".rstrip(): m.value for m in job.measurements}
    news = Emit("quality_evaluation", {**facts(judged), "values": values, "stage": gate.stage, "message": gate.reason})
    return judged, (news, RecordTake())


def _forgotten(job: Job) -> Failure:
    return Failure(FailureClass.INPUT, f"take {job.work.number} of {job.work.target} has no files in the store any more")


def _publishing(job: Job, event: Event, now: float) -> Step:
    match event:
        case PublishedAs(published):
            done, effects = complete(job, now)
            news = Emit("published", {**facts(done), "path": published.path, "take_key": published.take_key, "verdict": published.verdict})
            return done, (news, *effects)
        case StepFailed(failure):
            return _step_failed(job, failure, now)
        case _:  # also a wish to cancel, which comes too late: everything has been paid for
            return job, (Publish(),)


def _step_failed(job: Job, failure: Failure, now: float) -> Step:
    tried = replace(job, failed_steps=job.failed_steps + 1)
    # What can't be measured for now has been paid for; what can't be recorded or published is tried again by the next plan.
    tries = retry.COLLECT_TRIES.get(failure.kind, retry.STEP_TRIES) if job.state is JobState.MEASURING else retry.STEP_TRIES
    if tried.failed_steps < tries:
        return tried, (Wait(now + retry.step_delay(tried.failed_steps)),)
    # Past measuring the take is a fact with a verdict, and must not be written over with a failure.
    return give_up(tried, failure, now) if job.state is JobState.MEASURING else failed(replace(tried, failure=failure), now)


_BY_STATE: Mapping[JobState, Callable[[Job, Event, float], Step]] = {
    JobState.QUEUED: queued,
    JobState.SUBMITTING: _at_backend,
    JobState.SUBMITTED: _at_backend,
    JobState.COLLECTING: _collecting,
    JobState.MEASURING: _measuring,
    JobState.JUDGING: _judging,
    JobState.PUBLISHING: _publishing,
}
