"""Wanted and observed give actions, each with a reason from a closed list. Pure.

Three states are compared, never two: what is wanted, what was published last, and what takes and running jobs there are. `plan` goes
through the targets once, upstream first; a target whose published row already answers it costs a few comparisons and no more.
"""

from collections.abc import Callable, Collection, Mapping, Sequence

from koma.core.action import EVERYTHING, Action, Observed, Plan, Selection
from koma.core.flags import AGAIN, LOST, NEXT
from koma.core.forgiving import LONGEST_REST, tried_again
from koma.core.gating import Gating, Phases, counts_as_passed
from koma.core.keys import render_key
from koma.core.publication import by_target, lacking, stale, why_publish
from koma.core.retiring import unwanted
from koma.core.rows import TakeRow
from koma.core.target import Target, upstream_first
from koma.core.upstream import Upstream, good_take
from koma.core.words import ActionKind, Phase, Reason, Verdict

_NOBODY: Mapping[str, str] = {}
_PASSED = str(Verdict.PASSED)
_ANIMATIC = str(Phase.ANIMATIC)
_NAMED = 5  # targets that an action names as what it waits for, where its whole phase waits
_UNGATED: Mapping[str, Gating] = {}


def plan(
    targets: Sequence[Target],
    observed: Observed,
    *,
    settled: Collection[str] = (),
    selection: Selection | None = None,
    blocked: Sequence[str] = (),
    moved: Mapping[str, str] = _NOBODY,
    gatings: Mapping[str, Gating] = _UNGATED,
    counted: Callable[[str], bool] = EVERYTHING.takes,
) -> Plan:
    """Plan every wanted target and everything published that nobody wants any more.

    `targets` stand upstream first; `settled` are ids of further ones for which nothing is to be done. `blocked` are id prefixes whose
    documents could not be read: what is published under them is held, not retired. `moved` maps new target ids to the old ones that they
    were published under. `gatings` are by project; in one without, every phase is open; `counted` says
    whether a target id counts for the rate of its phase.
    """
    return _Planner(observed, selection or EVERYTHING, moved, Phases(gatings, counted)).plan(targets, settled, blocked)


class _Planner:
    """One planning run: what is observed, and how each target that was planned so far stands."""

    def __init__(self, observed: Observed, selection: Selection, moved: Mapping[str, str], phases: Phases) -> None:
        self._observed = observed
        self._selection = selection
        self._moved = moved
        self._phases = phases
        self._standing: dict[str, Upstream] = {}

    def plan(self, targets: Sequence[Target], settled: Collection[str], blocked: Sequence[str]) -> Plan:
        self._recall(targets, settled)
        later = self._without_current(targets)
        current = [target.id for target in targets if target.id in self._standing]
        kept = [*settled, *current]
        result = Plan([], kept if self._selection is EVERYTHING else list(filter(self._selection.takes, kept)), frozenset(current))
        if later:
            self._phases.expect(later)
            self._phases.passed(kept)
        rows = self._takes_of(later)
        actions = {target.id: self._plan_one(target, rows) for target in upstream_first(later)}
        self._spare(later, actions)
        for target in later:
            self._list(actions[target.id], result)
        if len(self._observed.published) > len(settled):
            wanted = {*settled, *(target.id for target in targets)}
            unsure = [*blocked, *(target.id for target in targets if target.hold == Reason.BLOCKED)]  # nobody knows its parts
            gone = unwanted(self._observed.published, wanted, unsure, frozenset(self._moved.values()))
            result.actions.extend(action for action in gone if self._selection.takes(action.target_id))
        return result._replace(phases=self._phases.rates()) if later else result

    def _without_current(self, targets: Sequence[Target]) -> list[Target]:
        """Leave out those that are kept at once; one that reads a target which stands after it is seen in another round."""
        later = [target for target in targets if not self._keep_at_once(target)]
        while [target for target in later if target.reads and self._keep_at_once(target)]:
            later = [target for target in later if target.id not in self._standing]
        return later

    def _spare(self, later: Sequence[Target], actions: dict[str, Action]) -> None:
        """Hold segments that would render for a clip which is pinned: nobody reads them."""
        for target in later:
            kept = target.pin and actions[target.id].action is not ActionKind.RENDER
            for name in [read[1] for read in target.reads] if kept else ():
                part = actions.get(name)
                if (
                    part is not None
                    and part.action is ActionKind.RENDER
                    and part.reason is not Reason.RUNNING
                    and name.startswith(target.id)
                ):
                    message = f"{target.id} is pinned to take {target.pin}, and nothing else reads it"
                    actions[name] = Action(name, ActionKind.HOLD, Reason.HELD_BY_SPEC, part.target, part.key, message=message)

    def _list(self, action: Action, result: Plan) -> None:
        if not self._selection.takes(action.target_id):
            return
        if action.action is ActionKind.KEEP:
            result.kept.append(action.target_id)
        else:
            result.actions.append(action)

    def _recall(self, targets: Sequence[Target], settled: Collection[str]) -> None:
        """Take note of how settled targets stand that others read or need."""
        named = {name for target in targets for name in (*target.needs, *(read[1] for read in target.reads))}
        for name in named and named.intersection(settled):
            if row := self._observed.published.get(name):
                self._standing[name] = Upstream(row.content_digest, True, ActionKind.KEEP, row.last_digest)

    def _keep_at_once(self, target: Target) -> bool:
        """Try the common case: published with the wanted key, measured and judged as asked for, passed, and the file is there."""
        row = self._observed.published.get(target.id)
        if row is None or row.verdict != _PASSED or target.phase == _ANIMATIC or row.render_key != (target.key or self._key(target)):
            return False
        asked = row.measure_key in (target.measure_key, target.lacking_key) and row.rules_digest == target.rules_digest
        if not asked or target.hold or target.pin:
            return False
        if (
            target.id in self._observed.doubted
            or row.path in self._observed.missing
            or (self._observed.flags and self._flag("retry", target))
        ):
            return False
        self._standing[target.id] = Upstream(row.content_digest, True, ActionKind.KEEP, row.last_digest)
        return True

    def _flag(self, name: str, target: Target) -> str:
        return self._observed.flags.get(f"{name}:{target.id}:{target.rendition}", "")

    def _key(self, target: Target) -> str:
        """Render key, or "" while the pixels of something it reads are not decided."""
        if target.key or not target.base_key:
            return target.key
        standing = self._standing
        inputs = [(name, found.part(part) if (found := standing.get(upstream)) else "") for name, upstream, part in target.reads]
        return render_key(target.backend, target.base_key, inputs) if all(content for _, content in inputs) else ""

    def _takes_of(self, later: Sequence[Target]) -> dict[tuple[str, str], list[TakeRow]]:
        """Take rows of every target whose key is known already, in one read."""
        keys = [key for target in later if (key := self._key(target))]
        return by_target(self._observed.takes(keys)) if keys else {}

    def _plan_one(self, target: Target, rows: Mapping[tuple[str, str], list[TakeRow]]) -> Action:
        key = self._key(target)
        pinned = self._observed.pinned(target, target.pin) if target.pin else None
        if target.pin and (pinned is None or pinned.rendition == target.rendition):
            action, takes = self._pinned(target, pinned), [pinned] if pinned is not None else []
        else:
            if key and target.reads:  # known only now that its upstream is
                rows = by_target(self._observed.takes([key]))
            takes = rows.get((target.id, key)) or rows.get((self._moved.get(target.id, ""), key)) or []
            action = self._gated(target, self._decide(target, key, takes))
        standing = self._standing[target.id] = self._stand(target, action, takes)
        if standing.passed:
            self._phases.passed([target.id])
        elif action.reason is Reason.CANCELLED:
            self._phases.left_out(target.id)
        elif action.action is ActionKind.HOLD and action.reason is not Reason.RESTING:
            self._phases.stuck(target.id)
        return action

    def _gated(self, target: Target, action: Action) -> Action:
        """Keep a render back while its phase is closed. It waits where the phase may still open by itself, else it is held.

        One that was queued before only says why it is not to begin.
        """
        closed = self._phases.closed(target, hopeful=False) if action.action is ActionKind.RENDER else None
        if closed is None:
            return action
        if action.reason is Reason.RUNNING:
            return action._replace(message=closed.why)
        if self._phases.closed(target, hopeful=True) is None:
            return action._replace(waits_for=action.waits_for or closed.missing[:_NAMED], message=closed.why)
        return Action(target.id, ActionKind.HOLD, Reason.PHASE_CLOSED, target, action.key, certain=action.certain, message=closed.why)

    def _pinned(self, target: Target, row: TakeRow | None) -> Action:
        """Plan a target that stays at one take of its rendition, whatever is wanted of it now: so nothing that follows it changes."""
        if row is None:
            return Action(target.id, ActionKind.HOLD, Reason.NO_TAKE, target, message=f"there is no take {target.pin} to pin")
        if self._flag("retry", target) == LOST:
            message = f"the frames of take {target.pin} are gone, and a pinned take is not made again: take the pin away, or put the"
            message += f" objects back and: koma retry {target.id}"
            return Action(target.id, ActionKind.HOLD, Reason.MISSING_OBJECT, target, row.render_key, message=message)
        return self._publish(target, row.render_key, row, None)

    def _stand(self, target: Target, action: Action, takes: Sequence[TakeRow]) -> Upstream:
        """Say what follows from it: only a take that passed, was approved, or belongs to a decided key is read downstream."""
        good = good_take(action, takes, self._observed.published.get(action.target_id))
        gone = action.action is ActionKind.RENDER or self._flag("retry", target) == LOST
        if good is None or not good.content_digest or gone:
            return Upstream("", False, action.action)
        passed = counts_as_passed(target, approved=good.approved or self._phases.is_approved(target.id, target.phase))
        return Upstream(good.content_digest, passed, action.action, good.last_digest)

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
        if retry := self._flag("retry", target):
            row = lacking(target, self._with_objects(target, takes)) if retry == AGAIN else None
            if row is not None:
                return Action(target.id, ActionKind.MEASURE, Reason.FORCED, target, key, take_key=row.take_key)
            number = self._published_number(target, takes) if retry == LOST else 0
            return self._render(target, key, takes, Reason.MISSING_OBJECT if number else Reason.FORCED, number)
        if self._flag("cancelled", target) == key:
            return Action(target.id, ActionKind.HOLD, Reason.CANCELLED, target, key)
        if takes:
            return self._with_takes(target, key, takes)
        known = self._observed.published.keys()
        return self._render(target, key, takes, Reason.CHANGED if target.id in known else Reason.NEW)

    def _after_upstream(self, target: Target) -> Action:
        """Plan a target whose inputs are not decided: it follows an upstream that renders, or waits for one that a person must look at."""
        cause = next(name for _, name, part in target.reads if not (name in self._standing and self._standing[name].part(part)))
        found = self._standing.get(cause)
        if found is None or found.action is ActionKind.HOLD:
            return Action(target.id, ActionKind.HOLD, Reason.WAITING, target, certain=False, cause=cause, waits_for=(cause,))
        p50, p90 = self._observed.cost(target)
        follows = Action(
            target.id, ActionKind.RENDER, Reason.UPSTREAM, target, certain=False, cause=cause, waits_for=(cause,), take_number=1
        )
        return follows._replace(p50_seconds=p50, p90_seconds=p90)

    def _render(self, target: Target, key: str, takes: Sequence[TakeRow], reason: Reason, number: int = 0) -> Action:
        waits = tuple(need for need in target.needs if not (need in self._standing and self._standing[need].passed))
        stuck = next((need for need in waits if need not in self._standing or self._standing[need].action is ActionKind.HOLD), "")
        if stuck:
            return Action(target.id, ActionKind.HOLD, Reason.WAITING, target, key, cause=stuck, waits_for=waits)
        p50, p90 = self._observed.cost(target)
        number = number or max((row.number for row in takes), default=0) + 1
        render = Action(
            target.id, ActionKind.RENDER, reason, target, key, waits_for=waits, take_number=number, p50_seconds=p50, p90_seconds=p90
        )
        learns = number > 1 and reason is not Reason.TAKES
        return render._replace(retake=self._observed.retake(target, takes, number)) if learns else render

    def _published_number(self, target: Target, takes: Sequence[TakeRow]) -> int:
        published = self._observed.published.get(target.id)
        return next((row.number for row in takes if published is not None and row.take_key == published.take_key), 0)

    def _with_objects(self, target: Target, takes: Sequence[TakeRow]) -> list[TakeRow]:
        return [row for row in takes if row.object_digest and self._observed.has_object(row.object_digest, target.suffix)]

    def _with_takes(self, target: Target, key: str, takes: Sequence[TakeRow]) -> Action:
        """Decide about a target with takes: judge or measure again, render another, publish, or leave it to a person."""
        if found := stale(target, self._with_objects(target, takes)):
            kind, reason, row = found
            return Action(target.id, kind, reason, target, key, take_key=row.take_key)
        from koma.core.choose import choose  # noqa: PLC0415  # start-up time of a plan with nothing to do

        published = self._observed.published.get(target.id)
        passed = published is not None and (published.verdict == Verdict.PASSED or published.decided)
        choice = choose(takes, target.takes_wanted, target.takes_limit, published, published_passed=passed)
        if not choice.take_key and choice.stalled is None:
            return self._render(target, key, takes, Reason.TAKES if choice.up_front else Reason.RETAKE)
        best = next((row for row in takes if row.take_key == choice.take_key), None)
        held = Action(target.id, ActionKind.HOLD, choice.stalled or Reason.GATE_FAILED, target, key)
        action = self._publish(target, key, best, choice.stalled) if best is not None else held
        failed = tried_again(takes, self._observed.again) if action.action is ActionKind.HOLD else None
        if failed is None:
            return action
        if 0 < failed.until - self._observed.now <= LONGEST_REST:  # none is longer: then the clock was set back
            return action._replace(reason=Reason.RESTING, until=failed.until)
        return self._render(target, key, takes, Reason.FORGIVEN, failed.row.number)._replace(take_key=failed.row.take_key)

    def _publish(self, target: Target, key: str, best: TakeRow, stalled: Reason | None) -> Action:
        published = self._observed.published.get(target.id)
        lost = published is not None and published.path in self._observed.missing
        if published is not None and published.take_key == best.take_key and not lost:
            if stalled is None and self._waits_for_review(target, best):
                stalled = Reason.REVIEW
            kind = ActionKind.KEEP if stalled is None else ActionKind.HOLD
            return Action(target.id, kind, stalled or Reason.CURRENT, target, key, take_key=best.take_key)
        if not self._observed.has_object(best.object_digest, target.suffix):
            return self._render(target, key, (best,), Reason.MISSING_OBJECT, best.number)
        kind, reason = why_publish(target, key, best, published)
        return Action(target.id, kind, reason, target, key, take_key=best.take_key)

    def _waits_for_review(self, target: Target, best: TakeRow) -> bool:
        return target.phase == _ANIMATIC and not best.approved and not self._phases.is_approved(target.id, target.phase)
