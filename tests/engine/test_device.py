"""Where learned metrics run: never beside a render on the card, and only where there is room on it."""

import asyncio
from dataclasses import replace

import pytest

from koma.core.job import JobState
from koma.core.request import BackendStatus
from koma.core.words import BackendKind
from koma.engine.device import MeasuringDevice
from koma.stores.memory import MemoryStore
from support.scripted import make_job

LOOPBACK = ("127.0.0.1", "localhost")
HERE, ELSEWHERE = "http://127.0.0.1:8188", "http://192.0.2.7:8188"
LEARNED, PLAIN = ["sharpness", "aesthetic"], ["sharpness", "flicker"]
ROOM, NONE = 8 << 30, 1 << 30


class Card:
    """A server as the choice sees it: how much memory it has once it was asked to free some."""

    kind = BackendKind.COMFYUI

    def __init__(self, free_bytes):
        self.freed = 0
        self.status = BackendStatus(up=free_bytes is not None, vram_total=12 << 30, vram_free=free_bytes)

    async def free(self):
        self.freed += 1

    async def probe(self):
        return self.status


def chosen(wanted, metrics, card, url=HERE, state=None, kind=BackendKind.COMFYUI):
    store = MemoryStore()
    if state is not None:
        job = make_job(backend=kind)
        store.enqueue([job])
        if state is not JobState.QUEUED:
            for step in (JobState.SUBMITTING, JobState.SUBMITTED, JobState.COLLECTING, JobState.MEASURING):
                before, job = job, replace(job, state=step)
                assert store.advance(job, before.state)
                if step is state:
                    break
    device = MeasuringDevice(wanted, store, card, url, LOOPBACK)
    asyncio.run(device.prepare(metrics))
    return device.current, card.freed if card is not None else 0


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        pytest.param({"card": Card(ROOM)}, ("cuda", 1), id="nothing renders and there is room after the server let go"),
        pytest.param({"card": Card(NONE)}, ("cpu", 1), id="there is no room even then"),
        pytest.param({"card": Card(ROOM), "state": JobState.QUEUED}, ("cpu", 0), id="a render is about to begin: nothing is freed"),
        pytest.param({"card": Card(ROOM), "state": JobState.SUBMITTED}, ("cpu", 0), id="a render runs"),
        pytest.param({"card": Card(ROOM), "state": JobState.MEASURING}, ("cuda", 1), id="what is measured now renders no more"),
        pytest.param(
            {"card": Card(ROOM), "state": JobState.QUEUED, "kind": BackendKind.CPU}, ("cuda", 1), id="work of the CPU is none of the card"
        ),
        pytest.param({"card": Card(ROOM), "metrics": PLAIN}, ("cpu", 0), id="metrics without weights free nothing"),
        pytest.param({"card": Card(ROOM), "url": ELSEWHERE}, ("cpu", 0), id="another machine's card is not ours"),
        pytest.param({"card": Card(None)}, ("cpu", 1), id="a server that does not answer"),
        pytest.param({"card": None}, ("cpu", 0), id="no server at all"),
        pytest.param({"card": Card(NONE), "wanted": "cuda", "state": JobState.SUBMITTED}, ("cuda", 0), id="who says cuda gets cuda"),
        pytest.param({"card": Card(ROOM), "wanted": "cpu"}, ("cpu", 0), id="who says cpu gets cpu"),
    ],
)
def test_where_learned_metrics_run(asked, expected):
    assert chosen(**{"wanted": "auto", "metrics": LEARNED, **asked}) == expected
