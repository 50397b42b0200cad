"""Which job is next, and which may already wait at the backend while another one renders."""

from collections.abc import Iterable

from koma.core.job import Job
from koma.core.words import PHASE_RANK, Phase

Rank = tuple[int, int, int, bool, float, str]


def pick(jobs: Iterable[Job], running_family: str, now: float) -> Job | None:
    """Return the next job that may start now, or None.

    By priority (higher first), phase, dependency depth, the model family that is loaded, time of queueing, job id.
    """
    ready = (job for job in jobs if job.not_before <= now)
    return min(ready, key=lambda job: rank(job, running_family), default=None)


def rank(job: Job, running_family: str) -> Rank:
    """Lower starts earlier."""
    work = job.work
    return -work.priority, PHASE_RANK[Phase(work.phase)], work.depth, work.family != running_family, job.queued_at, job.job_id


def may_lookahead(current: Job, candidate: Job) -> bool:
    """Whether the candidate may be submitted while the current one renders: not across a change of model family.

    Loading another family may push the current one's models out of memory, and a retake of it would then load them again.
    """
    return current.work.family == candidate.work.family


def next_due(jobs: Iterable[Job], now: float) -> float | None:
    """Seconds until the first job that waits for its time may start; None when none does."""
    return min((job.not_before - now for job in jobs if job.not_before > now), default=None)
