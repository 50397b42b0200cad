"""Scenes to target rows: draft, draw, finish. And single drafts for the queue and for explaining."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from koma.core.desire import draft_document, draft_sheet, draft_shot, finish
from koma.core.document import Doc
from koma.core.draft import Context, Draft, Placed
from koma.core.preflight import hold_for, once
from koma.core.problem import Problem, Severity
from koma.core.references import unreadable
from koma.core.target import Target
from koma.core.tuning import tuning_problems
from koma.core.words import BackendKind, Reason, Rendition
from koma.core.world import World
from koma.engine.graphs import Drawn, Graphs
from koma.engine.locating import Located
from koma.engine.templates import Templates

_AS_ASKED: Mapping[str, Any] = {}


class Drafting:
    """Makes drafts and target rows. `drafts` are those of the last scenes, by target id and rendition."""

    def __init__(self, templates: Templates, graphs: Graphs, versions: Callable[[], str]) -> None:
        self._templates = templates
        self.graphs = graphs
        self._versions = versions
        self.drafts: dict[str, Draft] = {}

    def scenes(self, world: World, docs: Sequence[Doc], rendition: Rendition, place: Placed) -> list[tuple[list[Target], list[Problem]]]:
        """Target rows and Problems of each scene."""
        context = self.context(world, rendition, place)
        asked = [*tuning_problems(world, place), *_retry_problems(context)]
        drafted = []
        for doc in docs:
            context.problems = []
            drafts = draft_document(context, doc)
            self.drafts.update((f"{draft.id}:{rendition}", draft) for draft in drafts)
            drafted.append((doc, drafts, [*context.problems, *_pictures(drafts, world), *asked]))
        drawn = self.graphs.drawn([draft for _, drafts, _ in drafted for draft in drafts])
        also = self._also(world, docs, place) if context.backend is BackendKind.ANIMATIC else [[] for _ in docs]
        return [
            (_finished(context, doc, drafts, drawn), _all_problems([*problems, *more], drafts, drawn))
            for (doc, drafts, problems), more in zip(drafted, also, strict=True)
        ]

    def context(self, world: World, rendition: Rendition, place: Placed) -> Context:
        """Context for drafting in this world."""
        templates, broken = self._templates.of(world.folder)
        return Context(world, rendition, templates, place, broken=broken, versions=self._versions())

    def _also(self, world: World, docs: Sequence[Doc], place: Placed) -> list[list[Problem]]:
        """Render and check the final graphs while the animatic is the one to be drawn, so that a broken template shows before the night.

        What they find are warnings: the animatic reads no graph. Frame counts that no template can make are left for ComfyUI.
        """
        found = []
        for _, problems in self.scenes(World(**_fields(world)), docs, Rendition.FINAL, place):
            found.append([_as_warning(p) for p in problems if p.code in _GRAPH_CODES or p.place.file.endswith((".j2", "template.yaml"))])
        return found

    def draft(self, found: Located, target: Target, place: Placed) -> Draft | None:
        """Draft of a target as take 1, from the last pass if it was drafted there."""
        name = f"{target.id}:{target.rendition}"
        if name not in self.drafts:
            context = self.context(found.world, Rendition(target.rendition), place)
            self.drafts.update((f"{draft.id}:{target.rendition}", draft) for draft in draft_document(context, found.doc))
        return self.drafts.get(name)

    def one(
        self, found: Located, target: Target, number: int, place: Placed, values: Mapping[str, Any] = _AS_ASKED
    ) -> tuple[Draft, Mapping[str, Any]] | None:
        """Draft one target with the seed of take `number`, with its graph or panel; None if it can't be drawn now.

        `values` are parameters that are not as the documents have them, as koma.core.retakes names them.
        """
        context = self.context(found.world, Rendition(target.rendition), place)
        drafts = draft_sheet(context, found.doc, number) if found.shot is None else draft_shot(context, found.doc, found.shot, number)
        draft = next((draft for draft in drafts if draft.id == target.id), None)
        if draft is None or draft.hold == Reason.BLOCKED:
            return None
        if draft.panel is not None or draft.template is None:
            return (draft, draft.panel) if draft.panel is not None else None
        from koma.core.retakes import with_values  # noqa: PLC0415  # start-up time of a plan that only drafts

        params = with_values(draft.params or {}, values)
        graph = self.graphs.graph(draft.template, params)
        return None if isinstance(graph, Problem) else (draft._replace(params=params), graph)


def _finished(context: Context, doc: Doc, drafts: Sequence[Draft], drawn: Mapping[str, Drawn]) -> list[Target]:
    rows = []
    for draft in drafts:
        found = drawn.get(draft.id, _NOTHING)
        hold = hold_for(found.problems)
        held = hold is Reason.BLOCKED or (hold is not None and not draft.hold)
        rows.append(finish(context, draft._replace(hold=str(hold)) if held else draft, found.digest, doc))
    return rows


def _all_problems(problems: Sequence[Problem], drafts: Sequence[Draft], drawn: Mapping[str, Drawn]) -> list[Problem]:
    return once([*problems, *(problem for draft in drafts for problem in drawn.get(draft.id, _NOTHING).problems)])


def _retry_problems(context: Context) -> Sequence[Problem]:
    if not context.world.project.data.get("retries"):
        return ()
    from koma.core.retry_check import retry_problems  # noqa: PLC0415  # start-up time where a project says nothing of retries

    return retry_problems(context.world, context.templates, context.place)


_NOTHING = Drawn("")
_GRAPH_CODES = frozenset({"missing-template", "style-rule"})


def _as_warning(problem: Problem) -> Problem:
    return problem._replace(severity=Severity.WARNING)


def _fields(world: World) -> dict[str, Any]:
    return {name: getattr(world, name) for name in World.__dataclass_fields__ if name != "memo"}


def _pictures(drafts: Sequence[Draft], world: World) -> list[Problem]:
    """Problems of reference pictures that these drafts read."""
    digests = {given.file_digest for draft in drafts for given in draft.inputs}
    return [problem for reference, problem in unreadable(world) if reference.file_digest in digests]
