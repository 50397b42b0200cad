"""What runs in the confined process: templates are read and rendered in it, and what comes out goes back as texts.

Orders, and their answers: `["render", file, text, [parameters, ...]]`, a text or the fields of a Problem for each; `["verbatim", file,
text]`, a list of names; `["line", file, text, line of the code]`, the template's line that it comes from.
"""

from collections.abc import Iterator
from typing import Any

from koma.confined.worker import main
from koma.templating.jinja import JinjaRenderer

_renderer = JinjaRenderer()


def run() -> None:
    """Be the process."""
    main(_answers)


def _answers(order: Any) -> Iterator[Any]:
    match order:
        case ["render", file, text, batch]:
            for values in batch:
                yield _renderer.render(file, text, [values])[0]
        case ["verbatim", file, text]:
            yield sorted(_renderer.verbatim(file, text))
        case _:
            yield _renderer.line(*order[1:])
