"""The numbers of trying again: one table by class of failure, and the times that a job waits.

A backend that is down or does not answer never counts against a job; everything that does count is bounded here.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from koma.core.request import FailureClass
from koma.core.words import BackendKind

POLL_SECONDS = 2.0  # between two questions to a backend that gives no hint
BUSY_SECONDS = 5.0  # before the next submission to a backend that is down
INTERRUPT_GRACE_SECONDS = 30.0  # nodes look for an interrupt only at progress ticks; 7.5 s are common
COLLECT_TRIES = 3  # per attempt
STEP_TRIES = 6  # of measuring, recording, publishing
STEP_SECONDS = 1.0  # before the second try; doubled each time
MAX_DELAY_SECONDS = 300.0

# How long a prompt must be absent before that is believed: longer than a server's slowest validation, nothing for one in our own process.
ABSENT_GRACE_SECONDS: Mapping[BackendKind, float] = {BackendKind.ANIMATIC: 0.0, BackendKind.COMFYUI: 10.0}


@dataclass(frozen=True, slots=True)
class Policy:
    """What follows a failure of one class.

    `attempts` is how many failed attempts, of any class, a job may have before it fails. `delay` in seconds before the next attempt,
    doubled with each failed one. `free` asks the backend for memory first.
    """

    attempts: int
    delay: float = 0.0
    free: bool = False


RETRY: Mapping[FailureClass, Policy] = {
    FailureClass.VALIDATION: Policy(attempts=1),
    FailureClass.MISSING_MODEL: Policy(attempts=1),
    FailureClass.MISSING_NODE: Policy(attempts=1),
    FailureClass.INPUT: Policy(attempts=1),
    FailureClass.TIMEOUT: Policy(attempts=1),
    FailureClass.NODE: Policy(attempts=2, delay=1.0),
    FailureClass.OUT_OF_MEMORY: Policy(attempts=2, delay=2.0, free=True),
    FailureClass.INTERRUPTED: Policy(attempts=5, delay=5.0),
    FailureClass.LOST: Policy(attempts=3, delay=1.0),
    FailureClass.BACKEND_DOWN: Policy(attempts=20, delay=5.0),
    FailureClass.NO_OUTPUT: Policy(attempts=2, delay=1.0),
    FailureClass.BAD_OUTPUT: Policy(attempts=2, delay=1.0),
    FailureClass.INTERNAL: Policy(attempts=2, delay=5.0),
}


@dataclass(frozen=True, slots=True)
class Again:
    """Another attempt, after `delay` seconds, with memory freed first or not."""

    delay: float
    free: bool


# A prompt that was running when the server died may have killed it; one that only waited there is hardly to blame, and is counted apart.
VANISHED = Policy(attempts=20, delay=1.0)


def after(policy: Policy, failed_before: int) -> Again | None:
    """Whether another attempt follows this failure; None when the job has failed. `failed_before` does not count this one."""
    if failed_before + 1 >= policy.attempts:
        return None
    return Again(_doubled(policy.delay, failed_before), policy.free)


def step_delay(failed_steps: int) -> float:
    """Seconds before the next try of a step that has failed so many times (1 or more)."""
    return _doubled(STEP_SECONDS, failed_steps - 1)


def _doubled(first: float, times: int) -> float:
    return float(min(first * 2**times, MAX_DELAY_SECONDS))
