"""A render server that is nothing but a folder: what was submitted is drawn at once, stays there whoever dies, and is written down."""

import hashlib
import json
import os
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from koma.core.graph import canonical_graph
from koma.core.request import BackendStatus, Failure, FailureClass, Progress, RenderRequest, Sighting, Stage, SubmitOutcome, Submitted
from koma.core.words import BackendKind
from koma.ports import CollectError

SIDE = 64
_BOOK = "submitted.jsonl"


class LedgerBackend:
    """`koma.ports.Backend` on a folder. `spoilt` are labels whose picture comes out too small, `broken` those that end in an error."""

    name = "ledger"
    kind = BackendKind.COMFYUI

    def __init__(self, folder: Path, spoilt: frozenset[str] = frozenset(), broken: frozenset[str] = frozenset()) -> None:
        self._folder = folder
        self._spoilt = spoilt
        self._broken = broken

    async def open(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)

    async def close(self) -> None:
        pass

    async def probe(self) -> BackendStatus:
        return BackendStatus(up=True, version="1.0")

    async def signatures(self) -> Mapping[str, Any] | None:
        return None

    async def submit(self, request: RenderRequest, inputs: Mapping[str, Path]) -> Submitted:
        """Draw it, then note that it was asked for: one line each time, so that a second one shows."""
        made = self._folder / request.prompt_id
        made.mkdir(exist_ok=True)
        if request.label not in self._broken:
            for number, pixels in enumerate(self._frames(request)):
                Image.fromarray(pixels).save(made / f"{number:05d}.png")
        line = json.dumps({"prompt": request.prompt_id, "label": request.label}) + "\n"
        book = os.open(self._folder / _BOOK, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        os.write(book, line.encode())
        os.close(book)
        return Submitted(SubmitOutcome.ACCEPTED)

    async def ask(self, prompt_id: str) -> Sighting:
        label = {line["prompt"]: line["label"] for line in lines(self._folder)}.get(prompt_id)
        if label is None:
            return Sighting(Stage.ABSENT)
        if label in self._broken:
            return Sighting(Stage.FAILED, failure=Failure(FailureClass.VALIDATION, "this one never works"))
        return Sighting(Stage.SUCCEEDED, {"files": sorted(file.name for file in (self._folder / prompt_id).iterdir())}, 1.5)

    async def find(self, request: RenderRequest) -> Sighting:
        return await self.ask(request.prompt_id)

    async def progress(self) -> AsyncIterator[Progress]:
        for hint in ():
            yield hint

    async def collect(self, request: RenderRequest, outputs: Mapping[str, Any], into: Path) -> Sequence[Path]:
        try:
            return [Path(shutil.copyfile(self._folder / request.prompt_id / name, into / name)) for name in outputs["files"]]
        except FileNotFoundError as error:
            raise CollectError(str(error)) from error

    async def cancel(self, prompt_id: str) -> None:
        pass

    async def free(self) -> None:
        pass

    def _frames(self, request: RenderRequest) -> list[np.ndarray]:
        """Noise that depends on the graph alone."""
        seed = hashlib.sha256(json.dumps(canonical_graph(request.document), sort_keys=True).encode()).digest()
        side = SIDE // 2 if request.label in self._spoilt else SIDE
        random = np.random.default_rng(list(seed))
        return [random.integers(0, 256, (side, side, 3), dtype=np.uint8) for _ in range(max(1, request.frames))]


def lines(folder: Path) -> list[dict[str, str]]:
    """Everything that was submitted, in order: `prompt` and `label`."""
    book = folder / _BOOK
    return [json.loads(line) for line in book.read_text().splitlines()] if book.exists() else []


def renders(folder: Path) -> Counter[str]:
    """How often each label was submitted."""
    return Counter(line["label"] for line in lines(folder))
