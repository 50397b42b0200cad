"""A ComfyUI server for tests: the recorded shapes of a real one, a queue that really works, pictures that really decode.

`async with FakeComfyUI() as server:` listens on a free port of 127.0.0.1. Prompts run one after the other and at once, or, after
`hold()`, each until `finish(prompt_id)` or `release()`. Files survive `restart()`, queue and history do not, as with the real one.
What it can be told to do wrong is in support.fake_comfyui_faults: `server.faults.arm(Fault.LOST_REPLY)`.
"""

import asyncio
import contextlib
import uuid
from collections.abc import Coroutine, Mapping
from typing import Any, Self

from aiohttp import WSMsgType, web

from support.fake_comfyui_faults import Fault, answered_wrongly, node_errors, spoilt
from support.fake_comfyui_graphs import EXCHANGES, NODES, InvalidError, check, object_info
from support.fake_comfyui_worker import Prompt, Worker


class FakeComfyUI(Worker):
    """The server. Public attributes may be read and set by tests at any time."""

    def __init__(self, signatures: Mapping[str, Any] = NODES, *, models: set[str] | None = None, **worker: Any) -> None:
        super().__init__(**worker)
        self.signatures, self.models = signatures, models
        self.bodies: list[dict[str, Any]] = []
        self.requests: list[tuple[str, str]] = []
        self.connected = asyncio.Event()
        self.down_seconds = 0.0  # between the end of one process and the beginning of the next
        self._port = 0
        self._late: set[asyncio.Task[None]] = set()
        self._muted: set[str] = set()
        self._restarting: asyncio.Task[None] | None = None
        self._runner: web.AppRunner | None = None
        self._sockets: dict[str, web.WebSocketResponse] = {}

    @property
    def port(self) -> int:
        return self._port

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._restarting is not None:
            await self._restarting
        await self.stop()

    async def start(self) -> None:
        app = web.Application(middlewares=[self._gatekeeper], client_max_size=100 << 20)
        app.add_routes([web.route(*route) for route in self._routes()])
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port, reuse_address=True)
        await site.start()
        self._port = self._runner.addresses[0][1]
        self._worker = asyncio.create_task(self.work())

    async def stop(self) -> None:
        """As a killed process: queue and history are gone, files stay."""
        for task in (self._worker, *self._late):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        for socket in list(self._sockets.values()):
            await socket.close()
        if self._runner is not None:
            await self._runner.cleanup()
        self.connected.clear()
        self._sockets.clear()
        self._muted.clear()
        self.forget()

    async def restart(self) -> None:
        await self.stop()
        await asyncio.sleep(self.down_seconds)
        await self.start()

    def drop_next_reply(self) -> None:
        """The next POST /prompt is queued, but its connection breaks before the reply."""
        self.faults.arm(Fault.LOST_REPLY)

    @property
    def connections(self) -> int:
        """How many WebSockets there are."""
        return len(self._sockets)

    def kill_worker(self) -> None:
        """From now on nothing of the queue runs any more, and HTTP answers as before."""
        self._worker.cancel()

    async def drop_sockets(self) -> None:
        self.connected.clear()
        for socket in list(self._sockets.values()):
            await socket.close()

    async def say(self, message: str | bytes) -> None:
        """Send something of any kind to every client."""
        for socket in list(self._sockets.values()):
            await (socket.send_bytes(message) if isinstance(message, bytes) else socket.send_str(message))

    async def say_frame(self, data: bytes, kind: WSMsgType) -> None:
        """Send one frame of any kind to every client, sound or not."""
        for socket in list(self._sockets.values()):
            await socket.send_frame(data, kind)

    # -- HTTP ---------------------------------------------------------------------------------------------------------

    def _routes(self) -> list[tuple[str, str, Any]]:
        return [
            ("GET", "/ws", self._ws),
            ("POST", "/prompt", self._post_prompt),
            ("GET", "/queue", self._get_queue),
            ("POST", "/queue", self._post_queue),
            ("GET", "/history/{id}", self._get_history),
            ("POST", "/interrupt", self._interrupt),
            ("POST", "/free", self._free),
            ("GET", "/view", self._view),
            ("POST", "/upload/image", self._upload),
            ("GET", "/object_info", self._object_info),
            ("GET", "/system_stats", self._system_stats),
        ]

    @web.middleware
    async def _gatekeeper(self, request: web.Request, handler: Any) -> web.StreamResponse:
        self.requests.append((request.method, request.path))
        origin = request.headers.get("Origin", "")
        if origin and origin.split("//")[-1] != request.headers.get("Host"):
            return web.Response(status=403)
        return answered_wrongly(self.faults, request) or await spoilt(self.faults, request, await handler(request))

    async def _post_prompt(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        if "prompt" not in body:
            return web.json_response(EXCHANGES["no_prompt_key"]["response"], status=400)
        if self.faults.fires(Fault.REFUSED_MODEL):
            error = EXCHANGES["invalid_missing_model"]["response"]["error"]
            return web.json_response({"error": error, "node_errors": node_errors(Fault.REFUSED_MODEL)}, status=400)
        try:
            ends, errors = check(body["prompt"], self.signatures, self._input_names(), self.models)
        except InvalidError as refused:
            return web.json_response({"error": refused.args[0], "node_errors": refused.args[1]}, status=400)
        self.bodies.append(body)
        if self.faults.fires(Fault.LATE_ACCEPT):
            self._afterwards(self._accept_late(body, ends))
            return self._cut(request)
        return await self._accept(request, body, ends, errors)

    async def _accept(self, request: web.Request, body: dict[str, Any], ends: list[str], errors: dict[str, Any]) -> web.StreamResponse:
        prompt = self.queue(body, ends)
        if self.faults.fires(Fault.DUPLICATE_RUN):
            self.queue(body, ends)
        await self.status()
        self.notify()
        if self.faults.fires(Fault.PARTIAL_NODE_ERRORS):
            errors = node_errors(Fault.PARTIAL_NODE_ERRORS)
        if self.faults.fires(Fault.LOST_REPLY):
            return self._cut(request)
        if self.faults.fires(Fault.DELAYED_REPLY):
            await asyncio.sleep(self.faults.reply_seconds)
        return web.json_response({"prompt_id": prompt.prompt_id, "number": prompt.number, "node_errors": errors})

    def _cut(self, request: web.Request) -> web.Response:
        if request.transport is not None:
            request.transport.abort()
        return web.Response()

    async def _accept_late(self, body: dict[str, Any], ends: list[str]) -> None:
        await asyncio.sleep(self.faults.late_seconds)
        self.queue(body, ends)
        self.notify()

    def _afterwards(self, work: Coroutine[Any, Any, None]) -> None:
        """Let something happen later, in this process of the server."""
        task = asyncio.create_task(work)
        self._late.add(task)
        task.add_done_callback(self._late.discard)

    def _input_names(self) -> set[str]:
        return {"/".join(part for part in (folder, name) if part) for kind, folder, name in self.files if kind == "input"}

    async def _get_queue(self, _: web.Request) -> web.Response:
        running = [self.running.item()] if self.running else []
        return web.json_response({"queue_running": running, "queue_pending": [prompt.item() for prompt in self.pending]})

    async def _post_queue(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.pending = [p for p in self.pending if p.prompt_id not in body.get("delete", ()) and not body.get("clear")]
        self.notify()
        return web.Response()

    async def _get_history(self, request: web.Request) -> web.Response:
        prompt_id = request.match_info["id"]
        return web.json_response({key: value for key, value in self.history.items() if key == prompt_id})

    async def _interrupt(self, request: web.Request) -> web.Response:
        wanted = (await request.json()).get("prompt_id") if request.can_read_body else None
        if self.running is not None and wanted in {None, self.running.prompt_id}:
            self.running.interrupted = True
            self.notify()
        return web.Response()

    async def _free(self, _: web.Request) -> web.Response:
        self.cache, self.vram_free = ("", {}), self.vram_total
        return web.Response()

    async def _view(self, request: web.Request) -> web.Response:
        name, folder = request.query["filename"], request.query.get("subfolder", "")
        if name.startswith("/") or ".." in name:
            return web.Response(status=400)
        data = self.files.get((request.query.get("type", "output"), folder, name))
        if data is None:
            return web.Response(status=404)
        return web.Response(body=data, content_type="image/png" if name.endswith(".png") else "application/octet-stream")

    async def _upload(self, request: web.Request) -> web.Response:
        form = await request.post()
        image, folder = form["image"], str(form.get("subfolder", ""))
        name, data = image.filename, image.file.read()
        if ".." in folder or ".." in name:
            return web.Response(status=400)
        stem, dot, suffix = name.rpartition(".")
        number = 0
        while form.get("overwrite") not in {"true", "1"} and self.files.get(("input", folder, name), data) != data:
            number += 1
            name = f"{stem} ({number}){dot}{suffix}"
        self.files["input", folder, name] = data
        return web.json_response({"name": name, "subfolder": folder, "type": "input"})

    async def _object_info(self, _: web.Request) -> web.Response:
        return web.json_response(object_info(self.signatures))

    async def _system_stats(self, _: web.Request) -> web.Response:
        device = {"name": "cuda:0", "type": "cuda", "index": 0, "vram_total": self.vram_total, "vram_free": self.vram_free}
        return web.json_response({**EXCHANGES["system_stats"]["response"], "devices": [device]})

    # -- WebSocket ----------------------------------------------------------------------------------------------------

    async def _ws(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        sid = request.query.get("clientId") or uuid.uuid4().hex
        self._sockets[sid] = socket
        await socket.send_json({"type": "status", "data": {**self._remaining(), "sid": sid}})
        self.connected.set()
        self.notify()
        with contextlib.suppress(ConnectionError):
            async for message in socket:
                if message.type is WSMsgType.ERROR:
                    break
        self._sockets.pop(sid, None)
        return socket

    def _remaining(self) -> dict[str, Any]:
        return {"status": {"exec_info": {"queue_remaining": len(self.pending) + (self.running is not None)}}}

    async def status(self) -> None:
        for sid, socket in list(self._sockets.items()):
            with contextlib.suppress(ConnectionError):
                if sid not in self._muted:
                    await socket.send_json({"type": "status", "data": self._remaining()})

    async def begins(self) -> None:
        if self.faults.fires(Fault.DROPPED_WEBSOCKET):
            await self.drop_sockets()
        if self.faults.fires(Fault.SILENT_WEBSOCKET):
            self._muted.update(self._sockets)

    async def leave(self) -> None:
        self._restarting = asyncio.create_task(self.restart())
        await self.until(lambda: False)

    async def send(self, prompt: Prompt, kind: str, **data: Any) -> None:
        sid = str(prompt.extra.get("client_id"))
        socket = self._sockets.get(sid)
        if socket is not None and sid not in self._muted:
            with contextlib.suppress(ConnectionError):
                await socket.send_json({"type": kind, "data": {**data, "prompt_id": prompt.prompt_id}})
