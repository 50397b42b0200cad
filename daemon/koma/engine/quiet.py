"""Quiet hours: nothing new begins while they last, and everyone is told when they begin and end."""

from koma.core.hours import FOR_EVER, Hours
from koma.core.job import Job, JobState
from koma.core.words import ActionKind
from koma.ports import Clock, Events


class QuietHours:
    """Asks about each job that has its turn. What has begun goes on, and what is rendered already is published."""

    def __init__(self, hours: Hours, clock: Clock, events: Events) -> None:
        self._hours = hours
        self._clock = clock
        self._events = events
        self._told = False

    def may_begin(self, job: Job) -> bool:
        """Whether a job may begin now: no render, and no measuring again, which may use the graphics card as well."""
        return not self.last() or (job.state is not JobState.QUEUED and job.action is not ActionKind.MEASURE)

    def last(self) -> bool:
        """Whether it is quiet now; a change is told once."""
        now = self._clock.now()
        quiet = self._hours.quiet(now)
        if quiet is not self._told:
            self._told = quiet
            until = self._hours.until(now) if quiet else None
            self._events.emit("quiet_began" if quiet else "quiet_ended", until=None if until == FOR_EVER else until)
        return quiet
