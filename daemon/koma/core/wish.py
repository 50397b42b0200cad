"""What a person asks of a running daemon: small values left in the inbox by other commands."""

from dataclasses import dataclass
from enum import StrEnum


class Wish(StrEnum):
    """What can be asked."""

    RETRY = "retry"
    CANCEL = "cancel"
    ALLOW = "allow"
    PAUSE = "pause"
    RESUME = "resume"


@dataclass(frozen=True, slots=True)
class Request:
    """One wish. `targets` are target id patterns (retry, cancel), `plan` a plan digest (allow). `name` is the file it came in."""

    wish: Wish
    targets: tuple[str, ...] = ()
    plan: str = ""
    name: str = ""
