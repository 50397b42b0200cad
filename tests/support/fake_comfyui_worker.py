"""The fake server's queue and worker: prompts run one after the other, with the events of the real one in its order."""

import asyncio
import collections
import contextlib
import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from support.fake_comfyui_faults import Fault, Faults, exception
from support.fake_comfyui_graphs import ffv1, pixels, png

START_MS = 1_795_000_000_000
_SHORT = {"error": Fault.NODE_ERROR, "oom": Fault.OUT_OF_MEMORY}
_RAISED = (Fault.NODE_ERROR, Fault.OUT_OF_MEMORY)


class _DiskFullError(Exception):
    """Half of a file was written."""


@dataclass
class Prompt:
    """One entry of the queue, and what becomes of it."""

    number: float
    prompt_id: str
    graph: dict[str, Any]
    extra: dict[str, Any]
    ends: list[str]
    outputs: dict[str, Any] = field(default_factory=dict)
    messages: list[list[Any]] = field(default_factory=list)
    shown: dict[str, Any] = field(default_factory=dict)
    interrupted: bool = False
    spoilt: bool = False  # in one way: another one would not show

    def item(self) -> list[Any]:
        return [self.number, self.prompt_id, self.graph, self.extra, self.ends]


class Worker:
    """Queue, execution and files. Public attributes may be read and set by tests at any time."""

    def __init__(self, *, delay: float = 0.0, render: Callable[[Mapping[str, Any]], list[np.ndarray]] = pixels) -> None:
        self.delay, self.render = delay, render
        self.render_ms = 1500
        self.vram_total, self.vram_free = 12 << 30, 9 << 30
        self.faults = Faults()
        self.executions: collections.Counter[str] = collections.Counter()  # by prompt id, cached ones too
        self.renders: collections.Counter[str] = collections.Counter()  # by prompt id, begun and not cached
        self.files: dict[tuple[str, str, str], bytes] = {}
        self._waiters: list[asyncio.Future[None]] = []
        self._held, self._finish = False, set[str]()
        self.forget()

    def forget(self) -> None:
        """What a new process does not know."""
        self.pending: list[Prompt] = []
        self.running: Prompt | None = None
        self.history: dict[str, Any] = {}
        self.cache: tuple[str, dict[str, Any]] = ("", {})
        self._count, self._clock = 0, START_MS

    async def send(self, prompt: Prompt, kind: str, **data: Any) -> None:
        """Send an event to the client that submitted the prompt."""
        raise NotImplementedError

    async def status(self) -> None:
        """Tell everyone how long the queue is."""
        raise NotImplementedError

    async def begins(self) -> None:
        """A prompt begins: what is to happen to connections then."""
        raise NotImplementedError

    async def leave(self) -> None:
        """End this process in the middle of what it does, and begin another one."""
        raise NotImplementedError

    def hold(self) -> None:
        """Let no prompt end by itself from now on."""
        self._held = True

    def release(self) -> None:
        self._held = False
        self.notify()

    def finish(self, prompt_id: str) -> None:
        """Let this one prompt end once it runs."""
        self._finish.add(prompt_id)
        self.notify()

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait for something that changes with queue, execution or history."""
        while not holds():
            waiter = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            await waiter

    async def until_running(self, prompt_id: str) -> None:
        await self.until(lambda: self.running is not None and self.running.prompt_id == prompt_id)

    async def until_done(self, prompt_id: str) -> None:
        await self.until(lambda: prompt_id in self.history)

    def fail_next(self, fault: str = "error") -> None:
        """The next prompt that runs ends in an `error` of a node, or is `oom`, out of memory."""
        self.faults.arm(_SHORT[fault])

    def lose_next_file(self) -> None:
        """The next output file is named in the history but is not there."""
        self.faults.arm(Fault.LOST_FILE)

    def notify(self) -> None:
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    def queue(self, body: Mapping[str, Any], ends: list[str]) -> Prompt:
        extra = dict(body.get("extra_data", {}))
        if "client_id" in body:
            extra["client_id"] = body["client_id"]
        prompt = Prompt(body.get("number", self._count), str(body.get("prompt_id", uuid.uuid4())), body["prompt"], extra, ends)
        self._count += 1
        self.pending.append(prompt)
        self.pending.sort(key=lambda waiting: waiting.number)
        return prompt

    async def _note(self, prompt: Prompt, kind: str, **data: Any) -> None:
        """An event that the history keeps."""
        data["timestamp"] = self._clock
        prompt.messages.append([kind, {"prompt_id": prompt.prompt_id, **data}])
        await self.send(prompt, kind, **data)

    async def work(self) -> None:
        while True:
            await self.until(lambda: bool(self.pending))
            if self.faults.fires(Fault.DEAD_BETWEEN):
                return
            self.running = prompt = self.pending.pop(0)
            self.executions[prompt.prompt_id] += 1
            await self.status()
            self.notify()
            await self.begins()
            if self.faults.fires(Fault.DEAD_WORKER):
                return  # what it was at stays where it is, for ever
            ended = await self._execute(prompt)
            if ended and self._spoils(prompt, Fault.RESTART_AFTER):
                await self.leave()
            self._record(prompt, ended)
            self.running = None
            await self.status()
            await self.send(prompt, "executing", node=None)
            self.notify()

    def _record(self, prompt: Prompt, ended: bool) -> None:
        if ended and self._spoils(prompt, Fault.NO_FILES):
            prompt.outputs = {}
        status = {"status_str": "success" if ended else "error", "completed": ended, "messages": prompt.messages}
        meta = {node: {"node_id": node, "display_node": node, "parent_node": None, "real_node_id": node} for node in prompt.outputs}
        self.history[prompt.prompt_id] = {"prompt": prompt.item(), "outputs": prompt.outputs, "status": status, "meta": meta}

    async def _execute(self, prompt: Prompt) -> bool:
        key = json.dumps(prompt.graph, sort_keys=True)
        await self._note(prompt, "execution_start")
        cached = self.cache[1] if self.cache[0] == key else None
        if self.faults.fires(Fault.CACHED_AND_DELETED):
            cached = {end: self._named(prompt, end) for end in prompt.ends}
        await self._note(prompt, "execution_cached", nodes=list(prompt.graph) if cached else [])
        if cached:
            return await self._replay(prompt, cached)
        return await self._draw(prompt, key, _order(prompt.graph, prompt.ends))

    async def _draw(self, prompt: Prompt, key: str, order: list[str]) -> bool:
        self.renders[prompt.prompt_id] += 1
        await self._begin(prompt, order[0])
        await self._wait(prompt)
        self._clock += self.render_ms
        if prompt.interrupted:
            return await self._end(prompt, "execution_interrupted", order[0])
        for fault in _RAISED:
            if self.faults.fires(fault):
                return await self._end(prompt, "execution_error", order[0], **exception(fault, order))
        frames = await asyncio.to_thread(self.render, prompt.graph)
        if self._spoils(prompt, Fault.BLACK_FILE):
            frames = [np.zeros_like(frame) for frame in frames]
        for node in order:
            try:
                await self._run_node(prompt, node, frames, first=node == order[0])
            except _DiskFullError:
                return await self._end(prompt, "execution_error", node, **exception(Fault.DISK_FULL, order))
        self.cache = (key, prompt.outputs)
        await self._note(prompt, "execution_success")
        return True

    async def _replay(self, prompt: Prompt, outputs: dict[str, Any]) -> bool:
        prompt.outputs = outputs
        for node, output in outputs.items():
            await self.send(prompt, "executed", node=node, display_node=node, output=output)
            await self._step(prompt, node, "finished", 1, 1)
        await self._note(prompt, "execution_success")
        return True

    async def _end(self, prompt: Prompt, kind: str, node: str, **data: Any) -> bool:
        await self._note(prompt, kind, node_id=node, node_type=prompt.graph[node]["class_type"], executed=[], **data)
        return False

    async def _wait(self, prompt: Prompt) -> None:
        if self.faults.fires(Fault.RESTART):
            await asyncio.sleep(self.delay / 2)
            await self.leave()
        if self.faults.fires(Fault.IGNORED_INTERRUPT):
            await self.until(lambda: False)
        if self.faults.fires(Fault.HANG):
            await self.until(lambda: prompt.interrupted)
        if self.delay:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.until(lambda: prompt.interrupted), self.delay)
        await self.until(lambda: not self._held or prompt.interrupted or prompt.prompt_id in self._finish)

    async def _begin(self, prompt: Prompt, node: str) -> None:
        await self._step(prompt, node, "running", 0.0, 1.0)
        await self.send(prompt, "executing", node=node, display_node=node)

    async def _step(self, prompt: Prompt, node: str, state: str, value: float, most: float) -> None:
        prompt.shown[node] = {"value": value, "max": most, "state": state, "node_id": node, "prompt_id": prompt.prompt_id}
        await self.send(prompt, "progress_state", nodes=prompt.shown)

    async def _run_node(self, prompt: Prompt, node: str, frames: list[np.ndarray], *, first: bool) -> None:
        if not first:
            await self._begin(prompt, node)
        steps = prompt.graph[node]["inputs"].get("steps", 0)
        for value in range(1, steps + 1):
            await self._step(prompt, node, "running", value, steps)
            await self.send(prompt, "progress", value=value, max=steps, node=node)
        if node in prompt.ends:
            prompt.outputs[node] = self._save(prompt, node, frames)
            await self.send(prompt, "executed", node=node, display_node=node, output=prompt.outputs[node])
        await self._step(prompt, node, "finished", steps or 1.0, steps or 1.0)

    def _save(self, prompt: Prompt, node: str, frames: list[np.ndarray]) -> dict[str, Any]:
        entry = prompt.graph[node]
        prefix = entry["inputs"].get("filename_prefix", f"temp_{node}")
        kind = "output" if "filename_prefix" in entry["inputs"] else "temp"
        if entry["class_type"] == "VHS_VideoCombine":
            clip = ffv1(frames, int(entry["inputs"].get("frame_rate", 8)))
            return {
                "gifs": [{**self._write(prompt, kind, prefix, ".mkv", clip), "format": entry["inputs"].get("format"), "frame_rate": 8.0}]
            }
        return {"images": [self._write(prompt, kind, prefix, "_.png", png(frame, prompt.graph)) for frame in frames]}

    def _write(self, prompt: Prompt, kind: str, prefix: str, tail: str, data: bytes) -> dict[str, str]:
        item = self._next_name(kind, prefix, tail)
        place = kind, item["subfolder"], item["filename"]
        if self._spoils(prompt, Fault.DISK_FULL):
            self.files[place] = data[: len(data) // 2]
            raise _DiskFullError
        if not self._spoils(prompt, Fault.LOST_FILE):
            self.files[place] = data[: len(data) // 2] if self._spoils(prompt, Fault.TRUNCATED_FILE) else data
        return item

    def _spoils(self, prompt: Prompt, fault: Fault) -> bool:
        """Whether a fault that shows in the files of a prompt happens to this one."""
        happens = not prompt.spoilt and self.faults.fires(fault)
        prompt.spoilt = prompt.spoilt or happens
        return happens

    def _next_name(self, kind: str, prefix: str, tail: str) -> dict[str, str]:
        folder, _, stem = prefix.rpartition("/")
        used = [name for where, place, name in self.files if (where, place) == (kind, folder) and name.startswith(f"{stem}_")]
        return {"filename": f"{stem}_{len(used) + 1:05d}{tail}", "subfolder": folder, "type": kind}

    def _named(self, prompt: Prompt, end: str) -> dict[str, Any]:
        """What an output node says of a file that it wrote once, and that somebody deleted."""
        return {"images": [self._next_name("output", prompt.graph[end]["inputs"].get("filename_prefix", ""), "_.png")]}


def _order(graph: Mapping[str, Any], ends: list[str]) -> list[str]:
    """What the given output nodes need, inputs first."""
    found: dict[str, None] = {}

    def visit(node: str) -> None:
        for value in graph[node]["inputs"].values():
            if isinstance(value, list):
                visit(value[0])
        found.setdefault(node)

    for end in ends:
        visit(end)
    return list(found)
