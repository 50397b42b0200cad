"""What a reason means, and what a person can do about it, in one sentence each."""

from koma.core.words import Reason

_SEE = "koma explain {target}"
_AGAIN = "koma retry {target}"

# Reason → what it means, and what to do where a person has to do something. `{target}` stands for the target id.
ADVICE: dict[Reason, tuple[str, str]] = {
    Reason.NEW: ("nothing was ever made of it", ""),
    Reason.CHANGED: ("something that it is made from has changed", ""),
    Reason.UPSTREAM: ("a target that it reads is going to change", ""),
    Reason.RETAKE: ("the newest take failed its gate, and the limit of takes is not reached", ""),
    Reason.TAKES: ("several takes are asked for, so that the best can be chosen", ""),
    Reason.FORCED: ("a person asked for it", ""),
    Reason.RUNNING: ("it is in the queue, at the backend, or being measured", ""),
    Reason.REVERTED: ("the wanted take was made earlier, and comes back", ""),
    Reason.MISSING_OUTPUT: ("the published file is gone or was changed; its object is there", ""),
    Reason.NO_TAKE: ("its `pin` names a take that it does not have", f"pin another one ({_SEE} lists them), or take the pin away"),
    Reason.MISSING_OBJECT: ("its lossless object is gone from the object store", ""),
    Reason.MOVED: ("it was published under another id", ""),
    Reason.UNPUBLISHED: ("a take that is good enough was never published", ""),
    Reason.METRIC_CHANGED: ("other metrics, or newer versions of them, are asked for", ""),
    Reason.RULE_CHANGED: ("rules or thresholds changed; it is judged again, and not rendered", ""),
    Reason.REMOVED: ("no document asks for it any more", ""),
    Reason.CURRENT: ("it is published, measured and judged as asked for", ""),
    Reason.HELD_BY_SPEC: ("its document says `hold: true`", "take `hold: true` out of its shot or scene"),
    Reason.HELD_BY_REVIEW: (
        "a review holds it",
        "take the decision out of its document (koma review list names it), or decide about its takes: koma review approve {target}",
    ),
    Reason.BLOCKED: ("something that it reads has an error", "koma check"),
    Reason.MISSING: (
        "the server lacks a node pack, a model file or memory for it",
        f"{_SEE}   (names it; it goes on by itself when it is there)",
    ),
    Reason.WAITING: ("a target that it needs has no take that passed", "koma explain {cause}"),
    Reason.PHASE_CLOSED: (
        "its phase, or the sheet that it reads, is not open yet",
        "koma status   (says what it takes and which are missing); mend those, or: koma review approve",
    ),
    Reason.REVIEW: ("it is made, and waits for a person's approval", f"look at it ({_SEE}); then: koma review approve {{target}}"),
    Reason.GATE_FAILED: (
        "every allowed take failed its gate",
        f"look at its takes ({_SEE}); then change the shot or its seed, loosen the rule, or: {_AGAIN}",
    ),
    Reason.UNMEASURED: (
        "a metric that its gate requires has no value, and no take passes on what nobody knows",
        f"provide what is missing, and it is measured again by itself; or look at it ({_SEE}), and then: koma review approve {{target}}",
    ),
    Reason.MEASURE_FAILED: (
        "measuring it ended in an error",
        f"mend what is named, and it is measured again by itself; or try it once more: {_AGAIN}",
    ),
    Reason.GATE_CHANGED: ("what is published passed once, and fails the gate as it is now", f"loosen the rule, or: {_AGAIN}"),
    Reason.RENDER_FAILED: ("every allowed try to render it ended in an error", f"read the error ({_SEE}), mend its cause; then: {_AGAIN}"),
    Reason.RESTING: (
        "its render ended in an error that may pass by itself, and it is tried again later",
        f"nothing, or read the error ({_SEE}) and try it at once: {_AGAIN}",
    ),
    Reason.FORGIVEN: ("its render ended in an error, has rested, and is tried again", ""),
    Reason.CIRCUIT_OPEN: (
        "several targets of its template failed one after the other, so the others wait",
        f"mend the template, or what the server lacks for it ({_SEE} says what they failed of); then it goes on; or try it: {_AGAIN}",
    ),
    Reason.BACKEND_STUCK: ("its server answers, but works on nothing", "restart the server"),
    Reason.CANCELLED: ("a person cancelled it", _AGAIN),
    Reason.SAFETY: ("the whole plan is held until a person allows it", "koma plan"),
    Reason.PAUSED: ("the daemon is paused", "koma resume"),
    Reason.EXCLUDED: ("it was left out on the command line", ""),
}


def meaning(reason: Reason) -> str:
    """Say what a reason means."""
    return ADVICE[reason][0]


def what_to_do(reason: Reason, target: str, cause: str = "") -> str:
    """Say what a person can do, with the target's own name in the command; "" where nothing is to be done."""
    return ADVICE[reason][1].format(target=target, cause=cause or target)
