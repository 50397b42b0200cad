"""HTML pages from facts: Jinja templates in data/pages, every value escaped.

A page needs no server, no script and no other file but the pictures that are published beside it.
"""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined

_FOLDER = files("koma") / "data" / "pages"


@cache
def _environment() -> Environment:
    return Environment(
        loader=FunctionLoader(lambda name: (_FOLDER / name).read_text(encoding="utf-8")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def render_page(name: str, facts: Mapping[str, Any]) -> str:
    """Render `character` or `characters`."""
    return _environment().get_template(f"{name}.html").render(**facts)
