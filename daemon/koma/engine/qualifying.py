"""Try templates out on a backend: render each one's sample once, and say how long it took and how much memory was in use.

Nothing is stored and nothing is published; what could not run is said, and the next one is tried.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from koma.core.attempt import for_attempt
from koma.core.draft import LoadedTemplate
from koma.core.graph import placeholders
from koma.core.media import InputFile
from koma.core.node_rules import PLACEHOLDER
from koma.core.preflight import hold_for
from koma.core.problem import Place, Problem, Severity
from koma.core.request import RenderRequest, Sighting, Stage, SubmitOutcome
from koma.core.retry import Patience
from koma.core.template import bind
from koma.core.words import BackendKind, Reason
from koma.engine.graphs import Graphs
from koma.ports import Backend, Clock, CollectError

POLL_SECONDS = 0.5
UNSEEN_SECONDS = 30.0  # how long a prompt may be in neither queue nor history, or the backend out of reach

Specimen = Callable[[str, bool], tuple[Path, str]]
"""Makes a neutral input file, given its name and whether it is a clip (else a picture); the file and its digest."""


class Outcome(StrEnum):
    """How trying out one template ended."""

    RAN = "ran"
    FAILED = "failed"
    MISSING = "missing"  # the server lacks a node pack, a model file or memory


@dataclass(frozen=True, slots=True)
class Run:
    """One template tried out: seconds as the server counts them, models loaded in them, and bytes in use at most (None if it does not say).

    `why` says in words what is missing or went wrong.
    """

    template: str
    outcome: Outcome
    seconds: float = 0.0
    peak_memory_bytes: int | None = None
    why: tuple[str, ...] = ()


class Qualifier:
    """Tries templates out on one open backend. `graphs` checks against what that server says of itself."""

    def __init__(self, backend: Backend, graphs: Graphs, clock: Clock) -> None:
        self._backend = backend
        self._graphs = graphs
        self._clock = clock

    async def run(self, template: LoadedTemplate, values: Mapping[str, Any], rendition: str, specimen: Specimen, scratch: Path) -> Run:
        """Render sample values once, after the server let go of everything it held."""
        drawn = self._graph(template, values, rendition)
        if isinstance(drawn, Run):
            return drawn
        made = {name: specimen(name.removeprefix(PLACEHOLDER), _is_clip(template, name)) for name in dict.fromkeys(placeholders(drawn))}
        inputs = [InputFile(name, digest, digest, file.suffix) for name, (file, digest) in made.items()]
        request = self._request(template, values, drawn, inputs)
        await self._backend.free()
        refused = await self._submit(request, {name: file for name, (file, _) in made.items()})
        return Run(template.name, Outcome.FAILED, why=(refused,)) if refused else await self._rendered(template, request, scratch)

    def _graph(self, template: LoadedTemplate, values: Mapping[str, Any], rendition: str) -> dict[str, Any] | Run:
        bound, problems = bind(template.manifest, values, rendition, Place(template.file))
        if problems:
            return _stopped(template, problems)
        graph = self._graphs.graph(template, bound)
        if isinstance(graph, Problem):
            return _stopped(template, [graph])
        problems = self._graphs.check(template, graph)
        return _stopped(template, problems) if hold_for(problems) else graph

    def _request(
        self, template: LoadedTemplate, values: Mapping[str, Any], graph: Mapping[str, Any], inputs: Sequence[InputFile]
    ) -> RenderRequest:
        request = RenderRequest(
            prompt_id="",
            prefix="",
            kind=BackendKind.COMFYUI,
            document=graph,
            inputs=tuple(inputs),
            media=template.manifest.media,
            label=f"qualify {template.name}",
            fps=float(values.get("fps") or 0.0),
            frames=0,
        )
        return for_attempt(request, f"qualify-{template.name}", 1, f"{self._clock.now():.6f}")

    async def _submit(self, request: RenderRequest, inputs: Mapping[str, Path]) -> str:
        """Queue it; why not, "" if it may have arrived."""
        answer = await self._backend.submit(request, inputs)
        if answer.outcome in (SubmitOutcome.ACCEPTED, SubmitOutcome.UNKNOWN):
            return ""
        return answer.failure.message if answer.failure is not None else f"the backend answered: {answer.outcome}"

    async def _rendered(self, template: LoadedTemplate, request: RenderRequest, scratch: Path) -> Run:
        patience = Patience().deadline(template.manifest.estimate_seconds)
        try:
            sighting = await self._until_over(request.prompt_id, patience)
        except asyncio.CancelledError:
            await self._backend.cancel(request.prompt_id)
            raise
        if isinstance(sighting, str):
            await self._backend.cancel(request.prompt_id)
            return Run(template.name, Outcome.FAILED, why=(sighting,))
        if sighting.stage is Stage.FAILED:
            message = sighting.failure.message if sighting.failure is not None else "no reason was given"
            return Run(template.name, Outcome.FAILED, peak_memory_bytes=sighting.peak_memory_bytes, why=(message,))
        try:
            await self._backend.collect(request, sighting.outputs, scratch / template.name)
        except (CollectError, OSError) as error:
            return Run(template.name, Outcome.FAILED, peak_memory_bytes=sighting.peak_memory_bytes, why=(str(error),))
        return Run(template.name, Outcome.RAN, sighting.render_seconds or 0.0, sighting.peak_memory_bytes)

    async def _until_over(self, prompt_id: str, patience: float) -> Sighting | str:
        """Ask until it has ended; in words why that is not to be expected any more."""
        seen = begun = self._clock.monotonic()
        while True:
            sighting, now = await self._backend.ask(prompt_id), self._clock.monotonic()
            if sighting.stage in (Stage.SUCCEEDED, Stage.FAILED):
                return sighting
            if sighting.stage in (Stage.QUEUED, Stage.RUNNING):
                seen = now
            begun = now if sighting.stage is Stage.QUEUED else begun
            if now - seen > UNSEEN_SECONDS:
                return f"the backend {self._backend.name} lost the render"
            if now - begun > patience:
                return f"still rendering after {patience:.0f} s"
            await asyncio.sleep(POLL_SECONDS)


def _is_clip(template: LoadedTemplate, placeholder: str) -> bool:
    given = template.manifest.inputs.get(placeholder.removeprefix(PLACEHOLDER))
    return given is not None and given.source == "clip"


def _stopped(template: LoadedTemplate, problems: Sequence[Problem]) -> Run:
    """Say what keeps a template from being submitted: what is missing by its name, mistakes in full."""
    errors = [problem for problem in problems if problem.severity is Severity.ERROR]
    missing = hold_for(errors) is Reason.MISSING
    why = [f"{problem.missing}: {problem.hint}" if missing else str(problem) for problem in errors]
    return Run(template.name, Outcome.MISSING if missing else Outcome.FAILED, why=tuple(dict.fromkeys(why)))
