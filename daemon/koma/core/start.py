"""Where a shot begins that continues from another one: `start_from`, walked up to the shot that stands on its own. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from koma.core.document import Doc
from koma.core.hints import closest
from koma.core.owners import owners_of, said
from koma.core.problem import Place, Problem
from koma.core.resolve import phases_of
from koma.core.spec.standard import MAX_CHAIN
from koma.core.words import PHASE_RANK, Phase
from koma.core.world import World


class Start(NamedTuple):
    """Where a shot begins: `target` is the id of what its first frame is the last one of, "" for its own still.

    `position` counts the shots before it in its chain.
    """

    target: str = ""
    position: int = 0


class StartError(Exception):
    """A shot that can't continue from another one. `problem` says why; None where the other one may only be unreadable for now."""

    def __init__(self, problem: Problem | None) -> None:
        super().__init__(problem.message if problem is not None else "")
        self.problem = problem


class _Link(NamedTuple):
    scene: Doc
    shot: Mapping[str, Any]

    @property
    def address(self) -> str:
        return f"{self.scene.id}/{self.shot['id']}"


def start_of(world: World, scene: Doc, shot: Mapping[str, Any], phase: Phase) -> Start:
    """Find where a phase of a shot begins: with the nearest phase of the other shot that is not a later one.

    After `max_chain` shots in a row one begins with its own still again. Raises StartError.
    """
    links = list(_chain(world, _Link(scene, shot)))
    if not links:
        return Start()
    position = len(links)
    longest = said(owners_of(world, scene, shot), "max_chain", MAX_CHAIN)
    if position % longest == 0:
        if Phase.STILL not in phases_of(world, scene, shot):
            message = f"{position} shots in a row continue from one another, and {longest} are allowed before one begins with its own still"
            hint = "add `still` to this shot's phases, or raise `max_chain`"
            raise StartError(_problem(shot, "chain-too-long", message, f"at most {longest} shots", hint))
        return Start("", position)
    first = links[0]
    earlier = [name for name in map(Phase, phases_of(world, first.scene, first.shot)) if _MADE <= PHASE_RANK[name] <= PHASE_RANK[phase]]
    if not earlier:
        message = f"shot {first.address} makes nothing that this shot's {phase} could continue from"
        raise StartError(_problem(shot, "no-output", message, "a shot with a still, or with the same phase", "give it one of them"))
    return Start(f"{world.id}/{first.address}/{max(earlier, key=PHASE_RANK.__getitem__)}", position)


def scenes_before(world: World, scene: Doc) -> set[str]:
    """Ids of other scenes that shots of this one continue from, at any distance."""
    found: set[str] = set()
    for shot in scene.data.get("shots") or ():
        seen = _Link(scene, shot)
        for _ in range(_FARTHEST):
            wanted = seen.shot.get("start_from")
            if not wanted:
                break
            scene_id = wanted["shot"].rpartition("/")[0] or seen.scene.id
            if scene_id != scene.id:
                found.add(scene_id)
            try:
                seen = _before(world, seen)
            except StartError:
                break
    return found


_FARTHEST = 10_000
_MADE = PHASE_RANK[Phase.STILL]  # an animatic is no picture to continue from


def _chain(world: World, link: _Link) -> Iterator[_Link]:
    """Every shot before this one in its chain, nearest first."""
    seen = [link.address]
    while link.shot.get("start_from"):
        try:
            link = _before(world, link)
        except StartError as error:
            # Only the shot that names a shot wrongly is to blame; what follows from it is held with it.
            raise StartError(error.problem if len(seen) == 1 else None) from error
        if link.address in seen:
            ring = " → ".join([*seen[seen.index(link.address) :], link.address])
            hint = "let one of them begin with its own still"
            raise StartError(_problem(None, "cycle", f"these shots continue from one another in a circle: {ring}", "a chain", hint))
        seen.append(link.address)
        yield link


def _before(world: World, link: _Link) -> _Link:
    wanted = link.shot["start_from"]["shot"]
    scene_id, _, shot_id = wanted.rpartition("/")
    scene = link.scene if scene_id in ("", link.scene.id) else world.scene(scene_id)
    if scene is None:
        raise StartError(None if world.perhaps("scene", scene_id) else _unknown(link, f"scene {scene_id!r}", ()))
    shots = {shot["id"]: shot for shot in scene.data.get("shots") or ()}
    if shot_id not in shots:
        if not world.held.isdisjoint({("shot", f"{scene.id}/{shot_id}"), ("shot", f"{scene.id}/")}):  # left out for a mistake in it
            raise StartError(None)
        raise StartError(_unknown(link, f"shot {shot_id!r} in scene {scene.id!r}", shots))
    return _Link(scene, shots[shot_id])


def _unknown(link: _Link, what: str, known: Mapping[str, Any] | tuple[str, ...]) -> Problem:
    near = closest(link.shot["start_from"]["shot"].rpartition("/")[2], list(known))
    expected = f"one of {', '.join(known)}" if known else "a shot as `sh010`, or `s01/sh010` for one of another scene"
    return _problem(
        link.shot, "missing-reference", f"there is no {what} to continue from", expected, f"did you mean {near!r}?" if near else ""
    )


def _problem(shot: Mapping[str, Any] | None, code: str, message: str, expected: str, hint: str) -> Problem:
    return Problem(Place(""), code, message, expected, hint, "start_from.shot" if shot is not None else "start_from")
