"""Which rules a take must pass: the profile `basic`, a project's own thresholds over it, and the digests that planning compares.

Every threshold of the profile stands in this file, and nowhere else.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from koma.core.gate import Op, Rule
from koma.core.keys import KEY_FORMAT, digest, text_digest
from koma.core.metrics import METRICS
from koma.core.rate import standard_fps
from koma.core.words import BackendKind, Phase

# Anime holds a drawing for two, three or four frames: on fours, three pairs of four stand still.
FROZEN_LIMIT = 0.8
# Vetoes only what is plainly smeared: at the working size, a clean drawing measures in the hundreds and a heavy blur below 10.
SHARPNESS_FLOOR = 15.0

_OPS = {"min": Op.AT_LEAST, "max": Op.AT_MOST, "equals": Op.EQUALS}


def basic_rules(phase: Phase, backend: BackendKind, expect: Mapping[str, Any]) -> tuple[Rule, ...]:
    """Rules of the profile `basic`.

    `expect` may hold `width`, `height` (px), `frames`, `fps` and `motion` (bool); what is missing or 0 is not required.
    The animatic is judged by the file contract only.
    """
    rules = [Rule("decodes", Op.EQUALS, 1), *_contract(phase, expect), Rule("blank", Op.EQUALS, 0), Rule("black", Op.EQUALS, 0)]
    if backend is not BackendKind.ANIMATIC:
        rules += _quality(phase, expect)
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
    """Apply a project's own thresholds: metric id → any of `min`, `max`, `equals` (numbers) and `required` (bool).

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
    rules = named or given
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
