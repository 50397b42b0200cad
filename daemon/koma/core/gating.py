"""Phases while a plan is made: who has passed so far, who still may, and whether what comes next is open. Pure.

Counted are the shots' own targets (`p/s/sh/still`). Segments and finishing steps take no part, nor does what a person took out: by `hold`,
by `koma cancel`, or by naming other targets for one run. The poses of a sheet count among themselves.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import NamedTuple

from koma.core.phases import GateSettings, Key, PhaseRate, Tally, rates, said_of, sheet_rate
from koma.core.target import SHEETS, Target, is_of_sheet
from koma.core.words import Phase, Reason

_SHOT_PARTS = 4
_HELD = frozenset({Reason.HELD_BY_SPEC, Reason.HELD_BY_REVIEW})


class Gating(NamedTuple):
    """What one project says about its phases, and what people decided: (scope, phase) that they approved and rejected."""

    settings: GateSettings = GateSettings()
    approved: frozenset[Key] = frozenset()
    rejected: frozenset[Key] = frozenset()


class _Count:
    """Of one scope and phase, or of one sheet: how many passed, ids of those that did not, and of those that will not by themselves."""

    def __init__(self) -> None:
        self.passed = 0
        self.wanted: dict[str, None] = {}
        self.stuck: set[str] = set()

    def tally(self, *, hopeful: bool) -> Tally:
        """Count; `hopeful` as if everything passed that is not stuck."""
        if hopeful:
            return Tally(self.passed + len(self.wanted) - len(self.stuck), self.passed + len(self.wanted), tuple(self.stuck))
        return Tally(self.passed, self.passed + len(self.wanted), tuple(self.wanted))


class Phases:
    """The phases of the projects that a plan is about. Targets are noted upstream first, and asked about in the same order."""

    def __init__(self, gatings: Mapping[str, Gating], counted: Callable[[str], bool]) -> None:
        self._gatings = gatings
        self._counted = counted
        self._counts: dict[Key, _Count] = {}
        self._sheets: dict[str, _Count] = {}
        self._answers: dict[tuple[str, str, bool], PhaseRate | None] = {}

    def expect(self, targets: Iterable[Target]) -> None:
        """Take note of targets that are not known to have passed yet."""
        for target in targets:
            if target.hold not in _HELD and (count := self._count(target.id)) is not None:
                count.wanted[target.id] = None

    def passed(self, ids: Iterable[str]) -> None:
        """Take note of targets that passed."""
        for target_id in ids:
            count = self._count(target_id)
            if count is not None:
                count.passed += 1
                count.wanted.pop(target_id, None)

    def left_out(self, target_id: str) -> None:
        """Take note of a target that a person took out."""
        count = self._count(target_id)
        if count is not None:
            count.wanted.pop(target_id, None)

    def stuck(self, target_id: str) -> None:
        """Take note of a target that will not pass unless a person does something."""
        count = self._count(target_id)
        if count is not None and target_id in count.wanted:
            count.stuck.add(target_id)

    def _count(self, target_id: str) -> _Count | None:
        parts = target_id.split("/")
        gating = self._gatings.get(parts[0])
        if gating is None or not self._counted(target_id):
            return None
        if parts[1] == SHEETS:
            return self._sheets.setdefault("/".join(parts[:_SHOT_PARTS]), _Count())
        if len(parts) != _SHOT_PARTS:
            return None
        return self._counts.setdefault((gating.settings.scope_of(target_id), parts[3]), _Count())

    def is_approved(self, target_id: str, phase: str) -> bool:
        """Whether a person approved this phase for the scope of a target."""
        gating = self._gatings.get(target_id.partition("/")[0])
        return gating is not None and said_of((gating.settings.scope_of(target_id), phase), gating.approved, gating.rejected) is True

    def closed(self, target: Target, *, hopeful: bool) -> PhaseRate | None:
        """Rate of what keeps a target closed, a phase or a sheet, None where it is open; `hopeful` as if all passed that still may."""
        gating = self._gatings.get(target.project)
        if gating is None:
            return None
        for sheet in target.sheets:
            found = sheet_rate(sheet, self._sheets.get(sheet, _Count()).tally(hopeful=hopeful), gating.settings)
            if not found.is_open:
                return found
        if is_of_sheet(target.id):
            return None
        return self._closed(gating.settings.scope_of(target.id), target.phase, gating, hopeful=hopeful)

    def _closed(self, scope: str, phase: str, gating: Gating, *, hopeful: bool) -> PhaseRate | None:
        """Answer once: whoever asks about a phase has noted everything of the phases before it."""
        key = (scope, phase, hopeful)
        if key not in self._answers:
            rate = self._rates_of(scope, gating, hopeful=hopeful).get((scope, phase))
            self._answers[key] = rate if rate is not None and not rate.is_open else None
        return self._answers[key]

    def _rates_of(self, scope: str, gating: Gating, *, hopeful: bool) -> dict[Key, PhaseRate]:
        tallies = {key: count.tally(hopeful=hopeful) for key, count in self._counts.items() if key[0] == scope}
        return rates(tallies, gating.settings, gating.approved, gating.rejected)

    def rates(self) -> dict[Key, PhaseRate]:
        """Every phase of every scope as it stands now, and every sheet."""
        found: dict[Key, PhaseRate] = {}
        scopes: Collection[str] = dict.fromkeys(scope for scope, _ in self._counts)
        for sheet, count in self._sheets.items():
            rate = sheet_rate(sheet, count.tally(hopeful=False), self._gatings[sheet.partition("/")[0]].settings)
            found[sheet, rate.phase] = rate
        for scope in scopes:
            found |= self._rates_of(scope, self._gatings[scope.partition("/")[0]], hopeful=False)
        return found


def counts_as_passed(target: Target, *, approved: bool) -> bool:
    """Whether a target with a good take has passed its phase: an animatic only once a person approved it."""
    return approved or target.phase != Phase.ANIMATIC
