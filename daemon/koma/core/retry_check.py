"""Whether what `retries` of a project names is there: parameters that no template has, and values that fit none of those that do. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from koma.core.draft import LoadedTemplate, Placed
from koma.core.hints import did_you_mean
from koma.core.parameter import WrongValueError, check_of
from koma.core.problem import Problem, Severity
from koma.core.retakes import NUMBERS, WEIGHT, Amount
from koma.core.template import STANDARD, Template
from koma.core.world import World


def retry_problems(world: World, templates: Mapping[str, LoadedTemplate], place: Placed) -> list[Problem]:
    """Warn of changes that no template of the workspace could carry out. Nothing is held: they only come to nothing."""
    key = "retry problems"
    if key not in world.memo:
        manifests = [template.manifest for template in templates.values()]
        world.memo[key] = [*_problems(world, manifests, place)] if manifests else []
    return world.memo[key]  # type: ignore[no-any-return]  # set just above


def _problems(world: World, templates: list[Template], place: Placed) -> Iterator[Problem]:
    project = world.project
    for path, amount in _amounts(project.data.get("retries") or {}):
        said = _wrong(amount, templates) if amount.name != WEIGHT else None
        if said is not None:
            message, expected, hint = said
            yield Problem(place(project.file, project.part, path), "retry-parameter", message, expected, hint, path, Severity.WARNING)


def _amounts(retries: Mapping[str, Any]) -> Iterator[tuple[str, Amount]]:
    for kind, steps in retries.items():
        for number, step in enumerate(steps):
            for how in ("add", "multiply", "set"):
                for name, value in (step.get(how) or {}).items():
                    yield f"retries.{kind}.{number}.{how}.{name}", Amount(name, how, value)


def _wrong(amount: Amount, templates: list[Template]) -> tuple[str, str, str] | None:
    """Say what is wrong with a change for every template, what was expected, and what to do."""
    found = [template.parameters[amount.name] for template in templates if amount.name in template.parameters]
    if not found:
        known = {name for template in templates for name in template.parameters} - STANDARD | {WEIGHT}
        return f"no template has a parameter {amount.name!r}", "", did_you_mean(amount.name, known) or "take it out"
    if amount.how != "set":
        numbers = any(parameter.type in NUMBERS for parameter in found)
        return None if numbers else (f"{amount.name!r} is no number to {amount.how} something to", "a value under `set`", "")
    errors = []
    for parameter in found:
        try:
            check_of(parameter)(amount.value)
        except WrongValueError as error:
            errors.append(error)
    return (f"{amount.name!r} can't be that: {errors[0]}", errors[0].expected, "") if len(errors) == len(found) else None
