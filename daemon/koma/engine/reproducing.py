"""Render a receipt again and compare lossless frames. Nothing is stored and nothing is published."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from koma.core.attempt import for_attempt
from koma.core.codec import from_json
from koma.core.media import Artifact, Media, Role
from koma.core.receipt import ReceiptError, request_from_receipt
from koma.core.request import RenderRequest, Sighting, Stage, SubmitOutcome, Submitted
from koma.engine.comparing import Difference, compare
from koma.ports import Backend, Clock, CollectError, MediaTools, Objects

POLL_SECONDS = 0.5
UNSEEN_SECONDS = 30.0  # how long a prompt may be in neither queue nor history, or the backend out of reach

Sleep = Callable[[float], Any]


class CannotReproduceError(Exception):
    """It can't be rendered again, or not compared; `missing` names what stands in the way."""

    def __init__(self, *missing: str) -> None:
        super().__init__("; ".join(missing))
        self.missing = missing


@dataclass(frozen=True, slots=True)
class Reproduction:
    """What came out: no difference, or how large it is; and versions that are not those of the receipt (name → then, now)."""

    difference: Difference | None
    versions: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    render_seconds: float = 0.0


def changed_versions(then: Mapping[str, str], now: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Versions that differ between a receipt and now; "" for what was not there."""
    names = sorted(then.keys() | now.keys())
    return {name: (then.get(name, ""), now.get(name, "")) for name in names if then.get(name, "") != now.get(name, "")}


class Reproducer:
    """Renders receipts again on one backend. `media` must build into a store of its own, which `made` looks into."""

    def __init__(
        self, backend: Backend, recorded: Objects, made: Objects, media: MediaTools, clock: Clock, *, sleep: Sleep = asyncio.sleep
    ) -> None:
        self._backend = backend
        self._recorded = recorded
        self._made = made
        self._media = media
        self._clock = clock
        self._sleep = sleep

    async def run(self, receipt: Mapping[str, Any], versions: Mapping[str, str], scratch: Path) -> Reproduction:
        """Render and compare. `versions` are those of Koma now; the backend adds its own. Raises CannotReproduceError."""
        recorded, request = self._prepare(receipt)
        await self._backend.open()
        try:
            now = {**versions, **await self._up()}
            await self._backend.free()  # a cached result would only prove that it was cached
            sighting = await self._render(request)
            files = await self._collect(request, sighting, scratch)
        finally:
            await self._backend.close()
        made = await asyncio.to_thread(self._build, files, request)
        difference = await asyncio.to_thread(self._compare, recorded, made)
        then = receipt.get("versions")
        return Reproduction(difference, changed_versions(then if isinstance(then, Mapping) else {}, now), sighting.render_seconds or 0.0)

    def _prepare(self, receipt: Mapping[str, Any]) -> tuple[Artifact, RenderRequest]:
        try:
            request = request_from_receipt(receipt, "")
            artifacts = [from_json(Artifact, item) for item in receipt["artifacts"]]
            key = str(receipt["take_key"])
            recorded = next((artifact for artifact in artifacts if artifact.role is Role.OBJECT), None)
            if recorded is None:
                raise CannotReproduceError("the receipt names no picture: this take failed")
            self._all_there(recorded, request)
        except (ReceiptError, KeyError, TypeError, ValueError) as error:
            raise CannotReproduceError(f"the receipt can't be used: {error}") from error
        return recorded, for_attempt(request, key, 1, f"reproduce:{self._clock.now():.6f}")

    def _all_there(self, recorded: Artifact, request: RenderRequest) -> None:
        missing = [
            f"the input {given.name} ({given.file_digest[:12]}{given.suffix}) is not in the object store"
            for given in request.inputs
            if not self._recorded.has(given.file_digest, given.suffix)
        ]
        if not self._recorded.has(recorded.file_digest, recorded.suffix):
            missing.append(f"the recorded picture ({recorded.file_digest[:12]}{recorded.suffix}) is not in the object store")
        if missing:
            raise CannotReproduceError(*missing)

    async def _up(self) -> Mapping[str, str]:
        status = await self._backend.probe()
        if not status.up:
            raise CannotReproduceError(f"the backend {self._backend.name} is down: {status.message}")
        return {**status.versions, **({str(self._backend.kind): status.version} if status.version else {})}

    async def _render(self, request: RenderRequest) -> Sighting:
        inputs = {given.name: self._recorded.path(given.file_digest, given.suffix) for given in request.inputs}
        _accepted(await self._backend.submit(request, inputs))
        last_seen = self._clock.monotonic()
        try:
            while True:
                sighting = await self._backend.ask(request.prompt_id)
                if sighting.stage in (Stage.SUCCEEDED, Stage.FAILED):
                    return _succeeded(sighting)
                if sighting.stage in (Stage.QUEUED, Stage.RUNNING):
                    last_seen = self._clock.monotonic()
                elif self._clock.monotonic() - last_seen > UNSEEN_SECONDS:
                    raise CannotReproduceError(f"the backend {self._backend.name} lost the render")
                await self._sleep(POLL_SECONDS)
        except asyncio.CancelledError:
            await self._backend.cancel(request.prompt_id)
            raise

    async def _collect(self, request: RenderRequest, sighting: Sighting, scratch: Path) -> Sequence[Path]:
        try:
            return await self._backend.collect(request, sighting.outputs, scratch / "collected")
        except (CollectError, OSError) as error:
            raise CannotReproduceError(f"what was rendered could not be fetched: {error}") from error

    def _build(self, files: Sequence[Path], request: RenderRequest) -> Artifact:
        try:
            return next(artifact for artifact in self._media.build(files, request) if artifact.role is Role.OBJECT)
        except ValueError as error:
            raise CannotReproduceError(f"what was rendered can't be read: {error}") from error

    def _compare(self, recorded: Artifact, made: Artifact) -> Difference | None:
        """Compare by content first: equal digests are equal pixels, and nothing needs to be decoded."""
        if recorded.content_digest == made.content_digest:
            return None
        then = self._recorded.path(recorded.file_digest, recorded.suffix)
        now = self._made.path(made.file_digest, made.suffix)
        try:
            return compare(then, now, clip=made.media is not Media.IMAGE)
        except ValueError as error:
            raise CannotReproduceError(f"the recorded picture can't be read: {error}") from error


def _accepted(answer: Submitted) -> None:
    if answer.outcome in (SubmitOutcome.REJECTED, SubmitOutcome.BUSY):
        raise CannotReproduceError(answer.failure.message if answer.failure else f"the backend answered: {answer.outcome}")


def _succeeded(sighting: Sighting) -> Sighting:
    if sighting.stage is Stage.FAILED:
        raise CannotReproduceError(f"the render failed: {sighting.failure.message if sighting.failure else 'no reason was given'}")
    return sighting
