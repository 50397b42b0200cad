"""Which rules a take must pass: the profile `basic`, a project's own thresholds over it, and the digests that planning compares.

Every threshold of the profile stands in this file, and nowhere else.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from koma.core.gate import Op, Rule
from koma.core.keys import KEY_FORMAT, digest, text_digest
from koma.core.metrics import METRICS
from koma.core.rate import standard_fps
from koma.core.spec.standard import RULE_WHEN
from koma.core.words import BackendKind, Phase

# Anime holds a drawing for two, three or four frames: on fours, three pairs of four stand still.
FROZEN_LIMIT = 0.8
# Vetoes only what is plainly smeared: at the working size, a clean drawing measures in the hundreds and a heavy blur below 10.
SHARPNESS_FLOOR = 15.0

Part = Literal["take", "segment", "join", "finish"]
_SHAPE = frozenset({"width", "height", "frame-count", "frame-rate", "duration"})  # what a finishing step may change on purpose
_OF_THE_WHOLE = frozenset({"frame-count", "frame-rate", "duration", "frozen"})  # what one segment of a chain says nothing about

_OPS = {"min": Op.AT_LEAST, "max": Op.AT_MOST, "equals": Op.EQUALS}


def gate_rules(
    phase: Phase,
    backend: BackendKind,
    expect: Mapping[str, Any],
    own: Mapping[str, Mapping[str, Mapping[str, Any]]],
    file: str,
    *,
    part: Part = "take",
    followed: bool = False,
) -> tuple[Rule, ...]:
    """Rules that one file of a target must pass: the profile's, with those of a project over them that are about this part.

    `own` is `gates.rules` of the project document in `file`: `all` or a phase → metric → threshold. `backend` is what drew the pixels:
    for a file that the CPU made of others, the backend of those. `expect` describes this very file: a segment has those of its run, a
    join those of the shot. A sheet pose is a still. `followed` says that a finishing step follows.

    - `take`, one plain render: own rules `post`; of a still `pre` as well, because a further render reads it.
    - `segment`, a run of a chain: `pre` and `post`, but nothing about motion, frame count, rate or length, which are the whole's: a run
      may hold still, and its frame count is that of `expect`.
    - `join`, the runs together: `post`, and `final` if nothing follows. Everything about the whole is judged here.
    - `finish`, what a finishing step made: `final` if nothing follows; and `post`, but nothing about size, frame count, rate or length,
      which a step may change on purpose: `expect` says to what.

    Where an own rule does not count, the profile's rule for that metric stands.
    """
    rules = basic_rules(phase, backend, expect, part=part)
    for scope in ("all", phase):
        mine = {metric: wish for metric, wish in (own.get(scope) or {}).items() if _counts(metric, wish, phase, part, followed=followed)}
        rules = with_overrides(rules, mine, f"{file} gates.rules.{scope}")
    return rules


def _counts(metric: str, wish: Mapping[str, Any], phase: Phase, part: Part, *, followed: bool) -> bool:
    """Whether a project's own rule is about this part."""
    match wish.get("when", RULE_WHEN):
        case "final":
            return part in ("join", "finish") and not followed
        case "pre":
            return (part == "segment" and metric not in _OF_THE_WHOLE) or (part == "take" and phase is Phase.STILL)
        case _:
            silent = {"segment": _OF_THE_WHOLE, "finish": _SHAPE}.get(part, frozenset())
            return metric not in silent


def basic_rules(phase: Phase, backend: BackendKind, expect: Mapping[str, Any], *, part: Part = "take") -> tuple[Rule, ...]:
    """Rules of the profile `basic`.

    `expect` may hold `width`, `height` (px), `frames`, `fps` and `motion` (bool); what is missing or 0 is not required.
    The animatic is judged by the file contract only, and so is the phase of that name. A segment need not move.
    """
    rules = [Rule("decodes", Op.EQUALS, 1), *_contract(phase, expect), Rule("blank", Op.EQUALS, 0), Rule("black", Op.EQUALS, 0)]
    if backend is not BackendKind.ANIMATIC and phase is not Phase.ANIMATIC:
        rules += [rule for rule in _quality(phase, expect) if part != "segment" or rule.metric not in _OF_THE_WHOLE]
    return tuple(rules)


def _contract(phase: Phase, expect: Mapping[str, Any]) -> list[Rule]:
    wanted = {"width": expect.get("width"), "height": expect.get("height")}
    frames, fps = expect.get("frames") or 0, standard_fps(expect.get("fps") or 0.0)
    if phase is Phase.STILL:
        wanted["frame-count"] = 1
    else:
        wanted |= {"frame-count": frames, "frame-rate": fps, "duration": frames / fps if fps else 0}
    return [Rule(metric, Op.EQUALS, float(value)) for metric, value in wanted.items() if value]


def _quality(phase: Phase, expect: Mapping[str, Any]) -> list[Rule]:
    moves = phase is not Phase.STILL and bool(expect.get("motion"))
    frozen = [Rule("frozen", Op.AT_MOST, FROZEN_LIMIT)] if moves else []
    return [*frozen, Rule("sharpness", Op.AT_LEAST, SHARPNESS_FLOOR)]


def with_overrides(rules: Sequence[Rule], overrides: Mapping[str, Mapping[str, Any]], source: str) -> tuple[Rule, ...]:
    """Apply a project's own thresholds: metric id → any of `min`, `max`, `equals` (numbers), `required` (bool) and `when` (kept as it is).

    A metric that names a threshold replaces all rules of that metric; `required` alone keeps their thresholds. `source` is where the
    overrides stand (`projects/x/project.yaml:12:5`). Names were checked when the document was read.
    """
    result: list[Rule] = []
    for metric in dict.fromkeys([*(rule.metric for rule in rules), *overrides]):
        given = [rule for rule in rules if rule.metric == metric]
        result += _overridden(metric, given, overrides[metric], source) if metric in overrides else given
    return tuple(result)


def _overridden(metric: str, given: list[Rule], wish: Mapping[str, Any], source: str) -> list[Rule]:
    required = wish.get("required")
    named = [Rule(metric, op, float(wish[word]), source=source) for word, op in _OPS.items() if wish.get(word) is not None]
    rules = [replace(rule, when=wish.get("when", RULE_WHEN)) for rule in named or given]
    return rules if required is None else [replace(rule, required=required, source=source) for rule in rules]


def measures_for(rules: Iterable[Rule]) -> tuple[str, ...]:
    """Metric ids that these rules need, each once, in their order."""
    return tuple(dict.fromkeys(rule.metric for rule in rules))


def rules_digest(rules: Iterable[Rule]) -> str:
    """Sha256 hex over what rules demand. Their order, and the line at which a threshold is written, change nothing."""
    return digest([KEY_FORMAT, *sorted([r.metric, str(r.op), float(r.threshold), r.required] for r in rules)])


def _known_version(metric: str) -> str:
    return METRICS[metric].version


def measure_key(metrics: Iterable[str], version: Callable[[str], str] = _known_version) -> str:
    """Sha256 hex over metric ids with their versions, in any order. `version` raises KeyError for an unknown id."""
    return text_digest(KEY_FORMAT, *(f"{metric}={version(metric)}" for metric in sorted(set(metrics))))
