"""The eye of the studio: what measures pictures and makes pages, imported when there is something to look at."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from koma.core.faces import MODELS, FaceMarks, Looking
from koma.engine.studio import Eye

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from koma.core.identity import Lab, Marks
    from koma.measures.learned.store import Models


def eye(models: Models) -> Eye:
    """Give the eye of this installation; with the models of faces, and what runs them, it looks for faces as well."""
    return Eye(_examine, _lab, _page, partial(_looking, models), partial(_faces, models))


def _examine(file: Path) -> tuple[Marks, str]:
    from koma.pixels.marks import examine  # noqa: PLC0415  # start-up time of a pass with nothing to do

    return examine(file)


def _lab(colour: str) -> Lab:
    from koma.pixels.marks import lab_of  # noqa: PLC0415  # start-up time of a pass with nothing to do

    return lab_of(colour)


def _page(name: str, facts: Mapping[str, Any]) -> str:
    from koma.templating.pages import render_page  # noqa: PLC0415  # start-up time of a pass with nothing to do

    return render_page(name, facts)


def _looking(models: Models, commercial: bool) -> Looking:
    """Say who looks for faces. Libraries are looked for only where the models are there, and are not imported."""
    from koma.measures.learned.store import ModelError  # noqa: PLC0415  # start-up time of a command without a studio

    mine = models.for_project(commercial=commercial)
    try:
        for name in MODELS:
            mine.path(name)
    except ModelError as error:
        return Looking(why=f"not looked for: {error}")
    from koma.measures.learned.registry import unavailable  # noqa: PLC0415  # it imports numpy
    from koma.measures.setting import Setting  # noqa: PLC0415

    why = unavailable("face-similarity", Setting(models=mine))
    return Looking(why=f"not looked for: {why}") if why else Looking(tuple(mine.record(MODELS)), "")


def _faces(models: Models, file: Path, commercial: bool) -> FaceMarks:
    """Look at a picture. On the CPU, so that a record does not depend on what is free at the moment. Raises ValueError, OSError."""
    from koma.measures.learned.faces import embed_faces  # noqa: PLC0415  # it imports the libraries of the extra
    from koma.measures.learned.store import ModelError  # noqa: PLC0415

    try:
        found = embed_faces(file, models.for_project(commercial=commercial), "cpu")
    except ModelError as error:
        raise ValueError(str(error)) from error
    return FaceMarks(found.count, found.embedding)
