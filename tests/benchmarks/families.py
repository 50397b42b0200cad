"""How often the server loads another model family: 300 shots over 4 checkpoints, in file order, in Koma's order, and the least possible.

The lanes are those of the daemon, in virtual time; the server is a scripted one that takes a minute for each prompt. Stills are queued at
once; in the second story each shot's video, of a fifth family, is queued when its still is done.
"""

import asyncio
import random
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # tests/support

from timing import say, table

from koma.core.job import Job
from koma.engine.lanes import Lanes
from support.scripted import Rig, make_job
from support.virtual import run

SHOTS = 300
CHECKPOINTS = ("sd15:counterfeit", "sd15:ink", "sd15:pastel", "sdxl:film")
VIDEO = "svd:svd_xt"
SECONDS = 60.0


class Story(NamedTuple):
    """One story: what is rendered, how often another family is loaded between two renders, and how often it has to be at least."""

    name: str
    renders: int
    file_order: int
    koma: int
    least: int


def switches(families: Sequence[str]) -> int:
    """How often one differs from the one before."""
    return sum(before != after for before, after in pairwise(families))


def stills(shots: int) -> list[Job]:
    """Stills of scenes of ten shots each, whose locations choose the checkpoint now and then in the middle of a scene."""
    chance = random.Random(2024)  # noqa: S311  # the same story every time
    family = CHECKPOINTS[0]
    jobs = []
    for number in range(shots):
        if chance.random() < 1 / 3:
            family = chance.choice(CHECKPOINTS)
        jobs.append(make_job(f"p/s{number // 10:02}/sh{number:03}/still", family=family, queued_at=number / 1000))
    return jobs


def video_of(still: Job, now: float) -> Job:
    """Make the job of a shot's video, queued when its still is there."""
    return make_job(still.work.target.replace("/still", "/video"), family=VIDEO, queued_at=now, template="svd-video")


def rendered(jobs: Sequence[Job], *, videos: bool) -> list[str]:
    """Render everything through the lanes; the family of each render, in the order in which the server began them."""
    rig = Rig(seconds=SECONDS)
    families = {job.work.target: job.work.family for job in jobs}

    async def main() -> None:
        lanes = Lanes(rig.worker())
        over = asyncio.Event()

        def follow(job: Job) -> None:
            if videos and job.work.phase == "still":
                video = video_of(job, rig.clock.elapsed)
                families[video.work.target] = VIDEO
                rig.store.enqueue([video])
                lanes.add([video])
            over.set()

        lanes.on_finished = follow
        rig.store.enqueue(jobs)
        await lanes.open()
        lanes.add(jobs)
        while lanes.busy:
            over.clear()
            await over.wait()
        await lanes.close()

    run(rig.clock, main)
    return [families[label.split(" ")[0]] for label, _ in rig.server.starts]


def told(shots: int = SHOTS) -> list[Story]:
    """Both stories. Raises AssertionError where Koma renders another number of jobs, or loads more often than file order does."""
    jobs = stills(shots)
    in_order = [job.work.family for job in jobs]
    both = [family for still in in_order for family in (still, VIDEO)]
    found = [
        Story("stills", len(in_order), switches(in_order), switches(rendered(jobs, videos=False)), len(set(in_order)) - 1),
        Story("stills, then videos", len(both), switches(both), switches(rendered(jobs, videos=True)), len(set(both)) - 1),
    ]
    for story in found:
        assert story.least <= story.koma <= story.file_order, story
    return found


def main() -> int:
    """Tell the stories."""
    say(f"{SHOTS} shots over {len(CHECKPOINTS)} checkpoints: changes of model family between two renders")
    table(
        ("", "renders", "file order", "koma", "least possible"),
        [(s.name, str(s.renders), str(s.file_order), str(s.koma), str(s.least)) for s in told()],
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
