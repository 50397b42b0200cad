"""One job: a take on its way from the queue to the outputs folder. Its states, which may follow which, and what is stored.

What happens to a job is decided in koma.core.decide; the events and effects are values in koma.core.step.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from koma.core.against import NOTHING, Against
from koma.core.gate import GateResult, Measurement, Rule
from koma.core.media import Artifact
from koma.core.memory import Clearing, Freed
from koma.core.request import Failure, RenderRequest
from koma.core.retry import IDLE_SECONDS, NO_PROGRESS_SECONDS
from koma.core.words import ActionKind, BackendKind


class JobState(StrEnum):
    """Where a job is. QUEUED..COLLECTING hold the GPU lane, MEASURING..PUBLISHING the CPU lane."""

    QUEUED = "queued"
    SUBMITTING = "submitting"  # the prompt id is stored, the POST may or may not have arrived
    SUBMITTED = "submitted"  # the backend has it, waiting or running
    COLLECTING = "collecting"  # rendered; files are being fetched
    MEASURING = "measuring"
    JUDGING = "judging"
    PUBLISHING = "publishing"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


TERMINAL = frozenset({JobState.DONE, JobState.FAILED, JobState.CANCELLED})

# Which state may follow which. The stores refuse everything else.
TRANSITIONS: Mapping[JobState, frozenset[JobState]] = {
    JobState.QUEUED: frozenset({JobState.SUBMITTING, JobState.CANCELLED, JobState.FAILED}),
    JobState.SUBMITTING: frozenset({JobState.SUBMITTED, JobState.QUEUED, JobState.COLLECTING, JobState.FAILED, JobState.CANCELLED}),
    JobState.SUBMITTED: frozenset({JobState.COLLECTING, JobState.QUEUED, JobState.FAILED, JobState.CANCELLED}),
    JobState.COLLECTING: frozenset({JobState.MEASURING, JobState.QUEUED, JobState.FAILED, JobState.CANCELLED}),
    JobState.MEASURING: frozenset({JobState.JUDGING, JobState.FAILED, JobState.CANCELLED}),
    JobState.JUDGING: frozenset({JobState.PUBLISHING, JobState.DONE, JobState.FAILED, JobState.CANCELLED}),
    JobState.PUBLISHING: frozenset({JobState.DONE, JobState.FAILED}),
    JobState.DONE: frozenset(),
    JobState.FAILED: frozenset(),
    JobState.CANCELLED: frozenset(),
}


@dataclass(frozen=True, slots=True)
class Fallback:
    """What is submitted instead when memory runs out: what it gives up, in words, the document, and what it changes in `Work.expect`."""

    name: str
    document: Mapping[str, Any]
    expect: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Work:
    """Everything a job needs, frozen when it was queued: no later edit of a document reaches it.

    `stem` is the output path without suffix, relative to outputs/ (`lantern-street/s01/sh010/video.animatic`). `measures` are
    metric ids, `rules` the gate. `expect` holds what the file contract compares with (`width`, `height` in px, `frames`, `fps`,
    `motion` bool). `facts` and `origin` (commit, versions, template digest, resolved description) go into the receipt.
    `takes_wanted` is how many takes there must be before one is published; `takes_limit` how many may be tried.
    `estimate_seconds` is the expected render time. `family` is the model family, for ordering. `priority`: higher first.
    `fallbacks` are tried one after the other when memory runs out; empty where the project wants all or nothing. `against` is what the
    file is compared with, `score_keys` what each metric's number depends on: what was measured under the same is not measured again.
    `lacking_key` stands in for `measure_key` while a metric lacks something. `no_progress_seconds` is how long it may run without a sign of
    life, `idle_seconds` how long the backend may work on nothing while it waits there. `quick_seconds` is what a quarter of enough past
    renders of its template stayed below, 0 where there are too few. `asked` means that a person asked for it with `koma retry`.
    """

    target: str
    rendition: str
    phase: str
    render_key: str
    take_key: str
    number: int
    seed: int
    backend: BackendKind
    template: str
    stem: str
    request: RenderRequest | None  # None for a job that renders nothing
    measures: tuple[str, ...]
    measure_key: str
    rules: tuple[Rule, ...]
    rules_digest: str
    expect: Mapping[str, Any]
    facts: Mapping[str, Any]
    origin: Mapping[str, Any]
    takes_wanted: int = 1
    takes_limit: int = 3
    priority: int = 0
    depth: int = 0
    family: str = ""
    estimate_seconds: float = 60.0
    deadline_seconds: float = 3600.0
    fallbacks: tuple[Fallback, ...] = ()
    against: Against = NOTHING
    score_keys: Mapping[str, str] = field(default_factory=dict)
    lacking_key: str = ""
    no_progress_seconds: float = NO_PROGRESS_SECONDS
    idle_seconds: float = IDLE_SECONDS
    quick_seconds: float = 0.0
    asked: bool = False


@dataclass(frozen=True, slots=True)
class Job:
    """A job as it is stored. `action` says how it began: render, measure, gate, restore or publish.

    `attempt` counts submissions from 1 (0 before the first); `prompt_id` is that of the current attempt. `not_before` is the earliest
    time (epoch seconds) for the next submission. `doubt_since` is set while the backend's answer is unknown or the prompt absent, and
    while a cancelled or overdue prompt has not stopped yet. `failed_attempts` counts attempts whose failure counts against the job,
    `lost_attempts` those that vanished from the backend before they began, `failed_steps` failed tries of the present step (collect,
    measure, record, publish). `finished_at` before a terminal state means: it has failed, and the failed take is being recorded.
    `out_of_memory` counts attempts that ran out of memory, `reduced` how many fallbacks were gone down (0: the document as it was asked
    for), `restarts` runs of the restart command, `restart_failed` why one before the first attempt did not help; `short_of_memory` means
    that some is to be freed before the next attempt. A queued job holds its lane while it is `clearing` memory or `restarting` the
    backend; `freed` is what clearing came to before the present attempt. `idle_since` is when the backend was first seen to work on nothing
    while this waits there, 0 while it works. `withdrawn` means that it is to come back from there. `suspicious` says why what the present
    attempt gave may be no new picture, "" for no reason.
    """

    job_id: str
    action: ActionKind
    state: JobState
    work: Work
    queued_at: float
    attempt: int = 0
    prompt_id: str = ""
    submitted_at: float = 0.0
    running_since: float = 0.0
    not_before: float = 0.0
    doubt_since: float = 0.0
    cancel_asked: bool = False
    outputs: Mapping[str, Any] = field(default_factory=dict)
    artifacts: tuple[Artifact, ...] = ()
    measurements: tuple[Measurement, ...] = ()
    gate: GateResult | None = None
    failure: Failure | None = None
    render_seconds: float = 0.0
    peak_memory_bytes: int | None = None
    finished_at: float = 0.0
    failed_attempts: int = 0
    lost_attempts: int = 0
    failed_steps: int = 0
    out_of_memory: int = 0
    reduced: int = 0
    restarts: int = 0
    restart_failed: str = ""
    restarting: bool = False
    short_of_memory: bool = False
    clearing: Clearing | None = None
    freed: Freed | None = None
    idle_since: float = 0.0
    withdrawn: bool = False
    suspicious: str = ""

    @property
    def fallback(self) -> Fallback | None:
        """What is submitted in place of the document that was asked for, if memory ran out."""
        return self.work.fallbacks[self.reduced - 1] if self.reduced else None

    @property
    def expect(self) -> Mapping[str, Any]:
        """What the file contract compares with, for what is submitted now."""
        return {**self.work.expect, **self.fallback.expect} if self.fallback is not None else self.work.expect

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The gate, for what is submitted now: what a fallback changes in the file contract counts as asked for."""
        changed = self.fallback.expect if self.fallback is not None else {}
        return tuple(replace(rule, threshold=float(changed[rule.metric])) if rule.metric in changed else rule for rule in self.work.rules)

    @property
    def prepares(self) -> bool:
        """Whether it is queued and has its turn already."""
        return self.state is JobState.QUEUED and (self.restarting or self.clearing is not None)
