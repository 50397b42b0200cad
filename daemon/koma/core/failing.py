"""What follows when an attempt fails: another one, after a delay or with less, or the end of the job."""

from dataclasses import replace

from koma.core import retry
from koma.core.ending import Step, facts, give_up
from koma.core.job import Job, JobState
from koma.core.request import Failure, FailureClass
from koma.core.step import Emit, Restart
from koma.core.supervision import Why


def rejected(job: Job, failure: Failure, now: float) -> Step:
    """Say what follows when a backend refuses a request: the end, unless what it lacks may yet appear."""
    return attempt_failed(job, failure, now) if failure.kind in retry.MAY_APPEAR else give_up(job, failure, now)


def attempt_failed(job: Job, failure: Failure, now: float) -> Step:
    """Say what follows when an attempt did not give a file, by the numbers in koma.core.retry."""
    if job.failure is not None:  # interrupted for its deadline: whatever the backend says of that, this is why
        return give_up(job, job.failure, now)
    if failure.kind is FailureClass.OUT_OF_MEMORY:
        return _out_of_memory(job, failure, now)
    vanished = failure.kind is FailureClass.LOST and job.running_since <= 0
    counted = replace(job, lost_attempts=job.lost_attempts + 1) if vanished else replace(job, failed_attempts=job.failed_attempts + 1)
    again = retry.after(retry.VANISHED, job.lost_attempts) if vanished else retry.after(retry.RETRY[failure.kind], job.failed_attempts)
    if again is None:
        return give_up(counted, failure, now)
    waiting = _waiting(counted, failure, now + again)
    return waiting, (Emit("job_retried", facts(waiting)),)


def _waiting(job: Job, failure: Failure, until: float) -> Job:
    return replace(job, state=JobState.QUEUED, failure=failure, not_before=until, doubt_since=0.0)


def _out_of_memory(job: Job, failure: Failure, now: float) -> Step:
    """Let go of models and try once more, then with less and less if that is wanted, then after a restart of the backend."""
    counted = replace(job, out_of_memory=job.out_of_memory + 1)
    waiting = _waiting(counted, failure, now + retry.RETRY[FailureClass.OUT_OF_MEMORY].delay)
    match retry.relief(job.out_of_memory, len(job.work.fallbacks) - job.reduced, job.restarts):
        case retry.Relief.FREE | retry.Relief.REDUCE as what:
            again = replace(waiting, short_of_memory=True, reduced=job.reduced + (what is retry.Relief.REDUCE))
            return again, (Emit("job_retried", facts(again)),)
        case retry.Relief.RESTART:
            return replace(waiting, not_before=now, restarting=True), (Restart(Why.MEMORY),)
        case None:
            return give_up(counted, failure, now)
