"""The work behind `koma pause` and `koma resume`: the wish, and what becomes of the jobs that there are."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from koma.app.workspace import App
from koma.cli.printing import count, moment, say
from koma.cli.wishing import wish_for_all
from koma.core.job import Job, JobState
from koma.core.wish import Wish

_AT_SERVER = frozenset({JobState.SUBMITTING, JobState.SUBMITTED})
_MOST = 10


def run(workspace: Path | None, wish: Wish) -> int:
    """Leave the wish, and say what goes on and what waits."""
    with App.open(workspace) as app:
        jobs = app.store.jobs() if app.reader.is_working() else []
    for line in lines_of(jobs, wish):
        say(line)
    return wish_for_all(workspace, wish)


def lines_of(jobs: Sequence[Job], wish: Wish) -> Iterator[str]:
    """Say what a pause, or its end, means for each of these jobs."""
    waits_there = [job for job in jobs if job.state in _AT_SERVER and job.running_since <= 0]
    queued = [job for job in jobs if job.state is JobState.QUEUED]
    begun = [job for job in jobs if job not in waits_there and job not in queued]
    if wish is Wish.RESUME:
        yield from [f"{count(len(queued), 'job')} in the queue"] if queued else []
        return
    back = waits_there if wish is Wish.PAUSE_AFTER_CURRENT else []
    for job in [*begun, *(job for job in waits_there if job not in back)][:_MOST]:
        yield f"  {job.work.target} take {job.work.number} is finished: {_where(job)}"
    for job in back:
        yield f"  {job.work.target} take {job.work.number} comes back into the queue, if it has not begun"
    waiting = len(queued) + len(back)
    if waiting:
        yield f"  {count(waiting, 'job')} will wait for koma resume"


def _where(job: Job) -> str:
    if job.state not in _AT_SERVER:
        return str(job.state)
    return f"rendering since {moment(job.running_since)}" if job.running_since > 0 else "it waits at the server"
