"""Which job is next, and which may already wait at the backend while another one renders.

Every queued job may start: what it reads is there. A change of model family costs the loading of models, so jobs of the loaded family go
first among those of one priority; how long that may put off the others is bounded by FAMILY_WINDOW_SECONDS.
"""

from collections.abc import Iterable

from koma.core.job import Job
from koma.core.words import PHASE_RANK, Phase

FAMILY_WINDOW_SECONDS = 3600.0
"""A job never starts before another of its priority that was queued more than this much earlier and may start, whatever is loaded.

So a job that waits is overtaken only by jobs that were queued at most an hour after it, which are finitely many, however many keep
coming. An hour is far more than loading takes (minutes) and less than people wait for a shot they just changed.
"""

Rank = tuple[bool, int, int, float, str]


def pick(jobs: Iterable[Job], running_family: str, now: float) -> Job | None:
    """Return the next job that may start now, or None.

    By priority (higher first); among those queued within the window after the oldest, by the model family that is loaded, phase,
    dependency depth, time of queueing, job id.
    """
    ready = [job for job in jobs if job.not_before <= now]
    if not ready:
        return None
    highest = max(job.work.priority for job in ready)
    ready = [job for job in ready if job.work.priority == highest]
    last = min(job.queued_at for job in ready) + FAMILY_WINDOW_SECONDS
    return min((job for job in ready if job.queued_at <= last), key=lambda job: rank(job, running_family))


def rank(job: Job, running_family: str) -> Rank:
    """Lower starts earlier, among jobs of one priority."""
    work = job.work
    return work.family != running_family, PHASE_RANK[Phase(work.phase)], work.depth, job.queued_at, job.job_id


def may_lookahead(current: Job, candidate: Job) -> bool:
    """Whether the candidate may be submitted while the current one renders: not across a change of model family.

    Loading another family may push the current one's models out of memory, and a retake of it would then load them again.
    """
    return current.work.family == candidate.work.family


def next_due(jobs: Iterable[Job], now: float) -> float | None:
    """Seconds until the first job that waits for its time may start; None when none does."""
    return min((job.not_before - now for job in jobs if job.not_before > now), default=None)
