"""Stop before mass damage: predicates over a whole plan that hold it until a person allows exactly that plan."""

from collections import Counter
from collections.abc import Collection, Mapping
from typing import NamedTuple

from koma.core.action import Action, Plan
from koma.core.keys import text_digest
from koma.core.words import ActionKind, Reason


class Limits(NamedTuple):
    """What a plan may do without being asked about. `max_gpu_minutes` None means no limit; the share is of published targets, 0..1."""

    max_gpu_minutes: float | None = None
    retire_share: float = 0.5
    retire_at_least: int = 10


def plan_digest(plan: Plan) -> str:
    """Digest over what a plan would begin, 16 hex digits: the same work has the same digest, whatever runs meanwhile."""
    quiet = (ActionKind.KEEP, ActionKind.HOLD)
    begun = (a for a in plan.actions if a.action not in quiet and a.reason is not Reason.RUNNING)
    parts = sorted(f"{a.action} {a.target_id} {a.key} {a.take_number}" for a in begun)
    return text_digest(*parts)[:16]


def gpu_seconds(plan: Plan) -> tuple[float, float]:
    """GPU seconds that a plan is expected to take: sums of medians and of 90th percentiles, over all takes that are asked for."""
    return sum(a.p50_seconds * _renders(a) for a in plan.actions), sum(a.p90_seconds * _renders(a) for a in plan.actions)


def _renders(action: Action) -> int:
    """Count the renders that an action leads to: one, or as many as are still to come where the spec asks for several takes."""
    return 1 if action.target is None else max(1, action.target.takes_wanted - max(action.take_number, 1) + 1)


def _retired(plan: Plan) -> list[str]:
    """Ids of what nobody wants any more, less segments and finishing steps of what is still wanted: those come and go with every edit."""
    gone = [action.target_id for action in plan.actions if action.action is ActionKind.RETIRE and action.reason is Reason.REMOVED]
    parts = {target_id for target_id in gone if target_id.count("/") > _WHOLE}
    if not parts:
        return gone
    stays = {*plan.kept, *(action.target_id for action in plan.actions if action.target is not None)}
    return [name for name in gone if name not in parts or name.rpartition("/")[0] not in stays]


_WHOLE = 3  # slashes in the id of what a phase makes; a pose of a sheet has more, but stands below no target


def vanished(plan: Plan, projects: Collection[str]) -> Mapping[str, int]:
    """Projects that are there no more though something of them is published → how many targets that would retire."""
    gone = (a.target_id.partition("/")[0] for a in plan.actions if a.action is ActionKind.RETIRE and a.reason is Reason.REMOVED)
    return Counter(project for project in gone if project not in projects)


def objections(plan: Plan, published: int, limits: Limits, projects: Collection[str] | None = None) -> list[str]:
    """Say why this plan is to be held; empty when it may go ahead.

    `published` counts targets that are published now, `projects` are ids of those that are there. A folder that is not mounted looks like
    one that somebody emptied, so however little a project published, it does not go as a whole without being asked about.
    """
    gone = vanished(plan, projects) if projects is not None else {}
    said = [f"project {name} is gone, with {_targets(number)} published: is the disk there?" for name, number in sorted(gone.items())]
    retired = len(_retired(plan))
    if published >= limits.retire_at_least and retired > published * limits.retire_share:
        said.append(f"it retires {retired} of {published} published targets: is the watched folder whole?")
    minutes = gpu_seconds(plan)[0] / 60
    if limits.max_gpu_minutes is not None and minutes > limits.max_gpu_minutes:
        said.append(f"it is expected to take {minutes:.1f} GPU minutes, and safety.max_gpu_minutes is {limits.max_gpu_minutes:g}")
    return said


def _targets(number: int) -> str:
    return "1 target" if number == 1 else f"{number} targets"
