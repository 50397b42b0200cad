"""The CPU lane does one thing at a time, and chooses for a measuring only when its turn has come."""

import asyncio
import errno
import tempfile
from dataclasses import replace

import pytest

from koma.core.faults import FlushError
from koma.core.gate import Measurement
from koma.core.job import JobState
from koma.core.request import FailureClass
from koma.core.step import CollectFailed, Measured, StepFailed
from koma.core.words import ActionKind
from koma.engine.cpulane import CpuLane
from support.scripted import LabelMedia, Rig, make_job
from support.stored import artifact


def lane(log):
    rig = Rig()

    async def offload(function, *arguments):
        log.append("begins")
        for _ in range(5):  # others get their chance to push in
            await asyncio.sleep(0)
        log.append("ends")
        return function(*arguments)

    async def prepare(metrics):
        log.append(" ".join(metrics))

    return CpuLane(
        rig.store,
        objects=rig.objects,
        media=None,
        measure=rig.measure,
        publisher=rig.shelf,
        clock=rig.clock,
        versions={},
        offload=offload,
        prepare=prepare,
    )


def waiting(target, **work):
    return replace(make_job(target, measures=("sharpness",), **work), state=JobState.MEASURING, artifacts=(artifact("made"),))


def test_where_a_file_is_measured_is_chosen_when_its_turn_comes():
    log = []
    lanes = lane(log)

    async def both():
        await asyncio.gather(*(lanes.measured(waiting(f"p/s01/{shot}/still")) for shot in ("sh010", "sh020")))

    asyncio.run(both())
    assert log == ["sharpness", "begins", "ends"] * 2


FULL = OSError(errno.ENOSPC, "No space left on device", "scratch")
UNFLUSHED = FlushError("it could not be flushed")


class Broken:
    """Something whose every method fails in one way."""

    def __init__(self, error):
        self.error = error

    def __getattr__(self, _name):
        def fail(*_arguments, **_options):
            raise self.error

        return fail


def broken_lane(**parts):
    """A lane of a rig with some parts replaced; and the rig."""
    rig = Rig()
    known = {"objects": rig.objects, "media": LabelMedia(), "measure": rig.measure, "publisher": rig.shelf} | parts

    async def offload(function, *arguments):
        return function(*arguments)

    return CpuLane(rig.store, clock=rig.clock, versions={}, offload=offload, **known), rig


def answer(lanes, rig, step, job):
    work = {
        "collect": lambda: lanes.collect(job, rig.backend),
        "measure": lambda: lanes.measured(job),
        "record": lambda: lanes.record(job),
        "publish": lambda: lanes.publish(job),
    }[step]
    return asyncio.run(work())


STEPS = [
    pytest.param("collect", {"media": Broken}, id="keeping what was rendered"),
    pytest.param("measure", {"measure": Broken}, id="measuring"),
    pytest.param("record", {"publisher": Broken}, id="recording"),
]


@pytest.mark.parametrize(("step", "parts"), STEPS)
def test_a_full_disk_is_a_failure_of_the_disk_and_of_nothing_else(step, parts):
    lanes, rig = broken_lane(**{name: make(FULL) for name, make in parts.items()})
    said = answer(lanes, rig, step, waiting("p/s01/sh010/still"))
    assert isinstance(said, CollectFailed | StepFailed)
    assert said.failure.kind is FailureClass.DISK
    assert "No space left" in said.failure.message


@pytest.mark.parametrize(("step", "parts"), STEPS)
def test_a_flush_that_failed_ends_the_daemon(step, parts):
    lanes, rig = broken_lane(**{name: make(UNFLUSHED) for name, make in parts.items()})
    with pytest.raises(FlushError):
        answer(lanes, rig, step, waiting("p/s01/sh010/still"))


def test_no_room_for_a_temporary_folder_is_a_failure_of_the_disk_too(monkeypatch):
    monkeypatch.setattr(tempfile, "mkdtemp", Broken(FULL).mkdtemp)
    lanes, rig = broken_lane()
    said = answer(lanes, rig, "collect", waiting("p/s01/sh010/still"))
    assert said.failure.kind is FailureClass.DISK


@pytest.mark.parametrize(("value", "expected"), [(1.0, Measured), (0.0, StepFailed)], ids=["is measured", "is tried again"])
def test_a_kept_file_that_can_or_can_not_be_read(value, expected):
    """It was decoded before it was kept, so it does not count as a take that failed."""

    class Decoding:
        def measure(self, _file, _media, metrics, _against):
            return tuple(Measurement(metric, "1", "", value) for metric in metrics)

    lanes, rig = broken_lane(measure=Decoding())
    job = replace(waiting("p/s01/sh010/still"), work=replace(make_job().work, measures=("decodes",)))
    said = answer(lanes, rig, "measure", job)
    assert isinstance(said, expected)


def test_a_damaged_object_is_not_measured_again():
    lanes, rig = broken_lane()
    rig.objects.gone.add(waiting("p/s01/sh010/still").artifacts[0].file_digest)
    said = answer(lanes, rig, "measure", replace(waiting("p/s01/sh010/still"), action=ActionKind.MEASURE))
    assert isinstance(said, StepFailed)
    assert "damaged" in said.failure.message
    assert rig.measure.calls == []
