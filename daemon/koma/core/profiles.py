"""The profiles: which rules a file of a target must pass before a project says anything of its own. Thresholds are in koma.core.thresholds.

- `own`: the file contract, and nothing else.
- `basic`: that, and metrics that need nothing installed.
- `standard`: those, and the learned metrics that its numbers name; a person decides where one can't be measured.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from koma.core import thresholds
from koma.core.against import NOTHING, Against, Subject
from koma.core.gate import Op, Rule
from koma.core.metrics import METRICS
from koma.core.rate import standard_fps
from koma.core.words import BackendKind, Phase

Part = Literal["take", "segment", "join", "finish"]
IDENTITY = {"arcface": "face-similarity", "ccip": "ccip-difference", "clip": "clip-similarity", "palette": "palette-distance"}
"""Metric of each way to tell who somebody is."""

DEFAULT_IDENTITY = {"drawn": "ccip", "photographic": "arcface"}
AUDIT = {"own": "", "basic": "ssim-consistency", "standard": "clip-consistency"}
"""Metric of each profile that is kept out of choosing takes: of many takes the best always looks better than it is by what chose it."""

_LENGTH = frozenset({"frame-count", "frame-rate", "duration"})
_COURSE = frozenset({"frozen", "duplicates", "tail", "motion-speed", "dynamic-degree", "loop-seam", "palette-drift"})
OF_THE_WHOLE = _LENGTH | _COURSE
"""What one segment of a chain says nothing about; its own length is in what is expected of it."""

_PAIRS = frozenset({"flicker", "flow-smoothness", "peak-step", "melt", "ssim-consistency", "mae-consistency"})
OF_CLIPS = _COURSE | _PAIRS | {"frame-rate", "duration", "lpips-temporal", "clip-consistency"}
"""What a picture says nothing about: it takes several frames."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a file is judged as: phase, what drew its pixels, part of its phase, what the contract expects, what it is measured against.

    `pose` is that of a sheet, "" for a shot. `expect` may hold `width`, `height` (px), `frames`, `fps` and `motion` (bool); what is missing
    or 0 is not required.
    """

    phase: Phase
    backend: BackendKind
    expect: Mapping[str, Any]
    part: Part = "take"
    against: Against = NOTHING
    pose: str = ""
    thresholds: Mapping[str, float] | None = None  # likeness that a character's own document asks for, by id

    @property
    def on_paper(self) -> bool:
        """Whether it is an animatic, which is judged by the file contract only."""
        return self.backend is BackendKind.ANIMATIC or self.phase is Phase.ANIMATIC

    @property
    def moves(self) -> bool:
        """Whether something has to move in it."""
        return self.phase is not Phase.STILL and bool(self.expect.get("motion"))


def profile_rules(name: str, asked: Asked, *, identity: str = "", overall: bool = True) -> tuple[Rule, ...]:
    """Rules of a profile. `identity` is a key of IDENTITY, "" for the profile's own choice."""
    rules = contract(asked)
    if name != "own" and not asked.on_paper:
        rules += [*_weight_free(asked), *(_learned(asked) if name == "standard" else ())]
    if not asked.on_paper:
        rules += _identity(name, asked, identity)
    if name == "standard" and overall and asked.phase is Phase.VIDEO and asked.part != "segment" and not asked.on_paper:
        rules.append(_at_least("overall", thresholds.OVERALL_MIN))
    rules = [rule for rule in rules if asked.part != "segment" or rule.metric not in _COURSE]
    return tuple(_signed(rule, name) for rule in _once(rules))


def _signed(rule: Rule, name: str) -> Rule:
    basis = "" if rule.op is Op.EQUALS else rule.basis or "placeholder"
    source, audit = f"koma {name}" if rule.source == _UNSIGNED else rule.source, rule.metric == AUDIT[name]
    # written out: `replace` takes five times as long, and this is done for every rule of every cast and length
    return Rule(rule.metric, rule.op, rule.threshold, rule.required, source, rule.when, rule.subject, basis, audit)


_UNSIGNED = ""


def _once(rules: Sequence[Rule]) -> list[Rule]:
    """Keep one rule of the same metric, comparison and character: a required one before one that is only shown."""
    kept: dict[tuple[str, Op, str], Rule] = {}
    for rule in rules:
        key = (rule.metric, rule.op, rule.subject)
        if key not in kept or (rule.required and not kept[key].required):
            kept[key] = rule
    return list(kept.values())


def _at_least(metric: str, threshold: float, *, required: bool = True, subject: str = "") -> Rule:
    return Rule(metric, Op.AT_LEAST, threshold, required, _UNSIGNED, subject=subject)


def _at_most(metric: str, threshold: float, *, required: bool = True, subject: str = "") -> Rule:
    return Rule(metric, Op.AT_MOST, threshold, required, _UNSIGNED, subject=subject)


def contract(asked: Asked) -> list[Rule]:
    """Rules about the file itself: that it decodes, has the size, length and rate that were asked for, and shows something."""
    expect = asked.expect
    wanted = {"width": expect.get("width"), "height": expect.get("height")}
    frames, fps = expect.get("frames") or 0, standard_fps(expect.get("fps") or 0.0)
    if asked.phase is Phase.STILL:
        wanted["frame-count"] = 1
    else:
        wanted |= {"frame-count": frames, "frame-rate": fps, "duration": frames / fps if fps else 0}
    exact = {"decodes": 1, **{metric: value for metric, value in wanted.items() if value}, "blank": 0, "black": 0}
    return [Rule(metric, Op.EQUALS, float(value), source=_UNSIGNED) for metric, value in exact.items()]


def _weight_free(asked: Asked) -> list[Rule]:
    rules = [
        _at_least("sharpness", thresholds.SHARPNESS_MIN),
        _at_most("sharpness", thresholds.SHARPNESS_MAX),
        _at_most("noise", thresholds.NOISE_MAX),
        _at_most("blockiness", thresholds.BLOCKINESS_MAX),
    ]
    if asked.phase is not Phase.STILL:
        rules += _of_clips(asked)
    if asked.against.style:
        rules.append(_at_least("style-similarity", thresholds.STYLE_SIMILARITY_MIN, required=False))
    subjects = [subject for subject in asked.against.subjects if subject.palette]
    return rules + [_at_most("palette-distance", thresholds.PALETTE_DISTANCE_MAX, required=False, subject=s.id) for s in subjects]


def _of_clips(asked: Asked) -> list[Rule]:
    loop = [_at_most("loop-seam", thresholds.LOOP_SEAM_MAX)] if asked.phase is Phase.LOOP else []
    return [
        *(_of_motion() if asked.moves else ()),
        *loop,
        _at_most("flicker", thresholds.FLICKER_MAX),
        _at_least("flow-smoothness", thresholds.FLOW_SMOOTHNESS_MIN),
        _at_most("peak-step", thresholds.PEAK_STEP_MAX),
        _at_most("melt", thresholds.MELT_MAX),
        _at_most("palette-drift", thresholds.PALETTE_DRIFT_MAX),
        _at_most("duplicates", thresholds.FROZEN_MAX, required=False),
        _at_least("ssim-consistency", thresholds.COHERENCE_MIN, required=False),
        _at_least("mae-consistency", thresholds.COHERENCE_MIN, required=False),
    ]


def _of_motion() -> list[Rule]:
    return [
        _at_most("frozen", thresholds.FROZEN_MAX),
        _at_least("motion-speed", thresholds.MOTION_SPEED_MIN),
        _at_least("dynamic-degree", thresholds.DYNAMIC_DEGREE_MIN, required=False),
        _at_most("tail", thresholds.TAIL_MAX),
    ]


def _learned(asked: Asked) -> list[Rule]:
    rules = [_at_least("aesthetic", thresholds.AESTHETIC_MIN)]
    if asked.pose and asked.pose not in _FACELESS:
        rules.append(_at_least("face-quality", thresholds.FACE_QUALITY_MIN, required=asked.against.look == "photographic"))
    if asked.phase is not Phase.STILL:
        rules.append(_at_most("lpips-temporal", thresholds.LPIPS_MAX))
        rules.append(_at_least("clip-consistency", thresholds.COHERENCE_MIN, required=False))
    return rules


_FACELESS = frozenset({"back"})


def _identity(name: str, asked: Asked, identity: str) -> list[Rule]:
    """Rules about who is in the picture: of each character, required of those that there is something to compare with."""
    chosen = identity or (DEFAULT_IDENTITY[asked.against.look] if name == "standard" else "")
    if not chosen or (chosen == "arcface" and asked.pose in _FACELESS):
        return []
    metric = IDENTITY[chosen]
    rules = [(_likeness(metric, subject, asked), comparable(metric, subject)) for subject in asked.against.subjects]
    return [rule if there else replace(rule, required=False) for rule, there in rules]


def comparable(metric: str, subject: Subject) -> bool:
    """Whether there is anything of a character that a metric which reads characters could compare with."""
    return bool(subject.palette) if metric == "palette-distance" else bool(subject.references)


def _likeness(metric: str, subject: Subject, asked: Asked) -> Rule:
    """Rule of one character; the likeness that its document asks for counts where the metric is a likeness (a cosine)."""
    if metric == "palette-distance":
        return _at_most(metric, thresholds.PALETTE_DISTANCE_MAX, subject=subject.id)
    if metric == "ccip-difference":
        return _at_most(metric, thresholds.CCIP_DIFFERENCE_MAX, subject=subject.id)
    own = (asked.thresholds or {}).get(subject.id)
    usual = thresholds.SHEET_LIKENESS_MIN if asked.pose else thresholds.LIKENESS_MIN
    rule = _at_least(metric, usual if own is None else own, subject=subject.id)
    return rule if own is None else replace(rule, source=f"character {subject.id} consistency_threshold")


def metrics_of(rules: Sequence[Rule]) -> tuple[str, ...]:
    """Metric ids that are to be measured for these rules, each once, in their order; `overall` is made of the others."""
    return tuple(dict.fromkeys(rule.metric for rule in rules if rule.metric in METRICS and rule.metric != "overall"))
