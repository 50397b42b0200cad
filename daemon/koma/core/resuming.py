"""A job as a daemon finds it when it starts: its times were written by a clock that may have been set since. Pure."""

from dataclasses import replace

from koma.core.job import Job
from koma.core.retry import MAX_DELAY_SECONDS


def resumed(job: Job, now: float) -> Job:
    """Give a job whose times can be true. None lies in the future, but for a wait that is no longer than any that there is.

    A render that seems to be past its deadline has its time again: nobody looked meanwhile, and a clock that was wrong, or a long
    night without a daemon, must not cost a picture. A server that was idle is so from now on, if it still is. `queued_at` stays, because
    prompt ids are made from it.
    """
    late = job.running_since > now or now - job.running_since > job.work.deadline_seconds
    return replace(
        job,
        not_before=job.not_before if job.not_before - now <= MAX_DELAY_SECONDS else now,
        running_since=now if job.running_since > 0 and late else job.running_since,
        submitted_at=min(job.submitted_at, now),
        doubt_since=min(job.doubt_since, now),
        idle_since=0.0,
    )
