"""The ComfyUI backend. History decides; the WebSocket only hints."""

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

from koma.backends.comfyui import adoption, sightings
from koma.backends.comfyui import inputs as placeholders
from koma.backends.comfyui.authorization import authorization
from koma.backends.comfyui.fetching import Prove, fetch, prove_here
from koma.backends.comfyui.http import Http, NoAnswerError, TooLargeError
from koma.backends.comfyui.progress import Listener, Reader
from koma.backends.comfyui.refusals import submitted
from koma.backends.comfyui.shapes import Reply
from koma.core.login import NO_SECRET, Secret, split_login
from koma.core.media import InputFile
from koma.core.request import BackendStatus, Failure, FailureClass, Progress, RenderRequest, Sighting, Stage, SubmitOutcome, Submitted
from koma.core.signatures import from_object_info
from koma.core.words import BackendKind
from koma.pixels.header import UnreadableError
from koma.ports import CollectError

UPLOADS = "koma"  # the folder below the server's input folder
_OK = 200
_BAD_FILE = frozenset({400, 413})
_GONE = frozenset({400, 403, 404, 410})  # any other status may be another one soon
_PEAKS = 256
_UNWANTED = 256
_BEGINNING = 8 * 1024 * 1024  # bytes of a picture, in which the graph stands before the pixels
HISTORY_LIMIT = 16 * 1024 * 1024  # of one entry, which holds its whole graph


class _RefusedError(Exception):
    """Nothing was queued; carries the answer for the caller of `submit`."""

    def __init__(self, outcome: SubmitOutcome, kind: FailureClass, message: str) -> None:
        super().__init__(message)
        self.answer = Submitted(outcome, Failure(kind, message))


class ComfyUIBackend:
    """One ComfyUI server. `url` is `http://host:port`, with a path where a proxy adds one; `http_timeout` in seconds.

    `login` is what that proxy asks for: `user:password`, or a token; it may stand in the address as well. `prove` decodes a fetched file
    whole, and raises UnreadableError.
    """

    kind = BackendKind.COMFYUI

    def __init__(self, name: str, url: str, *, login: Secret = NO_SECRET, http_timeout: float = 30.0, prove: Prove = prove_here) -> None:
        self.name = name
        self._prove = prove
        address, written = split_login(url)
        self._http = Http(address, http_timeout, login or written)
        self._reader = Reader()
        self._listener = Listener(address, self._reader, authorization(login or written))
        self._peaks: dict[str, int] = {}
        self._unwanted: OrderedDict[str, None] = OrderedDict()  # cancelled here; one that goes on all the same keeps the others waiting
        self._lost = False

    async def open(self) -> None:
        """Start listening for progress; a server that is down is tried again in the background."""
        self._listener.start()

    async def close(self) -> None:
        """Close the connections; the server keeps its prompts."""
        await self._listener.stop()
        await self._http.aclose()

    async def probe(self) -> BackendStatus:
        """Ask for version, memory and queue."""
        try:
            stats, queue = await self._json("/system_stats"), await self._queue()
        except NoAnswerError as error:
            return BackendStatus(up=False, message=str(error))
        return sightings.status(stats, queue)

    async def signatures(self) -> Mapping[str, Any] | None:
        """Return what the server says about its nodes (see koma.core.signatures), None if it does not answer."""
        try:
            return from_object_info(await self._json("/object_info"))
        except NoAnswerError:
            return None

    async def submit(self, request: RenderRequest, inputs: Mapping[str, Path]) -> Submitted:
        """Upload the inputs, then queue the graph with one POST."""
        try:
            graph = await self._graph(request, inputs)
        except _RefusedError as refused:
            return refused.answer
        self._reader.watch(request.prompt_id, graph)
        try:
            reply = await self._http.post("/prompt", self._prompt(request, graph))
        except NoAnswerError as error:
            kind = FailureClass.LOST if error.sent else FailureClass.BACKEND_DOWN
            return Submitted(SubmitOutcome.UNKNOWN if error.sent else SubmitOutcome.BUSY, Failure(kind, str(error)))
        except ValueError as error:
            return Submitted(SubmitOutcome.REJECTED, Failure(FailureClass.VALIDATION, f"the graph is no JSON: {error}"))
        return await self._settle(reply, request.prompt_id)

    def _prompt(self, request: RenderRequest, graph: Mapping[str, Any]) -> dict[str, Any]:
        ours = {"label": request.label, "prefix": request.prefix}
        extra = {sightings.OURS: ours}
        return {"prompt": graph, "prompt_id": request.prompt_id, "client_id": self._listener.client_id, "extra_data": extra}

    async def _settle(self, reply: Reply, prompt_id: str) -> Submitted:
        answer = submitted(reply, prompt_id)
        if reply.status == _OK and answer.outcome is SubmitOutcome.REJECTED:
            await self.cancel(str(reply.data["prompt_id"]))  # the server runs what is left of a partly invalid graph
        return answer

    async def _graph(self, request: RenderRequest, inputs: Mapping[str, Path]) -> dict[str, Any]:
        _refuse_first(placeholders.defects(request.document))
        names = {item.name: await self._upload(item, inputs) for item in request.inputs}
        graph = placeholders.fill(request.document, names)
        _refuse_first(placeholders.unfilled(graph), FailureClass.INPUT)
        return graph

    async def _upload(self, item: InputFile, inputs: Mapping[str, Path]) -> str:
        name = f"{item.file_digest}{item.suffix}"
        data = await asyncio.to_thread(_read, item, inputs)
        try:
            reply = await self._http.upload("/upload/image", name, data, {"type": "input", "subfolder": UPLOADS, "overwrite": "true"})
        except NoAnswerError as error:
            raise _RefusedError(SubmitOutcome.BUSY, FailureClass.BACKEND_DOWN, f"{item.name} was not uploaded: {error}") from error
        if reply.status == _OK and isinstance(reply.data, Mapping) and reply.data.get("name"):
            return str(PurePosixPath(str(reply.data.get("subfolder") or ""), str(reply.data["name"])))
        outcome = SubmitOutcome.REJECTED if reply.status in _BAD_FILE else SubmitOutcome.BUSY
        kind = FailureClass.INPUT if reply.status in _BAD_FILE else FailureClass.BACKEND_DOWN
        raise _RefusedError(outcome, kind, f"{item.name} was not uploaded: the server answered HTTP {reply.status} {reply.text}".rstrip())

    async def ask(self, prompt_id: str) -> Sighting:
        """Read the queue, then the history: an id moves from one to the other, so the other order could miss it."""
        try:
            queue = await self._queue()
            match sightings.in_queue(queue, prompt_id):
                case Stage.RUNNING:
                    return Sighting(Stage.RUNNING, peak_memory_bytes=await self._sample(prompt_id))
                case Stage.QUEUED:
                    return Sighting(Stage.QUEUED, idle=sightings.is_idle(queue, self._unwanted))
                case _:
                    return await self._ended(prompt_id)
        except NoAnswerError as error:
            return Sighting(Stage.UNREACHABLE, failure=Failure(FailureClass.BACKEND_DOWN, str(error)))

    async def _queue(self) -> Mapping[str, Any]:
        queue = await self._json("/queue")
        if not sightings.is_queue(queue):
            raise NoAnswerError(f"{self._http.shown}/queue answered without queue_running and queue_pending", sent=True)
        return queue

    async def _ended(self, prompt_id: str) -> Sighting:
        try:
            history = await self._json(f"/history/{quote(prompt_id, safe='')}", HISTORY_LIMIT)
        except TooLargeError as error:
            return Sighting(Stage.FAILED, failure=Failure(FailureClass.INTERNAL, str(error)))
        entry = history.get(prompt_id)
        if history and not isinstance(entry, Mapping):
            raise NoAnswerError(f"{self._http.shown}/history answered with something else than the prompt that was asked for", sent=True)
        return Sighting(Stage.ABSENT) if entry is None else sightings.from_history(entry, self._peaks.get(prompt_id))

    async def find(self, request: RenderRequest) -> Sighting:
        """Look for the files of a forgotten prompt: a whole set, none beyond it, and of this graph as far as pictures tell."""
        names = {item.name: str(PurePosixPath(UPLOADS, f"{item.file_digest}{item.suffix}")) for item in request.inputs}
        try:
            for files in adoption.candidates(request):
                if await self._are_there(files, placeholders.fill(request.document, names)):
                    return Sighting(Stage.SUCCEEDED, {"files": list(files)})
        except NoAnswerError as error:
            return Sighting(Stage.UNREACHABLE, failure=Failure(FailureClass.BACKEND_DOWN, str(error)))
        return Sighting(Stage.ABSENT)

    async def _are_there(self, files: Sequence[Mapping[str, str]], graph: Mapping[str, Any]) -> bool:
        first = await self._http.read("/view", _view(files[0]), _BEGINNING)
        if first is None or not adoption.is_of(first, graph):
            return False
        for item in files[1:]:
            if not await self._http.has("/view", _view(item)):
                return False
        return not await self._http.has("/view", _view(adoption.beyond(files)))

    async def _sample(self, prompt_id: str) -> int | None:
        with contextlib.suppress(NoAnswerError):
            used = sightings.memory_in_use(await self._json("/system_stats"))
            if used is not None:
                self._peaks[prompt_id] = max(used, self._peaks.pop(prompt_id, 0))
                while len(self._peaks) > _PEAKS:
                    del self._peaks[next(iter(self._peaks))]
        return self._peaks.get(prompt_id)

    def progress(self) -> AsyncIterator[Progress]:
        """Yield hints for the prompts that this backend submitted on its current connection."""
        return self._listener.hints()

    async def collect(self, request: RenderRequest, outputs: Mapping[str, Any], into: Path) -> Sequence[Path]:
        """Fetch the files whose name begins with the request's prefix, by node and then in the node's order."""
        wanted = [item for item in outputs.get("files") or () if _place(item).startswith(request.prefix)]
        if not wanted:
            names = ", ".join(_place(item) for item in outputs.get("files") or ()) or "none"
            raise CollectError(f"no output file begins with {request.prefix!r}; the server named: {names}")
        await asyncio.to_thread(into.mkdir, parents=True, exist_ok=True)
        return [await self._fetch(item, into / f"{number:05d}{_suffix(item)}") for number, item in enumerate(wanted, 1)]

    async def _fetch(self, item: Mapping[str, str], into: Path) -> Path:
        part = into.with_name(f"{into.name}.part")
        try:
            await fetch(self._http, _view(item), part, self._prove)
            return await asyncio.to_thread(part.replace, into)
        except NoAnswerError as error:
            raise CollectError(f"{_place(item)}: {error}", away=True) from error
        except CollectError as error:
            raise CollectError(f"{_place(item)}: {error}", away=error.away) from error
        except UnreadableError as error:
            raise CollectError(f"{_place(item)}: {error.why}") from error
        finally:
            await asyncio.to_thread(part.unlink, missing_ok=True)

    async def cancel(self, prompt_id: str) -> None:
        """Delete it from the queue; if it runs, interrupt it, which takes effect at the node's next step."""
        self._unwanted[prompt_id] = None
        while len(self._unwanted) > _UNWANTED:
            self._unwanted.popitem(last=False)
        with contextlib.suppress(NoAnswerError):
            await self._http.post("/queue", {"delete": [prompt_id]})
            if sightings.in_queue(await self._queue(), prompt_id) is Stage.RUNNING:
                await self._http.post("/interrupt", {"prompt_id": prompt_id})

    async def withdraw(self, prompt_id: str) -> None:
        """Delete it from the queue, which leaves one that runs alone."""
        with contextlib.suppress(NoAnswerError):
            await self._http.post("/queue", {"delete": [prompt_id]})

    async def free(self) -> None:
        """Ask the server to unload models and to drop cached results once the current prompt is done."""
        with contextlib.suppress(NoAnswerError):
            await self._http.post("/free", {"unload_models": True, "free_memory": True})

    async def _json(self, path: str, most: int | None = None) -> Mapping[str, Any]:
        reply = await self._get(path, most)
        if reply.status != _OK or not isinstance(reply.data, Mapping):
            said = " ".join(reply.text[:200].split())
            raise NoAnswerError(f"{self._http.shown}{path} answered HTTP {reply.status}, expected a JSON object: {said}", sent=True)
        return reply.data

    async def _get(self, path: str, most: int | None = None) -> Reply:
        try:
            reply = await self._http.get(path, most)
        except NoAnswerError:
            self._lost = True
            raise
        if self._lost:
            self._lost = False
            self._listener.nudge()
        return reply


def _refuse_first(findings: Any, kind: FailureClass = FailureClass.VALIDATION) -> None:
    found = next(iter(findings), None)
    if found is not None:
        raise _RefusedError(SubmitOutcome.REJECTED, kind, found)


def _read(item: InputFile, inputs: Mapping[str, Path]) -> bytes:
    try:
        return inputs[item.name].read_bytes()
    except (KeyError, OSError) as error:
        raise _RefusedError(SubmitOutcome.REJECTED, FailureClass.INPUT, f"no file for {item.name}: {error}") from error


def _view(item: Mapping[str, str]) -> dict[str, str]:
    return {key: item[key] for key in ("filename", "subfolder", "type")}


def _place(item: Mapping[str, str]) -> str:
    return "/".join(part for part in (item.get("subfolder", "").replace("\\", "/"), item["filename"]) if part)


def _suffix(item: Mapping[str, str]) -> str:
    suffix = PurePosixPath(item["filename"]).suffix.lower()
    return suffix if suffix[1:].isalnum() else ".bin"
