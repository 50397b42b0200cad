"""What a later take of a target changes: from the gate results of the takes before it, or as the receipt of that very take has it."""

from collections.abc import Collection, Sequence

from koma.core.draft import Draft
from koma.core.failure_kind import Failing, failing
from koma.core.problem import Problem
from koma.core.retakes import Bench, Retake, policy_of, retake_from_json, retake_of, with_values
from koma.core.rows import TakeRow
from koma.core.style import ranges_of
from koma.core.take import Take
from koma.core.target import Target
from koma.core.words import BackendKind, Verdict
from koma.core.world import World
from koma.engine.drafting import Drafting
from koma.engine.locating import locate
from koma.engine.wanted import Desires, Wanted
from koma.ports import Store


class Retakes:
    """Works out retakes. `restarts` are the kinds of backend that have a restart command."""

    def __init__(self, desires: Desires, drafting: Drafting, store: Store, restarts: Collection[BackendKind]) -> None:
        self._desires = desires
        self._drafting = drafting
        self._store = store
        self._restarts = restarts

    def retake(self, wanted: Wanted, target: Target, rows: Sequence[TakeRow], number: int) -> Retake | None:
        """Say what take `number` (2 or more) of a render_key changes; `rows` are its takes, as people decided about them.

        A take that was made before is made again as it was. None for a target that is not written any more, and for what the CPU makes:
        that has neither seed nor parameters.
        """
        if target.backend == BackendKind.CPU:
            return None
        made = next((row for row in rows if row.number == number), None)
        if made is not None:
            return recorded(self._store.take(made.take_key))
        found = locate(wanted, self._desires, target.id)
        draft = self._drafting.draft(found, target, self._desires.documents.place) if found is not None else None
        if found is None or draft is None:
            return None
        return self._worked_out(found.world, target, draft, self._failed(rows), number)

    def _failed(self, rows: Sequence[TakeRow]) -> list[Failing]:
        takes = ((row, self._store.take(row.take_key)) for row in rows if row.verdict == Verdict.FAILED)
        found = (failing(row.number, take.gate, rejected=True) for row, take in takes if take is not None)
        return [one for one in found if one is not None]

    def _worked_out(self, world: World, target: Target, draft: Draft, failed: Sequence[Failing], number: int) -> Retake:
        template = draft.template
        bench = Bench(draft.params, template.manifest if template is not None else None, ranges_of(world))
        can_restart = BackendKind(target.backend) in self._restarts
        retake = retake_of(policy_of(world.project.data), number, failed, bench, up_front=target.takes_wanted, can_restart=can_restart)
        if template is None or not retake.changes:
            return retake
        graph = self._drafting.graphs.graph(template, with_values(draft.params or {}, retake.values))
        if not isinstance(graph, Problem):
            return retake
        note = f"nothing but the seed: with the values asked for there is no graph ({graph.message})"
        return retake._replace(seed_of=number, changes=(), notes=(*retake.notes, note))


def recorded(take: Take | None) -> Retake | None:
    """Say what a take changed, as its receipt has it; None for a first take, and for one that is not known."""
    if take is None or take.number == 1:
        return None
    return retake_from_json(take.number, take.receipt.get("retry")) or Retake(take.number, take.number)
