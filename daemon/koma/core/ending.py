"""How a job ends: done, failed with the failure recorded first, or cancelled; and what every event about a job says of it."""

from dataclasses import replace
from typing import Any

from koma.core import retry
from koma.core.job import Job, JobState
from koma.core.request import Failure
from koma.core.step import Effect, Emit, Event, Recorded, RecordTake, StepFailed, Wait
from koma.core.words import ActionKind

Step = tuple[Job, tuple[Effect, ...]]


def facts(job: Job) -> dict[str, Any]:
    """Return the fields of every event about a job: JSON values."""
    work = job.work
    return {
        "job": job.job_id,
        "action": str(job.action),
        "target": work.target,
        "rendition": work.rendition,
        "phase": work.phase,
        "take": work.number,
        "attempt": job.attempt,
        "prompt_id": job.prompt_id,
        "template": work.template,
        "backend": str(work.backend),
        "seconds": job.render_seconds,
        "verdict": str(job.gate.verdict) if job.gate is not None else "",
        "error_class": str(job.failure.kind) if job.failure is not None else "",
        "message": job.failure.message if job.failure is not None else "",
        "suspicious": job.suspicious,
    }


def give_up(job: Job, failure: Failure, now: float) -> Step:
    """Record the failed take before the job is over, so that a crash in between can't lose count of it."""
    lost = replace(job, failure=failure)
    if job.action is not ActionKind.RENDER:
        return failed(lost, now)
    return replace(lost, finished_at=now, failed_steps=0), (RecordTake(),)


def recording_failure(job: Job, event: Event, now: float) -> Step:
    """Go on recording a failed take; a job whose failure can't be recorded fails all the same in the end."""
    match event:
        case Recorded():
            return failed(job, now)
        case StepFailed():
            tried = replace(job, failed_steps=job.failed_steps + 1)
            over = tried.failed_steps >= retry.STEP_TRIES
            return failed(tried, now) if over else (tried, (Wait(now + retry.step_delay(tried.failed_steps)),))
        case _:
            return job, (RecordTake(),)


def failed(job: Job, now: float) -> Step:
    """End a job whose failure is recorded, or that leaves none."""
    over = replace(job, state=JobState.FAILED, finished_at=now)
    return over, (Emit("job_failed", facts(over)),)


def complete(job: Job, now: float) -> Step:
    """End a job that did all it was for."""
    over = replace(job, state=JobState.DONE, finished_at=now)
    return over, (Emit("job_complete", facts(over)),)


def cancelled(job: Job, now: float) -> Step:
    """End a job that a person, or a newer plan, does not want any more; it leaves no take."""
    over = replace(job, state=JobState.CANCELLED, cancel_asked=True, finished_at=now)
    return over, (Emit("job_cancelled", facts(over)),)
