"""What a plan is made of: actions with their reasons, what they were decided from, and which targets are spoken of."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from koma.core.rows import Published, TakeRow
from koma.core.target import Target
from koma.core.words import ActionKind, BackendKind, Reason

if TYPE_CHECKING:
    from koma.core.phases import PhaseRate
    from koma.core.retakes import Retake

_NONE: Mapping[Any, Any] = {}
LEAST_SECONDS = 0.001
UNSURE = 1.5  # how much longer than its estimate a render may well take before there is any experience


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

    `key` is its render_key, "" while an upstream target is undecided (`certain` is False then). `take_number` is the take that a render
    would make, `take_key` the take that restore, measure, gate and publish are about. `cause` is the target id that this one follows from,
    "" for a root cause. `waits_for` are needed targets that are not there yet. Seconds are GPU seconds, 0 where nothing renders. `message`
    says in words what keeps it from going on: of a render, that its phase is closed. `retake` says what a later take changes and why, None
    for a first take and for those that are made up front. `until` is when it goes on by itself (epoch seconds), 0 where that is not known.
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
    retake: "Retake | None" = None
    until: float = 0.0


class Observed(NamedTuple):
    """What there is. `takes` loads take rows of render keys when they are needed; `missing` are published paths whose file is gone.

    `running` maps (target, render_key) of unfinished jobs to their action; `flags` are the store's small facts; `has_object` says whether
    an object is there, given its digest and the suffix of the file people see; `durations` gives past render seconds by template; `pinned`
    finds the take that a target is pinned to, given the target and the pin. `doubted` are ids of targets whose published take was rejected.
    `retake` works out what a take changes, given the target, all takes of its render_key, and the number; None where nothing is known.
    `again` says from when on a take that ended in an error is tried again (epoch seconds), None while a person decides; `now` is the time.
    """

    published: Mapping[str, Published]
    takes: Callable[[Iterable[str]], Sequence[TakeRow]]
    missing: Collection[str] = ()
    running: Mapping[tuple[str, str], str] = _NONE
    flags: Mapping[str, str] = _NONE
    has_object: Callable[[str, str], bool] = lambda _digest, _suffix: True
    durations: Callable[[], Mapping[str, Sequence[float]]] = dict
    pinned: Callable[[Target, str], TakeRow | None] = lambda _target, _pin: None
    doubted: Collection[str] = ()
    retake: "Callable[[Target, Sequence[TakeRow], int], Retake | None]" = lambda _target, _takes, _number: None
    again: Callable[[TakeRow], float | None] = lambda _take: None
    now: float = 0.0

    def cost(self, target: Target) -> tuple[float, float]:
        """GPU seconds of one render: median and 90th percentile of past renders of its template, else its estimate; never 0.

        What the CPU makes takes none.
        """
        if target.backend == BackendKind.CPU:
            return LEAST_SECONDS, LEAST_SECONDS
        past = sorted(self.durations().get(target.template, ()))
        if not past:
            return max(target.estimate_seconds, LEAST_SECONDS), max(target.estimate_seconds * UNSURE, LEAST_SECONDS)
        return max(quantile(past, 0.5), LEAST_SECONDS), max(quantile(past, 0.9), LEAST_SECONDS)


def quantile(ordered: Sequence[float], share: float) -> float:
    """Quantile of sorted values by linear interpolation; `share` in 0..1."""
    place = (len(ordered) - 1) * share
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


class Selection(NamedTuple):
    """Which targets a plan speaks of: those matching `targets` (all if empty), less `excluded`; both are predicates over ids."""

    targets: Callable[[str], bool] | None = None
    excluded: Callable[[str], bool] | None = None

    def takes(self, target_id: str) -> bool:
        """Whether this target is spoken of."""
        return self is EVERYTHING or (
            (self.targets is None or self.targets(target_id)) and not (self.excluded is not None and self.excluded(target_id))
        )


EVERYTHING = Selection()


class Plan(NamedTuple):
    """Every target's action. `kept` are ids of keeps that are not listed in `actions`; `current` those of them that were seen at once.

    `phases` tells by (scope, phase) how far each phase is; nothing where nothing is to be done.
    """

    actions: list[Action]
    kept: list[str]
    current: Collection[str] = ()
    phases: "Mapping[tuple[str, str], PhaseRate]" = _NONE

    def summary(self) -> dict[str, int]:
        """Count actions by kind, zeros included."""
        counts = dict.fromkeys(map(str, ActionKind), 0)
        for action in self.actions:
            counts[action.action] += 1
        counts[ActionKind.KEEP] += len(self.kept)
        return counts
