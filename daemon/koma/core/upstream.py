"""What downstream targets read of one that was planned: the pixels of a good take, and nothing of any other. Pure."""

from collections.abc import Sequence
from typing import NamedTuple

from koma.core.action import Action
from koma.core.rows import Published, TakeRow
from koma.core.target import LAST
from koma.core.words import ActionKind, Verdict

_JUDGING = frozenset({ActionKind.MEASURE, ActionKind.GATE})


class Upstream(NamedTuple):
    """What downstream targets need to know of one that was planned: pixels and last frame if decided, whether it passed, its action."""

    content: str
    passed: bool
    action: ActionKind
    last: str = ""

    def part(self, name: str) -> str:
        """Content digest of a part: "" for all of it, or LAST."""
        return self.last if name == LAST else self.content


def good_take(action: Action, takes: Sequence[TakeRow], published: Published | None) -> TakeRow | None:
    """Find the take that is read: one that passed, was approved, or belongs to a decided key."""
    there = published.take_key if published is not None and published.render_key == action.key else ""
    # Whichever take is being judged again: until that is over, what lies in the outputs folder is what is read.
    read = (there,) if action.action in _JUDGING else (action.take_key, there)
    good = (row for row in takes if row.verdict == Verdict.PASSED or row.approved or row.decided)
    by_key = {row.take_key: row for row in good}
    return next((by_key[key] for key in read if key in by_key), None)
