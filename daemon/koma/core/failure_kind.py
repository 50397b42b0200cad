"""What a failed take failed of, in one word: the failure kind, found from its gate result alone. Pure."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from koma.core.gate import Check, GateResult, Op, decided, stage_of
from koma.core.review import METRIC as REVIEW
from koma.core.words import Verdict


class FailureKind(StrEnum):
    """What is wrong with a take, as far as it decides what the next one tries."""

    CONTRACT = "contract"  # not the file that was asked for
    BLACK = "black"
    BLANK = "blank"
    MOTION = "motion"  # nothing moves, or not for the whole clip
    BLURRED = "blurred"
    NOISY = "noisy"
    FLICKER = "flicker"
    JUMP = "jump"  # a frame does not follow from the one before
    MELT = "melt"
    SEAM = "seam"
    COLOUR = "colour"
    STYLE = "style"
    FACES = "faces"
    AESTHETIC = "aesthetic"
    IDENTITY = "identity"
    OVERALL = "overall"
    REJECTED = "rejected"  # a person said so
    OTHER = "other"  # nothing that another take could be told to do better


_K = FailureKind
KINDS: Mapping[str, FailureKind] = {
    **dict.fromkeys(("decodes", "width", "height", "frame-count", "frame-rate", "duration"), _K.CONTRACT),
    "black": _K.BLACK,
    "blank": _K.BLANK,
    **dict.fromkeys(("frozen", "motion-speed", "dynamic-degree", "tail", "duplicates"), _K.MOTION),
    "sharpness": _K.BLURRED,
    **dict.fromkeys(("noise", "blockiness"), _K.NOISY),
    **dict.fromkeys(("flicker", "mae-consistency"), _K.FLICKER),
    **dict.fromkeys(("flow-smoothness", "peak-step", "ssim-consistency", "lpips-temporal"), _K.JUMP),
    **dict.fromkeys(("melt", "clip-consistency"), _K.MELT),
    "loop-seam": _K.SEAM,
    "palette-drift": _K.COLOUR,
    "style-similarity": _K.STYLE,
    **dict.fromkeys(("face-count", "face-quality"), _K.FACES),
    "aesthetic": _K.AESTHETIC,
    **dict.fromkeys(("face-similarity", "ccip-difference", "clip-similarity", "palette-distance"), _K.IDENTITY),
    "overall": _K.OVERALL,
    REVIEW: _K.REJECTED,
}
"""Failure kind by metric. Where several checks of one stage failed, the metric that stands first counts: a black frame is blank, too."""

_TOO_MUCH: Mapping[str, FailureKind] = {"sharpness": _K.NOISY}
_RANK = {metric: rank for rank, metric in enumerate(KINDS)}


class Failing(NamedTuple):
    """What take `number` failed of, and the message of the check that says so."""

    number: int
    kind: FailureKind
    message: str


def failing(number: int, gate: GateResult | None, *, rejected: bool = False) -> Failing | None:
    """Say what a take failed of; None for one that did not fail its gate: it passed, was not measured, or could not be.

    Measurements count before a person's word, whatever the stage: that says that something is wrong, and they say what. A metric that is
    kept out of choosing takes teaches nothing either. `rejected` is a word that the gate result may not have yet.
    """
    checks = gate.checks if gate is not None else ()
    teaching = tuple(check for check in checks if not check.rule.audit and check.rule.metric != REVIEW)
    found = _first(teaching)
    if found is not None:
        return Failing(number, _kind(found), found.message)
    word = next((check.message for check in checks if check.rule.metric == REVIEW), "rejected" if rejected else "")
    if word:
        return Failing(number, FailureKind.REJECTED, word)
    if gate is not None and gate.verdict is Verdict.FAILED:
        return Failing(number, FailureKind.OTHER, gate.reason)
    return None


def _first(checks: Sequence[Check]) -> Check | None:
    """Return the check that decides what failed, in the stage that gives the verdict."""
    gate = decided(tuple(checks))
    if gate.verdict is not Verdict.FAILED:
        return None
    failed = [c for c in checks if c.rule.required and c.verdict is Verdict.FAILED and stage_of(c.rule) == gate.stage]
    return min(failed, key=lambda check: _RANK.get(check.rule.metric, len(_RANK)))


def _kind(check: Check) -> FailureKind:
    metric = check.rule.metric
    too_much = _TOO_MUCH.get(metric) if check.rule.op is Op.AT_MOST else None
    return too_much or KINDS.get(metric, FailureKind.OTHER)
