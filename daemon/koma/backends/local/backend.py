"""The backend port over a worker process: a queue of prompts in memory, carried out one after the other, step by step."""

import asyncio
import contextlib
import os
import shutil
import tempfile
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from koma import __version__
from koma.backends.local.fields import DocumentError
from koma.backends.local.hints import Hints
from koma.backends.local.process import WorkerLostError, WorkerProcess
from koma.backends.local.worker import read_failure
from koma.core.request import BackendStatus, Failure, FailureClass, Progress, RenderRequest, Sighting, Stage, SubmitOutcome, Submitted
from koma.core.words import BackendKind
from koma.pixels.clip import count_frames
from koma.ports import CollectError

KEPT = 24  # finished prompts whose files are kept for collecting


@dataclass(slots=True)
class _Prompt:
    """One submitted document."""

    prompt_id: str
    document: Mapping[str, Any]
    inputs: Mapping[str, str]
    sighting: Sighting
    cancelled: bool = False


class LocalBackend(ABC):
    """Works in a process of its own. What it was told is forgotten when it closes: prompts are absent after a restart.

    `worker` is the module of that process, `doing` the word for its work in hints.
    """

    kind: BackendKind
    worker: str
    doing: str

    def __init__(self, name: str = "") -> None:
        self.name = name or str(self.kind)
        self._prompts: dict[str, _Prompt] = {}
        self._waiting: asyncio.Queue[_Prompt] = asyncio.Queue()
        self._hints = Hints()
        self._worker: WorkerProcess | None = None
        self._task: asyncio.Task[None] | None = None
        self._scratch: Path | None = None

    @abstractmethod
    def check(self, request: RenderRequest) -> Mapping[str, str]:
        """Name of each input that the document reads → what reads it, for messages. Raises DocumentError for what can't be carried out."""

    @abstractmethod
    def libraries(self) -> Mapping[str, str]:
        """Versions of what the files depend on."""

    async def open(self) -> None:
        """Start taking prompts; the process starts with the first one."""
        if self._task is None:
            self._scratch = Path(tempfile.mkdtemp(prefix=f"koma-{self.kind}-"))
            self._worker = WorkerProcess(self.worker, self._scratch)
            self._task = asyncio.create_task(self._carry_out_all(), name=self.name)

    async def close(self) -> None:
        """End the process, forget all prompts and remove their files."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        if self._worker is not None:
            await self._worker.end()
        self._hints.say(None)
        self._prompts.clear()
        self._waiting = asyncio.Queue()
        scratch, self._scratch = self._scratch, None
        if scratch is not None:
            await asyncio.to_thread(shutil.rmtree, scratch, ignore_errors=True)

    async def probe(self) -> BackendStatus:
        """Say that it is up: it needs nothing but this machine."""
        versions = {"koma": __version__, **self.libraries()}
        return BackendStatus(up=self._task is not None, version=__version__, versions=versions, message="" if self._task else "not opened")

    async def signatures(self) -> Mapping[str, Any] | None:
        """There are no nodes here."""
        return None

    async def submit(self, request: RenderRequest, inputs: Mapping[str, Path]) -> Submitted:
        """Check the document and queue it; a prompt id that is known already is not queued again."""
        if self._task is None:
            return Submitted(SubmitOutcome.BUSY, Failure(FailureClass.BACKEND_DOWN, f"the {self.kind} backend is not open"))
        try:
            reads = self.check(request)
        except DocumentError as error:
            return Submitted(SubmitOutcome.REJECTED, Failure(FailureClass.VALIDATION, str(error)))
        failure = _missing(reads, inputs)
        if failure is not None:
            return Submitted(SubmitOutcome.REJECTED, failure)
        if request.prompt_id not in self._prompts:
            files = {name: str(inputs[name]) for name in reads}
            prompt = _Prompt(request.prompt_id, request.document, files, Sighting(Stage.QUEUED))
            self._prompts[request.prompt_id] = prompt
            self._waiting.put_nowait(prompt)
        return Submitted(SubmitOutcome.ACCEPTED)

    async def ask(self, prompt_id: str) -> Sighting:
        """Where the prompt is; absent for one that was never submitted since it was opened, or finished long ago."""
        prompt = self._prompts.get(prompt_id)
        return prompt.sighting if prompt else Sighting(Stage.ABSENT)

    async def find(self, request: RenderRequest) -> Sighting:  # noqa: ARG002 - the scratch folder ends with the process
        """Find nothing: what was forgotten here is gone."""
        return Sighting(Stage.ABSENT)

    def progress(self) -> AsyncIterator[Progress]:
        """Hints from now on; the iterator ends when the backend closes."""
        return self._hints.listen()

    async def collect(self, request: RenderRequest, outputs: Mapping[str, Any], into: Path) -> Sequence[Path]:
        """Put the files into a folder, numbered in order, after decoding each of them. May be repeated."""
        names = outputs.get("files")
        if not names or self._scratch is None:
            raise CollectError(f"{request.label}: the {self.kind} backend has no files of prompt {request.prompt_id}; render it again")
        files, frames = await asyncio.to_thread(_collect, self._scratch / request.prompt_id, names, into)
        if request.frames not in (0, frames):
            raise CollectError(f"{request.label}: {request.frames} frames were asked for, {frames} came out")
        return files

    async def cancel(self, prompt_id: str) -> None:
        """Take it from the queue, or stop it after the step that is being done."""
        prompt = self._prompts.get(prompt_id)
        if prompt is None or prompt.sighting.stage not in (Stage.QUEUED, Stage.RUNNING):
            return
        prompt.cancelled = True
        if prompt.sighting.stage is Stage.QUEUED:
            self._finish(prompt, _interrupted())

    async def withdraw(self, prompt_id: str) -> None:
        """Take it from the queue if it has not begun."""
        prompt = self._prompts.get(prompt_id)
        if prompt is not None and prompt.sighting.stage is Stage.QUEUED:
            prompt.cancelled = True
            del self._prompts[prompt_id]

    async def free(self) -> None:  # noqa: B027 - no backend on this machine has anything else to do here
        """Nothing is held that is worth letting go of."""

    async def _carry_out_all(self) -> None:
        while True:
            prompt = await self._waiting.get()
            if not prompt.cancelled:
                await self._carry_out(prompt)

    async def _carry_out(self, prompt: _Prompt) -> None:
        prompt.sighting = Sighting(Stage.RUNNING)
        clock = asyncio.get_running_loop().time
        started = clock()
        try:
            files, failure = await self._steps(prompt)
        except WorkerLostError as lost:
            files, failure = [], Failure(FailureClass.INTERNAL, str(lost), lost.excerpt)
        except Exception as error:  # noqa: BLE001 - the next prompt is carried out all the same
            files, failure = [], Failure(FailureClass.INTERNAL, f"{self.doing} stopped: {type(error).__name__}: {error}")
        seconds = clock() - started
        self._finish(prompt, failure or Sighting(Stage.SUCCEEDED, {"files": files}, render_seconds=seconds))

    async def _steps(self, prompt: _Prompt) -> tuple[list[str], Failure | None]:
        """Ask for step after step, until there are none left, one fails, or the prompt is cancelled."""
        if self._scratch is None or self._worker is None:
            raise FileNotFoundError("the backend is closing")
        folder = self._scratch / prompt.prompt_id
        folder.mkdir(parents=True, exist_ok=True)
        files: list[str] = []
        order = {"job": prompt.prompt_id, "document": prompt.document, "inputs": prompt.inputs, "folder": str(folder)}
        self._hints.say(Progress(prompt.prompt_id, 0.0, self.doing))
        while not prompt.cancelled:
            answer = await self._worker.ask(order)
            if "failure" in answer:
                return [], read_failure(answer["failure"])
            if "done" in answer:
                return files, None
            files += answer["files"]
            self._hints.say(Progress(prompt.prompt_id, answer["fraction"], self.doing))
        return [], _interrupted()

    def _finish(self, prompt: _Prompt, end: Sighting | Failure) -> None:
        prompt.sighting = Sighting(Stage.FAILED, failure=end) if isinstance(end, Failure) else end
        self._forget_old(prompt)
        self._hints.say(Progress(prompt.prompt_id, 1.0, finished=True))

    def _forget_old(self, newest: _Prompt) -> None:
        """Keep the newest finished prompts; files of what failed are of no use."""
        self._prompts[newest.prompt_id] = self._prompts.pop(newest.prompt_id)
        done = [prompt for prompt in self._prompts.values() if prompt.sighting.stage in (Stage.SUCCEEDED, Stage.FAILED)]
        old = done[:-KEPT]
        for prompt in old:
            del self._prompts[prompt.prompt_id]
        for prompt in [*old, *([newest] if newest.sighting.stage is Stage.FAILED else [])]:
            if self._scratch is not None:
                shutil.rmtree(self._scratch / prompt.prompt_id, ignore_errors=True)


def _interrupted() -> Failure:
    return Failure(FailureClass.INTERRUPTED, "cancelled before it was finished")


def _missing(reads: Mapping[str, str], inputs: Mapping[str, Path]) -> Failure | None:
    for name, reader in reads.items():
        if name not in inputs:
            return Failure(FailureClass.INPUT, f"{reader} asks for {name!r}, which is no input of this render")
        if not inputs[name].is_file():
            return Failure(FailureClass.INPUT, f"{reader} asks for {name!r}, but {inputs[name]} is not there")
    return None


def _collect(folder: Path, names: Sequence[str], into: Path) -> tuple[list[Path], int]:
    into.mkdir(parents=True, exist_ok=True)
    collected, frames = [], 0
    for name in names:
        source, target = folder / Path(name).name, into / Path(name).name
        try:
            frames += count_frames(source)
            _link(source, target)
        except (OSError, ValueError) as error:
            raise CollectError(f"{source} is missing or broken: {error}") from error
        collected.append(target)
    return collected, frames


def _link(source: Path, target: Path) -> None:
    """Make the same file appear at the target: as a link where the file system can, else as a copy."""
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
