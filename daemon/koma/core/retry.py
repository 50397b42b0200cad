"""The numbers of trying again: one table by class of failure, and the times that a job waits.

A backend that is down or does not answer never counts against a job; everything that does count is bounded here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import NamedTuple

from koma.core.request import FailureClass
from koma.core.words import BackendKind

POLL_SECONDS = 2.0  # between two questions to a backend that gives no hint
BUSY_SECONDS = 5.0  # before the next submission to a backend that is down
INTERRUPT_GRACE_SECONDS = 30.0  # nodes look for an interrupt only at progress ticks; 7.5 s are common
COLLECT_TRIES_ELSE = 3  # per attempt
STEP_TRIES = 6  # of measuring, recording, publishing
STEP_SECONDS = 1.0  # before the second try; doubled each time
MAX_DELAY_SECONDS = 300.0
DEADLINE_FACTOR = 10.0
SHORTEST_DEADLINE = 600.0  # seconds; what is quick may have to load its models first
NO_PROGRESS_SECONDS = 600.0  # without a sign of life: a checkpoint of 10 GB from a slow disk takes minutes, and says nothing meanwhile
STRETCH = 2.0  # times what a render may well take: hints get lost, and some nodes give none
IDLE_SECONDS = 60.0  # a server that holds prompts and runs none: between two of them it loads nothing, that is part of a prompt

# How long a prompt must be absent before that is believed: longer than a server's slowest validation, nothing for one in our own process.
ABSENT_GRACE_SECONDS: Mapping[BackendKind, float] = {BackendKind.ANIMATIC: 0.0, BackendKind.CPU: 0.0, BackendKind.COMFYUI: 10.0}


@dataclass(frozen=True, slots=True)
class Policy:
    """What follows a failure of one class.

    `attempts` is how many failed attempts, of any class but out of memory, a job may have before it fails; of those that ran out of memory,
    how many on the document as it was asked for. `delay` in seconds before the next attempt, doubled with each failed one.
    """

    attempts: int
    delay: float = 0.0


# Files that can't be fetched for now, or not be kept, have been paid for: about an hour and a half goes by before they are given up.
COLLECT_TRIES: Mapping[FailureClass, int] = {FailureClass.BACKEND_DOWN: 25, FailureClass.DISK: 25}

# What is missing may be about to be installed. A plan that knows of it holds the target, and then takes the job back long before the last.
APPEARING = Policy(attempts=3, delay=30.0)
MAY_APPEAR = frozenset({FailureClass.MISSING_MODEL, FailureClass.MISSING_NODE})

RETRY: Mapping[FailureClass, Policy] = {
    FailureClass.VALIDATION: Policy(attempts=1),
    FailureClass.MISSING_MODEL: APPEARING,
    FailureClass.MISSING_NODE: APPEARING,
    FailureClass.INPUT: Policy(attempts=1),
    FailureClass.TIMEOUT: Policy(attempts=1),
    FailureClass.NODE: Policy(attempts=2, delay=1.0),
    FailureClass.OUT_OF_MEMORY: Policy(attempts=2, delay=2.0),
    FailureClass.INTERRUPTED: Policy(attempts=5, delay=5.0),
    FailureClass.LOST: Policy(attempts=3, delay=1.0),
    FailureClass.BACKEND_DOWN: Policy(attempts=20, delay=5.0),
    FailureClass.DISK: Policy(attempts=20, delay=5.0),
    FailureClass.NO_OUTPUT: Policy(attempts=2, delay=1.0),
    FailureClass.BAD_OUTPUT: Policy(attempts=2, delay=1.0),
    FailureClass.INTERNAL: Policy(attempts=2, delay=5.0),
}


# A prompt that was running when the server died may have killed it; one that only waited there is hardly to blame, and is counted apart.
VANISHED = Policy(attempts=20, delay=1.0)


def after(policy: Policy, failed_before: int) -> float | None:
    """Seconds before another attempt after this failure; None when the job has failed. `failed_before` does not count this one."""
    if failed_before + 1 >= policy.attempts:
        return None
    return _doubled(policy.delay, failed_before)


class Relief(Enum):
    """What is done about an attempt that ran out of memory."""

    FREE = auto()  # let go of models, and the same once more
    REDUCE = auto()  # the next fallback
    RESTART = auto()  # the restart command of the backend


RESTARTS = 1  # runs of the restart command for one job


def relief(out_of_memory: int, fallbacks_left: int, restarts: int) -> Relief | None:
    """Say what follows when memory ran out; None when the job has failed. Counts are those before this failure."""
    if after(RETRY[FailureClass.OUT_OF_MEMORY], out_of_memory) is not None:
        return Relief.FREE
    if fallbacks_left > 0:
        return Relief.REDUCE
    return Relief.RESTART if restarts < RESTARTS else None


class Patience(NamedTuple):
    """How long a render may take: so many times what is expected, so long without a sign of progress, so long at a server that is idle."""

    deadline_factor: float = DEADLINE_FACTOR
    no_progress_seconds: float = NO_PROGRESS_SECONDS
    idle_seconds: float = IDLE_SECONDS

    def deadline(self, expected: float) -> float:
        """Seconds after which a render that is expected to take so many counts as stuck."""
        return max(SHORTEST_DEADLINE, self.deadline_factor * expected)

    def no_progress(self, expected: float) -> float:
        """Seconds without any sign of progress after which a render that is expected to take so many counts as stuck."""
        return max(self.no_progress_seconds, STRETCH * expected)


def step_delay(failed_steps: int) -> float:
    """Seconds before the next try of a step that has failed so many times (1 or more)."""
    return _doubled(STEP_SECONDS, failed_steps - 1)


def _doubled(first: float, times: int) -> float:
    return float(min(first * 2**times, MAX_DELAY_SECONDS))
