"""The CPU lane does one thing at a time, and chooses for a measuring only when its turn has come."""

import asyncio
from dataclasses import replace

from koma.core.job import JobState
from koma.engine.cpulane import CpuLane
from support.scripted import Rig, make_job
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
