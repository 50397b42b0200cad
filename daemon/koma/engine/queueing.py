"""Actions of a plan to jobs: everything that a job needs is frozen here, so that no later edit of a file reaches it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from koma.core.action import Action
from koma.core.against import Against
from koma.core.chain import is_segment
from koma.core.desire import base_key
from koma.core.draft import Draft
from koma.core.facts import facts_of
from koma.core.flags import LOST
from koma.core.forgiving import SERVER, TRIES, tries_of
from koma.core.graph import canonical_graph, model_files
from koma.core.job import Fallback, Job, JobState, Work
from koma.core.keys import digest, render_key, take_key
from koma.core.ladder import rungs
from koma.core.media import Artifact, InputFile, Role
from koma.core.node_rules import Signatures, placeholder
from koma.core.problem import Problem
from koma.core.request import RenderRequest
from koma.core.retakes import Retake, retake_to_json, without_changes
from koma.core.retry import Patience
from koma.core.snapshot import SourceFile
from koma.core.supervision import quick_seconds
from koma.core.take import Take
from koma.core.target import LAST, Target
from koma.core.target_gate import gate_of
from koma.core.words import ActionKind, BackendKind, Reason
from koma.core.world import World
from koma.engine.drafting import Drafting
from koma.engine.locating import locate
from koma.engine.survey import Survey
from koma.engine.wanted import Desires
from koma.ports import Clock, Objects, Source, Store

_STATE = {
    ActionKind.RENDER: JobState.QUEUED,
    ActionKind.MEASURE: JobState.MEASURING,
    ActionKind.GATE: JobState.JUDGING,
    ActionKind.PUBLISH: JobState.PUBLISHING,
    ActionKind.RESTORE: JobState.PUBLISHING,
}


class Queueing:
    """Makes jobs out of actions."""

    def __init__(
        self,
        source: Source,
        desires: Desires,
        drafting: Drafting,
        store: Store,
        objects: Objects,
        clock: Clock,
        *,
        outputs: Path,
        patience: Patience | None = None,
    ) -> None:
        self._source = source
        self._desires = desires
        self._drafting = drafting
        self._store = store
        self._objects = objects
        self._clock = clock
        self._outputs = outputs
        self._patience = patience or Patience()

    def job(self, survey: Survey, action: Action) -> Job | None:
        """Make the job of one action; None if what it reads is no longer what was planned: the next pass plans it again."""
        target = action.target
        found = locate(survey.wanted, self._desires, target.id) if target is not None else None
        if target is None or found is None or self._needs_no_render(target, action):
            return None
        world = found.world
        take = self._store.take(action.take_key) if action.take_key else None
        number, retake = action.take_number or (take.number if take else 1), action.retake
        seed_of, values = (retake.seed_of, retake.values) if retake is not None else (number, {})
        drawn = self._drafting.one(found, target, seed_of, self._desires.documents.place, values)
        if drawn is None:
            return None
        draft, document = drawn
        renders = action.action is ActionKind.RENDER
        request = self._request(survey, action, target, draft, document, number, world) if renders else None
        if renders and request is None:
            return None
        work = self._work(survey, action, target, draft, world, take, number, request)
        if action.reason is Reason.FORGIVEN and take is not None:
            work = replace(work, origin={**work.origin, TRIES: tries_of(take.receipt) + 1})
        now = self._clock.now()
        name = f"{action.action}-{work.take_key[:24]}-{round(now * 1e6)}"
        return Job(name, action.action, _STATE[action.action], work, now, restarting=retake is not None and retake.restart)

    def _request(
        self, survey: Survey, action: Action, target: Target, draft: Draft, document: Mapping[str, Any], number: int, world: World
    ) -> RenderRequest | None:
        graph = draft.template is not None
        drawn = digest(canonical_graph(document)) if graph else digest(document)
        context = self._drafting.context(world, survey.rendition, self._desires.documents.place)
        if number == 1 and base_key(context, draft, drawn) != target.base_key:
            return None
        inputs = self._inputs(survey, draft)
        if inputs is None or render_key(target.backend, target.base_key, _read(draft, inputs)) != action.key:
            return None
        return RenderRequest(
            prompt_id="",
            prefix="",
            kind=BackendKind(target.backend),
            document=document,
            inputs=inputs,
            media=draft.media,
            label=f"{target.id} ({target.rendition}) take {number}",
            fps=float(draft.expect["fps"]),
            frames=int(draft.expect["frames"]),
        )

    def _inputs(self, survey: Survey, draft: Draft) -> tuple[InputFile, ...] | None:
        """Freeze every picture that is read in the object store; None if one is not what was planned any more."""
        frozen = []
        for name, content_digest, file_digest, suffix in draft.inputs:
            if not self._freeze(survey, file_digest, suffix):
                return None
            frozen.append(InputFile(placeholder(name), content_digest, file_digest, suffix))
        for name, upstream, part in draft.reads:
            read = self._upstream(survey, upstream, Role.LAST if part == LAST else Role.OBJECT)
            if read is None:
                return None
            frozen.append(InputFile(placeholder(name), read.content_digest, read.file_digest, read.suffix))
        return tuple(frozen)

    def _upstream(self, survey: Survey, upstream: str, role: Role) -> Artifact | None:
        """File of an upstream target. One that is lost is taken from the outputs folder if it lies there, else made again."""
        row = survey.observed.published.get(upstream)
        take = self._store.take(row.take_key) if row else None
        made = take.artifact(role) if take is not None else None
        if row is None or made is None or self._objects.has(made.file_digest, made.suffix):
            return made
        try:
            found = self._is_back(row.path, made)
        except OSError:  # of the disk here: it says nothing about the file
            return None
        if not found:
            self._store.set_flag(f"retry:{upstream}:{survey.rendition}", LOST)
        return made if found else None

    def _is_back(self, path: str, made: Artifact) -> bool:
        """Whether an object that was lost is there again, from the outputs folder. Raises OSError where the disk does not take it."""
        try:
            self._objects.put(self._outputs / path, expect=made.file_digest)
        except (FileNotFoundError, ValueError):
            return False
        return True

    def _needs_no_render(self, target: Target, action: Action) -> bool:
        """Whether what is to be rendered again for its object alone still lies in the outputs folder: then the object is back."""
        if action.reason is not Reason.MISSING_OBJECT:
            return False
        rows = [row for row in self._store.take_rows([action.key]) if (row.target, row.number) == (target.id, action.take_number)]
        takes = (self._store.take(row.take_key) for row in rows)
        made = next((take.object for take in takes if take is not None and take.rendition == target.rendition), None)
        try:
            return made is not None and self._is_back(f"{target.stem}{target.suffix}", made)
        except OSError:
            return False

    def _frozen(self, survey: Survey, against: Against) -> Against:
        """Freeze the pictures that a file is compared with; one that is gone by now is said so when it is measured."""
        for picture in against.pictures:
            self._freeze(survey, picture.file_digest, picture.suffix)
        return against

    def _freeze(self, survey: Survey, file_digest: str, suffix: str) -> bool:
        if self._objects.has(file_digest, suffix):
            return True
        file = next((file for file in survey.snapshot.images.values() if file.digest == file_digest), None)
        return file is not None and self._put(file)

    def _put(self, file: SourceFile) -> bool:
        try:
            self._objects.put(self._source.local(file), expect=file.digest)
        except (OSError, ValueError):
            return False
        return True

    def _origin(self, survey: Survey, target: Target, world: World, request: RenderRequest | None, retake: Retake | None) -> dict[str, Any]:
        """Say where a take comes from, for its receipt."""
        return {
            "commit": survey.snapshot.commit,
            "dirty": survey.snapshot.dirty,
            "template_digest": target.template_digest,
            **({"style": {"id": world.style.id, "digest": world.style.data_digest}} if world.style is not None else {}),
            "models": _models(request, self._drafting.graphs.signatures()),
            "scene_file": target.scene_file,
            **({"retry": retake_to_json(retake)} if retake is not None and retake.learned else {}),
            **({SERVER: survey.server()} if request is not None and request.kind is BackendKind.COMFYUI else {}),
        }

    def _work(
        self,
        survey: Survey,
        action: Action,
        target: Target,
        draft: Draft,
        world: World,
        take: Take | None,
        number: int,
        request: RenderRequest | None,
    ) -> Work:
        gate, key, retake = gate_of(world, draft, survey.rendition), action.key, action.retake
        asked = draft._replace(params=without_changes(draft.params, retake)) if retake is not None and draft.params else draft
        made_key = take_key(target.id, target.rendition, key, number, draft.seed, retake.values if retake is not None else {})
        return Work(
            target=target.id,
            rendition=target.rendition,
            phase=target.phase,
            render_key=key,
            take_key=take.take_key if take and request is None else made_key,
            number=number,
            seed=take.seed if take and request is None else draft.seed,
            backend=BackendKind(target.backend),
            template=target.template,
            stem=target.stem,
            request=request,
            measures=gate.metrics,
            measure_key=gate.measure_key,
            rules=gate.rules,
            rules_digest=gate.rules_digest,
            expect=draft.expect,
            facts=facts_of(world, asked, target.facts_digest),
            origin=self._origin(survey, target, world, request, retake),
            takes_wanted=target.takes_wanted,
            takes_limit=target.takes_limit,
            priority=target.priority,
            depth=target.depth,
            family=target.family,
            estimate_seconds=action.p50_seconds or target.estimate_seconds,
            deadline_seconds=self._patience.deadline(_longest(action, target)),
            no_progress_seconds=self._patience.no_progress(_longest(action, target)),
            idle_seconds=self._patience.idle_seconds,
            quick_seconds=quick_seconds(survey.observed.durations().get(target.template, ())) if request is not None else 0.0,
            fallbacks=self._fallbacks(draft) if request is not None and world.project.data.get("reduce") else (),
            against=self._frozen(survey, gate.against),
            score_keys=gate.score_keys,
            lacking_key=gate.lacking_key,
            asked=action.reason is Reason.FORCED,
        )

    def _fallbacks(self, draft: Draft) -> tuple[Fallback, ...]:
        """Freeze what is submitted when memory runs out, for a project that would rather have less than nothing."""
        if draft.template is None or draft.params is None:
            return ()
        steps = rungs(draft.template.manifest, draft.params, segment=is_segment(draft.part))
        graphs = [(step, self._drafting.graphs.graph(draft.template, step.params)) for step in steps]
        return tuple(Fallback(step.name, graph, step.expect) for step, graph in graphs if not isinstance(graph, Problem))


def _longest(action: Action, target: Target) -> float:
    """Seconds that a render may well take: what past ones took; for the CPU, whose work counts as no GPU time, the estimate."""
    return target.estimate_seconds if target.backend == BackendKind.CPU else action.p90_seconds or target.estimate_seconds


def _models(request: RenderRequest | None, signatures: Signatures) -> dict[str, str]:
    """Model files that a graph names, by file, with the folder they lie in."""
    if request is None or request.kind is not BackendKind.COMFYUI:
        return {}
    return {file: folder for folder, file in model_files(request.document, signatures)}


def _read(draft: Draft, inputs: Sequence[InputFile]) -> list[tuple[str, str]]:
    """Give the pixels of other targets that are among the inputs: (input name, content digest), as they enter a render_key."""
    pixels = inputs[len(draft.inputs) :]
    return [(read.name, given.content_digest) for read, given in zip(draft.reads, pixels, strict=True)]


def ready(actions: Sequence[Action]) -> list[Action]:
    """Actions that can be queued now: certain, waiting for nothing, and something to do."""
    doing = {ActionKind.RENDER, ActionKind.MEASURE, ActionKind.GATE, ActionKind.PUBLISH, ActionKind.RESTORE}
    return [a for a in actions if a.action in doing and a.certain and not a.waits_for and a.reason is not Reason.RUNNING and a.key]
