"""What follows while a prompt is at the backend, waiting or running: it is waited for, unless it or the backend is stuck.

A prompt that runs has two deadlines: one for all of it, and one for the time without a sign of life. One that waits has none; but a backend
that answers, holds prompts and works on nothing has lost its worker. What neither deadline nor interrupt ends takes a restart.
"""

from dataclasses import replace

from koma.core import retry
from koma.core.ending import Step, facts, give_up
from koma.core.job import Job, JobState
from koma.core.request import Failure, FailureClass, Stage
from koma.core.step import Ask, Emit, Interrupt, Restart, Restarted, Seen, Wait, Withdraw
from koma.core.supervision import Why


def present(job: Job, seen: Seen, now: float) -> Step:
    """Decide for a prompt that the backend has."""
    there = _as_seen(job, seen, now)
    if is_overdue(job):
        return _interrupting(there, now)
    if there.withdrawn:
        return there, (Withdraw(job.prompt_id), Wait(now + retry.POLL_SECONDS))
    failure = _too_long(there, seen.moved, now) if seen.sighting.stage is Stage.RUNNING else None
    if failure is not None:
        return replace(there, failure=failure, doubt_since=now), (Interrupt(job.prompt_id), Wait(now + retry.POLL_SECONDS))
    if there.idle_since > 0 and now - there.idle_since >= job.work.idle_seconds:
        return replace(there, restarting=True), (Restart(Why.DEAD),)
    there = replace(there, doubt_since=0.0)
    news = (Emit("job_adopted", facts(there)),) if job.doubt_since > 0 else ()
    return there, (*news, Wait(now + retry.POLL_SECONDS))


def _as_seen(job: Job, seen: Seen, now: float) -> Job:
    there = replace(job, state=JobState.SUBMITTED, idle_since=(job.idle_since or now) if seen.sighting.idle else 0.0)
    if seen.sighting.stage is not Stage.RUNNING:
        return there
    return replace(there, running_since=job.running_since or now, withdrawn=False)  # it began before it could be withdrawn


def _too_long(job: Job, moved: float, now: float) -> Failure | None:
    """Say what is wrong with a prompt that runs: it takes too long, or nothing moves."""
    ran, still = now - job.running_since, now - max(job.running_since, moved)
    if ran > job.work.deadline_seconds:
        return Failure(FailureClass.TIMEOUT, f"still rendering after {ran:.0f} s; {job.work.deadline_seconds:.0f} s are allowed")
    if still > job.work.no_progress_seconds:
        limit = f"{job.work.no_progress_seconds:.0f} s are allowed (backends[].no_progress_seconds)"
        return Failure(FailureClass.TIMEOUT, f"no sign of progress for {still:.0f} s; {limit}")
    return None


def is_overdue(job: Job) -> bool:
    """Whether the present attempt was interrupted for a deadline: a submission starts without a failure."""
    return job.failure is not None


def _interrupting(job: Job, now: float) -> Step:
    if now - job.doubt_since >= retry.INTERRUPT_GRACE_SECONDS:
        return replace(job, restarting=True), (Restart(Why.HUNG),)
    return job, (Interrupt(job.prompt_id), Wait(now + retry.POLL_SECONDS))


def restarted(job: Job, event: Restarted, now: float) -> Step:
    """Go on after a restart, or without one: an overdue prompt is given up, one that waits is asked after, or waited for once more."""
    there = replace(job, restarting=False)
    if job.failure is not None:
        ignored = f"{job.failure.message}; it went on for {retry.INTERRUPT_GRACE_SECONDS:.0f} s after it was interrupted"
        return give_up(there, replace(job.failure, message="; ".join(filter(None, (ignored, event.message)))), now)
    if event.done:
        return replace(there, idle_since=0.0, doubt_since=now), (Ask(job.prompt_id),)
    return replace(there, idle_since=now), (Wait(now + retry.POLL_SECONDS),)


def taken_back(job: Job) -> Step:
    """Begin to take a prompt back that only waits at the backend."""
    waits = job.state is JobState.SUBMITTED and job.running_since <= 0 and not is_overdue(job)
    if not waits:
        return job, (Ask(job.prompt_id),)
    return replace(job, withdrawn=True), (Withdraw(job.prompt_id), Ask(job.prompt_id))


def back_in_queue(job: Job, now: float) -> Step:
    """Queue a job again whose prompt was withdrawn; no attempt of it failed."""
    waiting = replace(job, state=JobState.QUEUED, withdrawn=False, doubt_since=0.0, idle_since=0.0, not_before=now)
    return waiting, (Emit("job_queued", facts(waiting)),)
