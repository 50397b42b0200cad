"""The backend port over the drawing process: a queue of prompts in memory, drawn one after the other, a few frames at a time."""

import asyncio
import contextlib
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import PIL
from PIL import Image

from koma import __version__
from koma.backends.animatic.hints import Hints
from koma.backends.animatic.panel import Panel, PanelError, read_panel
from koma.backends.animatic.process import WorkerLostError, WorkerProcess
from koma.backends.animatic.worker import read_failure
from koma.core.media import Media
from koma.core.request import BackendStatus, Failure, FailureClass, Progress, RenderRequest, Sighting, Stage, SubmitOutcome, Submitted
from koma.core.words import BackendKind
from koma.ports import CollectError

BATCH = 4  # frames an order: a cancel waits for no more than these
KEPT = 24  # finished prompts whose frames are kept for collecting


@dataclass(slots=True)
class _Prompt:
    """One submitted panel."""

    prompt_id: str
    document: Mapping[str, Any]
    frames: int
    references: Mapping[str, str]
    sighting: Sighting
    cancelled: bool = False


class AnimaticBackend:
    """Draws panels in a process of its own. What it was told is forgotten when it closes: prompts are absent after a restart."""

    kind = BackendKind.ANIMATIC

    def __init__(self, name: str = "animatic") -> None:
        self.name = name
        self._prompts: dict[str, _Prompt] = {}
        self._waiting: asyncio.Queue[_Prompt] = asyncio.Queue()
        self._hints = Hints()
        self._worker: WorkerProcess | None = None
        self._task: asyncio.Task[None] | None = None
        self._scratch: Path | None = None

    async def open(self) -> None:
        """Start taking prompts; the process starts with the first one."""
        if self._task is None:
            self._scratch = Path(tempfile.mkdtemp(prefix="koma-animatic-"))
            self._worker = WorkerProcess(self._scratch)
            self._task = asyncio.create_task(self._draw_all(), name="animatic")

    async def close(self) -> None:
        """End the process, forget all prompts and remove their frames."""
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
        versions = {"koma": __version__, "pillow": PIL.__version__}
        return BackendStatus(up=self._task is not None, version=__version__, versions=versions, message="" if self._task else "not opened")

    async def signatures(self) -> Mapping[str, Any] | None:
        """There are no nodes here."""
        return None

    async def submit(self, request: RenderRequest, inputs: Mapping[str, Path]) -> Submitted:
        """Check the description and queue it; a prompt id that is known already is not queued again."""
        if self._task is None:
            return Submitted(SubmitOutcome.BUSY, Failure(FailureClass.BACKEND_DOWN, "the animatic backend is not open"))
        try:
            panel = read_panel(request.document)
        except PanelError as error:
            return Submitted(SubmitOutcome.REJECTED, Failure(FailureClass.VALIDATION, str(error)))
        failure = _unfit(request, panel) or _missing(panel, inputs)
        if failure is not None:
            return Submitted(SubmitOutcome.REJECTED, failure)
        if request.prompt_id not in self._prompts:
            wanted = {actor.reference for actor in panel.actors if actor.reference}
            references = {name: str(file) for name, file in inputs.items() if name in wanted}
            prompt = _Prompt(request.prompt_id, request.document, panel.frames, references, Sighting(Stage.QUEUED))
            self._prompts[request.prompt_id] = prompt
            self._waiting.put_nowait(prompt)
        return Submitted(SubmitOutcome.ACCEPTED)

    async def ask(self, prompt_id: str) -> Sighting:
        """Where the prompt is; absent for one that was never submitted since it was opened, or finished long ago."""
        prompt = self._prompts.get(prompt_id)
        return prompt.sighting if prompt else Sighting(Stage.ABSENT)

    def progress(self) -> AsyncIterator[Progress]:
        """Hints from now on; the iterator ends when the backend closes."""
        return self._hints.listen()

    async def collect(self, request: RenderRequest, outputs: Mapping[str, Any], into: Path) -> Sequence[Path]:
        """Put the frames into a folder, numbered in order, after decoding each of them. May be repeated."""
        files = outputs.get("files")
        if not files or self._scratch is None:
            raise CollectError(f"{request.label}: the animatic has no frames of prompt {request.prompt_id}; render it again")
        return await asyncio.to_thread(_collect, self._scratch / request.prompt_id, files, into)

    async def cancel(self, prompt_id: str) -> None:
        """Take it from the queue, or stop it after the frames that are being drawn."""
        prompt = self._prompts.get(prompt_id)
        if prompt is None or prompt.sighting.stage not in (Stage.QUEUED, Stage.RUNNING):
            return
        prompt.cancelled = True
        if prompt.sighting.stage is Stage.QUEUED:
            self._finish(prompt, _interrupted())

    async def free(self) -> None:
        """Nothing is held that is worth letting go of."""

    async def _draw_all(self) -> None:
        while True:
            prompt = await self._waiting.get()
            if not prompt.cancelled:
                await self._draw(prompt)

    async def _draw(self, prompt: _Prompt) -> None:
        prompt.sighting = Sighting(Stage.RUNNING)
        clock = asyncio.get_running_loop().time
        started = clock()
        try:
            files, failure = await self._frames(prompt)
        except WorkerLostError as lost:
            files, failure = [], Failure(FailureClass.INTERNAL, str(lost), lost.excerpt)
        except Exception as error:  # noqa: BLE001 - the next prompt is drawn all the same
            files, failure = [], Failure(FailureClass.INTERNAL, f"drawing stopped: {type(error).__name__}: {error}")
        seconds = clock() - started
        self._finish(prompt, failure or Sighting(Stage.SUCCEEDED, {"files": files}, render_seconds=seconds))

    async def _frames(self, prompt: _Prompt) -> tuple[list[str], Failure | Sighting | None]:
        """Draw batch after batch, until all are there, one fails, or the prompt is cancelled."""
        if self._scratch is None or self._worker is None:
            raise FileNotFoundError("the backend is closing")
        folder = self._scratch / prompt.prompt_id
        folder.mkdir(parents=True, exist_ok=True)
        files: list[str] = []
        order = {"job": prompt.prompt_id, "panel": prompt.document, "references": prompt.references, "folder": str(folder)}
        while len(files) < prompt.frames:
            if prompt.cancelled:
                return [], _interrupted()
            self._hints.say(Progress(prompt.prompt_id, len(files) / prompt.frames, "drawing"))
            answer = await self._worker.ask({**order, "first": len(files), "count": min(BATCH, prompt.frames - len(files))})
            if "failure" in answer:
                return [], read_failure(answer["failure"])
            files += answer["files"]
        return files, None

    def _finish(self, prompt: _Prompt, end: Sighting | Failure) -> None:
        prompt.sighting = Sighting(Stage.FAILED, failure=end) if isinstance(end, Failure) else end
        self._forget_old(prompt)
        self._hints.say(Progress(prompt.prompt_id, 1.0, finished=True))

    def _forget_old(self, newest: _Prompt) -> None:
        """Keep the newest finished prompts; frames of what failed are of no use."""
        self._prompts[newest.prompt_id] = self._prompts.pop(newest.prompt_id)
        done = [prompt for prompt in self._prompts.values() if prompt.sighting.stage in (Stage.SUCCEEDED, Stage.FAILED)]
        old = done[:-KEPT]
        for prompt in old:
            del self._prompts[prompt.prompt_id]
        for prompt in [*old, *([newest] if newest.sighting.stage is Stage.FAILED else [])]:
            if self._scratch is not None:
                shutil.rmtree(self._scratch / prompt.prompt_id, ignore_errors=True)


def _interrupted() -> Failure:
    return Failure(FailureClass.INTERRUPTED, "cancelled before all frames were drawn")


def _unfit(request: RenderRequest, panel: Panel) -> Failure | None:
    """Say where request and description disagree about what is to come back."""
    if request.media is Media.IMAGE and panel.frames != 1:
        return Failure(FailureClass.VALIDATION, f"phase: one picture is asked for, but phase {panel.phase!r} makes {panel.frames} frames")
    if request.frames not in (0, panel.frames):
        return Failure(FailureClass.VALIDATION, f"frames: {request.frames} are asked for, but the description makes {panel.frames}")
    return None


def _missing(panel: Panel, inputs: Mapping[str, Path]) -> Failure | None:
    for actor in panel.actors:
        if actor.reference and actor.reference not in inputs:
            return Failure(
                FailureClass.INPUT, f"characters: {actor.id} asks for reference {actor.reference!r}, which is no input of this render"
            )
        if actor.reference and not inputs[actor.reference].is_file():
            return Failure(FailureClass.INPUT, f"characters: the reference of {actor.id}, {inputs[actor.reference]}, is not there")
    return None


def _collect(folder: Path, names: Sequence[str], into: Path) -> list[Path]:
    into.mkdir(parents=True, exist_ok=True)
    collected = []
    for name in names:
        source, target = folder / Path(name).name, into / Path(name).name
        try:
            with Image.open(source) as picture:
                picture.load()
            _link(source, target)
        except (OSError, SyntaxError) as error:
            raise CollectError(f"frame {source} is missing or broken: {error}") from error
        collected.append(target)
    return collected


def _link(source: Path, target: Path) -> None:
    """Make the same file appear at the target: as a link where the file system can, else as a copy."""
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
