"""One night of the whole daemon against a fake server that misbehaves, in virtual time: `koma run` as it is, real files, real sockets."""

import asyncio
import io
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import redirect_stderr
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from PIL import Image

from koma.app import daemon
from koma.app.workspace import App
from koma.backends.comfyui import backend
from koma.core.request import BackendStatus, Failure, RenderRequest, Sighting, Submitted
from koma.ports import CollectError
from support.fake_comfyui import FakeComfyUI
from support.fake_comfyui_graphs import NODES
from support.hurried import hurry
from support.proxy import Proxy
from support.served import EXTRA_NODES, frames_of
from support.virtual import VirtualClock
from support.workspaces import ADULT, ALL, REN, STILL, Workspace, comfyui_config, story

BROUGHT_BACK = '", restart: [restart], no_progress_seconds: 60}]'
STILLS = (STILL, ADULT, REN)
RENDER_SECONDS = 10.0  # of each prompt
DOWN_SECONDS = 3.0  # of each restart of the server
_LOOK = 2.0
QUIET_SECONDS = 1200.0  # seconds without a job after which nothing more is expected


@dataclass
class Night:
    """What came of it.

    `said` holds each answer of the backend in a few words, `renders` what the server began to draw, `takes` how many have a picture,
    `missing` the targets that did not pass, `foreign` the published ones that are not what their graph draws.
    """

    said: list[str] = field(default_factory=list)
    events: list[Mapping[str, Any]] = field(default_factory=list)
    renders: int = 0
    takes: int = 0
    missing: Sequence[str] = ()
    foreign: Sequence[str] = ()
    seconds: float = 0.0

    def told(self, name: str) -> list[Mapping[str, Any]]:
        """Events of one name."""
        return [event for event in self.events if event["event"] == name]

    @property
    def lines(self) -> list[str]:
        """What was said and told, one line each: `ask absent`, `job_retried lost`, `backend_restarted hung`."""
        classes = (str(event.get("error_class") or event.get("verdict") or event.get("why") or "") for event in self.events)
        return [*self.said, *(f"{event['event']} {word}".rstrip() for event, word in zip(self.events, classes, strict=True))]


class HeardBackend(backend.ComfyUIBackend):
    """The real backend, with a note of what it answers."""

    said: list[str]

    async def probe(self) -> BackendStatus:
        status = await super().probe()
        self.said.append("probe up" if status.up else "probe down")
        return status

    async def submit(self, request: RenderRequest, inputs: Mapping[str, Path]) -> Submitted:
        answer = await super().submit(request, inputs)
        self.said.append(f"submit {answer.outcome}{_kind(answer.failure)}")
        return answer

    async def ask(self, prompt_id: str) -> Sighting:
        sighting = await super().ask(prompt_id)
        self.said.append(f"ask {sighting.stage}{_kind(sighting.failure)}")
        return sighting

    async def collect(self, request: RenderRequest, outputs: Mapping[str, Any], into: Path) -> Sequence[Path]:
        try:
            files = await super().collect(request, outputs, into)
        except CollectError as error:
            self.said.append(f"collect {'away' if error.away else 'broken'}: {error}")
            raise
        self.said.append("collect whole")
        return files


def _kind(failure: Failure | None) -> str:
    return f" {failure.kind}" if failure is not None else ""


Arm = Callable[[FakeComfyUI, Proxy], None]
"""Tells server and proxy what to do wrong, before the daemon starts."""


class _Clock(VirtualClock):
    def catch_up(self) -> None:
        """Do nothing: nobody sets this clock."""


def pass_night(folder: Path, arm: Arm, *, proxied: bool = False, hours: float = 6.0) -> Night:
    """Let the daemon work on the workspace of the stories until everything is done, or nothing happens any more."""
    clock, night = _Clock(), Night()
    with redirect_stderr(io.StringIO()):
        hurry(clock, lambda: _Passing(folder, clock, night, hours * 3600).through(arm, proxied=proxied))
    night.seconds = clock.elapsed
    return night


class _Passing:
    """One night on its way."""

    def __init__(self, folder: Path, clock: VirtualClock, night: Night, limit: float) -> None:
        self._folder, self._clock, self._night, self._limit = folder, clock, night, limit

    async def through(self, arm: Arm, *, proxied: bool) -> None:
        async with (
            FakeComfyUI({**NODES, **EXTRA_NODES}, delay=RENDER_SECONDS, render=frames_of) as server,
            Proxy("127.0.0.1", server.port) as proxy,
        ):
            server.down_seconds = DOWN_SECONDS
            arm(server, proxy)
            config = comfyui_config(proxy.url if proxied else server.url)
            workspace = story(self._folder, config.replace('"}]', BROUGHT_BACK))
            workspace.append(
                "projects/demo/project.yaml", "phase_gate: {pass_rate: 0}\n"
            )  # a still that is left to a person holds its own video only
            heard = type("HeardBackend", (HeardBackend,), {"said": self._night.said})
            with (
                mock.patch.object(backend, "ComfyUIBackend", heard),
                App.open(self._folder, writes=True) as app,
                mock.patch.object(daemon, "RestartCommand", return_value=_restarts(server)),
            ):
                app.clock = app.wall = self._clock
                app.config.paths.inbox.mkdir(parents=True, exist_ok=True)
                await self._run(app)
                self._conclude(server, app, workspace)

    async def _run(self, app: App) -> None:
        ending = asyncio.create_task(self._end_when_over(app))
        try:
            await daemon.run(app, daemon.Orders())
        finally:
            ending.cancel()

    async def _end_when_over(self, app: App) -> None:
        busy = 0.0
        while self._clock.elapsed < self._limit and self._clock.elapsed - busy < QUIET_SECONDS and unpassed(app):
            if app.store.is_working():
                busy = self._clock.elapsed
            await asyncio.sleep(_LOOK)
        signal.raise_signal(signal.SIGTERM)

    def _conclude(self, server: FakeComfyUI, app: App, workspace: Workspace) -> None:
        night = self._night
        night.events = workspace.events()
        night.renders = sum(server.renders.values())
        night.takes = sum(bool(row.object_digest) for row in app.store.take_rows())
        night.missing = unpassed(app)
        night.foreign = [target for target in STILLS if target not in night.missing and not _is_its_own(workspace, target)]


def _restarts(server: FakeComfyUI) -> Callable[[], Awaitable[str]]:
    async def restart() -> str:
        await server.restart()
        return ""

    return restart


def unpassed(app: App) -> list[str]:
    """Targets of the story of which no good take is published."""
    passed = {row.target for row in app.store.published() if row.verdict == "passed"}
    return [target for target in ALL if target not in passed]


def _is_its_own(workspace: Workspace, target: str) -> bool:
    """Whether the published picture is what the graph on its receipt draws."""
    (drawn,) = frames_of(workspace.receipt(target)["request"]["document"])
    with Image.open(workspace.output(target, ".png")) as shown:
        return bool(np.array_equal(np.asarray(shown.convert("RGB")), drawn))
