"""Circuit breakers: a template whose targets fail one after the other is not tried with all the others as well. Pure.

A circuit is closed while all is well. When several targets of one template failed in a row, it opens: the others wait. After a time one of
them is let through. If that succeeds, the circuit closes; if not, it stays open for longer. Another version of the template, or another
server, node pack or model file, closes it as well.
"""

from dataclasses import dataclass, replace
from enum import Enum, auto

from koma.core.request import FailureClass

OPENS_AFTER = 3  # targets in a row
FIRST_REST = 600.0  # seconds until one is let through; doubled with each that fails
LONGEST_REST = 4 * 3600.0

# What a template, its models or its nodes can be blamed for. The rest says something of one document, of a server or of a person.
BLAMED = frozenset(
    {
        FailureClass.VALIDATION,
        FailureClass.MISSING_MODEL,
        FailureClass.MISSING_NODE,
        FailureClass.NODE,
        FailureClass.OUT_OF_MEMORY,
        FailureClass.NO_OUTPUT,
        FailureClass.TIMEOUT,
    }
)


class Position(Enum):
    """Whether targets of a template may be rendered."""

    CLOSED = auto()  # all of them
    HALF = auto()  # one, to see
    OPEN = auto()  # none


@dataclass(frozen=True, slots=True)
class Circuit:
    """What is remembered of one template. `failed` are targets that failed in a row, the newest last.

    `of` says of which template and server that is (a digest). `until` is when one is let through (epoch seconds), 0 for a circuit that was
    never open; `times` counts how often it opened in a row. `why` is what the last one failed of.
    """

    failed: tuple[str, ...] = ()
    of: str = ""
    until: float = 0.0
    times: int = 0
    why: str = ""

    def position(self, of: str, now: float) -> Position:
        """Say whether its targets may be rendered, by a template and a server that have this digest now."""
        if self.until <= 0 or self.of != of:
            return Position.CLOSED
        waits = 0 < self.until - now <= LONGEST_REST  # none is longer: then the clock was set back
        return Position.OPEN if waits else Position.HALF


GOOD = Circuit()


def digest_of(template_digest: str, server: str) -> str:
    """Name what a circuit is about: a template as it is, and a server as it is."""
    return f"{template_digest} {server}"


def after_failure(circuit: Circuit, target: str, of: str, why: str, now: float) -> Circuit:
    """Count a target that failed. What was at the backend already when the circuit opened does not keep it open for longer."""
    if circuit.of != of:
        circuit = Circuit(of=of)
    counted = replace(circuit, failed=(*(name for name in circuit.failed if name != target), target)[-OPENS_AFTER:], why=why)
    if circuit.position(of, now) is Position.OPEN or len(counted.failed) < OPENS_AFTER:
        return counted
    return replace(counted, until=now + rest_of(counted.times), times=counted.times + 1)


def rest_of(times: int) -> float:
    """Seconds for which a circuit opens that has been open so many times in a row."""
    return min(LONGEST_REST, FIRST_REST * 2.0 ** min(times, 16))
