"""One lane: what waits in it, what runs in it, and which job may start next."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from koma.core.job import Job, JobState
from koma.core.memory import Care, FreeRule
from koma.core.order import may_lookahead, next_due, pick
from koma.core.step import Start
from koma.ports import Backend

LOOKAHEAD = 1  # jobs waiting at the backend behind the one that renders
CPU_JOBS = 2  # jobs without a backend at a time: one computes while the other writes files
BACKLOG = 8  # rendered jobs that are not yet measured and published; a lane with more of them waits

AT_BACKEND = frozenset({JobState.SUBMITTING, JobState.SUBMITTED})
NEEDS_BACKEND = frozenset({JobState.SUBMITTING, JobState.SUBMITTED, JobState.COLLECTING})


@dataclass(slots=True)
class Lane:
    """`waiting` jobs have not started; `running` ones have a task; `present` are those of them that the backend has or is getting.

    `family` is what the backend was given last, "" at the start: nobody knows what it holds then.
    """

    backend: Backend | None
    yields: bool = False
    care: Care | None = None
    waiting: dict[str, Job] = field(default_factory=dict)
    running: dict[str, Job] = field(default_factory=dict)
    present: dict[str, Job] = field(default_factory=dict)
    family: str = ""
    paused_until: float = 0.0
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def next_job(self, now: float, may_begin: Callable[[Job], bool] = lambda _job: True) -> Job | None:
        """Return the job that may start now, if there is one and there is room for it. One that may not begin keeps no other waiting."""
        if now < self.paused_until or not self._has_room():
            return None
        job = pick(self.waiting.values(), self.family, now)
        if job is not None and not may_begin(job):
            job = pick(filter(may_begin, self.waiting.values()), self.family, now)
        current = next(iter(self.present.values()), None)
        return None if job is not None and current is not None and not self._may_wait_behind(current, job) else job

    def _may_wait_behind(self, current: Job, job: Job) -> bool:
        """Whether the job may be submitted while another renders; not where memory is to be freed, or the backend restarted, in between."""
        always = self.care is not None and self.care.rule is FreeRule.ALWAYS
        return not always and not job.restarting and may_lookahead(current, job)

    def start_of(self, job: Job) -> Start:
        """Give the job its turn, with memory looked after if it needs other models than those that are loaded."""
        looks = self.care is not None and self.care.looks(self.family, job.work.family)
        return Start(self.care if looks else None)

    def _has_room(self) -> bool:
        if self.backend is None:
            return len(self.running) < CPU_JOBS
        # The one before must be accepted first, or the backend might get them in the wrong order.
        settling = any(job.state is not JobState.SUBMITTED for job in self.present.values())
        return not settling and len(self.present) <= LOOKAHEAD and len(self.running) - len(self.present) < BACKLOG

    def delay(self, now: float) -> float | None:
        """Seconds until something that waits for its time may start."""
        due = next_due(self.waiting.values(), now)
        pause = self.paused_until - now
        return pause if self.waiting and pause > 0 else due

    def uses_backend(self, but_for: str = "") -> bool:
        """Whether the backend has a job, gets one, or is having files fetched from it, besides the one of this id."""
        jobs = (job for job_id, job in self.running.items() if job_id != but_for)
        return any(job.state in NEEDS_BACKEND or job.prepares for job in jobs)

    def waiting_there(self) -> list[str]:
        """Ids of jobs that the backend has and has not begun, as far as known."""
        return [job.job_id for job in self.present.values() if job.state is JobState.SUBMITTED and job.running_since <= 0]
