"""The eye of the studio: what measures pictures and makes pages, imported when there is something to look at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from koma.engine.studio import Eye

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from koma.core.identity import Lab, Marks


def eye() -> Eye:
    """Give the eye of this installation."""
    return Eye(_examine, _lab, _page)


def _examine(file: Path) -> tuple[Marks, str]:
    from koma.pixels.marks import examine  # noqa: PLC0415  # start-up time of a pass with nothing to do

    return examine(file)


def _lab(colour: str) -> Lab:
    from koma.pixels.marks import lab_of  # noqa: PLC0415  # start-up time of a pass with nothing to do

    return lab_of(colour)


def _page(name: str, facts: Mapping[str, Any]) -> str:
    from koma.templating.pages import render_page  # noqa: PLC0415  # start-up time of a pass with nothing to do

    return render_page(name, facts)
