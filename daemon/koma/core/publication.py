"""Takes of a target beside what is published of it: which is to be judged again, and why one is put into the outputs folder. Pure."""

from collections.abc import Sequence

from koma.core.rows import Published, TakeRow
from koma.core.target import Target
from koma.core.words import ActionKind, Reason, Verdict


def by_target(found: Sequence[TakeRow]) -> dict[tuple[str, str], list[TakeRow]]:
    """Sort take rows by target and render_key."""
    rows: dict[tuple[str, str], list[TakeRow]] = {}
    for row in found:
        rows.setdefault((row.target, row.render_key), []).append(row)
    return rows


def stale(target: Target, takes: Sequence[TakeRow]) -> tuple[ActionKind, Reason, TakeRow] | None:
    """Find a take, of those whose object is there, that is to be measured or judged again: CPU time only, and nothing at all for a rule.

    One that lacked something when it was measured is measured again when that may be there.
    """
    unmeasured = next((row for row in takes if row.measure_key not in (target.measure_key, target.lacking_key)), None)
    if unmeasured is not None:
        return ActionKind.MEASURE, Reason.METRIC_CHANGED, unmeasured
    unjudged = next((row for row in takes if row.rules_digest != target.rules_digest), None)
    return None if unjudged is None else (ActionKind.GATE, Reason.RULE_CHANGED, unjudged)


def lacking(target: Target, takes: Sequence[TakeRow]) -> TakeRow | None:
    """Find the newest take, of those whose object is there, that has no verdict since something lacked when it was measured."""
    found = (row for row in takes if row.measure_key != target.measure_key and not row.approved and row.verdict in _NO_VERDICT)
    return max(found, key=lambda row: row.number, default=None)


_NO_VERDICT = frozenset({Verdict.UNMEASURED, Verdict.ERROR})


def why_publish(target: Target, key: str, best: TakeRow, published: Published | None) -> tuple[ActionKind, Reason]:
    """Tell whether a take is published or comes back, and why."""
    if published is None:
        return ActionKind.PUBLISH, Reason.UNPUBLISHED if best.target == target.id else Reason.MOVED
    if published.take_key == best.take_key:
        return ActionKind.PUBLISH, Reason.MISSING_OUTPUT
    return (ActionKind.PUBLISH, Reason.UNPUBLISHED) if published.render_key == key else (ActionKind.RESTORE, Reason.REVERTED)
