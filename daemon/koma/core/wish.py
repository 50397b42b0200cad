"""What a person asks of a running daemon: small values left in the inbox by other commands."""

from dataclasses import dataclass
from enum import StrEnum

from koma.core.jsontext import read_json

MAX_BYTES = 1024 * 1024  # of one wish: the names of ten thousand targets


class Wish(StrEnum):
    """What can be asked."""

    RETRY = "retry"
    CANCEL = "cancel"
    ALLOW = "allow"
    PAUSE = "pause"
    PAUSE_AFTER_CURRENT = "pause-after-current"
    RESUME = "resume"
    COLLECT = "collect"


@dataclass(frozen=True, slots=True)
class Request:
    """One wish. `targets` are target id patterns (retry, cancel), `plan` a plan digest (allow).

    `name` is the file it came in; `days` says how long retired files are kept (collect), None as the settings have it.
    """

    wish: Wish
    targets: tuple[str, ...] = ()
    plan: str = ""
    name: str = ""
    days: float | None = None


def read_request(text: bytes, name: str) -> Request:
    """Read a wish that lies in the inbox as the file `name`. Raises ValueError for anything else."""
    document = read_json(text, MAX_BYTES)
    if not isinstance(document, dict):
        raise ValueError(f"{name} holds no JSON object")  # noqa: TRY004  # what a file holds is a value
    targets, plan, days = document.get("targets") or [], document.get("plan") or "", document.get("days")
    named = isinstance(targets, list) and all(isinstance(target, str) for target in targets) and isinstance(plan, str)
    if not named or not isinstance(days, int | float | None):
        raise ValueError(f"{name} is not as Koma writes wishes")
    return Request(Wish(str(document.get("wish"))), tuple(targets), plan, name, None if days is None else max(0.0, float(days)))
