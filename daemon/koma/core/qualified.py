"""What `koma qualify` finds out about templates on one machine: how it is kept, and the budgets of the reference card beside it.

The kept document is `{format_version, templates: {name: {rendition: run}}}`; a run has `seconds`, `peak_memory_bytes`, `at`.
"""

from collections.abc import Mapping
from typing import Any

from koma.core.spec import standard
from koma.core.template import Template
from koma.core.words import Phase

FORMAT_VERSION = 1
REFERENCE_CARD = "RTX 3060, 12 GB"
SHEET_SECONDS = 30.0  # one pose
BUDGET_SECONDS: Mapping[Phase, float] = {Phase.STILL: 60.0, Phase.LOOP: 120.0, Phase.VIDEO: 300.0}
REFERENCE_FRAMES, REFERENCE_FPS = 120, 24.0  # the clip that the budget of a video is for


def budget_seconds(template: Template) -> float | None:
    """Seconds that one run may take on the reference card; None where there is no budget.

    A template that makes a clip in several runs has the budget of the reference clip, shared by its runs.
    """
    if template.phase is None:
        return None
    if template.name == standard.SHEET_TEMPLATE:
        return SHEET_SECONDS
    whole = BUDGET_SECONDS.get(template.phase)
    runs = template.runs(REFERENCE_FRAMES, REFERENCE_FPS) if template.chain is not None else ()
    return whole / len(runs) if whole is not None and runs and not isinstance(runs, str) else whole


def seconds_by_template(document: Any, rendition: str) -> dict[str, list[float]]:
    """Give the render seconds of each template that ran, with the set of this rendition if it was tried; nothing from another shape."""
    found = {}
    for name, runs in _templates(document).items():
        seconds = _seconds(runs, rendition)
        if seconds is not None:
            found[name] = [seconds]
    return found


def with_run(document: Any, template: str, rendition: str, run: Mapping[str, Any]) -> dict[str, Any]:
    """Put one run into the document, in place of the one before of that template and rendition."""
    known = {name: dict(runs) for name, runs in _templates(document).items() if isinstance(runs, Mapping)}
    known.setdefault(template, {})[rendition] = dict(run)
    return {"format_version": FORMAT_VERSION, "templates": known}


def _templates(document: Any) -> Mapping[str, Any]:
    found = document.get("templates") if isinstance(document, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _seconds(runs: Any, rendition: str) -> float | None:
    found: dict[str, float] = {}
    for name, run in runs.items() if isinstance(runs, Mapping) else ():
        seconds = run.get("seconds") if isinstance(run, Mapping) else None
        if isinstance(seconds, int | float) and seconds > 0:
            found[str(name)] = float(seconds)
    return found.get(rendition, next(iter(found.values()), None))
