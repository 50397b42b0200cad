"""Wanted and observed give actions, each with a reason from a closed list. Pure.

Three states are compared, never two: what is wanted, what was published last, and what takes and running jobs there are. `plan` goes
through the targets once, upstream first; a target whose published row already answers it costs a few comparisons and no more.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from koma.core.choose import choose, is_good
from koma.core.keys import render_key
from koma.core.take import Published, TakeRow
from koma.core.target import Target
from koma.core.words import ActionKind, Reason, Verdict


class Change(NamedTuple):
    """One field that differs from what the last take was made with. `file`, `line`, `column` say where the new value stands."""

    field: str
    old: Any
    new: Any
    file: str = ""
    line: int = 0
    column: int = 0


class Action(NamedTuple):
    """What happens to one target, and why.

    `key` is its render_key, "" while an upstream target is undecided (`certain` is False then). `take_number` is the take that a render would make,
    `take_key` the take that restore, measure, gate and publish are about. `cause` is the target id that this one follows from, "" for a root
    cause. `waits_for` are needed targets that are not there yet. Seconds are GPU seconds, 0 where nothing renders.
    """

    target_id: str
    action: ActionKind
    reason: Reason
    target: Target | None = None
    key: str = ""
    certain: bool = True
    cause: str = ""
    waits_for: tuple[str, ...] = ()
    take_number: int = 0
    take_key: str = ""
    p50_seconds: float = 0.0
    p90_seconds: float = 0.0
    changed: tuple[Change, ...] = ()
    message: str = ""


@dataclass(slots=True)
class Observed:
    """What there is. `takes` loads take rows of render keys when they are needed; `missing` are published paths whose file is gone or short.

    `running` maps (target, render_key) of unfinished jobs to their action; `flags` are the store's small facts; `objects` says whether an object is there.
    """

    published: Mapping[str, Published]
    takes: Callable[[Iterable[str]], Sequence[TakeRow]]
    missing: Collection[str] = ()
    running: Mapping[tuple[str, str], str] = field(default_factory=dict)
    flags: Mapping[str, str] = field(default_factory=dict)
    has_object: Callable[[str, str], bool] = lambda _digest, _suffix: True
    durations: Mapping[str, Sequence[float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Selection:
    """Which targets a plan speaks of: those matching `targets` (all if empty), less `excluded`; both are predicates over ids."""

    targets: Callable[[str], bool] | None = None
    excluded: Callable[[str], bool] | None = None

    def takes(self, target_id: str) -> bool:
        """Whether this target is spoken of."""
        return (self.targets is None or self.targets(target_id)) and not (self.excluded is not None and self.excluded(target_id))


@dataclass(slots=True)
class Plan:
    """Every target's action. `kept` counts keeps that are not listed in `actions`."""

    actions: list[Action]
    kept: list[str]

    def summary(self) -> dict[str, int]:
        """Count actions by kind, zeros included."""
        counts = dict.fromkeys(map(str, ActionKind), 0)
        for action in self.actions:
            counts[action.action] += 1
        counts[ActionKind.KEEP] += len(self.kept)
        return counts


class _Standing(NamedTuple):
    """What downstream targets need to know about one that was planned: its pixels if decided, whether passed, and its action."""

    content: str
    passed: bool
    action: ActionKind
    reason: Reason


def plan(
    targets: Sequence[Target],
    observed: Observed,
    *,
    selection: Selection | None = None,
    blocked: Sequence[str] = (),
    moved: Mapping[str, str] | None = None,
) -> Plan:
    """Plan every wanted target and everything published that nobody wants any more.

    `targets` stand upstream first. `blocked` are id prefixes whose documents could not be read: what is published under them is held, not retired.
    `moved` maps new target ids to the old ones they were published under.
    """
    selection = selection or Selection()
    result = Plan([], [])
    standing: dict[str, _Standing] = {}
    later: list[Target] = []
    for target in targets:
        if not _keep_at_once(target, observed, standing):
            later.append(target)
        elif selection.takes(target.id):
            result.kept.append(target.id)
    _plan_rest(later, observed, standing, selection, moved or {}, result)
    wanted = {target.id for target in targets}
    result.actions += _unwanted(wanted, set((moved or {}).values()), observed, blocked, selection)
    return result


def _keep_at_once(target: Target, observed: Observed, standing: dict[str, _Standing]) -> bool:
    """Try the common case: published with the wanted key, measured and judged as asked for, passed, and the file is there."""
    row = observed.published.get(target.id)
    if row is None or row.verdict != Verdict.PASSED or target.hold or row.path in observed.missing:
        return False
    if row.measure_key != target.measure_key or row.rules_digest != target.rules_digest:
        return False
    key = _key(target, standing)
    if row.render_key != key or f"retry:{target.id}:{target.rendition}" in observed.flags:
        return False
    standing[target.id] = _Standing(row.content_digest, True, ActionKind.KEEP, Reason.CURRENT)
    return True


def _key(target: Target, standing: Mapping[str, _Standing]) -> str:
    """Render key, or "" while the pixels of something it reads are not decided."""
    if not target.base_key:
        return ""
    inputs = []
    for name, upstream in target.reads:
        found = standing.get(upstream)
        if found is None or not found.content:
            return ""
        inputs.append((name, found.content))
    return render_key(target.backend, target.base_key, inputs)


def _plan_rest(
    later: Sequence[Target],
    observed: Observed,
    standing: dict[str, _Standing],
    selection: Selection,
    moved: Mapping[str, str],
    result: Plan,
) -> None:
    rows = _takes_of(later, observed, standing)
    for target in later:
        key = _key(target, standing)
        takes = rows.get((target.id, key)) or rows.get((moved.get(target.id, ""), key)) or []
        if key and not takes and target.reads:
            takes = [row for row in observed.takes([key]) if row.target == target.id]
        action = _decide(target, key, takes, observed, standing, moved)
        standing[target.id] = _stand(action, takes, observed.published.get(target.id))
        if not selection.takes(target.id):
            continue
        if action.action is ActionKind.KEEP:
            result.kept.append(target.id)
        else:
            result.actions.append(action)


def _takes_of(later: Sequence[Target], observed: Observed, standing: Mapping[str, _Standing]) -> dict[tuple[str, str], list[TakeRow]]:
    """Take rows of every target whose key is known already, in one read."""
    keys = [key for target in later if (key := _key(target, standing))]
    rows: dict[tuple[str, str], list[TakeRow]] = {}
    for row in observed.takes(keys) if keys else ():
        rows.setdefault((row.target, row.render_key), []).append(row)
    return rows


def _stand(action: Action, takes: Sequence[TakeRow], published: Published | None) -> _Standing:
    """Say what follows from it: only a take that passed, was approved, or belongs to a decided key is read downstream."""
    good = next((row for row in takes if row.take_key == action.take_key and _good(row)), None)
    if good is None and published is not None and published.render_key == action.key:
        good = next((row for row in takes if row.take_key == published.take_key and _good(row)), None)
    if good is None or action.action is ActionKind.RENDER:
        return _Standing("", False, action.action, action.reason)
    return _Standing(good.content_digest, True, action.action, action.reason)


def _good(row: TakeRow) -> bool:
    return is_good(row) or (row.decided and bool(row.content_digest))


def _decide(
    target: Target, key: str, takes: Sequence[TakeRow], observed: Observed, standing: Mapping[str, _Standing], moved: Mapping[str, str]
) -> Action:
    def act(action: ActionKind, reason: Reason, **more: Any) -> Action:
        return Action(target.id, action, reason, target, key, **more)

    if target.hold:
        return act(ActionKind.HOLD, Reason(target.hold), certain=True)
    if not key:
        return _after_upstream(target, standing, observed)
    if running := observed.running.get((target.id, key)):
        return act(ActionKind(running), Reason.RUNNING, **_cost(target, observed, running == ActionKind.RENDER))
    forced = f"retry:{target.id}:{target.rendition}" in observed.flags
    if (
        f"cancelled:{target.id}:{target.rendition}" in observed.flags
        and observed.flags[f"cancelled:{target.id}:{target.rendition}"] == key
        and not forced
    ):
        return act(ActionKind.HOLD, Reason.CANCELLED)
    published = observed.published.get(target.id)
    if takes and not forced:
        return _with_takes(target, key, takes, observed, published, moved)
    return _render(target, key, takes, observed, standing, forced=forced)


def _after_upstream(target: Target, standing: Mapping[str, _Standing], observed: Observed) -> Action:
    """Plan a target whose inputs are not decided: it follows an upstream that renders, or waits for one that a person must look at."""
    cause = next(up for _, up in target.reads if not (up in standing and standing[up].content))
    found = standing.get(cause)
    if found is None or found.action is ActionKind.HOLD:
        return Action(target.id, ActionKind.HOLD, Reason.WAITING, target, certain=False, cause=cause, waits_for=(cause,))
    cost = _cost(target, observed, True)
    return Action(
        target.id, ActionKind.RENDER, Reason.UPSTREAM, target, certain=False, cause=cause, waits_for=(cause,), take_number=1, **cost
    )


def _render(
    target: Target, key: str, takes: Sequence[TakeRow], observed: Observed, standing: Mapping[str, _Standing], *, forced: bool
) -> Action:
    waits = tuple(need for need in target.needs if not (need in standing and standing[need].passed))
    stuck = next((need for need in waits if need not in standing or standing[need].action is ActionKind.HOLD), "")
    if stuck:
        return Action(target.id, ActionKind.HOLD, Reason.WAITING, target, key, cause=stuck, waits_for=waits)
    number = max((row.number for row in takes), default=0) + 1
    reason = Reason.FORCED if forced else Reason.CHANGED if target.id in observed.published else Reason.NEW
    return Action(target.id, ActionKind.RENDER, reason, target, key, waits_for=waits, take_number=number, **_cost(target, observed, True))


def _with_takes(
    target: Target, key: str, takes: Sequence[TakeRow], observed: Observed, published: Published | None, moved: Mapping[str, str]
) -> Action:
    """Decide about a target some of whose takes exist: judge or measure again, render another, publish, or leave it to a person."""
    stale = _stale(target, takes)
    if stale is not None:
        return Action(target.id, stale[0], stale[1], target, key, take_key=stale[2].take_key)
    ever_passed = published is not None and (published.verdict == Verdict.PASSED or published.decided)
    there = published.take_key if published is not None else ""
    choice = choose(takes, target.takes_wanted, target.takes_limit, ever_passed=ever_passed, published_key=there)
    if choice.render:
        reason = Reason.TAKES if choice.up_front else Reason.RETAKE
        number = max(row.number for row in takes) + 1
        return Action(target.id, ActionKind.RENDER, reason, target, key, take_number=number, **_cost(target, observed, True))
    best = next((row for row in takes if row.take_key == choice.publish), None)
    if best is None:
        return Action(target.id, ActionKind.HOLD, choice.stalled or Reason.GATE_FAILED, target, key)
    return _publish(target, key, best, observed, published, moved, choice.stalled)


def _stale(target: Target, takes: Sequence[TakeRow]) -> tuple[ActionKind, Reason, TakeRow] | None:
    """Find a take that is to be measured or judged again: CPU time only, and nothing at all for a rule."""
    for row in takes:
        if row.object_digest and row.measure_key != target.measure_key:
            return ActionKind.MEASURE, Reason.METRIC_CHANGED, row
    for row in takes:
        if row.object_digest and row.rules_digest != target.rules_digest:
            return ActionKind.GATE, Reason.RULE_CHANGED, row
    return None


def _publish(
    target: Target,
    key: str,
    best: TakeRow,
    observed: Observed,
    published: Published | None,
    moved: Mapping[str, str],
    stalled: Reason | None,
) -> Action:
    def act(action: ActionKind, reason: Reason, **more: Any) -> Action:
        return Action(target.id, action, reason, target, key, take_key=best.take_key, **more)

    if published is not None and published.take_key == best.take_key and published.path not in observed.missing:
        return act(ActionKind.HOLD, stalled) if stalled is not None else act(ActionKind.KEEP, Reason.CURRENT)
    if not observed.has_object(best.object_digest, target.suffix):
        return act(ActionKind.RENDER, Reason.MISSING_OBJECT, take_number=best.number, **_cost(target, observed, True))
    if published is None:
        return act(ActionKind.PUBLISH, Reason.MOVED if target.id in moved and best.target != target.id else Reason.UNPUBLISHED)
    if published.take_key == best.take_key:
        return act(ActionKind.PUBLISH, Reason.MISSING_OUTPUT)
    same_key = published.render_key == key
    return act(ActionKind.PUBLISH if same_key else ActionKind.RESTORE, Reason.UNPUBLISHED if same_key else Reason.REVERTED)


def _unwanted(
    wanted: Collection[str], moved_from: Collection[str], observed: Observed, blocked: Sequence[str], selection: Selection
) -> list[Action]:
    actions = []
    for target_id in sorted(observed.published):
        if target_id in wanted or not selection.takes(target_id):
            continue
        if any(target_id == prefix or target_id.startswith(f"{prefix}/") for prefix in blocked) and target_id not in moved_from:
            actions.append(Action(target_id, ActionKind.HOLD, Reason.BLOCKED))
        else:
            actions.append(Action(target_id, ActionKind.RETIRE, Reason.REMOVED))
    return actions


def _cost(target: Target, observed: Observed, renders: bool) -> dict[str, float]:
    """GPU seconds expected: median and 90th percentile of past renders of the template, else its estimate; never 0 for a render."""
    if not renders:
        return {}
    past = sorted(observed.durations.get(target.template, ()))
    if not past:
        return {"p50_seconds": max(target.estimate_seconds, 0.1), "p90_seconds": max(target.estimate_seconds * 1.5, 0.1)}
    return {"p50_seconds": max(quantile(past, 0.5), 0.001), "p90_seconds": max(quantile(past, 0.9), 0.001)}


def quantile(ordered: Sequence[float], share: float) -> float:
    """Quantile of sorted values by linear interpolation; `share` in 0..1."""
    place = (len(ordered) - 1) * share
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)
