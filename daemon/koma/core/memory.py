"""Graphics memory between jobs: when a server is asked to let go of models before a submission, and how long that may take. Pure.

ComfyUI keeps models resident, so memory in use says little by itself. It matters when the next job loads other models on top of them.
"""

from dataclasses import dataclass
from enum import Enum, StrEnum, auto

ROOM_SECONDS = 60.0  # from asking for memory to submitting all the same: a server frees after its current prompt, or not at all


class FreeRule(StrEnum):
    """When memory is asked for."""

    FAMILY = "family"  # before a job of another model family, if more than the limit is in use
    ALWAYS = "always"  # before every job, whatever is in use


@dataclass(frozen=True, slots=True)
class Care:
    """How one server's memory is looked after: `limit` is the share of it (0..1) above which it counts as full."""

    limit: float = 0.8
    rule: FreeRule = FreeRule.FAMILY

    def looks(self, loaded: str, family: str) -> bool:
        """Whether memory is looked at before a job of this family, while the models of `loaded` ("" if nobody knows) are there."""
        return self.rule is FreeRule.ALWAYS or loaded != family


@dataclass(frozen=True, slots=True)
class Clearing:
    """A job that sees to memory before it is submitted: since when (epoch seconds), whether it asked, and the bytes in use when it did."""

    care: Care
    since: float
    asked: bool = False
    before: int | None = None


@dataclass(frozen=True, slots=True)
class Freed:
    """What asking for memory came to: bytes in use before and after (None where the server does not say), and seconds waited."""

    before: int | None
    after: int | None
    waited: float


class Room(Enum):
    """What follows from a look at the memory."""

    SUBMIT = auto()
    FREE = auto()
    WAIT = auto()


def room(clearing: Clearing, used: int | None, total: int | None, now: float) -> Room:
    """Decide after a look: submit, ask for memory, or wait and look again. A server that does not tell never counts as full."""
    full = used is not None and total is not None and used > clearing.care.limit * total
    if not clearing.asked:
        return Room.FREE if full or clearing.care.rule is FreeRule.ALWAYS else Room.SUBMIT
    return Room.WAIT if full and now - clearing.since < ROOM_SECONDS else Room.SUBMIT


def freed(clearing: Clearing, used: int | None, now: float) -> Freed | None:
    """Give the record of a wait for memory; None where none was asked for."""
    return Freed(clearing.before, used, max(0.0, now - clearing.since)) if clearing.asked else None
