"""Templates to graph texts in a confined process: what a template asks for beyond its limits is a Problem, and the next one goes on."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from typing import Any

from koma.confined.process import Confined, EndedError, Limits
from koma.core.keys import text_digest
from koma.core.problem import MACHINE_TROUBLE, Place, Problem, Severity
from koma.templating.limits import LIMIT, past_limit

LIMITS = Limits(memory=256 << 20, seconds=1, silence=20.0)
_CHUNK = 64  # parameter sets in one order
_STRIKES = 3  # times that one template text may pass a limit before it is not tried any more
_REMEMBERED = 256  # texts that passed a limit
_WHERE = re.compile(r'File "<template>", line (\d+)')


class ConfinedRenderer:
    """Implements koma.ports.Renderer. The process starts with the first template that has to be rendered. For several threads."""

    def __init__(self, limits: Limits = LIMITS) -> None:
        self._process = Confined("koma.templating.worker", limits)
        self._strikes: Counter[str] = Counter()

    def render(self, template: str, text: str, batch: Sequence[Mapping[str, Any]]) -> list[str | Problem]:
        """Render one template text for each parameter set; where one fails, a Problem, with the line if that is known.

        One set that fails holds no other, unless the same text passed its limits three times: it is not tried any more then.
        """
        found: list[str | Problem] = []
        doubtful = -1  # the set at which the process was lost once without a fault of its own
        while len(found) < len(batch):
            if self._strikes[text_digest(text)] >= _STRIKES:
                return found + [_given_up(template)] * (len(batch) - len(found))
            try:
                self._some(template, text, batch, found)
            except EndedError as error:
                if error.blames_machine and doubtful != len(found):
                    doubtful = len(found)
                else:
                    found.append(self._ended(template, text, error))
        return found

    def _some(self, template: str, text: str, batch: Sequence[Mapping[str, Any]], found: list[str | Problem]) -> None:
        """Render the next few, one after the other, up to a limit that is passed. Raises EndedError."""
        order = ["render", template, text, batch[len(found) : len(found) + _CHUNK]]
        with closing(self._process.ask(order)) as answers:
            for answer in answers:
                rendered = answer if isinstance(answer, str) else _problem(answer)
                found.append(rendered)
                if isinstance(rendered, Problem) and rendered.code == LIMIT:
                    self._strike(text)
                    return

    def verbatim(self, template: str, text: str) -> frozenset[str]:
        """Names that a template text puts straight into the graph and uses for nothing else; none if it can't be read."""
        if self._strikes[text_digest(text)] >= _STRIKES:
            return frozenset()
        try:
            return frozenset(*self._process.ask(["verbatim", template, text]))
        except EndedError as error:
            if not error.blames_machine:
                self._strike(text)
            return frozenset()

    @property
    def pid(self) -> int | None:
        """Process id, None where none runs."""
        return self._process.pid

    def close(self) -> None:
        """End the process, if it runs; the next template starts another."""
        self._process.close()

    def _ended(self, file: str, text: str, error: EndedError) -> Problem:
        if error.blames_machine:
            message = f"the template was not rendered: {error}, and again when it was tried once more"
            return Problem(Place(file), MACHINE_TROUBLE, message, hint="look at the machine's memory, and plan again")
        self._strike(text)
        return past_limit(Place(file, self._line(file, text, error.words)), str(error))

    def _line(self, file: str, text: str, words: str) -> int:
        """Line of the template at which the process was when it ended, by what it wrote then; 0 where that is not known."""
        where, line = _WHERE.search(words), 0
        with suppress(EndedError):
            if where is not None:
                (line,) = self._process.ask(["line", file, text, int(where[1])])
        return line

    def _strike(self, text: str) -> None:
        if len(self._strikes) >= _REMEMBERED:
            self._strikes.clear()
        self._strikes[text_digest(text)] += 1


def _problem(fields: list[Any]) -> Problem:
    place, code, message, expected, hint, path, severity, missing = fields
    return Problem(Place(*place), code, message, expected, hint, path, Severity(severity), missing)


def _given_up(file: str) -> Problem:
    message = f"the template is not tried any more: it passed its limits {_STRIKES} times"
    return Problem(Place(file), LIMIT, message, hint="change it; the Problems of those tries say where it asks for too much")
