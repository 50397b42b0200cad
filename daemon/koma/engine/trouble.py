"""What earlier trouble means for a plan: failed takes that are tried again, templates whose circuits are open, a server that is stuck."""

from collections.abc import Callable, Sequence

from koma.core.action import Observed, Plan
from koma.core.circuit import Circuit
from koma.core.flags import CIRCUIT, HEALTH, kept
from koma.core.forgiving import errored, tried_again_at
from koma.core.holdback import Signs, hold_back
from koma.core.job import Job
from koma.core.rows import TakeRow
from koma.core.supervision import Health
from koma.ports import Store


def again_at(store: Store, row: TakeRow, server: str) -> float | None:
    """Say from when on a failed take is tried again (epoch seconds); None while a person decides. `server` is a digest of that of now."""
    take = store.take(row.take_key)
    if take is None or take.failure is None:
        return None
    return tried_again_at(errored(take.failure.kind, take.finished_at, take.receipt), server)


def held_back(plan: Plan, observed: Observed, jobs: Sequence[Job], server: str, counted: Callable[[str], bool]) -> Plan:
    """Hold what waits for a template or a server, by what the store remembers of them."""
    stuck = {kind: health.stuck for kind, health in kept(Health, observed.flags, HEALTH).items()}
    return hold_back(plan, Signs(kept(Circuit, observed.flags, CIRCUIT), stuck, server, observed.now), jobs, counted)
