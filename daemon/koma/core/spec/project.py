"""The `project` kind: size, rate, models, templates and gates of everything in one folder."""

from math import inf
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from koma.core.spec import standard
from koma.core.spec.base import Address, DocumentSpec, Finish, Id, Lora, Name, Parameters, Phases, Spec, TemplatePhase, refuse, unit
from koma.core.spec.defaults import Defaults
from koma.core.spec.metric import MetricId
from koma.core.spec.retries import Retries
from koma.core.spec.rules import StyleRules

TakeCount = Annotated[int, Field(ge=1, le=20)]


class TakeLimits(Spec):
    """Limits of takes, by phase."""

    animatic: TakeCount = Field(standard.TAKES["animatic"], description="Takes of an animatic.", json_schema_extra=unit("takes"))
    still: TakeCount = Field(standard.TAKES["still"], description="Takes of a still.", json_schema_extra=unit("takes"))
    loop: TakeCount = Field(standard.TAKES["loop"], description="Takes of a loop.", json_schema_extra=unit("takes"))
    video: TakeCount = Field(standard.TAKES["video"], description="Takes of a video.", json_schema_extra=unit("takes"))


class TakesUpFront(Spec):
    """Takes that are made at once, by phase."""

    animatic: TakeCount = Field(standard.TAKES_UP_FRONT, description="Takes of an animatic.", json_schema_extra=unit("takes"))
    still: TakeCount = Field(standard.TAKES_UP_FRONT, description="Takes of a still.", json_schema_extra=unit("takes"))
    loop: TakeCount = Field(standard.TAKES_UP_FRONT, description="Takes of a loop.", json_schema_extra=unit("takes"))
    video: TakeCount = Field(standard.TAKES_UP_FRONT, description="Takes of a video.", json_schema_extra=unit("takes"))


class MetricRule(Spec):
    """What one metric must reach."""

    min: float | None = Field(None, description="Smallest value that passes, in the metric's unit.")
    max: float | None = Field(None, description="Largest value that passes, in the metric's unit.")
    equals: float | None = Field(None, description="The only value that passes, in the metric's unit.")
    required: bool = Field(True, description="Whether missing it fails the take; else it is only shown.")
    when: Literal["pre", "post", "final"] = Field(
        standard.RULE_WHEN,
        description="What is judged: `pre` what a further render reads (a still, a segment of a chain), before that render is queued; "
        "`post` every take of the phase; `final` only a joined or finished file.",
    )

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not {"min", "max", "equals"} & self.model_fields_set:
            if self.required:
                raise refuse("empty-rule", "the rule sets no threshold", expected="`min`, `max` or `equals`, or `required: false`")
        elif self.min is not None and self.max is not None and self.min > self.max:
            raise refuse("bad-range", f"min {self.min:g} is larger than max {self.max:g}", field="min")
        elif self.equals is not None and not self._low <= self.equals <= self._high:
            raise refuse("bad-range", f"equals {self.equals:g} lies outside of min and max", field="equals")
        return self

    @property
    def _low(self) -> float:
        return -inf if self.min is None else self.min

    @property
    def _high(self) -> float:
        return inf if self.max is None else self.max


Metrics = dict[MetricId, MetricRule]


class GateRules(Spec):
    """Rules by phase, and metric by metric."""

    all: Metrics = Field({}, description="For every phase, by metric; what takes a clip to measure is not asked of stills.")
    animatic: Metrics = Field({}, description="For animatics, by metric.")
    still: Metrics = Field({}, description="For stills, by metric.")
    loop: Metrics = Field({}, description="For loops, by metric.")
    video: Metrics = Field({}, description="For videos, by metric.")


class Gates(Spec):
    """A profile, choices about it, and rules on top of it."""

    profile: Literal["basic", "standard", "own"] = Field(
        standard.GATE_PROFILE,
        description="`basic`: the file contract and metrics that need nothing installed. `standard`: those and learned metrics, for "
        "who has the extras and models. `own`: the file contract alone, for rules of your own.",
    )
    identity: Literal["arcface", "ccip", "clip", "palette"] | None = Field(
        None,
        description="How it is told whether characters are themselves. In `standard`, without it: `ccip` for a drawn style, `arcface` "
        "for a photographic one; in the other profiles nothing is required.",
    )
    overall: bool = Field(True, description="Whether `standard` judges the overall value of a video after everything else.")
    audit: MetricId | None = Field(
        None, description="Metric that is never used to choose among takes, to keep it honest; else the profile's own."
    )
    rules: GateRules = Field(default_factory=GateRules, description="Thresholds that replace or add to the profile's.")


class PhaseGate(Spec):
    """When a phase opens: the part of the shots that has to pass in the phase before."""

    scope: Literal["project", "scene"] = Field(
        standard.PHASE_SCOPE, description="Which shots count together: the project's, or each scene's."
    )
    pass_rate: float = Field(
        standard.PASS_RATE,
        ge=0,
        le=1,
        description="Share of the shots that declare a phase which have to pass it before the next phase begins; one that was not measured "
        "has not passed.",
    )
    sheet_poses: int = Field(
        standard.SHEET_POSES_NEEDED,
        ge=0,
        le=len(standard.POSES),
        description="How many of the poses of a character's sheet have to pass before stills that read the sheet are made.",
        json_schema_extra=unit("poses"),
    )
    auto_advance: bool = Field(
        True, description="Whether the rate is enough; else the phase before waits for `koma review approve --phase`."
    )


class Project(DocumentSpec):
    """One production: what its pictures have in common."""

    kind: Literal["project"] = Field(description="What this document is.")
    title: Name | None = Field(None, description="Title, for people.", examples=["Lantern Street"])
    description: str = Field("", description="What the project is about, for people.")
    width: int = Field(standard.WIDTH, ge=64, le=8192, multiple_of=8, description="Width of the picture.", json_schema_extra=unit("px"))
    height: int = Field(standard.HEIGHT, ge=64, le=8192, multiple_of=8, description="Height of the picture.", json_schema_extra=unit("px"))
    fps: float = Field(standard.FPS, ge=1, le=120, description="Frames in a second.", json_schema_extra=unit("frames/s"))
    style: Id | None = Field(None, description="The style that every shot keeps.", examples=["ink-night"])
    bible: Id | None = Field(None, description="The story bible, where a folder holds several.")
    checkpoint: Name | None = Field(None, description="Checkpoint file, as the backend lists it.", examples=["anime-xl.safetensors"])
    loras: list[Lora] = Field([], description="LoRAs of every shot.")
    prompt: str = Field("", description="Words at the front of every prompt.")
    negative: str = Field("", description="Words of every negative prompt.")
    phases: Phases = Field(list(standard.PHASES), description="What is made of every shot.")
    templates: dict[TemplatePhase, Id] = Field({}, description="Which template makes each phase.", examples=[{"still": "still"}])
    parameters: dict[Id, Parameters] = Field({}, description="Parameters by template.", examples=[{"still": {"steps": 28}}])
    phase_gate: PhaseGate = Field(default_factory=PhaseGate, description="When the next phase begins.")
    finish: Finish = Field(default_factory=Finish, description="What is done to what was made, step by step.")
    colour_match: float = Field(
        standard.COLOUR_MATCH, ge=0, le=1, description="How strongly the step `colour-match` pulls towards the palettes; 0 is not at all."
    )
    max_chain: int = Field(
        standard.MAX_CHAIN,
        ge=1,
        le=100,
        description="How many shots may continue from one another before one begins anew from the references.",
        json_schema_extra=unit("shots"),
    )
    reduce: bool = Field(
        False, description="Whether a render that runs out of memory is tried again with what its template's ladder gives up, step by step."
    )
    takes: TakeLimits = Field(default_factory=TakeLimits, description="How many takes a target may have before a person is asked.")
    takes_up_front: TakesUpFront = Field(default_factory=TakesUpFront, description="How many takes are made at once; the best is chosen.")
    retries: Retries = Field(
        default_factory=Retries, description="What the next take changes, by what the one before failed of; without it, the seed."
    )
    gates: Gates = Field(default_factory=Gates, description="What a take must pass.")
    priority: int = Field(0, ge=-1000, le=1000, description="Higher is rendered first.")
    defaults: Defaults = Field(default_factory=Defaults, description="What counts unless a narrower document says otherwise.")
    rules: StyleRules = Field(default_factory=StyleRules, description="What shots may use, on top of the style's rules.")
    moved: dict[Address, Address] = Field(
        {},
        description="Old target id, or the start of one, to the new one: renames without a render.",
        examples=[{"s01/sh010": "s01/sh005"}],
    )
    reproducible: Literal["normal", "strict"] = Field("normal", description="`strict` renders again when the backend's versions change.")
    commercial: bool = Field(
        False, description="Whether the work is commercial; models whose licence forbids that then measure nothing, see `koma models`."
    )
