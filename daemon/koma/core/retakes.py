"""What the next take of a picture changes, and why: from what the takes before it failed of, by the project's `retries`. Pure.

The steps of a policy add up, each on what the take before it had: a second take that is blurred as well gets more steps than the first
retake had. Everything is worked out anew from the failed takes, so a plan, the queue and a rebuilt store come to the same.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from math import ceil, floor, inf, isfinite
from typing import Any, NamedTuple

from koma.core.failure_kind import Failing, FailureKind
from koma.core.parameter import Parameter, ParameterType, WrongValueError, check_of
from koma.core.spec.standard import RETRIES
from koma.core.template import Template

WEIGHT = "identity_weight"  # what a policy calls the weight of the pictures of every character in the shot
_WEIGHTS = Parameter(ParameterType.FLOAT, min=0.0, max=2.0)
_DIGITS = 6  # of a fraction: sums of decimal fractions are meant to be decimal
NUMBERS = (ParameterType.INT, ParameterType.FLOAT)


class Amount(NamedTuple):
    """One change of one parameter: `how` is `add`, `multiply` or `set`."""

    name: str
    how: str
    value: Any


class Step(NamedTuple):
    """What follows one failed take: changes, whether the seed stays, whether the backend is restarted first."""

    amounts: tuple[Amount, ...] = ()
    keeps_seed: bool = False
    restarts: bool = False


Policy = Mapping[str, tuple[Step, ...]]
Ranges = Mapping[str, Mapping[str, float]]
_ANY: Ranges = {}


class Alteration(NamedTuple):
    """One parameter of a take that is not as the documents have it; `characters.aki.weight` is that of a character's pictures."""

    parameter: str
    old: Any
    new: Any


class Retake(NamedTuple):
    """How a take differs from the first one, and why.

    `seed_of` is the number of the take whose seed it has, its own for a new one. `restart` says that the backend is restarted before it.
    `after` is the failed take that it answers, None where it learned nothing. `notes` say in words what was asked for and can't be done.
    """

    number: int
    seed_of: int
    changes: tuple[Alteration, ...] = ()
    restart: bool = False
    after: Failing | None = None
    notes: tuple[str, ...] = ()

    @property
    def learned(self) -> bool:
        """Whether it is more than another seed."""
        return self.after is not None or bool(self.changes)

    @property
    def values(self) -> dict[str, Any]:
        """Parameters to set, by name."""
        return {change.parameter: change.new for change in self.changes}

    @property
    def words(self) -> str:
        """What it changes and why, in one line."""
        said = ["new seed" if self.seed_of == self.number else f"seed of take {self.seed_of}"]
        said += [f"{_called(change.parameter)} {change.old} -> {change.new}" for change in self.changes]
        said += ["after a restart of the backend"] if self.restart else []
        why = f" (take {self.after.number}: {self.after.message})" if self.after is not None else ""
        return ", ".join(said) + why

    def sentence(self, limit: int) -> str:
        """Say all of it in one line; `limit` takes are made before a person is asked."""
        of = f" of {limit}" if self.number <= limit else ""
        return f"take {self.number}{of}: {self.words}"


def policy_of(project: Mapping[str, Any]) -> Policy:
    """Read the steps by failure kind out of a project document, over those that count where nobody wrote any."""
    written = {**RETRIES, **(project.get("retries") or {})}
    return {kind: tuple(_step(said) for said in steps) for kind, steps in written.items()}


def _step(said: Mapping[str, Any]) -> Step:
    amounts = (Amount(name, how, value) for how in ("set", "multiply", "add") for name, value in (said.get(how) or {}).items())
    return Step(tuple(amounts), said.get("seed") == "keep", bool(said.get("restart")))


def steps_of(policy: Policy, number: int, failed: Sequence[Failing], *, up_front: int = 1) -> tuple[tuple[Failing | None, Step], ...]:
    """Give what follows each of the takes that take `number` comes after, oldest first, with what that one failed of.

    The first take that failed of a kind is followed by the first step of that kind, the next one by the next, and the last step repeats.
    A take that did not fail its gate teaches nothing: another seed follows. Takes that were made `up_front` were not to learn from each
    other; only the last of them is followed by a step.
    """
    by_number = {one.number: one for one in failed}
    seen: Counter[FailureKind] = Counter()
    found = []
    for before in range(max(1, up_front), number):
        one = by_number.get(before)
        steps = policy.get(one.kind, policy["default"]) if one is not None else (Step(),)
        found.append((one, steps[min(seen[one.kind], len(steps) - 1) if one is not None else 0]))
        seen.update([one.kind] if one is not None else [])
    return tuple(found)


class Bench(NamedTuple):
    """What a take is altered on: bound parameters of take 1 (None for what has no graph), their template, ranges that the style allows."""

    params: Mapping[str, Any] | None
    template: Template | None
    ranges: Ranges = _ANY


def retake_of(
    policy: Policy, number: int, failed: Sequence[Failing], bench: Bench, *, up_front: int = 1, can_restart: bool = False
) -> Retake:
    """Work out take `number` (2 or more) of a render_key from what the takes before it failed of.

    Values stay within the template's range and the style's. A seed is kept only where something else makes the take differ from all that
    had the same one. The backend is restarted once for a render_key, and only if `can_restart`.
    """
    steps = steps_of(policy, number, failed, up_front=up_front)
    seed_of = number - len(steps)
    values, notes, restarted, restart = _Values(bench), [], 0, False
    tried = [values.now]
    for before, (_, step) in enumerate(steps, seed_of):
        notes = [*values.apply(step.amounts)]
        restart = step.restarts and can_restart and not restarted
        notes += _on_restart(step, restarted, can_restart=can_restart)
        restarted = before + 1 if restart else restarted
        if not step.keeps_seed or (values.now in tried and not restart):
            notes += ["nothing else changes, so the seed does"] if step.keeps_seed else []
            seed_of, tried = before + 1, []
        tried.append(values.now)
    after = next((one for one, _ in reversed(steps) if one is not None), None)
    return Retake(number, seed_of, values.changes(), restart, after, tuple(dict.fromkeys(notes)))


def _on_restart(step: Step, restarted: int, *, can_restart: bool) -> list[str]:
    if not step.restarts:
        return []
    if not can_restart:
        return ["no restart: the backend has no restart command (backends[].restart in koma.yaml)"]
    return [f"no restart: one before take {restarted} did not help"] if restarted else []


class _Values:
    """Parameters while one step after the other is applied to them."""

    def __init__(self, bench: Bench) -> None:
        self._template = bench.template
        self._ranges = bench.ranges
        self._first = _flat(bench.params or {}) if bench.template is not None else {}
        self.now = dict(self._first)

    def changes(self) -> tuple[Alteration, ...]:
        """Tell what differs from take 1, by name."""
        return tuple(Alteration(name, self._first[name], value) for name, value in sorted(self.now.items()) if value != self._first[name])

    def apply(self, amounts: Sequence[Amount]) -> list[str]:
        """Carry out the changes of one step; what can't be done is said in words. The values before it stay as they are."""
        self.now = dict(self.now)
        return [note for amount in amounts for note in self._one(amount)]

    def _one(self, amount: Amount) -> list[str]:
        if self._template is None:
            return [f"no {_called(amount.name)}: it is made without a template"]
        if amount.name == WEIGHT:
            weights = [name for name in self.now if _is_weight(name)]
            notes = [note for name in weights for note in self._set(name, _WEIGHTS, amount)]
            return notes if weights else [f"no {_called(WEIGHT)}: template {self._template.name} takes no pictures of characters here"]
        parameter = self._template.parameters.get(amount.name)
        if parameter is None or amount.name not in self.now:
            return [f"no {amount.name}: template {self._template.name} has no such parameter"]
        if amount.name == self._template.multiplier:
            return [f"no {amount.name}: it says how many frames come out, and every take has to have as many"]
        return self._set(amount.name, parameter, amount)

    def _set(self, name: str, parameter: Parameter, amount: Amount) -> list[str]:
        old, limits = self.now[name], _limits(parameter, self._ranges.get(name, {}))
        try:
            wished = _wished(parameter, old, amount)
            new = check_of(parameter)(_fitted(parameter, wished, limits))
        except WrongValueError as error:
            return [f"{_called(name)} stays {old}: {error}; expected {error.expected}"]
        self.now[name] = new
        if parameter.type in NUMBERS and not limits[0] <= wished <= limits[1]:
            return [f"{_called(name)} goes no further than {new}"]
        return [f"{_called(name)} stays {old}"] if new == old else []


def _wished(parameter: Parameter, old: Any, amount: Amount) -> Any:
    """Value that a change asks for, before any limit. Raises WrongValueError where there is none."""
    number = type(amount.value) in (int, float) and parameter.type in NUMBERS
    if amount.how != "set" and not number:
        raise WrongValueError(f"it is no number to {amount.how} something to", "a value under `set`")
    wished = amount.value if amount.how == "set" else old + amount.value if amount.how == "add" else old * amount.value
    if number and not isfinite(wished):
        raise WrongValueError(f"{wished} is no number", "a finite one")
    return wished


def _limits(parameter: Parameter, allowed: Mapping[str, float]) -> tuple[float, float]:
    """Smallest and largest value: of the template, and of the style within that; for a whole number those that it can have."""
    low = max(-inf if parameter.min is None else parameter.min, allowed.get("min", -inf))
    high = min(inf if parameter.max is None else parameter.max, allowed.get("max", inf))
    if parameter.type is not ParameterType.INT:
        return low, high
    step = parameter.multiple_of or 1
    return (low if low == -inf else ceil(low / step) * step), (high if high == inf else floor(high / step) * step)


def _fitted(parameter: Parameter, wished: Any, limits: tuple[float, float]) -> Any:
    """Bring a number within its limits, and onto what it must be a multiple of; anything else is left as it is."""
    if parameter.type not in NUMBERS or type(wished) not in (int, float):
        return wished
    step = parameter.multiple_of or 1
    near = round(wished / step) * step if parameter.type is ParameterType.INT else round(wished, _DIGITS)
    return min(max(near, limits[0]), limits[1])


def _flat(params: Mapping[str, Any]) -> dict[str, Any]:
    weights = {weight_of(who["id"]): who["weight"] for who in params.get("characters") or ()}
    return {**{name: value for name, value in params.items() if not isinstance(value, list)}, **weights}


def weight_of(character: str) -> str:
    """Name of the weight of a character's pictures among the parameters of a take."""
    return f"characters.{character}.weight"


def _is_weight(name: str) -> bool:
    return name.startswith("characters.") and name.endswith(".weight")


def _called(name: str) -> str:
    """Name of a parameter, for people."""
    return f"identity weight of {name.split('.')[1]}" if _is_weight(name) else name.replace(WEIGHT, "identity weight")


def with_values(params: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Bound parameters with other values, as a `Retake` names them."""
    changed = {**params, **{name: value for name, value in values.items() if not _is_weight(name)}}
    if any(map(_is_weight, values)):
        changed["characters"] = [{**who, "weight": values.get(weight_of(who["id"]), who["weight"])} for who in params["characters"]]
    return changed


def without_changes(params: Mapping[str, Any], retake: Retake | None) -> dict[str, Any]:
    """Bound parameters of a take as they are in take 1."""
    return with_values(params, {change.parameter: change.old for change in retake.changes} if retake is not None else {})


def retake_to_json(retake: Retake) -> dict[str, Any]:
    """Give what a receipt says of a retake."""
    return {
        "kind": str(retake.after.kind) if retake.after is not None else "",
        "after": retake.after.number if retake.after is not None else None,
        "why": retake.after.message if retake.after is not None else "",
        "seed": "new" if retake.seed_of == retake.number else "keep",
        "seed_of": retake.seed_of,
        "restart": retake.restart,
        "changes": [{"parameter": change.parameter, "from": change.old, "to": change.new} for change in retake.changes],
        "notes": list(retake.notes),
    }


def retake_facts(retake: Retake | None, limit: int) -> dict[str, Any] | None:
    """Give what commands say of a take that is to be made, of `limit`; None for one that is made as the documents have it."""
    if retake is None:
        return None
    return {"take": retake.number, "limit": limit, "words": retake.sentence(limit), **retake_to_json(retake)}


def retake_from_json(number: int, said: Any) -> Retake | None:
    """Read what `retake_to_json` gave; None for anything else, as a receipt without it or one that is damaged has."""
    try:
        after = Failing(said["after"], FailureKind(said["kind"]), said["why"]) if said["kind"] else None
        changes = tuple(Alteration(change["parameter"], change["from"], change["to"]) for change in said["changes"])
        return Retake(number, said["seed_of"], changes, said["restart"], after, tuple(said["notes"]))
    except (KeyError, TypeError, ValueError):
        return None
