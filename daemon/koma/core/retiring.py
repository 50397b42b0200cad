"""What is published and wanted no more: retired, or held where it may only be unreadable for now. Pure."""

from collections.abc import Collection, Iterable, Sequence

from koma.core.action import Action
from koma.core.words import ActionKind, Reason


def unwanted(published: Iterable[str], wanted: Collection[str], blocked: Sequence[str], left: Collection[str]) -> list[Action]:
    """Retire published targets that nobody wants; hold those under the id prefixes that are `blocked`.

    `left` are ids that targets were renamed from: these are retired whatever is blocked.
    """
    prefixes = tuple(f"{prefix}/" for prefix in blocked)
    actions = []
    for target_id in sorted(set(published).difference(wanted)):
        unsure = bool(prefixes) and target_id.startswith(prefixes) and target_id not in left
        gone = Reason.MOVED if target_id in left else Reason.REMOVED
        actions.append(Action(target_id, *((ActionKind.HOLD, Reason.BLOCKED) if unsure else (ActionKind.RETIRE, gone))))
    return actions
