"""The fake ComfyUI server in a thread of its own, so that the whole command line can be run against it."""

import asyncio
import io
import threading
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Self, TypeVar

import numpy as np
from PIL import Image

from support.fake_comfyui import FakeComfyUI
from support.fake_comfyui_faults import Fault
from support.fake_comfyui_graphs import NODES, first_number, pixels, place_of
from support.fake_comfyui_worker import Prompt

T = TypeVar("T")
SECONDS = 30.0
_REPEAT = {"image": {"type": "IMAGE"}, "amount": {"type": "INT", "default": 1, "min": 1, "max": 4096}}
_WORDS = {"value": {"type": "STRING"}}
CHECKPOINT = "ink.safetensors"  # the one model file that the server has
EXTRA_NODES: dict[str, Any] = {
    "CheckpointLoaderSimple": {
        **NODES["CheckpointLoaderSimple"],
        "required": {"ckpt_name": {"type": "COMBO", "choices": [CHECKPOINT]}},
    },
    "RepeatImageBatch": {
        "module": "comfy_extras.nodes_images",
        "output": ["IMAGE"],
        "output_node": False,
        "required": _REPEAT,
        "optional": {},
    },
    "PrimitiveString": {
        "module": "comfy_extras.nodes_primitive",
        "output": ["STRING"],
        "output_node": False,
        "required": _WORDS,
        "optional": {},
    },
}


class _Unhurried(FakeComfyUI):
    """Begins a prompt once somebody listens, as any real render lasts longer than connecting does."""

    async def _execute(self, prompt: Prompt) -> bool:
        for _ in range(100):
            if self._sockets:
                break
            await asyncio.sleep(0.01)
        return await super()._execute(prompt)


class ServedComfyUI:
    """A running fake server. `spoils` says which graphs come out in one flat colour, which no gate lets pass, `drifts` which ones in other
    pixels than they used to, as after another driver."""

    def __init__(self) -> None:
        self.spoils: Callable[[Mapping[str, Any]], bool] = lambda _graph: False
        self.drifts: Callable[[Mapping[str, Any]], bool] = lambda _graph: False
        self.draws_words = True
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fake-comfyui", daemon=True)
        self.fake = _Unhurried({**NODES, **EXTRA_NODES}, render=self._draw)

    def __enter__(self) -> Self:
        self._thread.start()
        self.call(self.fake.start())
        return self

    def __exit__(self, *_: object) -> None:
        self.call(self.fake.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def url(self) -> str:
        return self.fake.url

    @property
    def prompts(self) -> int:
        """How many prompts were accepted so far."""
        return len(self.fake.bodies)

    @property
    def graphs(self) -> list[Mapping[str, Any]]:
        """Graphs of every prompt that was accepted, in order."""
        return [body["prompt"] for body in self.fake.bodies]

    def hold(self) -> None:
        """Let no prompt end until `release`."""
        self._soon(self.fake.hold)

    def release(self) -> None:
        self._soon(self.fake.release)

    def fail_next(self, fault: str = "error") -> None:
        self._soon(lambda: self.fake.fail_next(fault))

    def lose_next_file(self) -> None:
        self._soon(self.fake.lose_next_file)

    def arm(self, fault: Fault, times: int = 1, *, after: int = 0) -> None:
        """Let the server misbehave at so many chances of that, once so many have passed."""
        self._soon(lambda: self.fake.faults.arm(fault, times, after=after))

    def go_away(self) -> None:
        """As a killed process: queue and history are gone. `come_back` listens at the same address."""
        self.call(self.fake.stop())

    def come_back(self) -> None:
        self.call(self.fake.start())

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        """Run something on the server's loop and wait for it."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(SECONDS)

    def _soon(self, act: Callable[[], None]) -> None:
        async def once() -> None:
            act()

        self.call(once())

    def _draw(self, graph: Mapping[str, Any]) -> list[np.ndarray]:
        if not self.draws_words:
            graph = {node: entry for node, entry in graph.items() if entry["class_type"] != "PrimitiveString"}
        if self.drifts(graph):
            graph = {**graph, "drift": {"inputs": {"driver": "another"}}}
        frames = frames_of(graph, self._start(graph))
        return [np.full_like(frame, 128) for frame in frames] if self.spoils(graph) else frames

    def _start(self, graph: Mapping[str, Any]) -> int:
        """Where a clip goes on: a video begins where the picture is that it was given, as a model's does."""
        given = next((entry["inputs"]["image"] for entry in graph.values() if entry["class_type"] == "LoadImage"), "")
        folder, _, name = given.rpartition("/")
        data = self.fake.files.get(("input", folder, name)) if makes_frames(graph) else None
        return place_of(np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))) if data else 0


def frames_of(graph: Mapping[str, Any], start: int = 0) -> list[np.ndarray]:
    """What this server draws: one picture, or as many as the graph repeats it."""
    count = first_number(graph, "amount", default=1)
    return pixels({**graph, "count": {"inputs": {"batch_size": count}}} if count > 1 else graph, start)


def seed_of(graph: Mapping[str, Any]) -> int:
    """The seed that a graph draws with."""
    return first_number(graph, "seed", default=-1)


def makes_frames(graph: Mapping[str, Any]) -> bool:
    """Whether a graph is a video's."""
    return any(entry["class_type"] == "RepeatImageBatch" for entry in graph.values())
