"""The closed lists that every part of Koma shares: phases, renditions, actions, reasons, verdicts, states.

One word for one thing: these strings are what specs, keys, the store, metrics, the CLI and the docs say.
"""

from enum import StrEnum


class Phase(StrEnum):
    """What is made of a shot, in the order in which it is made."""

    ANIMATIC = "animatic"  # optional: approved before GPU time is spent
    STILL = "still"
    LOOP = "loop"
    VIDEO = "video"


class Rendition(StrEnum):
    """How good the picture is meant to be. A lower one never replaces or feeds a higher one."""

    ANIMATIC = "animatic"
    DRAFT = "draft"
    FINAL = "final"


class BackendKind(StrEnum):
    """What makes a file. The kind is part of every render key. `cpu` joins runs and matches colours."""

    ANIMATIC = "animatic"
    COMFYUI = "comfyui"
    CPU = "cpu"


class ActionKind(StrEnum):
    """What a plan may do to one target."""

    RENDER = "render"
    RESTORE = "restore"
    MEASURE = "measure"
    GATE = "gate"
    PUBLISH = "publish"
    RETIRE = "retire"
    HOLD = "hold"
    KEEP = "keep"


class Reason(StrEnum):
    """Why a plan does it. Closed: a plan never invents a reason."""

    NEW = "new"  # nothing was ever made under this target id
    CHANGED = "changed"  # a field, a template, an input or a model changed what is drawn
    UPSTREAM = "upstream"  # a target that this one reads is going to change
    RETAKE = "retake"  # the newest take failed a gate and the limit is not reached
    TAKES = "takes"  # the spec asks for several takes up front
    FORCED = "forced"  # a person asked for it with `koma retry`
    RUNNING = "running"  # already with the backend, or being measured
    REVERTED = "reverted"  # the wanted take was made earlier and comes back from the object store
    MISSING_OUTPUT = "missing-output"  # the published file is gone, the object is there
    NO_TAKE = "no-take"  # `pin` names a take that is not there: a person decides
    MISSING_OBJECT = "missing-object"  # the take is known, but its object is gone
    MOVED = "moved"  # `moved:` gave a published target another id
    UNPUBLISHED = "unpublished"  # a take that is good enough was never published
    METRIC_CHANGED = "metric-changed"  # other metrics, or other versions of them, are asked for
    RULE_CHANGED = "rule-changed"  # thresholds or rules changed; measurements stay
    REMOVED = "removed"  # no document asks for this target any more
    CURRENT = "current"  # published, measured and judged as asked for
    HELD_BY_SPEC = "held-by-spec"  # `hold: true`
    HELD_BY_REVIEW = "held-by-review"  # a person held it with `koma review hold`
    BLOCKED = "blocked"  # a Problem in something that this target reads
    WAITING = "waiting"  # a target that this one needs has no passed take yet
    GATE_FAILED = "gate-failed"  # every allowed take failed: a person decides
    UNMEASURED = "unmeasured"  # a metric that the gate requires has no value: a person decides
    MEASURE_FAILED = "measure-failed"  # measuring ended in an error: a person mends its cause
    GATE_CHANGED = "gate-changed"  # published, but fails the gate as it is now: a person decides
    RENDER_FAILED = "render-failed"  # every allowed attempt ended in an error: a person decides
    RESTING = "resting"  # its render ended in an error that may pass, and is tried again later
    FORGIVEN = "forgiven"  # a render that ended in an error has rested, and is tried again
    CIRCUIT_OPEN = "circuit-open"  # several targets of its template failed in a row: the others wait
    BACKEND_STUCK = "backend-stuck"  # its server works on nothing, and a person has to restart it
    PHASE_CLOSED = "phase-closed"  # too few shots of the phase before have passed, or it waits for a review
    REVIEW = "review"  # made, and waits for a person's approval
    MISSING = "missing"  # the server lacks a node pack, a model file or memory
    CANCELLED = "cancelled"  # a person cancelled it; `koma retry` brings it back
    SAFETY = "safety"  # the whole plan is held until a person allows exactly this plan
    PAUSED = "paused"  # the daemon is paused
    EXCLUDED = "excluded"  # left out by --target or --exclude


class Verdict(StrEnum):
    """What a gate says. A metric that could not be measured is never a pass."""

    PASSED = "passed"
    FAILED = "failed"
    UNMEASURED = "unmeasured"
    ERROR = "error"


class TargetState(StrEnum):
    """How a target stands, in the words that reconcilers use."""

    READY = "Ready"
    RECONCILING = "Reconciling"
    STALLED = "Stalled"


DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
PHASE_RANK = {Phase.ANIMATIC: 0, Phase.STILL: 1, Phase.LOOP: 2, Phase.VIDEO: 3}
