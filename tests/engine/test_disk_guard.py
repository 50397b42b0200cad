"""The guard of the disk: renders wait for room and begin by themselves, everybody is told once, and what is made is published meanwhile."""

import asyncio
from dataclasses import replace

import pytest

from koma.core.job import JobState
from koma.core.media import Artifact, Media, Role
from koma.core.room import Reserve, Room, Space
from koma.core.words import ActionKind
from koma.engine.disk import DiskGuard, Known
from koma.engine.lanes import HELD_SECONDS, Lanes
from koma.engine.loop import Daemon, ReconcileResult
from support.scripted import Rig, again, make_job
from support.virtual import run

GB = 10**9
PLENTY, LITTLE, NOTHING = 50 * GB, 2 * GB, 1000


class Disk:
    """A disk of 100 GB that a test fills and empties, and everything that the guard says of it."""

    def __init__(self, free=PLENTY, known=Known()):  # noqa: B008  # a named tuple never changes
        self.free = free
        self.told = []
        self.kept = []
        self.guard = DiskGuard(self.look, Reserve(), self, known, self.kept.append)

    def look(self):
        return [Space(("outputs", "state"), self.free, 100 * GB)]

    def emit(self, name, **fields):
        self.told.append((name, fields))

    @property
    def events(self):
        return [name for name, _ in self.told]


def test_too_little_room_is_told_once_with_figures_and_room_again_once():
    disk = Disk()
    for free in (PLENTY, LITTLE, LITTLE, 6 * GB, PLENTY, PLENTY):
        disk.free = free
        disk.guard.room()
    assert disk.events == ["disk_low", "disk_ok"]
    (low, _) = disk.told
    assert low[1]["spaces"] == [
        {"places": ["outputs", "state"], "free": LITTLE, "total": 100 * GB, "reserve": 5 * GB, "again": round(6.25 * GB)}
    ]
    assert "2.0 GB of 100.0 GB are free" in low[1]["message"]
    assert "koma gc" in low[1]["message"]


def test_less_and_less_is_told_again_only_when_even_publishing_has_to_wait():
    disk = Disk()
    for free in (LITTLE, NOTHING, LITTLE, PLENTY):
        disk.free = free
        disk.guard.room()
    assert disk.events == ["disk_low", "disk_low", "disk_ok"]
    assert "nothing begins" in disk.told[1][1]["message"]


def test_a_daemon_that_starts_with_too_little_room_says_so_and_goes_on_where_the_one_before_stopped():
    disk = Disk(6 * GB, Known(0, Room.FILES))  # more than the reserve, and less than it takes to begin again
    assert disk.guard.room() is Room.FILES
    assert disk.events == ["disk_low"]
    assert disk.guard.message


def test_the_largest_take_is_remembered_and_doubles_what_stays_free():
    disk = Disk(7 * GB)
    assert disk.guard.room() is Room.RENDERS
    job = replace(make_job(), state=JobState.DONE, artifacts=(artifact(3 * GB), artifact(1 * GB)))
    disk.guard.note(job)
    disk.guard.note(replace(job, artifacts=(artifact(1),)))
    assert disk.kept == [Known(4 * GB)]
    assert disk.guard.room() is Room.FILES


def artifact(size):
    return Artifact(Role.OBJECT, Media.IMAGE, "f" * 64, "c" * 64, ".png", size, 8, 8)


@pytest.mark.parametrize(
    ("free", "render", "measure"),
    [
        pytest.param(PLENTY, True, True, id="plenty: both"),
        pytest.param(LITTLE, False, True, id="little: only what is made already"),
        pytest.param(NOTHING, False, False, id="nothing: neither"),
    ],
)
def test_what_may_begin_with_so_much_room(free, render, measure):
    disk, job = Disk(free), make_job()
    assert disk.guard.may_begin(job) is render
    assert disk.guard.may_begin(again(job, ActionKind.MEASURE, JobState.MEASURING)) is measure


async def open_lanes(rig, disk, jobs):
    lanes = Lanes(rig.worker())
    lanes.may_begin = disk.guard.may_begin
    rig.store.enqueue(jobs)
    await lanes.open()
    lanes.add(jobs)
    return lanes


def test_renders_wait_while_there_is_too_little_room_and_begin_by_themselves():
    rig, disk = Rig(), Disk(LITTLE)

    async def main():
        lanes = await open_lanes(rig, disk, [make_job(), make_job("p/s01/sh020/still")])
        await asyncio.sleep(100)
        assert [job.state for job in rig.store.jobs()] == [JobState.QUEUED] * 2
        assert lanes.held_back
        disk.free = PLENTY
        await asyncio.sleep(HELD_SECONDS)
        assert not lanes.held_back
        await asyncio.sleep(1000)
        await lanes.close()

    run(rig.clock, main)
    assert rig.store.jobs() == []
    assert len(rig.store.published()) == 2
    assert disk.events == ["disk_low", "disk_ok"]


def test_once_ends_where_all_that_is_left_waits_for_room():
    rig, disk = Rig(), Disk(LITTLE)
    passes = [ReconcileResult(queued=(make_job(),), waiting=1)]

    async def reconcile():
        result = passes.pop(0) if passes else ReconcileResult(waiting=1)
        rig.store.enqueue(result.queued)
        return result

    async def main():
        lanes = Lanes(rig.worker())
        lanes.may_begin = disk.guard.may_begin
        return await Daemon(lanes, reconcile, rig.store.jobs, rig.clock, once=True).run()

    assert run(rig.clock, main) == 3
    assert [job.state for job in rig.store.jobs()] == [JobState.QUEUED]
