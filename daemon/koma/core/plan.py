"""Wanted and observed give actions, each with a reason from a closed list. Pure.

Three states are compared, never two: what is wanted, what was published last, and what takes and running jobs there are. `plan` goes
through the targets once, upstream first; a target whose published row already answers it costs a few comparisons and no more.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from koma.core.action import EVERYTHING, Action, Observed, Plan, Selection
from koma.core.keys import render_key
from koma.core.rows import Published, TakeRow
from koma.core.target import Target
from koma.core.words import ActionKind, Reason, Verdict

NEXT = "next"  # what the flag `cancelled` says of a target whose render_key was not known when it was cancelled
_NOBODY: Mapping[str, str] = {}
_PASSED = str(Verdict.PASSED)
_JUDGING = frozenset({ActionKind.MEASURE, ActionKind.GATE})


class _Standing(NamedTuple):
    """What downstream targets need to know of one that was planned: its pixels if decided, whether it passed, and its action."""

    content: str
    passed: bool
    action: ActionKind


def plan(
    targets: Sequence[Target],
    observed: Observed,
    *,
    settled: Collection[str] = (),
    selection: Selection | None = None,
    blocked: Sequence[str] = (),
    moved: Mapping[str, str] = _NOBODY,
) -> Plan:
    """Plan every wanted target and everything published that nobody wants any more.

    `targets` stand upstream first; `settled` are ids of further ones for which nothing is to be done. `blocked` are id prefixes whose
    documents could not be read: what is published under them is held, not retired. `moved` maps new target ids to the old ones that they
    were published under.
    """
    return _Planner(observed, selection or EVERYTHING, moved).plan(targets, settled, blocked)


class _Planner:
    """One planning run: what is observed, and how each target that was planned so far stands."""

    def __init__(self, observed: Observed, selection: Selection, moved: Mapping[str, str]) -> None:
        self._observed = observed
        self._selection = selection
        self._moved = moved
        self._standing: dict[str, _Standing] = {}

    def plan(self, targets: Sequence[Target], settled: Collection[str], blocked: Sequence[str]) -> Plan:
        self._recall(targets, settled)
        later = [target for target in targets if not self._keep_at_once(target)]
        current = [target.id for target in targets if target.id in self._standing]
        kept = [*settled, *current]
        result = Plan([], kept if self._selection is EVERYTHING else list(filter(self._selection.takes, kept)), frozenset(current))
        rows = self._takes_of(later)
        for target in later:
            self._plan_one(target, rows, result)
        if len(self._observed.published) > len(settled):
            result.actions.extend(self._unwanted({*settled, *(target.id for target in targets)}, blocked))
        return result

    def _recall(self, targets: Sequence[Target], settled: Collection[str]) -> None:
        """Take note of how settled targets stand that others read or need."""
        named = {name for target in targets for name in (*target.needs, *(upstream for _, upstream in target.reads))}
        for name in named and named.intersection(settled):
            if row := self._observed.published.get(name):
                self._standing[name] = _Standing(row.content_digest, True, ActionKind.KEEP)

    def _keep_at_once(self, target: Target) -> bool:
        """Try the common case: published with the wanted key, measured and judged as asked for, passed, and the file is there."""
        row = self._observed.published.get(target.id)
        if row is None or row.verdict != _PASSED or row.render_key != (target.key or self._key(target)):
            return False
        if row.measure_key != target.measure_key or row.rules_digest != target.rules_digest or target.hold:
            return False
        if row.path in self._observed.missing or (self._observed.flags and self._flag("retry", target)):
            return False
        self._standing[target.id] = _Standing(row.content_digest, True, ActionKind.KEEP)
        return True

    def _flag(self, name: str, target: Target) -> str:
        return self._observed.flags.get(f"{name}:{target.id}:{target.rendition}", "")

    def _key(self, target: Target) -> str:
        """Render key, or "" while the pixels of something it reads are not decided."""
        if target.key or not target.base_key:
            return target.key
        inputs = [(name, found.content if (found := self._standing.get(upstream)) else "") for name, upstream in target.reads]
        return render_key(target.backend, target.base_key, inputs) if all(content for _, content in inputs) else ""

    def _takes_of(self, later: Sequence[Target]) -> dict[tuple[str, str], list[TakeRow]]:
        """Take rows of every target whose key is known already, in one read."""
        keys = [key for target in later if (key := self._key(target))]
        return _by_target(self._observed.takes(keys)) if keys else {}

    def _plan_one(self, target: Target, rows: Mapping[tuple[str, str], list[TakeRow]], result: Plan) -> None:
        key = self._key(target)
        if key and target.reads:  # known only now that its upstream is
            rows = _by_target(self._observed.takes([key]))
        takes = rows.get((target.id, key)) or rows.get((self._moved.get(target.id, ""), key)) or []
        action = self._decide(target, key, takes)
        self._standing[target.id] = self._stand(action, takes)
        if not self._selection.takes(target.id):
            return
        if action.action is ActionKind.KEEP:
            result.kept.append(target.id)
        else:
            result.actions.append(action)

    def _stand(self, action: Action, takes: Sequence[TakeRow]) -> _Standing:
        """Say what follows from it: only a take that passed, was approved, or belongs to a decided key is read downstream."""
        published = self._observed.published.get(action.target_id)
        there = published.take_key if published is not None and published.render_key == action.key else ""
        # Whichever take is being judged again: until that is over, what lies in the outputs folder is what is read.
        read = (there,) if action.action in _JUDGING else (action.take_key, there)
        good = next(
            (
                row
                for key in read
                for row in takes
                if row.take_key == key and (row.verdict == Verdict.PASSED or row.approved or row.decided)
            ),
            None,
        )
        if good is None or not good.content_digest or action.action is ActionKind.RENDER:
            return _Standing("", False, action.action)
        return _Standing(good.content_digest, True, action.action)

    def _decide(self, target: Target, key: str, takes: Sequence[TakeRow]) -> Action:
        if target.hold:
            return Action(target.id, ActionKind.HOLD, Reason(target.hold), target, key)
        if self._flag("cancelled", target) == NEXT and not self._flag("retry", target):
            return Action(target.id, ActionKind.HOLD, Reason.CANCELLED, target, key)
        if not key:
            return self._after_upstream(target)
        if running := self._observed.running.get((target.id, key)):
            return self._running(target, key, ActionKind(running))
        return self._unstarted(target, key, takes)

    def _running(self, target: Target, key: str, kind: ActionKind) -> Action:
        p50, p90 = self._observed.cost(target) if kind is ActionKind.RENDER else (0.0, 0.0)
        return Action(target.id, kind, Reason.RUNNING, target, key, p50_seconds=p50, p90_seconds=p90)

    def _unstarted(self, target: Target, key: str, takes: Sequence[TakeRow]) -> Action:
        if self._flag("retry", target):
            return self._render(target, key, takes, Reason.FORCED)
        if self._flag("cancelled", target) == key:
            return Action(target.id, ActionKind.HOLD, Reason.CANCELLED, target, key)
        if takes:
            return self._with_takes(target, key, takes)
        known = self._observed.published.keys()
        return self._render(target, key, takes, Reason.CHANGED if target.id in known else Reason.NEW)

    def _after_upstream(self, target: Target) -> Action:
        """Plan a target whose inputs are not decided: it follows an upstream that renders, or waits for one that a person must look at."""
        cause = next(name for _, name in target.reads if not (name in self._standing and self._standing[name].content))
        found = self._standing.get(cause)
        if found is None or found.action is ActionKind.HOLD:
            return Action(target.id, ActionKind.HOLD, Reason.WAITING, target, certain=False, cause=cause, waits_for=(cause,))
        p50, p90 = self._observed.cost(target)
        return Action(
            target.id,
            ActionKind.RENDER,
            Reason.UPSTREAM,
            target,
            certain=False,
            cause=cause,
            waits_for=(cause,),
            take_number=1,
            p50_seconds=p50,
            p90_seconds=p90,
        )

    def _render(self, target: Target, key: str, takes: Sequence[TakeRow], reason: Reason, number: int = 0) -> Action:
        waits = tuple(need for need in target.needs if not (need in self._standing and self._standing[need].passed))
        stuck = next((need for need in waits if need not in self._standing or self._standing[need].action is ActionKind.HOLD), "")
        if stuck:
            return Action(target.id, ActionKind.HOLD, Reason.WAITING, target, key, cause=stuck, waits_for=waits)
        p50, p90 = self._observed.cost(target)
        number = number or max((row.number for row in takes), default=0) + 1
        return Action(
            target.id, ActionKind.RENDER, reason, target, key, waits_for=waits, take_number=number, p50_seconds=p50, p90_seconds=p90
        )

    def _with_takes(self, target: Target, key: str, takes: Sequence[TakeRow]) -> Action:
        """Decide about a target with takes: judge or measure again, render another, publish, or leave it to a person."""
        if stale := _stale(target, [r for r in takes if r.object_digest and self._observed.has_object(r.object_digest, target.suffix)]):
            kind, reason, row = stale
            return Action(target.id, kind, reason, target, key, take_key=row.take_key)
        from koma.core.choose import choose  # noqa: PLC0415  # start-up time of a plan with nothing to do

        published = self._observed.published.get(target.id)
        passed = published is not None and (published.verdict == Verdict.PASSED or published.decided)
        choice = choose(takes, target.takes_wanted, target.takes_limit, published, published_passed=passed)
        if not choice.take_key and choice.stalled is None:
            return self._render(target, key, takes, Reason.TAKES if choice.up_front else Reason.RETAKE)
        best = next((row for row in takes if row.take_key == choice.take_key), None)
        if best is None:
            return Action(target.id, ActionKind.HOLD, choice.stalled or Reason.GATE_FAILED, target, key)
        return self._publish(target, key, best, choice.stalled)

    def _publish(self, target: Target, key: str, best: TakeRow, stalled: Reason | None) -> Action:
        published = self._observed.published.get(target.id)
        lost = published is not None and published.path in self._observed.missing
        if published is not None and published.take_key == best.take_key and not lost:
            kind = ActionKind.KEEP if stalled is None else ActionKind.HOLD
            return Action(target.id, kind, stalled or Reason.CURRENT, target, key, take_key=best.take_key)
        if not self._observed.has_object(best.object_digest, target.suffix):
            return self._render(target, key, (), Reason.MISSING_OBJECT, best.number)
        kind, reason = _why_publish(target, key, best, published)
        return Action(target.id, kind, reason, target, key, take_key=best.take_key)

    def _unwanted(self, wanted: Collection[str], blocked: Sequence[str]) -> list[Action]:
        """Retire what nobody wants; hold what may only be unreadable for now."""
        left = set(self._moved.values())
        prefixes = tuple(f"{prefix}/" for prefix in blocked)
        actions = []
        for target_id in sorted(self._observed.published.keys() - wanted):
            if self._selection.takes(target_id):
                unsure = bool(prefixes) and target_id.startswith(prefixes) and target_id not in left
                gone = Reason.MOVED if target_id in left else Reason.REMOVED
                actions.append(Action(target_id, *((ActionKind.HOLD, Reason.BLOCKED) if unsure else (ActionKind.RETIRE, gone))))
        return actions


def _by_target(found: Sequence[TakeRow]) -> dict[tuple[str, str], list[TakeRow]]:
    rows: dict[tuple[str, str], list[TakeRow]] = {}
    for row in found:
        rows.setdefault((row.target, row.render_key), []).append(row)
    return rows


def _stale(target: Target, takes: Sequence[TakeRow]) -> tuple[ActionKind, Reason, TakeRow] | None:
    """Find a take, of those whose object is there, that is to be measured or judged again: CPU time only, and nothing at all for a rule."""
    unmeasured = next((row for row in takes if row.measure_key != target.measure_key), None)
    if unmeasured is not None:
        return ActionKind.MEASURE, Reason.METRIC_CHANGED, unmeasured
    unjudged = next((row for row in takes if row.rules_digest != target.rules_digest), None)
    return None if unjudged is None else (ActionKind.GATE, Reason.RULE_CHANGED, unjudged)


def _why_publish(target: Target, key: str, best: TakeRow, published: Published | None) -> tuple[ActionKind, Reason]:
    if published is None:
        return ActionKind.PUBLISH, Reason.UNPUBLISHED if best.target == target.id else Reason.MOVED
    if published.take_key == best.take_key:
        return ActionKind.PUBLISH, Reason.MISSING_OUTPUT
    return (ActionKind.PUBLISH, Reason.UNPUBLISHED) if published.render_key == key else (ActionKind.RESTORE, Reason.REVERTED)
