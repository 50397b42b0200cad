"""What a queued job does when it has its turn: see to memory, restart the backend where that is due, and be submitted.

Whatever it waits for then, it keeps its turn (`Job.prepares`); after a restart of the daemon it begins again.
"""

from dataclasses import replace

from koma.core import attempt, retry
from koma.core.ending import Step, cancelled, facts, give_up
from koma.core.job import Job, JobState
from koma.core.memory import Care, Clearing, Freed, FreeRule, Room, freed, room
from koma.core.request import Failure, FailureClass
from koma.core.step import CancelAsked, Emit, Event, Free, Look, MemorySeen, Restart, Restarted, Start, Submit, Wait
from koma.core.supervision import Why


def queued(job: Job, event: Event, now: float) -> Step:
    """Decide for a job in the state QUEUED."""
    if job.cancel_asked or isinstance(event, CancelAsked):
        return cancelled(job, now)
    match event:
        case Start(care) if now >= job.not_before:
            return _begun(job, care, now)
        case MemorySeen(used, total) if job.clearing is not None:
            return _cleared(job, job.clearing, used, total, now)
        case Restarted(done, message) if job.restarting:
            return _restarted(job, message, now, done=done)
        case _ if job.prepares:
            return job, (_restart(job) if job.restarting else Look(),)
        case _:
            return job, ()


def _begun(job: Job, care: Care | None, now: float) -> Step:
    if job.work.request is None:
        return give_up(job, Failure(FailureClass.INTERNAL, f"a queued {job.action} has nothing to submit"), now)
    if job.restarting:
        return job, (_restart(job),)
    if job.short_of_memory:
        care = Care((care or Care()).limit, FreeRule.ALWAYS)
    return _submit(job, now) if care is None else (replace(job, clearing=Clearing(care, now)), (Look(),))


def _restart(job: Job) -> Restart:
    return Restart(Why.MEMORY if job.attempt else Why.BLACK)


def _cleared(job: Job, clearing: Clearing, used: int | None, total: int | None, now: float) -> Step:
    match room(clearing, used, total, now):
        case Room.SUBMIT:
            return _submit(job, now, freed(clearing, used, now))
        case Room.FREE:
            return replace(job, clearing=replace(clearing, since=now, asked=True, before=used)), (Free(), Wait(now + retry.POLL_SECONDS))
        case Room.WAIT:
            return job, (Wait(now + retry.POLL_SECONDS),)


def _submit(job: Job, now: float, made_room: Freed | None = None) -> Step:
    number = job.attempt + 1
    prompt_id = attempt.prompt_id(job.work.take_key, number, attempt.salt_of(job))
    fresh = replace(job, state=JobState.SUBMITTING, attempt=number, prompt_id=prompt_id, submitted_at=now, outputs={}, failure=None)
    fresh = replace(fresh, idle_since=0.0, withdrawn=False, suspicious="")
    fresh = replace(fresh, running_since=0.0, not_before=0.0, doubt_since=0.0, failed_steps=0)
    return replace(fresh, clearing=None, restarting=False, short_of_memory=False, freed=made_room), (Submit(prompt_id),)


def _restarted(job: Job, message: str, now: float, *, done: bool) -> Step:
    """Go on after a restart. One before the first attempt was only to help: without it the take is made all the same, and says so."""
    tried = replace(job, restarting=False, restarts=job.restarts + 1 if done or message else job.restarts)
    if job.attempt == 0:
        return _submit(replace(tried, restart_failed="" if done else message or "no restart command is configured"), now)
    if done:
        again, effects = _submit(tried, now)
        return again, (Emit("job_retried", facts(tried)), *effects)
    failure = job.failure or Failure(FailureClass.OUT_OF_MEMORY, "memory ran out")
    return give_up(tried, replace(failure, message=f"{failure.message}; {message}" if message else failure.message), now)
