"""Forms of graphs that were found sound before, kept in the plan cache: an edit of a scene has no graph to render."""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from koma.core.draft import LoadedTemplate
from koma.core.form import Form
from koma.core.keys import text_digest

if TYPE_CHECKING:
    from koma.ports import PlanCache

MOST = 64  # forms of one template that are kept, of a few thousand characters each


class Page:
    """What is known of one template: the names that it puts straight into the graph, None if nobody looked, and its sound forms.

    `mark` stands for all that this rests on.
    """

    __slots__ = ("_fresh", "_known", "mark", "verbatim")

    def __init__(self, mark: str, verbatim: frozenset[str] | None = None, forms: Mapping[str, list[str]] | None = None) -> None:
        self.mark = mark
        self.verbatim = verbatim
        self._known = forms or {}
        self._fresh: dict[str, list[str]] = {}

    def form(self, free: tuple[str, ...], shared: str) -> Form | None:
        """Find the form of shots with these free parameters that share the others (see koma.core.form)."""
        pieces = self._known.get(text_digest(*free, shared)) if self._known else None
        return Form(tuple(pieces)) if pieces is not None else None

    def learn(self, free: tuple[str, ...], shared: str, form: Form) -> None:
        """Remember a form without a Problem."""
        self._fresh[text_digest(*free, shared)] = list(form.pieces)

    @property
    def news(self) -> str:
        """Text to keep, the newest forms first; "" where nothing was learned."""
        if not self._fresh or not self.verbatim:
            return ""
        forms = list({**self._fresh, **self._known}.items())[:MOST]
        return json.dumps([self.mark, sorted(self.verbatim), dict(forms)])


class Forms:
    """Pages by template file. `server` gives a digest of what is known of the server, which graphs are checked against."""

    def __init__(self, cache: "PlanCache | None" = None, server: Callable[[], str] = str) -> None:
        self._cache = cache
        self._server = server

    def pages(self, templates: Iterable[LoadedTemplate]) -> dict[str, Page]:
        """Look up what is known of these templates as they are now."""
        server = self._server()
        marks = {template.file: text_digest(template.file, template.digest, template.text, server) for template in templates}
        notes = self._cache.notes([_name(file) for file in marks]) if self._cache is not None and marks else {}
        return {file: _page(mark, notes.get(_name(file), "")) for file, mark in marks.items()}

    def keep(self, pages: Mapping[str, Page]) -> None:
        """Remember what was learned; a template has one page, so that old ones leave nothing behind."""
        news = {_name(file): text for file, page in pages.items() if (text := page.news)}
        if news and self._cache is not None:
            self._cache.put_notes(news)


def _name(file: str) -> str:
    return f"forms {file}"


def _page(mark: str, text: str) -> Page:
    kept, verbatim, forms = json.loads(text) if text else ("", (), {})
    return Page(mark, frozenset(verbatim), forms) if kept == mark else Page(mark)
