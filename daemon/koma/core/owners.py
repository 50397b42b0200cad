"""Who may say something about a shot besides its overlays: the shot itself, its scene, the project. The narrowest counts."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from koma.core.document import Doc
from koma.core.world import World


class Owner(NamedTuple):
    """Fields that somebody wrote, the document that they stand in, and the beginning of their path in it."""

    data: Mapping[str, Any]
    doc: Doc
    path: str


def owners_of(world: World, scene: Doc, shot: Mapping[str, Any]) -> tuple[Owner, Owner, Owner]:
    """Owners of a shot's fields, narrowest first. For a pose of a sheet the character stands in the scene's place."""
    return Owner(shot, scene, f"shots.{shot.get('id', '')}."), Owner(scene.data, scene, ""), Owner(world.project.data, world.project, "")


def said(owners: Iterable[Owner], field: str, default: Any) -> Any:
    """Give what the narrowest owner says that says anything about a field."""
    return next((found for owner in owners if (found := owner.data.get(field)) is not None), default)


def setter_of(owners: Iterable[Owner], template: str, parameter: str) -> Owner | None:
    """Find the narrowest owner that sets a parameter of a template."""
    return next((owner for owner in owners if parameter in ((owner.data.get("parameters") or {}).get(template) or {})), None)
