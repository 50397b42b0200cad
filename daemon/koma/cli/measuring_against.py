"""What files are held against: the characters that a person named, out of the workspace, and the rules of their project."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from koma.app.workspace import App
from koma.cli.checking import open_work_tree
from koma.config import find_workspace
from koma.core.against import NOTHING, Against, Picture
from koma.core.cast import resolve_character
from koma.core.errors import UsageError, WorkspaceError
from koma.core.gate import Rule
from koma.core.hints import did_you_mean
from koma.core.profiles import Asked, profile_rules
from koma.core.spec.standard import GATE_PROFILE
from koma.core.subjects import against_of
from koma.core.target_gate import rules_of
from koma.core.world import World

if TYPE_CHECKING:
    from koma.measures.learned.store import Models


CPU = "cpu"


class Comparison(NamedTuple):
    """Characters and style, the files of their pictures by content digest, models and where they run, rules and whose they are."""

    against: Against
    files: Mapping[str, Path]
    models: "Models | None"
    device: str
    rules: Callable[[Asked], tuple[Rule, ...]]
    whose: str

    def picture(self, picture: Picture) -> Path:
        """File of a reference picture, in the work tree."""
        return self.files[picture.content_digest]


def comparison(workspace: Path | None, named: Sequence[str], profile: str) -> Comparison:
    """Find what was named. Without a name any folder will do; a workspace gives its models. Raises UsageError, ConfigError.

    Rules are those of `profile`, or, if that is "", of the characters' project, else of the profile that projects have by default.
    """
    root = _root(workspace, needed=bool(named))
    if root is None:
        return _plain(None, CPU, profile)
    with open_work_tree(root) as app:
        if not named:
            return _plain(app.models, _device(app), profile)
        compared = _of_project(app, named)
        return compared._replace(**_whose(profile)) if profile else compared


def _root(workspace: Path | None, *, needed: bool) -> Path | None:
    try:
        return find_workspace(workspace, Path.cwd())
    except WorkspaceError:
        if needed or workspace is not None:
            raise
        return None


def _device(app: App) -> str:
    """Where learned metrics run: nobody asked the server here what it has left, so `auto` leaves the graphics card alone."""
    return CPU if app.config.measure.device == "auto" else app.config.measure.device


def _plain(models: "Models | None", device: str, profile: str) -> Comparison:
    return Comparison(NOTHING, {}, models, device, **_whose(profile or GATE_PROFILE))


def _whose(profile: str) -> dict[str, Any]:
    return {"rules": lambda asked: profile_rules(profile, asked), "whose": f"the profile {profile}"}


def _of_project(app: App, named: Sequence[str]) -> Comparison:
    worlds = _worlds(app)
    found = [_find(name, worlds) for name in named]
    projects = dict.fromkeys(project for project, _ in found)
    if len(projects) > 1:
        raise UsageError(f"these characters are of several projects: {', '.join(projects)}", "name those of one project")
    entries = [entry for _, entry in found]
    if len({entry["id"] for entry in entries}) < len(entries):
        raise UsageError("a character is named twice", "name each once, in one version")
    world = worlds[next(iter(projects))]
    against = against_of(world, {"characters": [resolve_character(world, entry) for entry in entries]})
    files = {r.content_digest: app.config.workspace / r.path for pool in world.references.values() for r in pool}
    models = app.models.for_project(commercial=bool(world.project.data.get("commercial")))
    return Comparison(against, files, models, _device(app), lambda asked: rules_of(world, asked), f"the project {world.id}")


def _worlds(app: App) -> dict[str, World]:
    wanted = app.desires.wanted(app.source.snapshot(), app.config.rendition)
    return {name: app.desires.world(folder) for name, folder in wanted.projects.items()}


def _find(name: str, worlds: Mapping[str, World]) -> tuple[str, dict[str, str]]:
    """Project of a character as it was named, and how a shot would name it."""
    project, _, rest = name.rpartition("/")
    character, _, version = rest.partition(":")
    if project and project not in worlds:
        raise UsageError(f"there is no project {project!r}", did_you_mean(project, worlds) or _one_of(worlds))
    homes = [world for home, world in worlds.items() if character in world.characters and project in ("", home)]
    if not homes:
        known = {who for world in worlds.values() for who in world.characters}
        raise UsageError(f"there is no character called {character!r}", did_you_mean(character, known) or _one_of(known))
    if len(homes) > 1:
        raise UsageError(f"{len(homes)} projects have a character {character!r}", _one_of([f"{home.id}/{name}" for home in homes]))
    _check_version(homes[0], character, version)
    return homes[0].id, {"id": character, "version": version}


def _check_version(world: World, character: str, version: str) -> None:
    known = world.characters[character].data.get("versions") or {}
    if version and version not in known:
        raise UsageError(f"{character!r} has no version {version!r}", did_you_mean(version, known) or _one_of(known))


def _one_of(names: Sequence[str] | Mapping[str, object] | set[str]) -> str:
    return f"one of {', '.join(sorted(names))}" if names else "koma check   (there is none that can be read)"
