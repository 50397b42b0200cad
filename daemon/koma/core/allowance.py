"""Which part of a plan a person has allowed: exactly the actions that were in it, until they are done."""

import json
from collections.abc import Iterable

from koma.core.action import Action, Plan
from koma.core.words import ActionKind

_QUIET = frozenset({ActionKind.KEEP, ActionKind.HOLD})


def allowance(plan: Plan) -> str:
    """Everything that a plan does, as text to be stored."""
    return json.dumps(sorted({_line(action, action.key) for action in plan.actions if action.action not in _QUIET}))


def not_allowed(plan: Plan, allowed: str) -> Plan:
    """Give the part of a plan that no allowance covers. An action that was allowed before its key was known is covered whatever the key."""
    lines = frozenset(json.loads(allowed)) if allowed else frozenset()
    left = [a for a in plan.actions if a.action in _QUIET or not {_line(a, a.key), _line(a, "")} & lines]
    return Plan(left, plan.kept)


def is_spent(plan: Plan, allowed: str) -> bool:
    """Whether nothing in the plan needs the allowance any more."""
    lines = frozenset(json.loads(allowed)) if allowed else frozenset()
    return not any(line in lines for action in plan.actions for line in _lines(action))


def _lines(action: Action) -> Iterable[str]:
    return (_line(action, action.key), _line(action, ""))


def _line(action: Action, key: str) -> str:
    return f"{action.action} {action.target_id} {key}"
