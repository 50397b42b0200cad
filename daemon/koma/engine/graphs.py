"""Drafts to digests of checked graphs, with as little rendering as their number allows."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from koma.core.draft import Draft, LoadedTemplate
from koma.core.form import Form, form_of, free_names, shared, with_least_seed, with_stand_ins
from koma.core.graph import canonical_graph, check_graph, parse_graph
from koma.core.keys import digest
from koma.core.node_rules import Signatures
from koma.core.preflight import ServerMemory, declared, memory_problem
from koma.core.problem import Problem
from koma.engine.forms import Forms, Page
from koma.ports import Renderer

FEW = 2  # shots of one form that are rendered one by one


class Drawn(NamedTuple):
    """What a draft comes to: digest of its graph or panel, "" if it has none, and what is wrong with it."""

    digest: str
    problems: tuple[Problem, ...] = ()


class _Group(NamedTuple):
    """Drafts of one template that differ in nothing but the free parameters."""

    template: LoadedTemplate
    free: tuple[str, ...]
    shared: str
    drafts: list[Draft]


class Graphs:
    """Renders, parses and checks graphs, against what the server that was seen last says of its nodes, files and memory."""

    def __init__(
        self,
        renderer: Callable[[], Renderer],
        signatures: Callable[[], Signatures],
        memory: Callable[[], ServerMemory | None] = lambda: None,
        forms: Forms | None = None,
    ) -> None:
        self._renderer = renderer
        self._memory = memory
        self._forms = forms or Forms()
        self.signatures = signatures

    def drawn(self, drafts: Sequence[Draft]) -> dict[str, Drawn]:
        """Target id → what it comes to, for every draft that can be drawn."""
        found = {draft.id: Drawn(digest(draft.panel)) for draft in drafts if draft.panel is not None}
        pages = self._forms.pages({draft.template.file: draft.template for draft in drafts if draft.template is not None}.values())
        for group in self._alike(drafts, pages):
            form = self._form(group, pages[group.template.file]) if group.free else None
            if form is not None:
                found.update((draft.id, Drawn(form.digest(draft.params or {}))) for draft in group.drafts)
            else:
                found.update(self._one_by_one(group))
        self._forms.keep(pages)
        return found

    def _alike(self, drafts: Sequence[Draft], pages: Mapping[str, Page]) -> Iterable[_Group]:
        """Sort drafts by template and by everything but their free parameters."""
        groups: dict[tuple[str, str], _Group] = {}
        for draft in drafts:
            template, params = draft.template, draft.params
            if template is None or params is None:
                continue
            page = pages[template.file]
            if page.verbatim is None:
                page.verbatim = self._renderer().verbatim(template.file, template.text)
            free = free_names(params, page.verbatim)
            others = shared(params, free)
            groups.setdefault((template.file, others), _Group(template, free, others, [])).drafts.append(draft)
        return groups.values()

    def _form(self, group: _Group, page: Page) -> Form | None:
        """Form of all shots of a group; None for a few without one, and where something is wrong, to be found shot by shot."""
        known = page.form(group.free, group.shared)
        if known is not None or len(group.drafts) <= FEW:
            return known
        form = self._new_form(group)
        if form is not None:
            page.learn(group.free, group.shared, form)
        return form

    def _new_form(self, group: _Group) -> Form | None:
        graph = self.graph(group.template, with_stand_ins(group.drafts[0].params or {}, group.free))
        if isinstance(graph, Problem) or self.check(group.template, graph) or self.check(group.template, with_least_seed(graph)):
            return None
        return form_of(canonical_graph(graph))

    def _one_by_one(self, group: _Group) -> dict[str, Drawn]:
        template = group.template
        texts = self._renderer().render(template.file, template.text, [draft.params or {} for draft in group.drafts])
        return {draft.id: self._read(template, text) for draft, text in zip(group.drafts, texts, strict=True)}

    def _read(self, template: LoadedTemplate, text: str | Problem) -> Drawn:
        graph = text if isinstance(text, Problem) else parse_graph(text, template.file)
        if isinstance(graph, Problem):
            return Drawn("", (graph,))
        return Drawn(digest(canonical_graph(graph)), tuple(self.check(template, graph)))

    def graph(self, template: LoadedTemplate, params: Mapping[str, Any]) -> dict[str, Any] | Problem:
        """Render and parse one graph."""
        text = self._renderer().render(template.file, template.text, [params])[0]
        return text if isinstance(text, Problem) else parse_graph(text, template.file)

    def check(self, template: LoadedTemplate, graph: Mapping[str, Any]) -> list[Problem]:
        """Say what is wrong with a rendered graph, and what the server lacks for it."""
        manifest = template.manifest
        short = memory_problem(manifest.vram_gb, template.name, manifest.file, self._memory())
        found = declared(check_graph(graph, self.signatures(), template.file, template.text), manifest.node_packs, self.signatures())
        return [*found, *([short] if short is not None else [])]
