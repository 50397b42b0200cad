"""The `tuning` kind: thresholds of metrics, with what they rest on. `koma calibrate` proposes such documents."""

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from koma.core.metrics import METRICS, Direction, Stage
from koma.core.spec.base import DATE_PATTERN, DIGEST_PATTERN, DocumentSpec, Id, Name, Spec, TemplatePhase, refuse
from koma.core.spec.metric import MetricId
from koma.core.spec.standard import LEAST_LABELS

Digest = Annotated[str, Field(pattern=DIGEST_PATTERN)]
Share = Annotated[float, Field(ge=0, le=1)]


def _real_date(text: str) -> str:
    try:
        date.fromisoformat(text)
    except ValueError:
        raise refuse("bad-text", f"there is no day `{text}`", expected="a date, for instance `2026-07-04`") from None
    return text


def _tunable(metric: str) -> str:
    spec = METRICS[metric]
    if spec.direction is not Direction.EXACT and spec.stage is not Stage.VALIDITY:
        return metric
    message = f"`{metric}` says whether a file is what was asked for, which is no matter of degree"
    raise refuse("not-tunable", message, expected="a metric of which more, or less, is better", hint="take this threshold out")


class Basis(Spec):
    """What a threshold was found from. Without it the threshold is a placeholder."""

    n: int = Field(ge=2 * LEAST_LABELS, description="How many takes people had decided on.", json_schema_extra={"x-unit": "takes"})
    good: int = Field(ge=LEAST_LABELS, description="How many of them were approved.", json_schema_extra={"x-unit": "takes"})
    bad: int = Field(ge=LEAST_LABELS, description="How many were rejected, or to be taken again.", json_schema_extra={"x-unit": "takes"})
    date: Annotated[str, Field(pattern=DATE_PATTERN), AfterValidator(_real_date)] = Field(description="When it was found.")
    version: Name = Field(description="Version of the metric; of another version the threshold is a placeholder.", examples=["1"])
    definition: Digest | None = Field(None, description="Digest of what the metric computes; of another the threshold is a placeholder.")
    weights: dict[Id, Digest] = Field({}, description="Digests of the models that were used; with others it is a placeholder.")
    labels: Digest | None = Field(None, description="Digest over the takes and what was decided about them.")
    auc: Share | None = Field(None, description="How often a good take measures better than a bad one; 0.5 is chance.")
    low: float | None = Field(None, description="Lower end of the 95 % interval of the threshold, in the metric's unit.")
    high: float | None = Field(None, description="Upper end of that interval, in the metric's unit.")
    target_false_accept: Share | None = Field(None, description="Share of the bad takes that were to pass at most.")

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        if self.n != self.good + self.bad:
            message = f"n is {self.n}, but good and bad are {self.good} and {self.bad}, together {self.good + self.bad}"
            raise refuse("bad-count", message, expected=f"n: {self.good + self.bad}", hint="let `koma calibrate` write it", field="n")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise refuse("bad-range", f"low {self.low:g} is larger than high {self.high:g}", field="low")
        return self


class Threshold(Spec):
    """What one metric must reach: everywhere, or in one phase, or where it is about one character. The narrower one counts."""

    metric: Annotated[MetricId, AfterValidator(_tunable)] = Field(description="The metric.", examples=["sharpness"])
    phase: TemplatePhase | None = Field(None, description="Only for this phase; else for all.")
    character: Id | None = Field(None, description="Only for this character, of a metric that compares characters; else for all.")
    min: float | None = Field(None, description="Smallest value that passes, in the metric's unit.")
    max: float | None = Field(None, description="Largest value that passes, in the metric's unit.")
    required: bool | None = Field(
        None,
        description="`true` demands it where the profile has no such rule as well; `false` only shows it; else as the profile says, and "
        "nothing where it has no such rule.",
    )
    basis: Basis | None = Field(None, description="What the threshold was found from; without it, it is a placeholder.")

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.min is None and self.max is None:
            raise refuse("empty-rule", f"no threshold is set for {self.metric}", expected="`min` or `max`")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise refuse("bad-range", f"min {self.min:g} is larger than max {self.max:g}", field="min")
        return self

    @model_validator(mode="after")
    def _compares_characters(self) -> Self:
        if self.character is not None and METRICS[self.metric].reads != "characters":
            known = ", ".join(f"`{spec.id}`" for spec in METRICS.values() if spec.reads == "characters")
            message = f"`{self.metric}` is about the whole picture, not about one character"
            raise refuse("bad-subject", message, expected=f"one of {known}", hint="take `character` out", field="character")
        return self


class Tuning(DocumentSpec):
    """Thresholds over those of the profile. What the project's own `gates.rules` say counts more."""

    kind: Literal["tuning"] = Field(description="What this document is.")
    notes: str = Field("", description="Anything else, for people.")
    thresholds: list[Threshold] = Field([], description="The thresholds, one for each metric, phase and character; the later counts.")
